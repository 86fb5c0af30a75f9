"""What stops which clock, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.escalation.rules.case import Case, Colour
from services.escalation.rules.fold import apply
from services.registry.defaults.policies import EMERGENCY
from shared.event import CaseEvent
from shared.events.escalation import DeadlineAmber, DeadlineMissed, DeadlinesCleared, DeadlinesSet
from shared.vocabulary import DeadlineKind, Level, Urgency
from tests.escalation.story import Story, after

ACK, ARRIVE, CONTACT, HANDLE, FOLLOW_UP = list(DeadlineKind)[:5]


def cleared(events: list[CaseEvent]) -> dict[DeadlineKind, bool | None]:
    return {
        one.kind: one.met for event in events if isinstance(event, DeadlinesCleared) for one in event.cleared
    }


def test_an_emergency_starts_its_clocks_at_registration() -> None:
    story = Story()
    assert {one.kind: story.due(one.kind) for one in story.case.open()} == {ACK: 6, ARRIVE: 15, HANDLE: 240}
    [told] = story.told
    assert isinstance(told, DeadlinesSet)
    assert {one.kind: one.amber_at for one in told.deadlines} == {
        ACK: after(4.8),
        ARRIVE: after(12),
        HANDLE: after(192),
    }


def test_a_routine_case_starts_its_clocks_at_registration() -> None:
    """Monday, nine: two working hours, two working days, a day for the first contact."""
    story = Story(Urgency.ROUTINE)
    until_wednesday_closing = 2 * 24 * 60 + 8.5 * 60
    assert {one.kind: story.due(one.kind) for one in story.case.open()} == {
        ACK: 120,
        CONTACT: 24 * 60,
        HANDLE: until_wednesday_closing,
    }


@pytest.mark.parametrize(
    ("urgency", "what", "stops"),
    [
        (Urgency.EMERGENCY, Story.accepted, {ACK: True}),
        (Urgency.EMERGENCY, Story.arrived, {ARRIVE: True}),
        (Urgency.EMERGENCY, Story.contacted, {}),
        (Urgency.EMERGENCY, Story.handled, {HANDLE: True, ACK: None, ARRIVE: None}),
        (Urgency.EMERGENCY, Story.answered, {}),
        (Urgency.EMERGENCY, Story.closed, {ACK: None, ARRIVE: None, HANDLE: None}),
        (Urgency.ROUTINE, Story.accepted, {ACK: True}),
        (Urgency.ROUTINE, Story.arrived, {CONTACT: True}),
        (Urgency.ROUTINE, Story.contacted, {CONTACT: True}),
        (Urgency.ROUTINE, Story.handled, {HANDLE: True, ACK: None, CONTACT: None}),
        (Urgency.ROUTINE, Story.closed, {ACK: None, CONTACT: None, HANDLE: None}),
    ],
)
def test_what_stops_which_clock(
    urgency: Urgency, what: Callable[[Story, float], CaseEvent], stops: dict[DeadlineKind, bool | None]
) -> None:
    story = Story(urgency)
    assert cleared(story.hear(what(story, 3))) == stops


@pytest.mark.parametrize(
    ("reached", "minutes", "stops"),
    [(True, 60, {FOLLOW_UP: True}), (True, 3 + 24 * 60 + 1, {FOLLOW_UP: False}), (False, 60, {})],
)
def test_only_an_answer_stops_the_follow_up(
    reached: bool, minutes: float, stops: dict[DeadlineKind, bool]
) -> None:
    story = Story()
    story.hear(story.handled(3))
    assert story.due(FOLLOW_UP) == 3 + 24 * 60
    assert cleared(story.hear(story.answered(minutes, reached))) == stops


def test_an_answer_before_handled_stops_nothing() -> None:
    story = Story()
    story.hear(story.accepted(1))
    assert story.hear(story.answered(2)) == []


@pytest.mark.parametrize("minutes", [15.5, 20, 239])
def test_a_late_arrival_is_said_to_be_missed_once_and_then_stops_the_clock_as_late(minutes: float) -> None:
    for noticed_first in (True, False):
        story = Story()
        story.hear(story.accepted(1))
        if noticed_first:
            story.at(15)
        story.hear(story.arrived(minutes))
        missed = [event for event in story.told if isinstance(event, DeadlineMissed)]
        assert [(event.kind, event.due_at) for event in missed] == [(ARRIVE, after(15))]
        assert cleared(story.told)[ARRIVE] is False


def test_an_arrival_in_time_that_is_heard_late_stands_as_in_time() -> None:
    story = Story()
    story.hear(story.accepted(1))
    arrived = story.arrived(14)
    story.at(15)
    assert cleared(story.hear(arrived, late_by=2)) == {ARRIVE: True}


def test_a_case_handled_late_is_missed_but_not_raised() -> None:
    story = Story()
    story.hear(story.accepted(1))
    story.hear(story.arrived(2))
    told = story.hear(story.handled(241))
    assert [type(event).__name__ for event in told] == ["DeadlineMissed", "DeadlinesCleared", "DeadlinesSet"]
    assert cleared(told)[HANDLE] is False
    assert story.level is Level.GRID


def test_amber_is_said_once_and_not_after_red() -> None:
    story = Story()
    assert [type(event) for event in story.at(4.8)] == [DeadlineAmber]
    assert story.at(5) == []
    story.hear(story.accepted(5))
    assert [event.kind for event in story.at(15) if isinstance(event, DeadlineAmber)] == []
    assert story.open(ARRIVE) is not None
    assert story.case.open(ARRIVE)[0].colour is Colour.RED


def test_a_level_without_a_limit_sets_no_clock_and_ends_the_one_before() -> None:
    grid, community, *rest = EMERGENCY.levels
    without = community.model_copy(update={"acknowledge": None})
    story = Story(policy=EMERGENCY.model_copy(update={"levels": (grid, without, *rest)}))
    assert cleared(story.at(6)) == {ACK: None}
    assert story.due(ACK) is None
    assert story.due(HANDLE) == 6 + 720


# ── properties ────────────────────────────────────────────────────────────────────────────────────────────────────

WHAT = st.sampled_from(
    [
        Story.accepted,
        Story.arrived,
        Story.contacted,
        Story.handled,
        Story.answered,
        Story.reopened,
        Story.closed,
        None,
    ]
)
STEPS = st.lists(st.tuples(WHAT, st.floats(0.01, 300), st.floats(0, 5)), max_size=25)


def live(
    steps: list[tuple[Callable[[Story, float], CaseEvent] | None, float, float]], look_every_step: bool
) -> Story:
    """A case lived through these steps: what happens, how many minutes later, how late it is heard."""
    story, minutes = Story(), 0.0
    for what, pause, late in steps:
        minutes += pause
        if what is None or look_every_step:
            story.at(minutes)
        if what is not None:
            story.hear(what(story, minutes), late)
    return story


@given(STEPS)
def test_the_state_is_the_fold_of_the_journal(
    steps: list[tuple[Callable[[Story, float], CaseEvent] | None, float, float]],
) -> None:
    story = live(steps, look_every_step=False)
    nothing: Case | None = None
    assert reduce(apply, story.journal, nothing) == story.case


@given(STEPS)
def test_each_deadline_is_missed_at_most_once_and_never_early(
    steps: list[tuple[Callable[[Story, float], CaseEvent] | None, float, float]],
) -> None:
    story = live(steps, look_every_step=True)
    missed = [event for event in story.told if isinstance(event, DeadlineMissed)]
    assert all(event.at >= event.due_at for event in missed)
    assert len({(event.kind, event.level, event.round) for event in missed}) == len(missed)
    armed = [(one.kind, one.level, one.round) for one in story.case.deadlines]
    assert len(set(armed)) == len(armed)


@given(STEPS)
def test_one_clock_of_a_kind_runs_and_a_stopped_one_says_how(
    steps: list[tuple[Callable[[Story, float], CaseEvent] | None, float, float]],
) -> None:
    case = live(steps, look_every_step=True).case
    kinds = [one.clock for one in case.open()]
    assert len(set(kinds)) == len(kinds)
    assert all((one.ending is None) == (one.ended_at is None) for one in case.deadlines)
    assert case.closed_at is None or not kinds


@given(st.lists(st.floats(0, 200), max_size=30))
def test_deadlines_never_depend_on_when_somebody_looked(looks: list[float]) -> None:
    story = Story()
    for minutes in sorted(looks):
        story.at(minutes)
    story.at(200)
    straight = Story()
    straight.at(200)
    assert [one.due_at for one in story.case.deadlines] == [one.due_at for one in straight.case.deadlines]
    froms = [one.counts_from for one in story.case.raises]
    assert froms == [one.counts_from for one in straight.case.raises]
    assert all(earlier < later for earlier, later in pairwise(froms))
