"""Clocks and raises on a real database: once, on time, all in one transaction, and all of it in the journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import reduce
from typing import Any
from uuid import UUID

import pytest
from asyncpg import IntegrityConstraintViolationError

from services.escalation.commands import Escalate
from services.escalation.handlers import by_hand
from services.escalation.queries import cases as queries
from services.escalation.rules.case import Case, Colour, Ending
from services.escalation.rules.fold import apply
from services.escalation.timers import TIMERS
from services.registry.defaults.policies import ROUTINE
from shared import journal
from shared.database import Database
from shared.event import CaseEvent, Event
from shared.events.escalation import CaseEscalated, DeadlineMissed, EscalationVoided, SupervisionOrdered
from shared.service import Service
from shared.timers import Due, TimerLoop
from shared.vocabulary import DeadlineKind, EscalationCause, EscalationReason, Level, Urgency
from tests.escalation.conftest import Clock, fire, hear, the_directory
from tests.escalation.story import LADDER, OFFICER, Story, after

ACK = DeadlineKind.ACKNOWLEDGE


async def story_of(database: Database, case_id: UUID) -> list[Event]:
    async with database.transaction() as tx:
        await journal.verify(tx, case_id)
        return await journal.story(tx, case_id)


async def case_of(database: Database, case_id: UUID) -> Case:
    async with database.transaction() as tx:
        case = await queries.load(tx, case_id)
    assert case is not None
    return case


async def timers_of(database: Database, case_id: UUID) -> dict[str, Any]:
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT kind, due_at FROM timers WHERE subject_id = :id", id=case_id)
    return {row["kind"]: row["due_at"] for row in rows}


async def misses_of(database: Database, case_id: UUID) -> list[DeadlineMissed]:
    return [event for event in await story_of(database, case_id) if isinstance(event, DeadlineMissed)]


async def raises_of(database: Database, case_id: UUID) -> list[CaseEscalated]:
    return [event for event in await story_of(database, case_id) if isinstance(event, CaseEscalated)]


async def test_scenario_3_climbs_at_6_16_and_31_minutes(database: Database, clock: Clock) -> None:
    story = Story()
    await hear(database, story.registered)
    levels = {}
    for minutes in (5, 6, 15, 16, 30, 31, 60, 61):
        await clock.fast_forward(minutes)
        levels[minutes] = (await case_of(database, story.case_id)).level
    assert levels == {
        5: Level.GRID,
        6: Level.COMMUNITY,
        15: Level.COMMUNITY,
        16: Level.STREET,
        30: Level.STREET,
        31: Level.CIVIL_AFFAIRS,
        60: Level.CIVIL_AFFAIRS,
        61: Level.CIVIL_AFFAIRS,
    }
    raises = await raises_of(database, story.case_id)
    assert (
        [one.at for one in raises] == [one.counts_from for one in raises] == [after(6), after(16), after(31)]
    )
    told = await story_of(database, story.case_id)
    missed = [event for event in told if isinstance(event, DeadlineMissed) and event.kind is ACK]
    assert [event.at for event in missed] == [after(6), after(16), after(31), after(61)]
    assert all(event.late_ms < 60_000 for event in missed)


async def test_a_deadline_is_missed_once_with_two_timer_loops_running(
    database: Database, clock: Clock
) -> None:
    stories = [Story() for _ in range(40)]
    for story in stories:
        await hear(database, story.registered)
    replica = Database(
        database.url,
        source="escalation",
        directory=the_directory(),
    )
    fired: list[Due] = []
    loops = [TimerLoop(one, TIMERS, fired.append) for one in (database, replica)]
    tasks = [asyncio.ensure_future(loop.run(lambda: None)) for loop in loops]  # type: ignore[arg-type]
    await clock.stand_at(after(6))
    async with asyncio.timeout(20):
        while any([(await case_of(database, story.case_id)).level is Level.GRID for story in stories]):
            await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await replica.close()
    for story in stories:
        told = await story_of(database, story.case_id)
        assert len([event for event in told if isinstance(event, CaseEscalated)]) == 1
        assert [event.kind for event in told if isinstance(event, DeadlineMissed)] == [ACK]


async def test_each_open_clock_has_one_timer_at_its_next_bell(database: Database, clock: Clock) -> None:
    story = Story()
    await hear(database, story.registered)
    assert await timers_of(database, story.case_id) == {
        "acknowledge": after(4.8),
        "arrive": after(12),
        "handle": after(192),
    }
    await clock.fast_forward(4.8)
    assert (await timers_of(database, story.case_id))["acknowledge"] == after(6)
    await clock.stand_at(after(5))
    await hear(database, story.accepted(5))
    assert await timers_of(database, story.case_id) == {"arrive": after(12), "handle": after(192)}
    await clock.fast_forward(15)
    assert await timers_of(database, story.case_id) == {"handle": after(192)}
    await hear(database, story.closed(15))
    assert await timers_of(database, story.case_id) == {}


async def test_a_raise_its_clocks_bells_and_events_stand_or_fall_together(
    database: Database, clock: Clock
) -> None:
    story = Story()
    await hear(database, story.registered)
    await clock.stand_at(after(6))
    before = await timers_of(database, story.case_id)

    class Killed(Exception): ...

    with pytest.raises(Killed):
        async with database.transaction() as tx:
            now = await tx.lock(story.case_id)
            await TIMERS["acknowledge"](tx, Due(story.case_id, "acknowledge", None, after(4.8), 0), now)
            raise Killed
    assert (await case_of(database, story.case_id)).raises == ()
    assert await timers_of(database, story.case_id) == before
    assert await fire(database) > 0
    assert len((await case_of(database, story.case_id)).raises) == 1


async def test_an_emergency_skips_a_level_with_nobody_rostered(database: Database, clock: Clock) -> None:
    database.directory = the_directory(off_duty=("community-a", "civil-affairs"))
    story = Story()
    await hear(database, story.registered)
    await clock.fast_forward(6)
    await clock.fast_forward(21)
    first, second = await raises_of(database, story.case_id)
    assert [(one.unit_id, one.reason) for one in first.skipped] == [("community-a", "nobody_rostered")]
    assert (first.to_unit_id, second.to_unit_id, second.skipped) == ("street", "civil-affairs", ())


async def test_a_routine_case_is_not_skipped_past_an_office_at_night(
    database: Database, clock: Clock
) -> None:
    database.directory = the_directory(off_duty=("community-a",))
    story = Story(Urgency.ROUTINE)
    await hear(database, story.registered)
    await clock.fast_forward(120)
    [raised] = await raises_of(database, story.case_id)
    assert (raised.to_unit_id, raised.skipped) == ("community-a", ())


async def test_handled_in_flight_voids_the_raise(database: Database, clock: Clock) -> None:
    story = Story()
    await hear(database, story.registered)
    handled = story.handled(5.9, level=Level.GRID)
    await clock.fast_forward(6)
    await hear(database, handled)
    case = await case_of(database, story.case_id)
    assert (case.level, case.raises[0].voided) == (Level.GRID, True)
    [voided] = [e for e in await story_of(database, story.case_id) if isinstance(e, EscalationVoided)]
    assert voided.voids == (case.raises[0].id,)
    assert set(await timers_of(database, story.case_id)) == {"follow_up"}


async def test_dissatisfied_is_raised_under_supervision_on_its_own_clock(
    database: Database, clock: Clock
) -> None:
    story = Story()
    await hear(database, story.registered, story.handled(3))
    await clock.stand_at(after(60))
    await hear(database, story.reopened(60))
    case = await case_of(database, story.case_id)
    assert (case.level, case.round, case.registered_at) == (Level.COMMUNITY, 2, after(0))
    assert [order.supervising_unit_id for order in case.orders] == ["street"]
    told = await story_of(database, story.case_id)
    assert [event.cause for event in told if isinstance(event, CaseEscalated)] == [EscalationCause.REOPENED]
    assert any(isinstance(event, SupervisionOrdered) for event in told)
    await clock.fast_forward(70)
    assert (await case_of(database, story.case_id)).level is Level.STREET


async def lived(database: Database, clock: Clock) -> AsyncIterator[UUID]:
    """Cases that went every way there is."""
    story = Story()
    await hear(database, story.registered)
    for minutes in (6, 16, 31, 61):
        await clock.fast_forward(minutes)
    yield story.case_id
    story = Story(Urgency.ROUTINE)
    await clock.stand_at(after(61))
    events: list[CaseEvent] = [story.registered, story.accepted(10), story.contacted(20)]
    events += [story.handled(30), story.answered(40)]
    await hear(database, *events, story.reopened(40))
    story.hear(story.handled(30))
    story.hear(reopened := story.reopened(40))
    await clock.fast_forward(200)
    await hear(database, story.accepted(201, round=reopened.round), story.handled(210, round=reopened.round))
    await hear(database, story.closed(220, round=reopened.round))
    yield story.case_id
    story = Story(ladder=LADDER[2:])
    await hear(database, story.registered)
    handled = story.handled(14.9, level=Level.STREET)
    await clock.fast_forward(300)
    await hear(database, handled)
    yield story.case_id


async def test_the_rows_are_the_fold_of_the_journal(database: Database, clock: Clock) -> None:
    async for case_id in lived(database, clock):
        nothing: Case | None = None
        folded = reduce(apply, await story_of(database, case_id), nothing)  # type: ignore[arg-type]
        assert folded == await case_of(database, case_id)


async def test_the_database_refuses_two_open_clocks_of_a_kind(database: Database, clock: Clock) -> None:
    story = Story()
    await hear(database, story.registered)
    with pytest.raises(IntegrityConstraintViolationError):
        async with database.transaction() as tx:
            await tx.rows(
                "INSERT INTO deadlines (case_id, kind, about, level, round, unit_id, set_at, due_at, amber_at, "
                "assumed, colour, ending, ended_at, met) "
                "SELECT case_id, kind, about, 'street', round, unit_id, set_at, due_at, amber_at, "
                "assumed, colour, ending, ended_at, met FROM deadlines WHERE case_id = :id AND kind = 'handle'",
                id=story.case_id,
            )


@pytest.mark.parametrize("asked_late", [False, True])
async def test_a_merged_cases_follow_up_stops_when_its_parent_is_worked_on_again(
    database: Database, clock: Clock, asked_late: bool
) -> None:
    """At once, or at its next bell where it was heard of late; asked anew when the parent is handled again."""
    parent, part = Story(), Story()
    merged = part.merged(2).model_copy(update={"parent_id": parent.case_id})
    await clock.stand_at(after(10))
    await hear(database, parent.registered, part.registered, merged, parent.accepted(3), parent.handled(4))
    told_of = (part.asked_after(4), parent.reopened(10, round=2))
    await hear(database, *(reversed(told_of) if asked_late else told_of))
    await clock.fast_forward(4 + 24 * 60 if asked_late else 10)
    case = await case_of(database, part.case_id)
    [asked] = [one for one in case.deadlines if one.kind is DeadlineKind.FOLLOW_UP]
    assert (asked.ending, asked.met, asked.colour) == (Ending.CLEARED, None, Colour.RUNNING)
    told = await story_of(database, part.case_id)
    assert not [one for one in told if isinstance(one, DeadlineMissed) and one.kind is DeadlineKind.FOLLOW_UP]
    await hear(database, part.asked_after(2000))
    assert (await case_of(database, part.case_id)).open(DeadlineKind.FOLLOW_UP)


async def test_a_reopening_heard_late_does_not_stop_the_asking_that_came_after_it(
    database: Database, clock: Clock
) -> None:
    """The parent was handled again meanwhile; of that, too, nothing may be known here yet."""
    parent, part = Story(), Story()
    merged = part.merged(2).model_copy(update={"parent_id": parent.case_id})
    await clock.stand_at(after(20))
    await hear(database, parent.registered, part.registered, merged, parent.handled(4), part.asked_after(4))
    await hear(database, part.asked_after(15), parent.reopened(10, round=2))
    await fire(database)
    [asked] = (await case_of(database, part.case_id)).open(DeadlineKind.FOLLOW_UP)
    assert asked.due_at == after(15 + 24 * 60)


async def test_a_case_that_was_listed_may_be_amended_to_a_shorter_ladder(
    service: Service, database: Database, clock: Clock
) -> None:
    """Its level is none of the new ladder's. Back where nothing was missed it is on nobody's list any more; where
    something was, it stands red and is not said again."""
    raised, climbed = Story(), Story()
    for story in (raised, climbed):
        await hear(database, story.registered, story.arrived(0))
    await hear(database, raised.accepted(1))
    await clock.stand_at(after(2))
    async with database.transaction() as tx:
        hand = await by_hand.take_in_hand(tx, service.sealer, raised.case_id)
        to_the_top = Escalate(reason=EscalationReason.BEYOND_OUR_POWERS, to_level=Level.CIVIL_AFFAIRS)
        await by_hand.escalate(hand, to_the_top, OFFICER)
    await clock.fast_forward(62)
    for story, overdue in ((raised, []), (climbed, [ACK])):
        assert (await case_of(database, story.case_id)).level is Level.CIVIL_AFFAIRS
        assert "daily_list" in await timers_of(database, story.case_id)
        before = len(await misses_of(database, story.case_id))
        await hear(database, story.amended(62, ladder=LADDER[:2], policy=ROUTINE, urgency=Urgency.ROUTINE))
        assert [one.kind for one in (await case_of(database, story.case_id)).overdue] == overdue
        assert ("daily_list" in await timers_of(database, story.case_id)) == bool(overdue)
        assert len(await misses_of(database, story.case_id)) == before
