"""Escalation as one process on a database of its own: the demo's units, one officer a unit, a clock that jumps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from services.escalation.main import assemble
from services.escalation.settings import Settings
from services.escalation.subscriptions import SUBSCRIPTIONS
from services.escalation.timers import TIMERS
from services.registry.demo.units import units
from shared.database import Database
from shared.directory import Directory
from shared.event import CaseEvent
from shared.keys import new_secret
from shared.service import Service
from shared.settings import Surroundings
from shared.things import Name, Person, PostHeld, Shift
from shared.timers import TimerLoop
from shared.vocabulary import Post
from tests.escalation.story import CALENDAR, LADDER, START
from tests.people import an_issuer

YEAR = timedelta(days=365)


def the_directory(*, off_duty: tuple[str, ...] = ()) -> Directory:
    """An officer for each rung above the grid, on duty but in the units of `off_duty`."""
    above = [rung.unit_id for rung in LADDER[1:]]
    officers = [
        Person(
            id=f"p-{unit_id}-o1",
            name=Name(zh="值班员", en="Duty officer"),
            posts=(PostHeld(post=Post.DUTY_OFFICER, unit_id=unit_id),),
        )
        for unit_id in above
    ]
    rosters = [
        Shift(
            id=f"s-{unit_id}",
            person_id=f"p-{unit_id}-o1",
            unit_id=unit_id,
            starts_at=START - YEAR,
            ends_at=START + YEAR,
        )
        for unit_id in above
        if unit_id not in off_duty
    ]
    return Directory.of(units=units(1), people=officers, shifts=rosters, calendars=[CALENDAR])


class Clock:
    """Business time stands still until it is set."""

    def __init__(self, *databases: Database) -> None:
        self.databases = databases

    async def stand_at(self, moment: datetime) -> None:
        for database in self.databases[:1]:
            async with database.transaction() as tx:
                await tx.rows(
                    "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES (clock_timestamp(), :at, 0)",
                    at=moment,
                )

    async def fast_forward(self, minutes: float) -> int:
        """To so many minutes after registration, firing everything that is due there; how many timers fired."""
        await self.stand_at(START + timedelta(minutes=minutes))
        return await fire(self.databases[0])


async def fire(database: Database) -> int:
    """Fire until nothing is due."""
    loop, fired = TimerLoop(database, TIMERS, lambda due: None), 0
    while now := await loop.fire():
        fired += now
    return fired


async def hear(database: Database, *events: CaseEvent) -> None:
    """What the inbox does with events, each in a transaction of its own."""
    for event in events:
        async with database.transaction() as tx:
            now = await tx.lock(event.case_id)
            tx.note(event)
            await SUBSCRIPTIONS[type(event)](tx, event, now)


@pytest.fixture
def settings(fresh_database: Callable[[str], str], tmp_path: Path) -> Settings:
    (tmp_path / "master.key").write_text(new_secret())
    return Settings.model_validate(
        {
            "yike_env": Surroundings.TEST,
            "database_url": fresh_database("escalation"),
            "kafka_bootstrap": "127.0.0.1:1",
            "master_key_file": tmp_path / "master.key",
        }
    )


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    made = assemble(settings, directory=the_directory(), verifier=an_issuer().verifier(settings))
    yield made
    await made.database.close()


@pytest.fixture
def database(service: Service) -> Database:
    return service.database


@pytest.fixture
async def clock(database: Database) -> Clock:
    clock = Clock(database)
    await clock.stand_at(START)
    return clock


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://escalation/api/escalation") as asking:
        yield asking
