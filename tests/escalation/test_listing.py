"""The named persons' daily list: what the last level did not deal with in time comes back every day until it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import pytest

from services.escalation.rules.case import Case
from services.escalation.rules.fold import apply
from services.escalation.rules.limits import Station
from services.escalation.rules.listing import list_due_at
from services.registry.defaults.policies import ROUTINE
from shared.event import CaseEvent
from shared.events.escalation import CaseListed
from shared.vocabulary import DeadlineKind, Urgency
from tests.escalation.story import LADDER, Story, after, everybody_there

ACK, ARRIVE, CONTACT, HANDLE, FOLLOW_UP = list(DeadlineKind)[:5]
DAY = 24 * 60
MINUTES_TO_LIST = 24 * 60 - 30
"""From Monday, nine, to the next list at half past eight."""


def at_the_top(minutes: float = 31) -> Story:
    story = Story(
        ladder=LADDER[3:], stations=(Station(everybody_there(1)[0].working, None, ("p-s1", "p-s2")),)
    )
    story.at(minutes)
    return story


def listed(told: list[CaseEvent]) -> list[tuple[str, int]]:
    return [(event.day.isoformat(), event.days) for event in told if isinstance(event, CaseListed)]


def test_at_the_last_level_it_is_on_the_list_every_day_until_it_is_dealt_with() -> None:
    story = at_the_top()
    assert listed(story.told) == []
    for day in range(3):
        assert listed(story.at(MINUTES_TO_LIST + day * DAY - 0.1)) == []
        told = story.at(MINUTES_TO_LIST + day * DAY)
        assert listed(told) == [(f"2026-03-0{3 + day}", day + 1)]
        assert [event.person_ids for event in told if isinstance(event, CaseListed)] == [("p-s1", "p-s2")]
    story.hear(story.accepted(4 * DAY - 100))
    story.hear(story.handled(4 * DAY - 90))
    story.hear(story.closed(4 * DAY))
    assert listed(story.at(6 * DAY)) == []


def test_an_outage_of_days_is_one_entry_that_says_how_many_days_it_is() -> None:
    story = at_the_top()
    assert listed(story.at(MINUTES_TO_LIST + 2 * DAY + 5)) == [("2026-03-05", 3)]
    assert listed(story.at(MINUTES_TO_LIST + 3 * DAY)) == [("2026-03-06", 4)]


RED_AT_THE_TOP: list[tuple[DeadlineKind, Urgency, Callable[[Story], object]]] = [
    (ACK, Urgency.ROUTINE, lambda story: story.hear(story.contacted(1))),
    (ARRIVE, Urgency.EMERGENCY, lambda story: story.hear(story.accepted(1))),
    (CONTACT, Urgency.ROUTINE, lambda story: story.hear(story.accepted(1))),
    (HANDLE, Urgency.ROUTINE, lambda story: (story.hear(story.accepted(1)), story.hear(story.contacted(2)))),
    (FOLLOW_UP, Urgency.ROUTINE, lambda story: story.hear(story.handled(1))),
    (
        DeadlineKind.SUPERVISION,
        Urgency.ROUTINE,
        lambda story: (
            story.hear(story.handled(1)),
            story.hear(story.reopened(2)),
            story.hear(story.accepted(3)),
            story.hear(story.contacted(4)),
        ),
    ),
    (
        DeadlineKind.CO_HANDLE,
        Urgency.ROUTINE,
        lambda story: (
            story.hear(story.accepted(1)),
            story.hear(story.contacted(2)),
            story.hear(story.asked_to_help(3, 60)),
        ),
    ),
]


@pytest.mark.parametrize(("kind", "urgency", "lived"), RED_AT_THE_TOP, ids=[one[0] for one in RED_AT_THE_TOP])
def test_at_the_last_level_whatever_was_missed_is_listed_the_next_morning(
    kind: DeadlineKind, urgency: Urgency, lived: Callable[[Story], object]
) -> None:
    """A ruling never stands red: nobody's is a refusal. A reply is owed where somebody raised it to that level."""
    story = Story(urgency, ladder=LADDER[3:])
    lived(story)
    story.at(next(one.due_at for one in story.case.open(kind)).timestamp() / 60 - after(0).timestamp() / 60)
    assert kind in {one.kind for one in story.case.overdue}
    assert list_due_at(story.case, story.stations) is not None
    story.at(30 * DAY)
    assert kind in story.case.listings[-1].missed


def test_a_reply_missed_at_the_last_level_is_listed_as_well() -> None:
    story = Story(Urgency.ROUTINE, ladder=LADDER[2:])
    story.hear(story.contacted(1))
    story.raised(2)
    story.hear(story.accepted(3))
    story.at(2 * DAY)
    assert [one.kind for one in story.case.overdue] == [DeadlineKind.REPLY]


def test_its_days_on_the_list_count_from_its_coming_to_the_last_level() -> None:
    """First contact was missed two days before the case came to where nobody is above."""
    story = Story(Urgency.ROUTINE, ladder=LADDER[2:])
    story.hear(story.accepted(1))
    story.at(DAY)
    assert story.case.overdue == ()
    story.raised(3 * DAY)
    assert listed(story.at(3 * DAY + MINUTES_TO_LIST)) == [("2026-03-06", 1)]


def test_what_ended_is_on_no_list() -> None:
    for what in ("merged", "closed", "withdrawn"):
        story = at_the_top()
        told = story.hear(getattr(story, what)(3 * DAY), late_by=DAY)
        assert listed(told) == []
        assert list_due_at(story.case, story.stations) is None


def test_below_the_last_level_nothing_is_listed() -> None:
    story = Story()
    story.hear(story.accepted(1))
    story.at(15)
    assert list_due_at(story.case, story.stations) is None


def test_what_is_missed_before_half_past_eight_is_on_the_same_days_list() -> None:
    story = Story(ladder=LADDER[3:])
    story.hear(story.accepted(1))
    story.hear(story.arrived(2))
    assert story.due(HANDLE) == 3 * DAY
    story.at(3 * DAY)
    assert list_due_at(story.case, story.stations) == after(3 * DAY + MINUTES_TO_LIST)


def test_what_time_said_before_something_was_heard_is_the_same_in_the_journal() -> None:
    """The journal has what was heard first, then what follows from it: an entry on the list says itself whose case it
    was and what was missed, and a return that time ruled was not over."""
    moved, ruled = at_the_top(), Story(Urgency.ROUTINE)
    moved.hear(moved.amended(MINUTES_TO_LIST + 9, ladder=LADDER[:2], urgency=Urgency.ROUTINE, policy=ROUTINE))
    ruled.hear(ruled.accepted(1))
    ruled.hear(ruled.returned(2))
    ruled.hear(ruled.part_ended(DAY, ruled.part_id))
    nothing: Case | None = None
    for story in (moved, ruled):
        assert reduce(apply, story.journal, nothing) == story.case
    assert [(one.unit_id, one.missed) for one in moved.case.listings] == [("civil-affairs", (ACK, ARRIVE))]
    assert [(one.unanswered, one.over) for one in ruled.case.returns] == [(True, False)]
