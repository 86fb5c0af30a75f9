"""Intake as one process, on a database of its own and the demo's units, catalogue and policies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from services.intake.main import assemble
from services.intake.settings import Settings
from shared.database import Database
from shared.directory import Directory
from shared.keys import new_secret
from shared.service import Service
from shared.settings import Surroundings
from tests.intake.world import the_directory
from tests.people import an_issuer


@pytest.fixture(scope="session")
def directory() -> Directory:
    return the_directory()


@pytest.fixture
def settings(database_url: Callable[..., str], tmp_path: Path) -> Settings:
    for name in ("master.key", "internal.token"):
        (tmp_path / name).write_text(new_secret())
    return Settings.model_validate(
        {
            "yike_env": Surroundings.TEST,
            "database_url": database_url("intake"),
            "kafka_bootstrap": "127.0.0.1:1",
            "public_url": "https://yike.test",
            "files_url": str(tmp_path / "files"),
            "master_key_file": tmp_path / "master.key",
            "internal_token_file": tmp_path / "internal.token",
        }
    )


@pytest.fixture
async def service(settings: Settings, directory: Directory) -> AsyncIterator[Service]:
    made = assemble(settings, directory=directory, verifier=an_issuer().verifier(settings))
    yield made
    await made.database.close()


@pytest.fixture
def database(service: Service) -> Database:
    return service.database


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake/api/intake") as asking:
        yield asking
