"""What each event does to the row of its case, and that chance in the order of arrival changes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.insight.rules.alarms import ALARM_EVENTS
from services.insight.rules.facts import CaseRow
from services.insight.rules.fold import FOLDS, NotRegisteredError, apply
from services.insight.rules.sentences import TEMPLATES
from services.insight.rules.standing import standing
from shared.event import EVENT_TYPES, CaseEvent
from shared.events.dispatch import CaseReassigned
from shared.events.intake import CaseRegistered
from shared.going import ReassignReason
from shared.vocabulary import (
    CaseState,
    ClosedBy,
    DeadlineKind,
    EscalationCause,
    Level,
    Must,
    Outcome,
    PartRole,
    Satisfaction,
)
from tests.insight.matters import MATTERS, every_matter
from tests.insight.stories import (
    crossed_raise,
    dissatisfied,
    every_story,
    manhole_at_night,
    nobody_answers,
    satisfied,
)
from tests.insight.story import CALLED, Story


def folded(events: Iterable[CaseEvent]) -> CaseRow:
    row: CaseRow | None = None
    for event in events:
        row = apply(row, event)
    assert row is not None
    return row


def minutes(amount: float) -> timedelta:
    return timedelta(minutes=amount)


def test_every_case_event_is_folded_and_told() -> None:
    ours = {event for event in EVENT_TYPES.values() if issubclass(event, CaseEvent)}
    assert {CaseRegistered, *FOLDS} == ours
    assert set(TEMPLATES) == {event.type for event in (*ours, *ALARM_EVENTS)}


def test_the_stories_tell_every_event_there_is() -> None:
    told = {type(event) for story in (*every_story(), *every_matter()) for event in story.events}
    assert told == {CaseRegistered, *FOLDS}


def test_manhole_at_night_has_every_milestone() -> None:
    row = folded(satisfied(manhole_at_night()).events)
    assert row.registered_at == CALLED
    assert row.offered_at == CALLED
    assert row.accepted_at == CALLED + minutes(1.5)
    assert row.arrived_at == CALLED + minutes(14)
    assert row.arrived_told_at == CALLED + minutes(1)
    assert row.contacted_at == row.arrived_at
    assert row.handled_at == CALLED + minutes(34)
    assert row.closed_at == CALLED + minutes(60)
    assert (row.outcome, row.closed_by, row.resolved_level) == (
        Outcome.SOLVED,
        ClosedBy.FOLLOW_UP,
        Level.GRID,
    )
    assert (row.offers, row.lapses, row.declines, row.notices_delivered) == (2, 1, 0, 1)


def test_manhole_at_night_stands_closed_with_all_four_musts() -> None:
    stands = standing(folded(satisfied(manhole_at_night()).events))
    assert stands.state is CaseState.CLOSED
    assert stands.holder_id == "p-grid-a1-b"
    assert stands.musts_met == tuple(Must)
    assert (stands.raises_count, stands.level_reached) == (0, Level.GRID)
    assert (stands.deadlines_met, stands.deadlines_missed) == (5, 0)
    assert stands.next_due_at is None


def test_a_late_arrival_is_one_missed_deadline() -> None:
    row = folded(satisfied(manhole_at_night(arrives=17)).events)
    assert standing(row).deadlines_missed == 2  # arrive, and contact that came with it
    [arrive] = [clock for clock in row.clocks if clock.kind is DeadlineKind.ARRIVE]
    assert (arrive.met, arrive.missed_at, arrive.late_ms) == (False, CALLED + minutes(15), 12)


def test_dissatisfied_case_goes_on_one_level_up_with_its_first_clock() -> None:
    row = folded(dissatisfied(manhole_at_night()).events)
    assert row.registered_at == CALLED
    assert (row.round, row.reopened_count) == (2, 1)
    assert (row.first_handled_at, row.handled_at) == (CALLED + minutes(34), CALLED + minutes(300))
    first, second = row.follow_ups
    assert (first.solved, first.reopened_at) == (False, CALLED + minutes(60))
    assert (second.solved, second.reopened_at) == (True, None)
    assert standing(row).level_reached is Level.COMMUNITY
    assert len(row.supervisions) == 1


def test_reopening_makes_a_handled_case_open_again() -> None:
    story = manhole_at_night()
    story.answered(60, solved=False, satisfaction=Satisfaction.VERY_DISSATISFIED)
    assert standing(folded(story.events)).state is CaseState.HANDLED
    story.reopened(60)
    assert standing(folded(story.events)).state is CaseState.REOPENED


def test_a_voided_raise_does_not_count() -> None:
    row = folded(crossed_raise().events)
    stands = standing(row)
    assert stands.level is Level.GRID
    assert (stands.raises_count, stands.level_reached) == (0, Level.GRID)
    assert [raised.voided for raised in row.raises] == [True]


def test_the_clocks_of_a_voided_raise_do_not_turn_the_board_red() -> None:
    """The case is handled; the upper level's clocks were set for nothing, and the replaced one is met after all."""
    story = Story()
    registered = story.registered()
    story.clocks(0, registered, acknowledge=6, arrive=15, handle=240)
    story.cleared(1, acknowledge=(6, True), arrive=(15, True))
    story.missed(240, "handle", 240)
    raised = story.raised(240, Level.COMMUNITY, cause=EscalationCause.HANDLE_MISSED)
    story.clocks(240, raised, acknowledge=250, handle=960)
    story.voided(240.1, Level.GRID, raised, because=registered)
    story.cleared(240.1, handle=(240, True))
    stands = standing(folded(story.events))
    assert (stands.next_due_at, stands.next_amber_at) == (None, None)
    assert (stands.deadlines_met, stands.deadlines_missed) == (3, 0)


def test_who_holds_and_who_goes_are_told_apart() -> None:
    events = nobody_answers().events
    handled = next(place for place, event in enumerate(events) if event.type == "yike.case.handled")
    stands = standing(folded(events[:handled]))
    assert (stands.holder_id, stands.going_id) == ("p-community-a-o1", "p-grid-a2-v")
    assert stands.acknowledged


def test_whoever_goes_may_handle_it_before_an_officer_accepts() -> None:
    story = Story()
    registered = story.registered()
    raised = story.raised(6, Level.COMMUNITY, registered, cause=EscalationCause.ACKNOWLEDGE_MISSED)
    going = story.part(part_role=PartRole.CO_HANDLER, level=Level.GRID)
    accepted = story.accepted(8, story.offered(7, "p-grid-a2-v", raised, **going))
    assert standing(folded(story.events)).holder_id is None
    story.handled(30, accepted)
    assert standing(folded(story.events)).holder_id == "p-grid-a2-v"


def test_a_way_taken_over_is_one_hand_over_and_nothing_counts_twice() -> None:
    """Until it is accepted whoever is on the way has the case, whatever becomes of the question."""
    story = Story()
    story.registered()
    first = story.offered(0, "p-grid-a1-a")
    going = story.accepted(1, first)
    asked = story.offered(3, "p-grid-a2-a", takes_over=first.offer_id)
    assert standing(folded(story.events)).going_id == going.person_id
    story.lapsed(4, asked)
    row = folded(story.events)
    assert (standing(row).going_id, row.accepted_at, row.lapses) == (going.person_id, going.at, 1)
    again = story.offered(5, "p-grid-a3-a", takes_over=first.offer_id)
    about = story.part(from_person_id=going.person_id, to_person_id=again.person_id)
    story.add(CaseReassigned, 6, **about, to_offer_id=again.offer_id, reason=ReassignReason.TAKEN_OVER)
    story.accepted(6, again)
    row = folded(story.events)
    assert standing(row).going_id == again.person_id
    assert (row.accepted_at, row.hand_overs, row.offers) == (going.at, 1, 3)
    works = {work.person_id: (work.accepts, work.seconds) for work in row.works}
    assert works == {"p-grid-a1-a": (1, 300), "p-grid-a2-a": (0, 0), "p-grid-a3-a": (1, 0)}
    assert standing(row).acknowledged


def test_what_is_said_again_of_a_case_taken_out_of_another_is_one_work() -> None:
    story = Story()
    accepted = story.accepted(2, story.offered(1, "p-grid-a1-a", story.registered()))
    story.handled(30, accepted)
    once = folded(story.events)
    story.handled(90, accepted)
    twice = folded(story.events)
    assert twice.works == once.works
    assert [one.handled_at for one in twice.rounds] == [one.handled_at for one in once.rounds]


def test_three_attempts_without_reaching_anybody_are_given_up() -> None:
    row = folded(nobody_answers().events)
    [follow_up] = row.follow_ups
    assert (follow_up.attempts, follow_up.reached_at) == (3, None)
    assert follow_up.given_up_at == row.closed_at


def test_answers_before_handled_are_counted_and_close_nothing() -> None:
    story = Story()
    story.registered()
    story.answered(5)
    [follow_up] = folded(story.events).follow_ups
    assert (follow_up.early_answers, follow_up.reached_at, follow_up.solved) == (1, None, None)


def test_the_next_deadline_is_the_earliest_still_open() -> None:
    story = Story()
    registered = story.registered()
    story.clocks(0, registered, acknowledge=6, arrive=15, handle=240)
    stands = standing(folded(story.events))
    assert (stands.next_kind, stands.next_due_at) == (DeadlineKind.ACKNOWLEDGE, CALLED + minutes(6))
    assert stands.next_amber_at == CALLED + minutes(4.8)


def test_a_missed_deadline_stays_missed_when_its_clock_is_taken_away() -> None:
    story = Story()
    story.registered()
    story.clocks(0, handle=240)
    story.missed(240, "handle", 240)
    story.cleared(241, handle=(240, None))
    assert standing(folded(story.events)).deadlines_missed == 1


def test_a_case_never_registered_is_a_hole_in_the_story() -> None:
    story = manhole_at_night()
    with pytest.raises(NotRegisteredError):
        apply(None, story.events[1])


def test_states_follow_the_case() -> None:
    story = manhole_at_night()
    seen: list[CaseState] = []
    for count in range(1, len(story.events) + 1):
        state = standing(folded(story.events[:count])).state
        if not seen or seen[-1] is not state:
            seen.append(state)
    assert seen == [
        CaseState.REGISTERED,
        CaseState.OFFERED,
        CaseState.REGISTERED,
        CaseState.OFFERED,
        CaseState.ACCEPTED,
        CaseState.ARRIVED,
        CaseState.IN_PROGRESS,
        CaseState.HANDLED,
    ]


STORIES: list[Callable[[], Story]] = [
    *(partial(lambda tell: tell(Story()), tell) for tell in MATTERS.values()),
    lambda: satisfied(manhole_at_night()),
    lambda: satisfied(manhole_at_night(arrives=17)),
    lambda: dissatisfied(manhole_at_night()),
    crossed_raise,
    nobody_answers,
]


@settings(max_examples=150, deadline=None)
@given(which=st.integers(0, len(STORIES) - 1), seed=st.integers(0, 2**32))
def test_any_causally_valid_order_gives_the_same_row(which: int, seed: int) -> None:
    """Kafka keeps the order of each source and of causes; between them it is chance."""
    story = STORIES[which]()
    chance = random.Random(seed)
    as_told, as_heard = folded(story.events), folded(story.order(chance.randrange))
    assert as_heard == as_told
    assert standing(as_heard) == standing(as_told)


@settings(max_examples=60, deadline=None)
@given(which=st.integers(0, len(STORIES) - 1), cut=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_half_a_story_too(which: int, cut: int, seed: int) -> None:
    """Not only where everything has been told: wherever two orders have told the same, the rows are the same."""
    story = STORIES[which]()
    story.told = story.told[:cut]
    chance = random.Random(seed)
    assert folded(story.order(chance.randrange)) == folded(story.events)


def test_orders_really_differ() -> None:
    story = dissatisfied(manhole_at_night())
    chance = random.Random(1)
    orders = {tuple(event.id for event in story.order(chance.randrange)) for _ in range(50)}
    assert len(orders) > 10


def test_every_story_is_closed_in_the_end() -> None:
    assert {standing(folded(story.events)).state for story in every_story()} == {CaseState.CLOSED}
