"""A small service with one table and a few routes, on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from shared.clock import CLOCK_FUNCTIONS
from shared.directory import Directory
from shared.journal import LOCK_FUNCTION
from shared.keys import new_secret
from shared.service import Service
from shared.settings import ServiceSettings, Surroundings
from tests.people import an_issuer
from tests.shared.edge.small_service import TABLES, small_service


def settings_of(database_url: str, **more: object) -> ServiceSettings:
    return ServiceSettings.model_validate(
        {
            "yike_env": Surroundings.TEST,
            "database_url": database_url,
            "kafka_bootstrap": "127.0.0.1:1",
            **more,
        }
    )


@pytest.fixture
async def service(empty_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[Service]:
    (tmp_path / "internal.token").write_text(new_secret() + new_secret())
    settings = settings_of(empty_database(), internal_token_file=tmp_path / "internal.token")
    made = small_service(settings, directory=Directory.of(), verifier=an_issuer().verifier(settings))
    await make_tables(made)
    yield made
    await made.database.close()


async def make_tables(service: Service) -> None:
    async with service.database.engine.begin() as connection:
        await connection.run_sync(TABLES.create_all)
        for statement in (*CLOCK_FUNCTIONS, LOCK_FUNCTION):
            await connection.execute(text(statement))


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://small") as asking:
        yield asking
