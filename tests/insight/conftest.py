"""A read side of its own for each test: real PostgreSQL, the events of stories folded as the inbox would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import pytest

from services.insight import handlers
from shared.database import Database
from shared.directory import Directory
from shared.events import CaseEvent
from tests.insight.story import Story
from tests.insight.world import directory as the_directory

Fold = Callable[[Iterable[CaseEvent]], Awaitable[None]]


@pytest.fixture
def directory() -> Directory:
    return the_directory()


@pytest.fixture
async def database(fresh_database: Callable[[str], str], directory: Directory) -> AsyncIterator[Database]:
    database = Database(fresh_database("insight"), source="insight", directory=directory, pool_size=4)
    yield database
    await database.close()


@pytest.fixture
def fold(database: Database) -> Fold:
    """Fold events as one batch."""

    async def run(events: Iterable[CaseEvent]) -> None:
        batch = list(events)
        async with database.transaction() as tx:
            now = await tx.lock(*{event.case_id for event in batch})
            await handlers.fold(tx, batch, now)

    return run


@pytest.fixture
def fold_stories(fold: Fold) -> Callable[..., Awaitable[None]]:
    async def run(*stories: Story) -> None:
        await fold([event for story in stories for event in story.events])

    return run
