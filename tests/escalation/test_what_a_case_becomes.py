"""A case that changes, goes into another and comes back, is agreed for a day, or ends as it begins: its first clock
never restarts."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.escalation.rules.case import Case, Colour
from services.escalation.rules.fold import apply
from services.escalation.rules.ladder import counted_anew
from services.escalation.rules.limits import Station
from services.escalation.rules.parkings import park, unpark
from services.escalation.rules.working_time import WorkingTime
from services.registry.defaults.policies import EMERGENCY, ROUTINE
from shared.event import CaseEvent
from shared.events.escalation import (
    CaseEscalated,
    CaseListed,
    DeadlineMissed,
    DeadlinesCleared,
    DeadlinesSet,
)
from shared.events.intake import Window
from shared.vocabulary import (
    DeadlineKind,
    Level,
    Outcome,
    ParkReason,
    ReopenReason,
    SetBecause,
    UnparkReason,
    Urgency,
)
from tests.escalation.story import CALENDAR, LADDER, OFFICE, OFFICER, Story, after, everybody_there

ACK, ARRIVE, CONTACT, HANDLE, FOLLOW_UP = list(DeadlineKind)[:5]
DAY = 24 * 60
CLOSING_ON_WEDNESDAY = 2 * DAY + 8.5 * 60


def dues(story: Story) -> dict[DeadlineKind, float | None]:
    return {one.kind: story.due(one.kind) for one in story.case.open()}


def missed(told: list[CaseEvent]) -> list[DeadlineKind]:
    return [event.kind for event in told if isinstance(event, DeadlineMissed)]


def raised_to(told: list[CaseEvent]) -> list[Level]:
    return [event.to_level for event in told if isinstance(event, CaseEscalated)]


# ── amended ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_routine_case_that_turns_out_urgent_counts_as_urgent_from_its_registration() -> None:
    story = Story(Urgency.ROUTINE)
    told = story.hear(story.amended(3, urgency=Urgency.EMERGENCY, policy=EMERGENCY))
    assert dues(story) == {ACK: 6, ARRIVE: 15, HANDLE: 240}
    assert {event.because for event in told if isinstance(event, DeadlinesSet)} == {SetBecause.AMENDED}
    assert [one.kind for event in told if isinstance(event, DeadlinesCleared) for one in event.cleared] == [
        CONTACT
    ]


def test_what_is_past_already_fires_at_once_and_once() -> None:
    story = Story(Urgency.ROUTINE)
    story.hear(story.accepted(2))
    told = story.hear(story.amended(20, urgency=Urgency.EMERGENCY, policy=EMERGENCY))
    assert missed(told) == [ARRIVE]
    assert story.level is Level.GRID
    assert missed(story.at(60)) == []


def test_nobody_took_an_emergency_thought_to_be_routine_so_the_chain_follows_from_its_beginning() -> None:
    story = Story(Urgency.ROUTINE)
    told = story.hear(story.amended(20, urgency=Urgency.EMERGENCY, policy=EMERGENCY))
    assert raised_to(told) == [Level.COMMUNITY, Level.STREET]
    assert story.due(ACK) == 31


def test_an_arrival_before_the_amendment_is_not_owed_again() -> None:
    story = Story(Urgency.ROUTINE)
    story.hear(story.accepted(2))
    story.hear(story.arrived(9))
    story.hear(story.amended(20, urgency=Urgency.EMERGENCY, policy=EMERGENCY))
    assert dues(story) == {HANDLE: 240}


def test_what_was_missed_under_the_old_policy_stays_missed() -> None:
    story = Story()
    story.hear(story.accepted(2))
    story.at(15)
    told = story.hear(story.amended(20, policy=EMERGENCY.model_copy(update={"amber_percent": 50})))
    assert missed(told) == []
    assert story.case.open(ARRIVE)[0].colour is Colour.RED


def test_another_place_is_another_units_case_at_the_same_level() -> None:
    story = Story()
    story.at(6)
    elsewhere = tuple(
        rung.model_copy(update={"unit_id": unit_id})
        for rung, unit_id in zip(LADDER, ("grid-b1", "community-b", "street", "civil-affairs"), strict=True)
    )
    told = story.hear(story.amended(8, ladder=elsewhere))
    assert (story.level, story.case.unit_id, told) == (Level.COMMUNITY, "community-b", [])
    assert story.due(ACK) == 16


def test_a_place_that_becomes_known_changes_no_level() -> None:
    story = Story(ladder=LADDER[1:], grid_id=None)
    story.hear(story.amended(3, ladder=LADDER))
    assert (story.level, story.due(ACK), story.due(HANDLE)) == (Level.COMMUNITY, 10, 720)


def test_a_level_the_new_ladder_has_not_makes_the_case_begin_at_its_lowest() -> None:
    story = Story()
    story.hear(story.amended(3, ladder=LADDER[1:]))
    assert (story.level, story.due(ACK), story.due(HANDLE)) == (Level.COMMUNITY, 10, 720)


def test_a_parked_case_that_comes_to_another_level_still_has_its_review_in_place_of_handle() -> None:
    story = Story(ladder=LADDER[2:])
    story.hear(story.accepted(1))
    story.hear(story.arrived(2))
    story.by_hand(3, lambda telling: park(telling, OFFICER, "p", ParkReason.NEEDS_FUNDS, after(9 * DAY), "d"))
    story.hear(story.amended(4, ladder=LADDER[:2]))
    assert (story.level, story.due(HANDLE), story.due(DeadlineKind.REVIEW)) == (Level.GRID, None, 9 * DAY)
    story.by_hand(5, lambda telling: unpark(telling, OFFICER, UnparkReason.RESUMED))
    assert story.due(HANDLE) is not None
    assert missed(story.told).count(HANDLE) == 0


def test_back_at_a_level_that_missed_it_goes_up_again_and_nothing_is_said_twice() -> None:
    """The ladder loses the level it was raised to: the raise is void, and the grid's acknowledge was missed before."""
    story = Story()
    story.at(7)
    without = (LADDER[0], *LADDER[2:])
    told = story.hear(story.amended(8, ladder=without))
    assert (missed(told), raised_to(told)) == ([], [Level.STREET])
    assert story.case.raises[-1].counts_from == after(6)


def test_an_amendment_heard_after_a_raise_enters_no_level_again() -> None:
    story = Story(Urgency.ROUTINE)
    told = story.hear(story.amended(180, category_code="noise"), late_by=300)
    assert raised_to(told) == [Level.COMMUNITY]
    assert [event.because for event in told if isinstance(event, DeadlinesSet)] == [SetBecause.LEVEL]


def test_the_same_case_again_tells_nothing() -> None:
    story = Story()
    assert story.hear(story.amended(3)) == []


def test_withdrawn_ends_every_clock() -> None:
    story = Story()
    story.hear(story.withdrawn(2))
    assert story.case.open() == ()
    assert story.hear(story.closed(2)) == []


# ── appointments, care, answers ───────────────────────────────────────────────────────────────────────────────────


def window(starts: float, ends: float) -> Window:
    return Window(starts_at=after(starts), ends_at=after(ends))


def test_an_appointment_is_arrived_at_in_its_window_and_handled_the_day_after() -> None:
    story = Story(Urgency.APPOINTMENT, appointment=window(DAY, DAY + 120))
    assert (story.due(ARRIVE), story.due(HANDLE)) == (DAY + 120, 2 * DAY + 120)
    assert story.case.open(ARRIVE)[0].amber_at == after(DAY + 96), "within the window, not from registration"


def test_another_window_moves_arrive_and_handle_and_nothing_else() -> None:
    story = Story(Urgency.APPOINTMENT, appointment=window(DAY, DAY + 120))
    told = story.hear(story.agreed(60, 3 * DAY, 3 * DAY + 60))
    assert (story.due(ARRIVE), story.due(HANDLE)) == (3 * DAY + 60, 4 * DAY + 60)
    [event] = told
    assert isinstance(event, DeadlinesSet)
    assert (event.because, {one.kind for one in event.deadlines}) == (
        SetBecause.APPOINTMENT,
        {ARRIVE, HANDLE},
    )


def test_an_appointment_agreed_later_begins_its_window() -> None:
    story = Story(Urgency.APPOINTMENT)
    assert story.due(ARRIVE) is None
    story.hear(story.agreed(60, 3 * DAY, 3 * DAY + 60))
    assert story.due(ARRIVE) == 3 * DAY + 60


def test_a_window_does_not_put_off_an_emergency() -> None:
    story = Story()
    assert story.hear(story.agreed(2, DAY, DAY + 60)) == []


def test_a_window_that_was_missed_stays_missed() -> None:
    story = Story(Urgency.APPOINTMENT, appointment=window(60, 90))
    story.hear(story.accepted(1))
    assert missed(story.at(90)) == [ARRIVE]
    story.hear(story.agreed(100, DAY, DAY + 60))
    assert story.case.open(ARRIVE)[0].due_at == after(90)


SOON, FIRST, LATER = (30, 60), (DAY, DAY + 120), (3 * DAY, 3 * DAY + 60)


@pytest.mark.parametrize(
    ("before", "agreed_at", "to", "arrive", "handle"),
    [
        # A window that is still to come is moved, earlier or later, and each clock is missed by its last setting.
        (lambda story: None, 10, SOON, (60, Colour.RUNNING), 60 + DAY),
        (lambda story: None, 10, LATER, (3 * DAY + 60, Colour.RUNNING), 4 * DAY + 60),
        (lambda story: story.at(DAY + 100), DAY + 100, LATER, (3 * DAY + 60, Colour.RUNNING), 4 * DAY + 60),
        # One that has passed already is missed at once.
        (lambda story: None, 100, SOON, (60, Colour.RED), 60 + DAY),
        # What is red stays as it was missed, whatever is agreed then.
        (lambda story: story.at(DAY + 120), DAY + 130, LATER, (DAY + 120, Colour.RED), 4 * DAY + 60),
        # Nobody is owed an arrival twice.
        (lambda story: story.hear(story.arrived(DAY + 10)), DAY + 20, LATER, None, 4 * DAY + 60),
    ],
)
def test_another_window_moves_what_runs_and_reopens_nothing(
    before: Callable[[Story], object],
    agreed_at: float,
    to: tuple[float, float],
    arrive: tuple[float, Colour] | None,
    handle: float,
) -> None:
    story = Story(Urgency.APPOINTMENT, appointment=window(*FIRST))
    story.hear(story.accepted(1))
    story.hear(story.contacted(2))
    before(story)
    story.hear(story.agreed(agreed_at, *to))
    clock = story.open(ARRIVE)
    found = None if clock is None else ((clock.due_at - after(0)).total_seconds() / 60, clock.colour)
    assert found == arrive
    assert story.due(HANDLE) == handle
    story.at(2 * DAY + 200)
    assert missed(story.told).count(ARRIVE) == (arrive is not None and arrive[0] < 2 * DAY + 200)


@pytest.mark.parametrize("to", [(3 * DAY, 3 * DAY + 60), (20 * DAY, 20 * DAY + 60)])
def test_another_window_does_not_reopen_a_handle_that_was_missed(to: tuple[float, float]) -> None:
    story = Story(Urgency.APPOINTMENT, appointment=window(60, 90), ladder=LADDER[3:])
    story.hear(story.accepted(1))
    story.hear(story.arrived(70))
    due = story.due(HANDLE)
    assert due is not None
    story.at(due)
    told = story.hear(story.agreed(due + 10, *to))
    assert (told, story.due(HANDLE), story.case.open(HANDLE)[0].colour) == ([], due, Colour.RED)


def test_a_window_agreed_again_after_a_raise_moves_the_handle_of_the_level_it_is_at() -> None:
    story = Story(Urgency.APPOINTMENT, appointment=window(60, 90))
    story.hear(story.accepted(1))
    story.hear(story.arrived(70))
    raised = raised_to(story.at(90 + DAY))
    assert raised == [Level.COMMUNITY]
    before = story.due(HANDLE)
    story.hear(story.agreed(90 + DAY + 10, 20 * DAY, 20 * DAY + 60))
    assert (story.level, missed(story.told).count(HANDLE)) == (Level.COMMUNITY, 1)
    after_it = story.due(HANDLE)
    assert before is not None
    assert after_it is not None
    assert after_it > before


@pytest.mark.parametrize(
    ("urgency", "care", "due"),
    [
        (Urgency.ROUTINE, False, None),
        (Urgency.ROUTINE, True, 15),
        (Urgency.APPOINTMENT, True, 15),
        (Urgency.EMERGENCY, True, 15),
        (Urgency.EMERGENCY, False, 15),
    ],
)
def test_urgent_care_is_owed_a_quarter_of_an_hour_in_every_category(
    urgency: Urgency, care: bool, due: float | None
) -> None:
    assert Story(urgency, care=care).due(ARRIVE) == due


@pytest.mark.parametrize("ladder", [LADDER, LADDER[1:]])
def test_an_answer_has_no_clocks_and_contested_goes_to_the_community(ladder: object) -> None:
    story = Story(Urgency.ROUTINE, ladder=ladder, ends_at_once=Outcome.ANSWERED)  # type: ignore[arg-type]
    assert story.told == []
    story.hear(story.closed(0))
    told = story.hear(story.reopened(3 * DAY, because=ReopenReason.CONTESTED))
    assert raised_to(told) == [Level.COMMUNITY]
    assert story.due(HANDLE) == 8 * DAY + 8.5 * 60, "from Thursday three working days"


# ── a calendar that changes ───────────────────────────────────────────────────────────────────────────────────────


def with_calendar(**changed: object) -> tuple[Station, ...]:
    return tuple(Station(WorkingTime(OFFICE, CALENDAR.model_copy(update=changed))) for _ in LADDER)


def test_a_new_holiday_moves_running_clocks_and_says_why() -> None:
    story = Story(Urgency.ROUTINE)
    tuesday = after(DAY).date()
    decision = counted_anew(story.case, with_calendar(holidays=(*CALENDAR.holidays, tuesday)), after(60))
    [event] = decision.events
    assert isinstance(event, DeadlinesSet)
    assert (event.because, [one.kind for one in event.deadlines]) == (SetBecause.CALENDAR, [HANDLE])
    assert event.deadlines[0].due_at == after(CLOSING_ON_WEDNESDAY + DAY)


def test_a_calendar_that_changes_nothing_says_nothing() -> None:
    story = Story(Urgency.ROUTINE)
    assert counted_anew(story.case, story.stations, after(60)).events == ()


def test_a_day_that_turns_out_a_workday_may_make_a_clock_run_out_at_once() -> None:
    holidays = with_calendar(holidays=(*CALENDAR.holidays, *(after(day * DAY).date() for day in (1, 2, 3))))
    story = Story(Urgency.ROUTINE, stations=holidays)
    story.hear(story.accepted(1))
    decision = counted_anew(story.case, everybody_there(), after(3 * DAY))
    assert missed([*decision.events]) == [CONTACT, HANDLE]
    assert decision.case.level is Level.COMMUNITY


# ── properties ────────────────────────────────────────────────────────────────────────────────────────────────────

WHAT: st.SearchStrategy[Callable[[Story, float], CaseEvent] | None] = st.sampled_from(
    [
        None,
        Story.accepted,
        Story.arrived,
        Story.contacted,
        Story.returned,
        Story.merged,
        Story.unmerged,
        Story.amended,
        Story.asked_after,
        Story.handed_down,
        Story.handled,
        Story.answered,
        Story.reopened,
        Story.closed,
        lambda story, at: story.amended(at, urgency=Urgency.ROUTINE, policy=ROUTINE),
        lambda story, at: story.agreed(at, at + 60, at + 90),
        lambda story, at: story.asked_to_help(at, at + 30),
        lambda story, at: story.reassigned(at, None),
    ]
)
STEPS = st.lists(st.tuples(WHAT, st.floats(0.01, 2000), st.floats(0, 5)), max_size=20)


@given(STEPS)
def test_whatever_happens_the_fold_the_clocks_and_their_misses_agree(
    steps: list[tuple[Callable[[Story, float], CaseEvent] | None, float, float]],
) -> None:
    story, minutes = Story(), 0.0
    for what, pause, late in steps:
        minutes += pause
        story.at(minutes)
        if what is not None:
            story.hear(what(story, minutes), late)
    nothing: Case | None = None
    assert reduce(apply, story.journal, nothing) == story.case
    clocks = [one.clock for one in story.case.open()]
    assert len(set(clocks)) == len(clocks)
    assert story.case.registered_at == after(0)
    misses = [event for event in story.told if isinstance(event, DeadlineMissed)]
    assert all(event.at >= event.due_at for event in misses)
    said = {(event.kind, event.about, event.level, event.round, event.due_at) for event in misses}
    assert len(said) == len(misses), "missed once, whatever set the clock again"
    settings = [one for event in story.told if isinstance(event, DeadlinesSet) for one in event.deadlines]
    assert len(misses) <= len(settings), "each setting of a clock is missed once at most"
    days = [event.day for event in story.told if isinstance(event, CaseListed)]
    assert len(set(days)) == len(days)
