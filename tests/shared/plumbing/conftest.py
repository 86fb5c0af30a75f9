"""Databases with the plumbing and nothing else, and a story to tell through them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.database import Database
from shared.events.escalation import DeadlineAmber
from shared.migrations.plumbing import create_plumbing
from shared.vocabulary import DeadlineKind, Level

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def an_amber(case_id: UUID, minutes: int = 0) -> DeadlineAmber:
    """Some event of some case, owned by escalation."""
    return DeadlineAmber(
        case_id=case_id,
        at=NOON + timedelta(minutes=minutes),
        kind=DeadlineKind.HANDLE,
        level=Level.GRID,
        round=1,
        due_at=NOON + timedelta(hours=4),
    )


def _lay_plumbing(connection: Connection) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        create_plumbing()


Plumbed = Callable[..., Awaitable[Database]]


@pytest.fixture
async def plumbed(empty_database: Callable[[], str]) -> AsyncIterator[Plumbed]:
    """`await plumbed("escalation")` → a Database of its own; `url=` opens the same one as a second process would."""
    opened: list[Database] = []

    async def make(source: str = "escalation", url: str | None = None) -> Database:
        if url is None:
            url = empty_database()
            engine = create_async_engine(url, poolclass=NullPool)
            async with engine.begin() as connection:
                await connection.run_sync(_lay_plumbing)
            await engine.dispose()
        database = Database(url, source=source)
        opened.append(database)
        return database

    yield make
    for database in opened:
        await database.close()


@asynccontextmanager
async def running(*works: Awaitable[None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Loops that turn while the block lasts; one that broke fails the test."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        yield tasks
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], Awaitable[bool]], within_seconds: float = 15.0) -> None:
    """Wait for a condition, not for a time."""
    async with asyncio.timeout(within_seconds):
        while not await condition():
            await asyncio.sleep(0.01)


async def count(database: Database, table: str) -> int:
    async with database.transaction() as tx:
        total: int = (await tx.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"]
    return total
