"""A read side of its own for each test: real PostgreSQL, the events of stories folded as the inbox would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import httpx
import pytest

from services.insight.handlers.hearing import fold as hear
from services.insight.main import ROUTERS
from services.insight.settings import Settings
from services.insight.subscriptions import SUBSCRIPTIONS
from services.insight.tables import Table
from shared.database import Database
from shared.directory import Directory
from shared.event import Event
from shared.service import Service
from shared.settings import Surroundings
from tests.insight.story import Story
from tests.insight.world import directory as the_directory
from tests.people import an_issuer

Fold = Callable[[Iterable[Event]], Awaitable[None]]


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

    async def run(events: Iterable[Event]) -> None:
        batch = list(events)
        async with database.transaction() as tx:
            now = await tx.lock(*{event.subject for event in batch})
            await hear(tx, batch, now)

    return run


@pytest.fixture
def fold_stories(fold: Fold) -> Callable[..., Awaitable[None]]:
    async def run(*stories: Story) -> None:
        await fold([event for story in stories for event in story.events])

    return run


@pytest.fixture
def service(database: Database, directory: Directory) -> Service:
    settings = Settings.model_validate(
        {
            "yike_env": Surroundings.TEST,
            "database_url": database.url,
            "kafka_bootstrap": "127.0.0.1:1",
        }
    )
    made = Service(
        name="insight",
        settings=settings,
        routers=ROUTERS,
        subscriptions=SUBSCRIPTIONS,
        tables=Table.metadata,
        journal=False,
        hears_everything=True,
        directory=directory,
        verifier=an_issuer().verifier(settings),
    )
    made.database = database
    return made


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://insight/api/insight") as asking:
        yield asking
