"""Registry's things in memory: from the topic alone, and the questions asked of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared import codec
from shared.database import Database
from shared.directory import Directory, DirectoryReader
from shared.events.things import REGISTRY_SUBJECT, PersonChanged, UnitChanged
from shared.kafka import Producer, Record
from shared.outbox import Relay
from shared.things import Name, Person, Point, PostHeld, Shift, Unit
from shared.topics import make_topics
from shared.vocabulary import Level, Post
from tests.shared.plumbing.conftest import NOON, Plumbed, running


def a_unit(id: str, parent: str | None = None, level: Level | None = None, x: float | None = None) -> Unit:
    corners = () if x is None else ((x, 0), (x + 1, 0), (x + 1, 1), (x, 1))
    polygon = tuple(Point(lon=lon, lat=lat) for lon, lat in corners)
    return Unit(
        id=id, kind=level or "area", name=Name(zh=id, en=id), parent_id=parent, level=level, polygon=polygon
    )


UNITS = [
    a_unit("top", level=Level.CIVIL_AFFAIRS),
    a_unit("street", "top", Level.STREET),
    a_unit("area", "street"),
    a_unit("community", "area", Level.COMMUNITY),
    a_unit("grid-1", "community", Level.GRID, 0),
    a_unit("grid-2", "community", Level.GRID, 1),
]
ANN = Person(id="ann", name=Name(zh="安", en="Ann"), posts=(PostHeld(post=Post.A, unit_id="grid-1"),))
SHIFT = Shift(id="s", person_id="ann", unit_id="grid-1", starts_at=NOON, ends_at=NOON + timedelta(hours=8))
DIRECTORY = Directory.of(units=UNITS, people=[ANN], shifts=[SHIFT])


def test_the_ladder_passes_over_units_that_are_no_rung() -> None:
    assert [rung.unit_id for rung in DIRECTORY.ladder("grid-1")] == ["grid-1", "community", "street", "top"]
    assert DIRECTORY.covers("area", "grid-2")
    assert not DIRECTORY.covers("grid-1", "grid-2")
    assert DIRECTORY.path("nowhere") == ()


@pytest.mark.parametrize(
    ("lon", "lat", "grid"), [(0.5, 0.5, "grid-1"), (1.5, 0.5, "grid-2"), (1.0, 0.5, "grid-1"), (9, 9, None)]
)
def test_a_point_belongs_to_one_grid(lon: float, lat: float, grid: str | None) -> None:
    found = DIRECTORY.grid_at(lon, lat)
    assert (found and found.id) == grid


@pytest.mark.parametrize(("hours", "on_duty"), [(-0.001, False), (0, True), (7.999, True), (8, False)])
def test_a_shift_runs_from_its_start_to_before_its_end(hours: float, on_duty: bool) -> None:
    now = NOON + timedelta(hours=hours)
    assert DIRECTORY.is_on_duty("ann", now) is on_duty
    assert [person.id for person, _ in DIRECTORY.on_duty("grid-1", now)] == (["ann"] if on_duty else [])


def test_who_is_retired_holds_no_post_but_stays_readable() -> None:
    gone = ANN.model_copy(update={"retired_at": NOON})
    directory = Directory.of(units=UNITS, people=[gone], shifts=[SHIFT])
    assert directory.holders("grid-1", Post.A) == []
    assert directory.on_duty("grid-1", NOON) == []
    assert directory.people["ann"] == gone


async def publish(database: Database, *events: UnitChanged | PersonChanged) -> None:
    async with database.transaction() as tx:
        await tx.lock(REGISTRY_SUBJECT)
        tx.announce(*events)


async def test_a_process_starts_from_the_topic_alone_and_follows_it(
    plumbed: Plumbed, kafka_bootstrap: str, topic_prefix: str
) -> None:
    await make_topics(kafka_bootstrap, topic_prefix)
    database, directory = await plumbed("registry"), Directory()
    relay = Relay(database, Producer(kafka_bootstrap, "test"), topic_prefix=topic_prefix)
    reader = DirectoryReader(directory, bootstrap=kafka_bootstrap, topic_prefix=topic_prefix)
    at = datetime.now(UTC)
    await publish(database, *(UnitChanged(at=at, unit=unit) for unit in UNITS))
    await relay.publish()
    async with running(reader.run(lambda: None)), asyncio.timeout(20):  # type: ignore[arg-type]
        await directory.complete.wait()
        assert directory.revision == len(UNITS)
        assert not await directory.reached(len(UNITS) + 1, timeout_seconds=0.01)
        await publish(database, PersonChanged(at=at, person=ANN))
        await relay.publish()
        assert await directory.reached(len(UNITS) + 1, timeout_seconds=10)
    assert directory.people == {"ann": ANN}
    await relay.close()


def test_a_record_of_a_newer_registry_leaves_its_thing_as_it_was() -> None:
    """One such record ended every process of every service, again and again."""
    unit = a_unit("grid-1", level=Level.GRID)
    directory = Directory.of(units=[unit], revision=1)
    reader = DirectoryReader(directory, bootstrap="unused")
    event = UnitChanged(at=NOON, sequence=2, unit=unit.model_copy(update={"households": 7}))
    headers = codec.headers(
        id=event.id,
        type=event.type,
        source=event.source,
        at=event.at,
        subject=event.subject,
        sequence=2,
        traceparent="",
    )
    given = {name: value.decode() for name, value in headers}
    body = codec.encode_body(event)
    reader.read(Record("t", 0, 5, "unit:grid-1", body.replace('"grid"', '"village"').encode(), given))
    assert directory.units["grid-1"] == unit
    assert (directory.revision, directory.unreadable) == (2, 1)
    reader.read(Record("t", 0, 6, "unit:grid-1", body.encode(), given | {"ce_sequence": "3"}))
    assert directory.units["grid-1"].households == 7
    assert directory.revision == 3
