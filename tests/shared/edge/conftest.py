"""A small service with one table and a few routes, on a database of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.clock import CLOCK_FUNCTIONS
from shared.directory import Directory
from shared.journal import LOCK_FUNCTION
from shared.keys import new_secret
from shared.service import Service
from shared.settings import ServiceSettings, Surroundings
from tests.people import an_issuer
from tests.shared.edge.small_service import TABLES, small_service
from tests.stack import TestStack


def settings_of(database_url: str, **more: object) -> ServiceSettings:
    return ServiceSettings.model_validate(
        {
            "yike_env": Surroundings.TEST,
            "database_url": database_url,
            "kafka_bootstrap": "127.0.0.1:1",
            **more,
        }
    )


@pytest.fixture(scope="session")
def small_database(stack: TestStack) -> Iterator[str]:
    """One database for all tests of the edge, emptied before each: making one costs more than most of the tests."""
    name = f"test_edge_{uuid4().hex[:12]}"
    url = stack.make_database(name)
    asyncio.run(create_tables(url))
    yield url
    stack.drop_database(name)


@pytest.fixture
async def service(small_database: str, tmp_path: Path) -> AsyncIterator[Service]:
    (tmp_path / "internal.token").write_text(new_secret() + new_secret())
    settings = settings_of(small_database, internal_token_file=tmp_path / "internal.token")
    made = small_service(settings, directory=Directory.of(), verifier=an_issuer().verifier(settings))
    async with made.database.connection() as connection:
        await connection.execute("DROP FUNCTION IF EXISTS refuse, leave CASCADE")
        await connection.execute("TRUNCATE wishes, idempotency_keys RESTART IDENTITY")
    yield made
    await made.database.close()


async def create_tables(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(TABLES.create_all)
        for statement in (*CLOCK_FUNCTIONS, LOCK_FUNCTION):
            await connection.execute(text(statement))
    await engine.dispose()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://small") as asking:
        yield asking
