"""Changing things on a real database: one revision after the other, all of a change or nothing of it."""

from __future__ import annotations

import asyncio

import pytest
from asyncpg import IntegrityConstraintViolationError

from services.registry.handlers.things import put_things
from services.registry.queries import things as stored
from services.registry.rules.things import Known, apply
from shared import journal
from shared.database import Database
from shared.events.things import REGISTRY_SUBJECT, ThingEvent, UnitChanged
from shared.problems import Problem
from shared.things import Name, Person, Shift, Unit
from tests.registry.conftest import everything


def a_building(number: int, parent_id: str = "grid-a1") -> Unit:
    name = Name(zh=f"{number}号楼", en=f"Building {number}")
    return Unit(id=f"building-{number}", kind="building", name=name, parent_id=parent_id)


async def put(database: Database, *things: Unit | Person) -> int:
    async with database.transaction() as tx:
        return await put_things(tx, things)


async def told(database: Database) -> list[ThingEvent]:
    """What the outbox holds, decoded, in the order in which it will be sent."""
    async with database.transaction() as tx:
        events = {event.id: event for event in await journal.story(tx, REGISTRY_SUBJECT)}
        rows = await tx.rows("SELECT event_id, key, sequence FROM outbox ORDER BY id")
    found = [events[row["event_id"]] for row in rows]
    assert [(event.key, event.sequence) for event in found] == [(row["key"], row["sequence"]) for row in rows]
    assert all(isinstance(event, ThingEvent) for event in found)
    return [event for event in found if isinstance(event, ThingEvent)]


async def test_a_change_is_stored_under_the_revision_it_is_told_with(demo: Database) -> None:
    revision = await put(demo, a_building(1), a_building(2))

    async with demo.transaction() as tx:
        first, second = await stored.one(tx, Unit, "building-1"), await stored.one(tx, Unit, "building-2")
    assert (first, second) == ((a_building(1), revision - 1), (a_building(2), revision))
    last = (await told(demo))[-1]
    assert isinstance(last, UnitChanged)
    assert (last.unit, last.sequence) == (a_building(2), revision)


async def test_two_changes_in_one_transaction_count_on(demo: Database) -> None:
    async with demo.transaction() as tx:
        first = await put_things(tx, [a_building(1)])
        second = await put_things(tx, [a_building(2)])

    assert second == first + 1
    assert [event.sequence for event in (await told(demo))[-2:]] == [first, second]


async def test_changes_at_once_get_revisions_one_after_the_other(demo: Database) -> None:
    before = len(await told(demo))

    revisions = await asyncio.gather(*(put(demo, a_building(number)) for number in range(20)))

    assert sorted(revisions) == list(range(before + 1, before + 21))
    events = await told(demo)
    assert [event.sequence for event in events] == list(range(1, before + 21))
    assert [event.at for event in events] == sorted(event.at for event in events)
    async with demo.transaction() as tx:
        assert await journal.verify(tx, REGISTRY_SUBJECT) == before + 20


async def test_the_same_again_is_no_change(demo: Database) -> None:
    first = await put(demo, a_building(1))

    assert await put(demo, a_building(1)) == first
    assert await put(demo, a_building(1), a_building(2)) == first + 1


async def test_a_flaw_in_one_leaves_all_unchanged(demo: Database) -> None:
    before = len(await told(demo))

    with pytest.raises(Problem) as refused:
        await put(demo, a_building(1), a_building(2, parent_id="nowhere"))

    assert refused.value.status == 422
    assert [(flaw["id"], flaw["code"]) for flaw in refused.value.extra["flaws"]] == [
        ("building-2", "unknown-parent")
    ]
    assert len(await told(demo)) == before


async def test_the_rows_are_what_the_journal_tells(demo: Database) -> None:
    await put(demo, a_building(1))
    await put(demo, a_building(1).model_copy(update={"parent_id": "grid-b1"}))

    async with demo.transaction() as tx:
        events = await journal.story(tx, REGISTRY_SUBJECT)
    folded = Known()
    for event in events:
        assert isinstance(event, ThingEvent)
        folded = apply(folded, event)
    assert folded == await everything(demo)


async def test_the_database_refuses_a_reference_to_nothing(demo: Database) -> None:
    with pytest.raises(IntegrityConstraintViolationError, match="units_parent_id_fkey"):
        async with demo.transaction() as tx:
            await stored.save(tx, [a_building(1, parent_id="nowhere")], 1_000_000)


async def test_the_database_refuses_a_shift_that_ends_before_it_starts(demo: Database) -> None:
    async with demo.transaction() as tx:
        [shift] = await stored.page(tx, Shift, "", 1, retired=False)
    wrong = shift.model_copy(update={"ends_at": shift.starts_at})

    with pytest.raises(IntegrityConstraintViolationError, match="shift_starts_before_it_ends"):
        async with demo.transaction() as tx:
            await stored.save(tx, [wrong], 1_000_000)


async def test_whoever_goes_on_duty_reads_nobody_else(demo: Database) -> None:
    async with demo.transaction() as tx:
        [shift] = await stored.page(tx, Shift, "", 1, retired=False)
        known = await stored.known_about(tx, [shift])

    assert set(known.people) == {shift.person_id}
    assert set(known.units) == set(known.path(shift.unit_id))
    assert not known.categories
