"""A changed calendar is followed up once, in batches, by one replica at a time and never by one that is behind."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta
from functools import reduce
from uuid import UUID

import pytest

from services.escalation.handlers import calendars
from services.escalation.handlers.calendars import sweep_some
from services.escalation.handlers.ground import stations_of
from services.escalation.handlers.saving import follow_through
from services.escalation.queries import cases as queries
from services.escalation.rules.fold import apply
from services.escalation.rules.ladder import ByHand, caught_up, raise_by_hand
from services.registry.defaults.policies import ROUTINE, working_days
from shared import journal
from shared.database import Database
from shared.directory import Directory
from shared.events.escalation import DeadlinesSet
from shared.vocabulary import DeadlineKind, EscalationReason, SetBecause, Urgency
from tests.escalation.conftest import Clock, hear, the_directory
from tests.escalation.story import CALENDAR, OFFICE, OFFICER, Story, after

DAY = 24 * 60
CLOSING_ON_WEDNESDAY = 2 * DAY + 8.5 * 60
TUESDAY = date(2026, 3, 3)


def with_holiday(revision: int) -> Directory:
    directory = the_directory()
    changed = CALENDAR.model_copy(update={"holidays": (*CALENDAR.holidays, TUESDAY)})
    directory.calendars = {changed.id: changed}
    directory.revision = revision
    return directory


async def sweep(database: Database) -> int:
    """Until nothing is left to do; how many turns that took."""
    turns = 0
    while True:
        async with database.transaction() as tx:
            more = await sweep_some(tx, settle_seconds=0)
        turns += 1
        if not more:
            return turns


async def handle_due(database: Database, story: Story) -> float:
    async with database.transaction() as tx:
        case = await queries.load(tx, story.case_id)
    assert case is not None
    [handle] = case.open(DeadlineKind.HANDLE)
    return (handle.due_at - after(0)).total_seconds() / 60


async def some_cases(database: Database, count: int) -> list[Story]:
    stories = [Story(Urgency.ROUTINE) for _ in range(count)]
    for story in stories:
        await hear(database, story.registered, story.accepted(1))
    return stories


async def test_every_running_clock_is_counted_anew_and_its_bell_with_it(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendars, "BATCH_CASES_MAX", 2)
    stories = await some_cases(database, 5)
    await sweep(database)
    database.directory = with_holiday(revision=1)
    assert await sweep(database) >= 3
    for story in stories:
        assert await handle_due(database, story) == CLOSING_ON_WEDNESDAY + DAY
        async with database.transaction() as tx:
            told = await journal.story(tx, story.case_id)
            [armed] = await tx.rows(
                "SELECT due_at FROM timers WHERE subject_id = :id AND kind = 'handle'", id=story.case_id
            )
        moved = [e for e in told if isinstance(e, DeadlinesSet) and e.because is SetBecause.CALENDAR]
        assert len(moved) == 1
        assert armed["due_at"] == moved[0].deadlines[0].amber_at
    before = await story_lengths(database, stories)
    await sweep(database)
    assert await story_lengths(database, stories) == before


async def story_lengths(database: Database, stories: list[Story]) -> list[int]:
    async with database.transaction() as tx:
        return [len(await journal.story(tx, story.case_id)) for story in stories]


async def test_a_replica_whose_registry_is_behind_counts_nothing_back(
    database: Database, clock: Clock
) -> None:
    [story] = await some_cases(database, 1)
    await sweep(database)
    old = database.directory
    database.directory = with_holiday(revision=1)
    await sweep(database)
    database.directory = old
    await sweep(database)
    assert await handle_due(database, story) == CLOSING_ON_WEDNESDAY + DAY


async def test_two_replicas_at_once_count_every_case_once(database: Database, clock: Clock) -> None:
    stories = await some_cases(database, 6)
    await sweep(database)
    database.directory = with_holiday(revision=1)
    replica = Database(database.url, source="escalation", directory=with_holiday(revision=1))
    await asyncio.gather(sweep(database), sweep(replica))
    await sweep(database)
    await replica.close()
    for story in stories:
        async with database.transaction() as tx:
            told = await journal.story(tx, story.case_id)
        assert sum(isinstance(e, DeadlinesSet) and e.because is SetBecause.CALENDAR for e in told) == 1


async def test_a_change_rests_before_it_is_followed_up(database: Database, clock: Clock) -> None:
    [story] = await some_cases(database, 1)
    await sweep(database)
    database.directory = with_holiday(revision=1)
    for _ in range(3):
        async with database.transaction() as tx:
            assert not await sweep_some(tx, settle_seconds=60)
    assert await handle_due(database, story) == CLOSING_ON_WEDNESDAY
    await sweep(database)
    assert await handle_due(database, story) == CLOSING_ON_WEDNESDAY + DAY


def closing_early(revision: int, unit_id: str) -> Directory:
    """That unit works in the mornings only, from this revision of the registry on."""
    directory = the_directory()
    mornings = tuple(hours for hours in OFFICE if hours.closes <= time(12))
    changed = directory.units[unit_id].model_copy(update={"opening_hours": mornings})
    directory.units = {**directory.units, unit_id: changed}
    directory.revision = revision
    return directory


async def open_dues(database: Database, story: Story) -> dict[DeadlineKind, datetime]:
    async with database.transaction() as tx:
        case = await queries.load(tx, story.case_id)
    assert case is not None
    return {one.kind: one.due_at for one in case.open()}


@pytest.mark.parametrize(
    ("unit_id", "moved"),
    [
        ("grid-a1", {DeadlineKind.HANDLE}),
        ("community-a", {DeadlineKind.RULING}),
        ("civil-affairs", set()),
        ("grid-b1", set()),
    ],
    ids=["its own", "of the unit that owes a ruling", "above those that have their own", "of another unit"],
)
async def test_changed_opening_hours_move_every_clock_that_counts_in_them(
    database: Database, clock: Clock, unit_id: str, moved: set[DeadlineKind]
) -> None:
    story = Story(Urgency.ROUTINE)
    task = story.asked_to_help(2, due=3000)
    await hear(database, story.registered, story.accepted(1), task, story.returned(3))
    await sweep(database)
    before = await open_dues(database, story)
    assert {DeadlineKind.HANDLE, DeadlineKind.RULING, DeadlineKind.CO_HANDLE} <= set(before)
    database.directory = closing_early(1, unit_id)
    await sweep(database)
    after = await open_dues(database, story)
    assert {kind for kind in before if after[kind] != before[kind]} == moved


async def test_a_task_counts_from_when_it_was_asked_for_unless_its_end_was_named(
    database: Database, clock: Clock
) -> None:
    story = Story(Urgency.ROUTINE, policy=ROUTINE.model_copy(update={"co_handle": working_days(2)}))
    limited, named = story.asked_to_help(2, due=None), story.asked_to_help(3, due=3000)
    await hear(database, story.registered, story.accepted(1), limited, named)
    await sweep(database)
    before = await tasks(database, story)
    database.directory = with_holiday(revision=1)
    await sweep(database)
    after = await tasks(database, story)
    assert after[limited.part_id] == (before[limited.part_id][0] + timedelta(days=1), limited.at)
    assert after[named.part_id] == before[named.part_id] == (named.due_at, None)
    async with database.transaction() as tx:
        folded = reduce(apply, await journal.story(tx, story.case_id), None)  # type: ignore[arg-type]
        assert folded == await queries.load(tx, story.case_id)


async def tasks(database: Database, story: Story) -> dict[UUID | None, tuple[datetime, datetime | None]]:
    """When each is due, and where that counts from."""
    async with database.transaction() as tx:
        case = await queries.load(tx, story.case_id)
    assert case is not None
    return {one.about: (one.due_at, one.counts_from) for one in case.open(DeadlineKind.CO_HANDLE)}


async def test_orders_and_replies_are_counted_anew_as_well(database: Database, clock: Clock) -> None:
    """What a raise by hand owes, and what a reopening ordered."""
    story = Story(Urgency.ROUTINE)
    await hear(database, story.registered, story.accepted(1), story.handled(5), story.reopened(6))
    async with database.transaction() as tx:
        now = await tx.lock(story.case_id)
        case = await queries.load(tx, story.case_id)
        assert case is not None
        known = stations_of(tx.directory, case, now)
        telling = caught_up(case, known, now)
        raise_by_hand(telling, case, ByHand(OFFICER, EscalationReason.BEYOND_OUR_POWERS))
        await follow_through(tx, case, telling.decision, known)
    await sweep(database)
    before = await open_dues(database, story)
    assert {DeadlineKind.SUPERVISION, DeadlineKind.REPLY} <= set(before)
    database.directory = with_holiday(revision=1)
    await sweep(database)
    after = await open_dues(database, story)
    assert after[DeadlineKind.SUPERVISION] > before[DeadlineKind.SUPERVISION]
    assert after[DeadlineKind.REPLY] > before[DeadlineKind.REPLY]
