"""notify on a database of its own: with handlers called as the inbox calls them, or as running replicas."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from services.notify.handlers.office import Office
from services.notify.main import assemble
from services.notify.rules.ways import QuietHours
from services.notify.settings import Settings
from services.notify.subscriptions import SUBSCRIPTIONS
from shared.database import Database, Transaction
from shared.directory import Directory
from shared.event import Event
from shared.health import Beat
from shared.keys import new_secret
from shared.service import Service
from tests.notify.story import a_town
from tests.people import an_issuer

Hear = Callable[..., Awaitable[None]]
StartReplica = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture
def town() -> Directory:
    return a_town()


@pytest.fixture
def url(fresh_database: Callable[[str], str]) -> str:
    return fresh_database("notify")


@pytest.fixture
def set_up(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """`set_up(SMTP_HOST=…)`: the environment of this test, and the settings read from it."""
    secret = tmp_path / "secret"
    secret.write_text(new_secret(demo=True))
    always = {
        "YIKE_ENV": "test",
        "DATABASE_URL": url,
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "INTERNAL_TOKEN_FILE": str(secret),
        "WEBHOOK_SECRET_FILE": str(secret),
        "MASTER_KEY_FILE": str(secret),
    }

    def read(**more: Any) -> Settings:
        for name, value in {**always, **more}.items():
            monkeypatch.setenv(name, str(value))
        return Settings()

    return read


@pytest.fixture
def settings(set_up: Callable[..., Settings]) -> Settings:
    return set_up()


@pytest.fixture
def office(settings: Settings) -> Office:
    return Office(settings)


@pytest.fixture
def quiet_office(set_up: Callable[..., Settings]) -> Office:
    """Quiet all day: what may wait does."""
    office = Office(set_up(SMTP_HOST="mail.test", QUIET_HOURS="off"))
    office.quiet = QuietHours(time.min, time.max)
    return office


@pytest.fixture
async def database(settings: Settings, town: Directory) -> AsyncIterator[Database]:
    opened = Database(settings.database_url, source="notify", directory=town)
    yield opened
    await opened.close()


async def hear_in(office: Office, tx: Transaction, *events: Event) -> None:
    """As the inbox: all cases locked, each event journalled and handed to its handler."""
    now = await tx.lock(*{event.subject for event in events})
    for event in events:
        tx.note(event)
        await SUBSCRIPTIONS[type(event)](office, tx, event, now)


@pytest.fixture
def hear(database: Database, office: Office) -> Hear:
    async def heard(*events: Event) -> None:
        async with database.transaction() as tx:
            await hear_in(office, tx, *events)

    return heard


@pytest.fixture
def start_replica(settings: Settings, town: Directory) -> StartReplica:
    """`async with start_replica() as base_url`: one process' worth of notify on a free port, without Kafka."""
    return partial(a_replica, settings, town)


@asynccontextmanager
async def a_replica(settings: Settings, town: Directory, **changed: Any) -> AsyncIterator[str]:
    settings = settings.model_copy(update=changed)
    service = assemble(settings, directory=town, verifier=an_issuer().verifier(settings))
    loops = [asyncio.ensure_future(loop.run(service.database, Beat(loop.name))) for loop in service.loops]
    try:
        async with serving(service) as base_url:
            yield base_url
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await service.database.close()


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[str]:
    """Its routes on a free port; the loops are the caller's business."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        service.app, lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    answering = asyncio.create_task(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        service.stopping.set()
        server.should_exit = True
        await answering
        listening.close()
