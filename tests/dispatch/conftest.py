"""Dispatch on a database of its own, with everybody of the demo on duty unless the test says otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from shared.database import Database
from shared.directory import Directory
from tests.dispatch.world import Scene, directory


@pytest.fixture
def town() -> Directory:
    return directory()


@pytest.fixture
async def database(fresh_database: Callable[[str], str], town: Directory) -> AsyncIterator[Database]:
    database = Database(fresh_database("dispatch"), source="dispatch", directory=town, pool_size=25)
    yield database
    await database.close()


@pytest.fixture
async def scene(database: Database) -> Scene:
    scene = Scene(database)
    await scene.begin()
    return scene
