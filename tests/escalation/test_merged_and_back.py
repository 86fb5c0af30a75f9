"""A case that goes into another and comes back: its first clock never restarts, and what was missed is said once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

import pytest

from services.escalation.rules.case import CaseDeadline, Colour
from services.escalation.rules.ladder import may_be_raised, time_passed
from services.escalation.rules.supervision import order_by_hand
from shared.event import CaseEvent
from shared.events.escalation import DeadlineAmber, DeadlineMissed, DeadlinesCleared
from shared.events.intake import Rung
from shared.ids import uuid7
from shared.vocabulary import DeadlineKind, Level, SupervisionKind, Urgency
from tests.escalation.story import CALENDAR, LADDER, OFFICER, Story, after
from tests.escalation.test_what_a_case_becomes import DAY, dues, missed, raised_to, with_calendar

ACK, ARRIVE, CONTACT, HANDLE, FOLLOW_UP = list(DeadlineKind)[:5]
ORDER, REPLY = DeadlineKind.SUPERVISION, DeadlineKind.REPLY
LISTED = SupervisionKind.LISTED


Said = tuple[DeadlineKind, UUID | None, Level, datetime]


def misses(told: list[CaseEvent]) -> set[Said]:
    return {(one.kind, one.about, one.level, one.due_at) for one in told if isinstance(one, DeadlineMissed)}


def red(clocks: Iterable[CaseDeadline]) -> set[Said]:
    return {(one.kind, one.about, one.level, one.due_at) for one in clocks if one.colour is Colour.RED}


def test_a_merged_case_has_no_clocks_and_is_not_raised() -> None:
    story = Story()
    told = story.hear(story.merged(2))
    assert [one.met for event in told if isinstance(event, DeadlinesCleared) for one in event.cleared] == [
        None
    ] * 3
    assert story.at(10 * DAY) == []
    assert may_be_raised(story.case) == "merged"


def test_a_merged_case_is_asked_after_once_its_parent_was_handled() -> None:
    story = Story()
    story.hear(story.merged(2))
    story.hear(story.asked_after(100))
    assert dues(story) == {FOLLOW_UP: 100 + DAY}
    story.hear(story.answered(200))
    assert story.case.open() == ()


def test_what_is_due_before_the_merge_is_said_and_not_after() -> None:
    story = Story()
    assert missed(story.hear(story.merged(7))) == [ACK]
    assert story.level is Level.GRID, "and it is not raised any more"


def test_unmerged_its_first_clock_is_unchanged() -> None:
    story = Story(Urgency.ROUTINE)
    before = dues(story)
    story.hear(story.merged(10))
    told = story.hear(story.unmerged(60))
    assert dues(story) == before
    assert missed(told) == []


def test_unmerged_late_what_is_past_fires_once() -> None:
    story = Story()
    story.hear(story.accepted(1))
    story.hear(story.merged(2))
    told = story.hear(story.unmerged(20))
    assert missed(told) == [ACK, ARRIVE, ACK]
    assert raised_to(told) == [Level.COMMUNITY, Level.STREET]
    assert missed(story.at(21)) == []


Step = Callable[[Story], object]


def taken(story: Story) -> None:
    story.hear(story.accepted(1))


def taken_and_reached(story: Story) -> None:
    taken(story)
    story.hear(story.arrived(2))


def ordered(story: Story) -> None:
    story.by_hand(3, lambda telling: order_by_hand(telling, LISTED, "street", OFFICER, uuid7(), "d"))


def raised(story: Story) -> None:
    story.raised(3)


@pytest.mark.parametrize(
    ("ladder", "merged_at", "before", "kinds"),
    [
        # Said with the merge, when it raises nothing any more.
        (LADDER, 7, [], {ACK}),
        (LADDER, 16, [taken], {ARRIVE}),
        # Nobody is above the last level.
        (LADDER[3:], 31, [], {ACK, ARRIVE}),
        (LADDER[3:], 6 * DAY, [taken_and_reached], {HANDLE}),
        # Side matters, owed by whoever has the case.
        (LADDER[3:], 6 * DAY, [taken_and_reached, ordered], {HANDLE, ORDER}),
        (LADDER[2:], 6 * DAY, [taken_and_reached, raised], {ACK, HANDLE, REPLY}),
    ],
)
def test_what_was_missed_before_a_merge_stands_red_after_it_and_is_not_said_again(
    ladder: tuple[Rung, ...], merged_at: float, before: list[Step], kinds: set[DeadlineKind]
) -> None:
    story = Story(ladder=ladder)
    for step in before:
        step(story)
    story.hear(story.merged(merged_at))
    said = misses(story.told)
    assert (story.case.open(), {kind for kind, *_ in said}) == ((), kinds)
    told = [*story.hear(story.unmerged(merged_at + 1)), *story.at(merged_at + 1)]
    assert not misses(told) & said
    assert red(story.case.deadlines) >= said
    if story.level is ladder[0].level:
        assert red(story.case.open()) >= said


def test_out_of_another_it_goes_on_up_from_when_it_was_missed() -> None:
    story = Story()
    story.hear(story.merged(7))
    told = story.hear(story.unmerged(12))
    assert (missed(told), raised_to(told)) == ([], [Level.COMMUNITY])
    assert (story.case.raises[-1].counts_from, story.due(ACK)) == (after(6), 16)


def test_it_stays_missed_though_the_calendar_changed_while_it_was_merged() -> None:
    story = Story(Urgency.ROUTINE, ladder=LADDER[3:])
    story.hear(story.merged(30 * DAY))
    said = missed(story.told)
    story.stations = with_calendar(
        holidays=(*CALENDAR.holidays, *(after(day * DAY).date() for day in range(5)))
    )[3:]
    story.hear(story.unmerged(30 * DAY + 1))
    story.at(60 * DAY)
    assert HANDLE in said
    assert missed(story.told) == said


def test_an_amber_light_is_not_said_again_either() -> None:
    story = Story()
    story.hear(story.accepted(1))
    story.at(13)
    story.hear(story.merged(13))
    story.hear(story.unmerged(14))
    story.at(14.5)
    assert [one.kind for one in story.told if isinstance(one, DeadlineAmber)] == [ARRIVE, ACK]


def test_a_handled_that_crosses_the_merge_does_not_count() -> None:
    for late in (True, False):
        story = Story()
        handled, merged = story.handled(5), story.merged(5)
        for event in (merged, handled) if late else (handled, merged):
            story.hear(event)
        assert (story.case.open(), story.case.handled_at) == ((), None)
        story.hear(story.unmerged(5.5))
        assert (story.due(ACK), story.due(HANDLE)) == (6, 240)


def test_a_merged_case_is_asked_once_more_when_its_parent_was_handled_again() -> None:
    story = Story()
    story.hear(story.merged(2))
    story.hear(story.asked_after(100))
    story.hear(story.answered(200))
    story.hear(story.asked_after(5000))
    assert dues(story) == {FOLLOW_UP: 5000 + DAY}
    story.hear(story.answered(5010, round=2))
    assert story.case.open() == ()


def test_nobody_is_late_with_asking_once_the_earlier_case_was_reopened() -> None:
    """A merged case hears nothing of its parent's reopening: it is looked for when its clock rings."""
    story = Story()
    story.hear(story.merged(2))
    story.hear(story.asked_after(100))
    told = time_passed(story.case, story.stations, after(100 + DAY), asked_no_more=True)
    assert [type(event) for event in told.events] == [DeadlinesCleared]
    assert told.case.open() == ()
