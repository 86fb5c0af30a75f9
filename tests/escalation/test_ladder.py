"""When a case is raised, to whom, and what takes a raise back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.escalation.rules.case import Ending
from services.escalation.rules.clocks import By
from services.escalation.rules.ladder import ByHand, may_be_raised, raise_by_hand
from shared.event import Actor
from shared.events.escalation import (
    CaseEscalated,
    DeadlineMissed,
    DeadlinesCleared,
    DeadlinesSet,
    EscalationVoided,
    SupervisionOrdered,
)
from shared.ids import uuid7
from shared.vocabulary import (
    ActorKind,
    Channel,
    DeadlineKind,
    EscalationCause,
    EscalationReason,
    Level,
    PartRole,
    SupervisionKind,
    Urgency,
)
from tests.escalation.story import LADDER, START, Story, after, everybody_there

ACK, HANDLE, ARRIVE, FOLLOW_UP = (
    DeadlineKind.ACKNOWLEDGE,
    DeadlineKind.HANDLE,
    DeadlineKind.ARRIVE,
    DeadlineKind.FOLLOW_UP,
)
BY_HAND = ByHand(
    By(Actor(kind=ActorKind.STAFF, person_id="p-grid-a1-a"), Channel.MOBILE),
    EscalationReason.BEYOND_OUR_POWERS,
)


def raises(story: Story) -> list[CaseEscalated]:
    return [event for event in story.told if isinstance(event, CaseEscalated)]


def types(events: list[object]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_case_nobody_answers_climbs_at_its_absolute_times() -> None:
    story = Story()
    for minutes in (5.99, 6, 15.99, 16, 30.99, 31, 60.99, 61):
        story.at(minutes)
    assert [(one.to_level, one.at, one.counts_from) for one in raises(story)] == [
        (Level.COMMUNITY, after(6), after(6)),
        (Level.STREET, after(16), after(16)),
        (Level.CIVIL_AFFAIRS, after(31), after(31)),
    ]
    missed = [event.due_at for event in story.told if isinstance(event, DeadlineMissed) and event.kind is ACK]
    assert missed == [after(6), after(16), after(31), after(61)]
    assert story.level is Level.CIVIL_AFFAIRS


def test_a_missed_deadline_its_raise_and_the_new_clocks_are_told_together() -> None:
    told = Story().at(6)
    assert types([*told]) == ["DeadlineMissed", "CaseEscalated", "DeadlinesSet"]
    assert isinstance(told[2], DeadlinesSet)
    assert {one.kind: one.due_at for one in told[2].deadlines} == {ACK: after(16), HANDLE: after(6 + 720)}


def test_after_a_long_outage_the_whole_chain_follows_at_once_at_its_absolute_times() -> None:
    noticed_late, noticed_in_time = Story(), Story()
    noticed_late.at(40)
    for minutes in range(41):
        noticed_in_time.at(minutes)
    assert [one.counts_from for one in raises(noticed_late)] == [after(6), after(16), after(31)]
    assert noticed_late.due(ACK) == noticed_in_time.due(ACK) == 61
    assert noticed_late.due(HANDLE) == noticed_in_time.due(HANDLE)


def test_only_a_missed_acknowledge_or_handle_raises() -> None:
    story = Story()
    story.hear(story.accepted(1))
    told = story.at(15)
    assert [event.kind for event in told if isinstance(event, DeadlineMissed)] == [ARRIVE]
    assert story.level is Level.GRID
    story.at(240)
    assert [one.cause for one in raises(story)] == [EscalationCause.HANDLE_MISSED]
    assert story.due(ACK) == 250
    assert story.due(HANDLE) == 240 + 720


@pytest.mark.parametrize(
    ("start", "empty", "to", "skipped"),
    [
        (0, (), Level.COMMUNITY, []),
        (0, (1,), Level.STREET, [Level.COMMUNITY]),
        (0, (1, 2), Level.CIVIL_AFFAIRS, [Level.COMMUNITY, Level.STREET]),
        (0, (1, 2, 3), Level.CIVIL_AFFAIRS, [Level.COMMUNITY, Level.STREET]),
        (0, (3,), Level.COMMUNITY, []),
        (1, (), Level.STREET, []),  # an unknown place starts at the community
        (1, (2, 3), Level.CIVIL_AFFAIRS, [Level.STREET]),
        (2, (3,), Level.CIVIL_AFFAIRS, []),  # a ladder of two rungs
    ],
)
def test_levels_with_nobody_are_skipped_but_never_the_last(
    start: int, empty: tuple[int, ...], to: Level, skipped: list[Level]
) -> None:
    ladder = LADDER[start:]
    there = everybody_there(len(ladder), [place - start for place in empty])
    story = Story(ladder=ladder, stations=there)
    due = story.open(ACK)
    assert due is not None
    story.at((due.due_at - START) / timedelta(minutes=1))
    [raised] = raises(story)
    assert raised.to_level is to
    assert [(one.level, one.reason) for one in raised.skipped] == [
        (level, "nobody_rostered") for level in skipped
    ]
    assert raised.counts_from == due.due_at


def test_at_the_last_level_a_missed_deadline_is_only_said() -> None:
    story = Story(ladder=LADDER[3:])
    assert types([*story.at(30)]) == ["DeadlineMissed", "DeadlineMissed"]  # arrive at 15, acknowledge at 30
    assert raises(story) == []
    [stopped] = [event for event in story.hear(story.accepted(40)) if isinstance(event, DeadlinesCleared)]
    assert [(one.kind, one.met) for one in stopped.cleared] == [(ACK, False)]


def test_an_acceptance_that_crosses_a_raise_leaves_the_raise_standing() -> None:
    story = Story()
    in_time = story.accepted(5.9)
    story.at(6)
    assert story.hear(in_time, late_by=0.2) == []
    assert story.level is Level.COMMUNITY
    assert story.due(ACK) == 16
    assert [holder.person_id for holder in story.case.holders] == ["p-grid-a1-a"]


def test_an_acceptance_after_the_deadline_raises_whoever_notices_first() -> None:
    story = Story()
    told = story.hear(story.accepted(6.1))
    assert types([*told])[:2] == ["DeadlineMissed", "CaseEscalated"]
    assert story.level is Level.COMMUNITY


def test_what_happens_in_the_moment_it_is_due_is_in_time() -> None:
    story = Story()
    [cleared] = [event for event in story.hear(story.accepted(6)) if isinstance(event, DeadlinesCleared)]
    assert [(one.kind, one.met) for one in cleared.cleared] == [(ACK, True)]
    assert story.level is Level.GRID


def test_raised_by_hand_counts_from_then() -> None:
    story = Story()
    story.hear(story.accepted(1))
    before = story.case
    told = story.by_hand(20, lambda telling: raise_by_hand(telling, before, BY_HAND))
    raised = next(event for event in told if isinstance(event, CaseEscalated))
    assert (raised.cause, raised.reason) == (EscalationCause.BY_HAND, EscalationReason.BEYOND_OUR_POWERS)
    assert (raised.actor.person_id, raised.channel) == ("p-grid-a1-a", Channel.MOBILE)
    assert (story.due(ACK), story.due(HANDLE)) == (30, 20 + 720)


def test_a_deadline_that_ran_out_first_wins_over_the_hand() -> None:
    story = Story()
    before = story.case
    told = story.by_hand(7, lambda telling: raise_by_hand(telling, before, BY_HAND))
    causes = [event.cause for event in told if isinstance(event, CaseEscalated)]
    assert causes == [EscalationCause.ACKNOWLEDGE_MISSED]


def test_who_may_not_be_raised() -> None:
    assert may_be_raised(Story().case) is None
    assert may_be_raised(Story(ladder=LADDER[3:]).case) == "last-level"
    story = Story()
    story.hear(story.handled(3))
    assert may_be_raised(story.case) == "handled"
    story.hear(story.closed(9))
    assert may_be_raised(story.case) == "closed"


def test_a_handled_that_crosses_raises_voids_them_all() -> None:
    story = Story()
    story.hear(story.accepted(1))
    story.hear(story.arrived(9))
    handled = story.handled(239, level=Level.GRID)
    story.at(240)
    story.at(250)
    assert story.level is Level.STREET
    told = story.hear(handled, late_by=12)
    [voided] = [event for event in told if isinstance(event, EscalationVoided)]
    assert voided.voids == tuple(one.id for one in raises(story))
    assert (voided.level, voided.unit_id, story.level) == (Level.GRID, "grid-a1", Level.GRID)
    [cleared] = [event for event in told if isinstance(event, DeadlinesCleared)]
    assert [(one.kind, one.due_at, one.met) for one in cleared.cleared] == [(HANDLE, after(240), True)]
    assert [(one.kind, one.level) for one in story.case.open()] == [(FOLLOW_UP, Level.GRID)]
    assert story.due(FOLLOW_UP) == 239 + 24 * 60


def test_a_handled_one_level_below_voids_only_what_came_after() -> None:
    story = Story()
    story.at(6)
    story.hear(story.accepted(7, part_id=uuid7()))
    handled = story.handled(100, level=Level.COMMUNITY)
    story.at(6 + 720)
    assert len(raises(story)) == 2
    [voided] = [e for e in story.hear(handled, late_by=700) if isinstance(e, EscalationVoided)]
    assert voided.voids == (raises(story)[1].id,)
    assert story.level is Level.COMMUNITY


def test_a_handled_at_the_level_we_know_voids_nothing() -> None:
    story = Story()
    story.at(6)
    told = story.hear(story.handled(9))
    assert types([*told]) == ["DeadlinesCleared", "DeadlinesSet"]
    assert story.level is Level.COMMUNITY


def test_dissatisfied_one_level_up_under_supervision() -> None:
    story = Story()
    story.hear(story.handled(30))
    story.hear(story.answered(60))
    told = story.hear(story.reopened(60))
    assert types([*told]) == ["CaseEscalated", "SupervisionOrdered", "DeadlinesSet"]
    raised, ordered = told[0], told[1]
    assert isinstance(raised, CaseEscalated)
    assert isinstance(ordered, SupervisionOrdered)
    assert (raised.cause, raised.to_level, raised.round) == (EscalationCause.REOPENED, Level.COMMUNITY, 2)
    assert (ordered.kind, ordered.unit_id) == (SupervisionKind.ORDINARY, "community-a")
    assert ordered.supervising_unit_id == "street"
    assert (story.due(ACK), story.due(HANDLE), story.due(ARRIVE)) == (70, 60 + 720, None)


def test_reopened_at_the_top_stays_there_under_its_own_supervision() -> None:
    story = Story(ladder=LADDER[3:])
    story.hear(story.handled(10))
    raised, ordered = story.hear(story.reopened(60))[-3:-1]
    assert isinstance(raised, CaseEscalated)
    assert isinstance(ordered, SupervisionOrdered)
    assert raised.from_level is raised.to_level is Level.CIVIL_AFFAIRS
    assert ordered.supervising_unit_id == "civil-affairs"
    assert story.due(ACK) == 90


def test_a_reopened_case_is_raised_again_when_nobody_takes_it() -> None:
    story = Story()
    story.hear(story.handled(30))
    story.hear(story.reopened(60))
    story.at(70)
    assert [(one.cause, one.to_level) for one in raises(story)] == [
        (EscalationCause.REOPENED, Level.COMMUNITY),
        (EscalationCause.ACKNOWLEDGE_MISSED, Level.STREET),
    ]


def test_what_an_older_round_says_changes_nothing() -> None:
    story = Story()
    old = story.accepted(59), story.handled(59), story.answered(59), story.arrived(59)
    story.hear(story.handled(30))
    story.hear(story.reopened(60))
    told = [event for one in old for event in story.hear(one, late_by=2)]
    assert told == []
    assert (story.level, story.case.is_worked_on) == (Level.COMMUNITY, True)


def test_a_closed_case_has_no_clocks_and_is_never_raised() -> None:
    story = Story()
    told = story.hear(story.closed(2))
    [cleared] = [event for event in told if isinstance(event, DeadlinesCleared)]
    assert {one.met for one in cleared.cleared} == {None}
    assert story.at(10_000) == []
    assert story.hear(story.handled(3), late_by=1) == []
    assert story.case.open() == ()


def test_a_case_handled_twice_is_handled_once() -> None:
    story = Story()
    story.hear(story.handled(3))
    assert story.hear(story.handled(4)) == []


def test_a_routine_level_is_skipped_only_if_its_post_is_not_filled() -> None:
    story = Story(Urgency.ROUTINE, stations=everybody_there(4, [1], "post_not_filled"))
    due = story.due(ACK)
    assert due == 120
    story.at(due)
    [raised] = raises(story)
    assert [(one.level, one.reason) for one in raised.skipped] == [(Level.COMMUNITY, "post_not_filled")]


def test_a_part_beside_the_owner_acknowledges_nothing() -> None:
    story = Story()
    assert story.hear(story.accepted(1, part_role=PartRole.CO_HANDLER)) == []
    assert story.due(ACK) == 6


def test_the_clocks_of_a_raise_end_with_it() -> None:
    story = Story()
    handled = story.handled(5, level=Level.GRID)
    story.at(6)
    story.hear(handled, late_by=2)
    endings = {
        (one.kind, one.level): one.ending for one in story.case.deadlines if one.level is Level.COMMUNITY
    }
    assert endings == {(ACK, Level.COMMUNITY): Ending.VOIDED, (HANDLE, Level.COMMUNITY): Ending.VOIDED}
