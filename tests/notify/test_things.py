"""What the registry did to somebody's own work reaches them, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from services.notify.channels import Message, Sent
from services.notify.commands import ReadFeed
from services.notify.handlers.office import Office
from services.notify.handlers.reading import read_feed
from services.notify.handlers.sending import compose, record
from services.notify.handlers.things import tell_of_things
from services.notify.queries import feeds, messages
from services.notify.rules.telling.things import begun
from services.notify.rules.ways import Via
from services.notify.timers.keeping import Things
from services.notify.timers.sending import sources_of
from shared.database import Database
from shared.directory import Directory
from shared.health import Beat
from shared.identity import SignedIn
from shared.things import Delegation, Grant, Shift
from shared.vocabulary import Language, NoticeKind, Role, ShiftKind
from tests.notify.story import NIGHT, a_town

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def a_shift(kind: ShiftKind, starts_at: datetime, until: datetime, **more: Any) -> Shift:
    known = {"id": f"{kind}:{starts_at}", "person_id": "b", "unit_id": "grid-a1", "kind": kind}
    return Shift.model_validate({**known, "starts_at": starts_at, "ends_at": until, **more})


def on_call(now: datetime, **more: Any) -> Shift:
    return a_shift(ShiftKind.ON_CALL, now - 6 * HOUR, now + 6 * HOUR, **more)


def on_duty(starts_at: datetime, **more: Any) -> Shift:
    return a_shift(ShiftKind.ON_DUTY, starts_at, starts_at + 3 * HOUR, **more)


def lent(now: datetime, **more: Any) -> Delegation:
    known: dict[str, Any] = {
        "id": "d1",
        "person_id": "s-street",
        "grants": (Grant(role=Role.SUPERVISOR, unit_id="street"),),
        "starts_at": now - HOUR,
        "ends_at": now + DAY,
    }
    return Delegation.model_validate(known | more)


def town_with(*shifts: Shift, acts_for: tuple[Delegation, ...] = (), **people: Any) -> Directory:
    known = a_town().people
    borrower = known["b"].model_copy(update={"acts_for": acts_for, **people.pop("b", {})})
    changed = {name: known[name].model_copy(update=update) for name, update in people.items()}
    town = a_town(people={"b": borrower, **changed})
    town.shifts = {shift.id: shift for shift in shifts}
    return town


def found(town: Directory, now: datetime = NIGHT) -> list[tuple[NoticeKind, str | None]]:
    return [(matter.notice.kind, matter.notice.person_id) for matter in begun(town, now)]


@pytest.mark.parametrize(
    ("shifts", "told"),
    [
        ((on_call(NIGHT), on_duty(NIGHT)), True),
        ((on_call(NIGHT), on_duty(NIGHT - HOUR)), True),
        ((on_call(NIGHT), on_duty(NIGHT - 6 * HOUR, ends_at=NIGHT + HOUR)), True),
        ((on_duty(NIGHT - HOUR),), False),
        ((on_call(NIGHT),), False),
        ((on_call(NIGHT), on_duty(NIGHT + HOUR)), False),
        ((on_call(NIGHT), on_duty(NIGHT - 4 * HOUR)), False),
        ((on_call(NIGHT, unit_id="community-a"), on_duty(NIGHT)), False),
        ((on_call(NIGHT, retired_at=NIGHT), on_duty(NIGHT)), False),
        ((on_call(NIGHT), on_duty(NIGHT, retired_at=NIGHT)), False),
        ((on_call(NIGHT - 7 * HOUR), on_duty(NIGHT - HOUR)), False),
        ((on_call(NIGHT, person_id="a"), on_duty(NIGHT)), False),
    ],
    ids=str,
)
def test_on_duty_within_one_s_own_time_on_call_is_being_called_in(
    shifts: tuple[Shift, ...], told: bool
) -> None:
    """A roster ends the one where the other begins."""
    assert found(town_with(*shifts)) == ([(NoticeKind.CALLED_IN, "b")] if told else [])


@pytest.mark.parametrize(
    ("changed", "people", "told"),
    [
        ({}, {}, True),
        ({"starts_at": NIGHT}, {}, True),
        ({"starts_at": NIGHT + HOUR}, {}, False),
        ({"ends_at": NIGHT}, {}, False),
        ({"person_id": "nobody"}, {}, False),
        ({}, {"s-street": {"retired_at": NIGHT}}, False),
        ({}, {"b": {"retired_at": NIGHT}}, False),
    ],
    ids=str,
)
def test_a_delegation_is_told_when_it_begins(
    changed: dict[str, Any], people: dict[str, Any], told: bool
) -> None:
    town = town_with(acts_for=(lent(NIGHT, **changed),), **people)
    assert found(town) == ([(NoticeKind.ACTING_FOR, "b")] if told else [])


# ── as it is told ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def office(quiet_office: Office) -> Office:
    return quiet_office


@pytest.fixture
async def database(office: Office) -> AsyncIterator[Database]:
    opened = Database(office.settings.database_url, source="notify", directory=Directory())
    async with opened.transaction() as tx:
        now = await tx.now()
    ways = {"email": "b@example.org", "webhook_url": "https://example.org/hook", "language": Language.CHINESE}
    town = town_with(on_call(now), on_duty(now - HOUR), acts_for=(lent(now),), b=ways)
    opened.directory = town
    yield opened
    await opened.close()


async def look(database: Database, office: Office) -> None:
    async with database.transaction() as tx:
        await tell_of_things(office, tx, await tx.now())


async def feed(database: Database, person_id: str) -> list[dict[str, Any]]:
    async with database.transaction() as tx:
        page = await feeds.feed_page(tx, person_id, 0, 100)
    return [orjson.loads(item.body) for item in page.items]


async def test_each_is_told_once_whoever_looks_and_however_often(database: Database, office: Office) -> None:
    await asyncio.gather(*(look(database, office) for _ in range(4)))
    await look(database, office)
    told = await feed(database, "b")
    assert sorted(row["kind"] for row in told) == ["acting_for", "called_in"]
    called = next(row for row in told if row["kind"] == "called_in")
    assert called["title"] == "请上岗：一号网格"
    acting = next(row for row in told if row["kind"] == "acting_for")
    assert acting["title"] == "受托代办：王t"
    assert "督办员" in acting["text"]


async def test_whoever_is_called_in_is_rung_over_every_way_at_any_hour(
    database: Database, office: Office
) -> None:
    await look(database, office)
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT kind, via, state, priority FROM messages ORDER BY kind, via")
    assert {(row["kind"], row["via"]): (row["state"], row["priority"]) for row in rows} == {
        ("acting_for", "webhook"): ("held", 2),
        ("called_in", "smtp"): ("due", 1),
        ("called_in", "webhook"): ("due", 1),
    }


async def test_nothing_is_published_of_what_is_no_case_s(database: Database, office: Office) -> None:
    """Sent, read and given up like any other, in no story."""
    await look(database, office)
    async with database.transaction() as tx:
        claimed = await messages.claim(tx, {Via.WEBHOOK: 5}, 30)
    [called] = claimed
    said = await compose(office, database.directory, called, sources_of(office.settings))
    assert isinstance(said, Message)
    assert "一号网格" in said.text
    async with database.transaction() as tx:
        await record(office, tx, [(called, Sent())])
    async with database.transaction() as tx:
        assert await read_feed(tx, SignedIn("b"), ReadFeed(up_to=9)) == (2, 2)
    async with database.transaction() as tx:
        [row] = await tx.rows(
            "SELECT (SELECT count(*) FROM outbox) AS published, (SELECT count(*) FROM journal) AS kept,"
            " (SELECT count(*) FROM feed WHERE read_at IS NOT NULL) AS read,"
            " (SELECT state FROM messages WHERE kind = 'called_in' AND via = 'webhook') AS state"
        )
    assert dict(row) == {"published": 0, "kept": 0, "read": 2, "state": "sent"}


async def test_what_is_over_is_forgotten_and_told_to_nobody(database: Database, office: Office) -> None:
    await look(database, office)
    async with database.transaction() as tx:
        await tell_of_things(office, tx, await tx.now() + timedelta(hours=2.5))
        rows = await tx.rows("SELECT name FROM told_things")
    assert len(rows) == 2, "clocks may differ by a little"
    async with database.transaction() as tx:
        await tx.rows(
            "UPDATE told_things SET ends_at = ends_at - interval '3 days' WHERE name LIKE 'shift:%'"
        )
        await tell_of_things(office, tx, await tx.now() + timedelta(hours=4))
        [row] = await tx.rows("SELECT name FROM told_things")
    assert row["name"] == "delegation:d1"
    assert len(await feed(database, "b")) == 2


async def test_the_loop_finds_what_the_registry_says_next(database: Database, office: Office) -> None:
    quiet = database.directory.shifts
    database.directory.shifts = {}
    looking = asyncio.create_task(Things(office).run(database, Beat("things")))
    try:
        async with asyncio.timeout(20):
            while len(await feed(database, "b")) < 1:
                await asyncio.sleep(0.05)
            database.directory.shifts = quiet
            database.directory.pass_by(database.directory.revision + 1)
            while len(await feed(database, "b")) < 2:
                await asyncio.sleep(0.05)
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    assert [row["kind"] for row in await feed(database, "b")] == ["acting_for", "called_in"]
