"""Dispatch on a database of its own, with everybody of the demo on duty unless the test says otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from services.dispatch.handlers import day_solver
from services.dispatch.handlers.day_solver import DaySolver
from services.dispatch.main import assemble
from services.dispatch.settings import Settings
from shared.database import Database
from shared.directory import Directory
from shared.keys import new_secret
from shared.sealing import Sealer
from shared.service import Service
from shared.settings import Surroundings
from tests.dispatch.world import SEALER, Scene, directory
from tests.people import an_issuer


@pytest.fixture
def town() -> Directory:
    return directory()


@pytest.fixture
async def database(fresh_database: Callable[[str], str], town: Directory) -> AsyncIterator[Database]:
    database = Database(fresh_database("dispatch"), source="dispatch", directory=town, pool_size=25)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def process() -> Iterator[ProcessPoolExecutor]:
    """The one that plans days, for all tests: it needs some seconds to begin with."""
    made = day_solver._solving_process()
    yield made
    made.shutdown()


@pytest.fixture
def solver(process: ProcessPoolExecutor) -> DaySolver:
    """With time, however busy the machine is."""
    made = DaySolver(60)
    made._process = process
    return made


@pytest.fixture
async def service(
    database_url: Callable[..., str], tmp_path: Path, town: Directory, solver: DaySolver
) -> AsyncIterator[Service]:
    """The routes, with no loop running: a test that asks for it has its scene on the service's database."""
    for key in ("master", "internal"):
        (tmp_path / f"{key}.key").write_text(new_secret())
    settings = Settings.model_validate(
        {
            "yike_env": Surroundings.TEST,
            "database_url": database_url("dispatch"),
            "kafka_bootstrap": "127.0.0.1:1",
            "files_url": str(tmp_path / "files"),
            "master_key_file": tmp_path / "master.key",
            "internal_token_file": tmp_path / "internal.key",
            "evidence_bytes_max": 300_000,
        }
    )
    made = assemble(settings, directory=town, verifier=an_issuer().verifier(settings))
    made.app.state.day_plans.solver = solver
    yield made
    await made.database.close()
    made.files.close()


@pytest.fixture
def on_kafka(
    database_url: Callable[..., str], kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> Callable[..., Settings]:
    """`on_kafka(travel_model=…)`: the settings of a dispatch at work, with a clock that the test may set."""

    def settings(**more: Any) -> Settings:
        for key in ("master", "internal"):
            (tmp_path / f"{key}.key").write_text(new_secret())
        return Settings.model_validate(
            {
                "yike_env": Surroundings.TEST,
                "simulation": True,
                "database_url": database_url("dispatch"),
                "kafka_bootstrap": kafka_bootstrap,
                "topic_prefix": topic_prefix,
                "files_url": str(tmp_path / "files"),
                "master_key_file": tmp_path / "master.key",
                "internal_token_file": tmp_path / "internal.key",
                **more,
            }
        )

    return settings


@pytest.fixture
def ground(request: pytest.FixtureRequest) -> tuple[Database, Sealer]:
    """The database of the service, if the test asks for one, and what its texts are sealed with."""
    if "service" in request.fixturenames:
        service: Service = request.getfixturevalue("service")
        return service.database, service.sealer
    return request.getfixturevalue("database"), SEALER


@pytest.fixture
async def scene(ground: tuple[Database, Sealer]) -> Scene:
    scene = Scene(*ground)
    await scene.begin()
    return scene
