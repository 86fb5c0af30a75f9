"""How a case may end, as tables; and a state machine that looks for another way out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.intake.rules import endings
from services.intake.rules.cases import apply, fold
from services.intake.rules.endings import Answers, Asked
from services.intake.rules.facts import LINK_VALID_FOR, Case
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.event import Actor, CaseEvent
from shared.events.intake import CaseClosed, CaseReopened, FollowUpRecorded
from shared.ids import uuid7
from shared.vocabulary import (
    DISSATISFIED,
    ActorKind,
    CaseState,
    Channel,
    ClosedBy,
    Level,
    Outcome,
    Satisfaction,
)
from tests.intake.world import CALLER, OFFICER, START, WORKER, Others, a_registration

CHINA = ZoneInfo("Asia/Shanghai")
NINE = START
"""Nine in the morning in China."""

CONTENT = Answers(contacted=True, solved=True, satisfaction=Satisfaction.SATISFIED)


def staff(person_id: str = CALLER) -> Actor:
    return Actor(kind=ActorKind.STAFF, person_id=person_id)


def a_handled_case(*, can_be_asked: bool = True, has_phone: bool = True, round: int = 1) -> Case:
    registration = a_registration(requester_can_be_asked=can_be_asked, round=round)
    case = fold([registration, *Others(registration.case_id, round=round).work()])
    before = replace(case, state=CaseState.IN_PROGRESS)
    opened = endings.follow_up_for(before, case, uuid7(), NINE, has_phone=has_phone)
    assert opened is not None
    return apply(case, opened)


def asked(case: Case, answers: Answers | None, now: datetime = NINE) -> tuple[CaseEvent, ...]:
    decided = endings.record_attempt(case, Asked(staff(), Channel.PHONE, answers), CHINA, now)
    assert not isinstance(decided, Refused), decided
    return decided


def tried(case: Case, *hours: float) -> Case:
    """Calls that reached nobody, at these hours after nine."""
    for hour in hours:
        for event in asked(case, None, NINE + timedelta(hours=hour)):
            case = apply(case, event)
    return case


@pytest.mark.parametrize("solved", [True, False])
@pytest.mark.parametrize("satisfaction", list(Satisfaction))
def test_not_solved_or_dissatisfied_reopens_and_everything_else_closes(
    solved: bool, satisfaction: Satisfaction
) -> None:
    case = a_handled_case()
    recorded, then = asked(case, Answers(contacted=True, solved=solved, satisfaction=satisfaction))
    assert isinstance(recorded, FollowUpRecorded)
    assert (recorded.reached, recorded.solved, recorded.satisfaction) == (True, solved, satisfaction)
    if solved and satisfaction not in DISSATISFIED:
        assert isinstance(then, CaseClosed)
        assert (then.closed_by, then.outcome) == (ClosedBy.FOLLOW_UP, Outcome.SOLVED)
        assert then.resolved_level is Level.GRID
    else:
        assert isinstance(then, CaseReopened)
        assert then.round == 2


def test_the_button_is_recorded_and_decides_nothing() -> None:
    recorded, then = asked(a_handled_case(), replace(CONTENT, coached=True))
    assert isinstance(recorded, FollowUpRecorded)
    assert recorded.coached
    assert isinstance(then, CaseClosed)


def test_three_attempts_at_different_hours_close_as_unreached() -> None:
    case = tried(a_handled_case(), 0, 3)
    assert case.state is CaseState.HANDLED
    case = tried(case, 9)
    assert (case.state, case.closed_by, case.outcome) == (
        CaseState.CLOSED,
        ClosedBy.THREE_ATTEMPTS,
        Outcome.SOLVED,
    )


@pytest.mark.parametrize(
    ("before", "now", "free"),
    [
        ([], 0, 0),
        ([0], 0.5, 1),
        ([0], 24, 25),
        ([0, 1], 24.25, 26),
        ([0], 1, 1),
        ([0.99], 1, 1.99),
        ([0.99], 1.5, 1.99),
        ([0.99], 1.99, 1.99),
        ([0.99, 1.99], 2, 2.99),
        ([0, 1], 1.5, 2),
        ([1, 2.5], 3, 3.5),
        ([23.5], 24, 24.5),
        ([23.5], 47.75, 48),
    ],
)
def test_an_hour_of_the_day_counts_once(before: list[float], now: float, free: float) -> None:
    """Three calls at nine reach nobody who works: the same hour on another day is the same hour. A minute before ten
    and ten are not two hours either."""
    case = tried(a_handled_case(), *before)
    assert case.follow_up is not None
    at = NINE + timedelta(hours=now)
    assert endings.next_free_hour(case.follow_up, CHINA, at) == NINE + timedelta(hours=free)
    decided = endings.record_attempt(case, Asked(staff(), Channel.PHONE), CHINA, at)
    if free != now:
        assert decided == Refused(RefusedBecause.SAME_HOUR, try_again_at=NINE + timedelta(hours=free))


def test_hours_are_those_of_the_place() -> None:
    """In India 9:20 and 9:40 local time lie in two hours of UTC."""
    india, twenty_past = ZoneInfo("Asia/Kolkata"), datetime(2026, 3, 2, 3, 50, tzinfo=UTC)
    case = a_handled_case()
    [recorded] = asked(case, None, twenty_past)
    case = apply(case, recorded)
    later = endings.record_attempt(
        case, Asked(staff(), Channel.PHONE), india, twenty_past + timedelta(minutes=20)
    )
    assert isinstance(later, Refused)


def test_reaching_somebody_counts_in_any_hour() -> None:
    recorded, closed = asked(tried(a_handled_case(), 0), CONTENT, NINE + timedelta(minutes=5))
    assert isinstance(recorded, FollowUpRecorded)
    assert recorded.attempt == 2
    assert isinstance(closed, CaseClosed)


@pytest.mark.parametrize("person_id", [WORKER, OFFICER])
def test_whoever_held_the_case_never_asks(person_id: str) -> None:
    case = a_handled_case()
    case = apply(case, Others(case.case_id).accepted(OFFICER))
    decided = endings.record_attempt(case, Asked(staff(person_id), Channel.PHONE, CONTENT), CHINA, NINE)
    assert decided == Refused(RefusedBecause.HELD_BY_YOU)


def test_an_unanswered_link_is_one_attempt_and_never_two() -> None:
    case = a_handled_case()
    assert case.follow_up is not None
    late = NINE + LINK_VALID_FOR
    [recorded] = endings.link_unanswered(case, case.follow_up.id, late)
    assert isinstance(recorded, FollowUpRecorded)
    assert (recorded.channel, recorded.reached, recorded.attempt) == (Channel.LINK, False, 1)
    case = apply(case, recorded)
    assert case.follow_up is not None
    assert endings.link_unanswered(case, case.follow_up.id, late) == ()


def test_the_link_may_be_the_third_attempt() -> None:
    case = tried(a_handled_case(), 0, 3)
    assert case.follow_up is not None
    events = endings.link_unanswered(case, case.follow_up.id, NINE + LINK_VALID_FOR)
    assert [type(event) for event in events] == [FollowUpRecorded, CaseClosed]


@pytest.mark.parametrize(
    ("ended", "hours", "because"),
    [(False, 24, RefusedBecause.LINK_EXPIRED), (False, 23.9, None), (True, 1, RefusedBecause.LINK_USED)],
)
def test_a_link_works_once_and_for_a_day(ended: bool, hours: float, because: RefusedBecause | None) -> None:
    case = a_handled_case()
    assert case.follow_up is not None
    if ended:
        for event in asked(case, CONTENT):
            case = apply(case, event)
    assert case.follow_up is not None
    refused = endings.refuse_link(case, case.follow_up.id, NINE + timedelta(hours=hours))
    assert refused == (Refused(because) if because else None)


def test_a_link_of_an_older_round_is_used_up() -> None:
    case = a_handled_case()
    assert endings.refuse_link(case, uuid7(), NINE) == Refused(RefusedBecause.LINK_USED)


def test_without_a_phone_no_link_is_waited_for() -> None:
    case = a_handled_case(has_phone=False)
    assert case.follow_up is not None
    assert case.follow_up.link_expires_at is None
    assert case.follow_up.due_at == NINE
    assert endings.refuse_link(case, case.follow_up.id, NINE) == Refused(RefusedBecause.LINK_EXPIRED)


@pytest.mark.parametrize(
    ("can_be_asked", "verifier", "expected"),
    [
        (False, CALLER, CaseClosed),
        (False, WORKER, RefusedBecause.HELD_BY_YOU),
        (True, CALLER, RefusedBecause.SOMEBODY_TO_ASK),
    ],
)
def test_where_nobody_can_be_asked_somebody_else_verifies(
    can_be_asked: bool, verifier: str, expected: type[CaseClosed] | RefusedBecause
) -> None:
    case = a_handled_case(can_be_asked=can_be_asked)
    decided = endings.verify(case, staff(verifier), solved=True, now=NINE)
    if isinstance(decided, Refused):
        assert decided.because == expected
    else:
        [closed] = decided
        assert isinstance(closed, CaseClosed)
        assert closed.closed_by is ClosedBy.VERIFICATION


def test_a_verifier_who_sees_no_solution_sends_it_back() -> None:
    case = a_handled_case(can_be_asked=False)
    decided = endings.verify(case, staff(), solved=False, now=NINE)
    assert not isinstance(decided, Refused)
    [event] = decided
    assert isinstance(event, CaseReopened)


def test_nobody_calls_where_nobody_can_be_asked() -> None:
    decided = endings.record_attempt(
        a_handled_case(can_be_asked=False), Asked(staff(), Channel.PHONE, CONTENT), CHINA, NINE
    )
    assert decided == Refused(RefusedBecause.NOBODY_TO_ASK)


def test_an_open_case_cannot_be_verified() -> None:
    case = fold([a_registration(requester_can_be_asked=False)])
    assert endings.verify(case, staff(), solved=True, now=NINE) == Refused(RefusedBecause.CASE_NOT_HANDLED)


class FollowUps(RuleBasedStateMachine):
    """Whatever people do and in whatever order: no case closes without a follow-up, three attempts at different
    hours (one of them a link at most), or a verification by somebody who never held it."""

    @initialize(can_be_asked=st.booleans(), has_phone=st.booleans())
    def begin(self, can_be_asked: bool, has_phone: bool) -> None:
        self.has_phone = has_phone
        registration = a_registration(requester_can_be_asked=can_be_asked)
        self.now = NINE
        self.story: list[CaseEvent] = [registration]
        self.case = fold(self.story)

    def tell(self, *events: CaseEvent) -> None:
        for event in events:
            self.story.append(event)
            self.case = apply(self.case, event)

    @rule(hours=st.sampled_from([0.2, 1, 5, 24]))
    def time_passes(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    @rule(person_id=st.sampled_from([WORKER, OFFICER, CALLER]), round_given=st.integers(1, 2))
    def somebody_handles(self, person_id: str, round_given: int) -> None:
        before, others = self.case, Others(self.case.case_id, self.now, round_given)
        for event in (others.accepted(person_id), others.handled(person_id)):
            self.tell(event)
        opened = endings.follow_up_for(before, self.case, uuid7(), self.now, has_phone=self.has_phone)
        if opened:
            self.tell(opened)

    @rule(
        person_id=st.sampled_from([WORKER, OFFICER, CALLER, "p-caller-2"]),
        answers=st.sampled_from([None, None, CONTENT, replace(CONTENT, solved=False)]),
    )
    def somebody_calls(self, person_id: str, answers: Answers | None) -> None:
        decided = endings.record_attempt(
            self.case, Asked(staff(person_id), Channel.PHONE, answers), CHINA, self.now
        )
        if not isinstance(decided, Refused):
            self.tell(*decided)

    @precondition(lambda self: self.case.follow_up is not None)
    @rule(answers=st.sampled_from([CONTENT, replace(CONTENT, satisfaction=Satisfaction.DISSATISFIED)]))
    def the_resident_uses_the_link(self, answers: Answers) -> None:
        assert self.case.follow_up is not None
        decided = endings.answer_link(self.case, self.case.follow_up.id, answers, self.now)
        if not isinstance(decided, Refused):
            self.tell(*decided)

    @precondition(lambda self: self.case.follow_up is not None)
    @rule()
    def the_link_runs_out(self) -> None:
        assert self.case.follow_up is not None
        if self.case.follow_up.link_expires_at and self.now >= self.case.follow_up.link_expires_at:
            self.tell(*endings.link_unanswered(self.case, self.case.follow_up.id, self.now))

    @rule(person_id=st.sampled_from([WORKER, CALLER, "p-caller-2"]), solved=st.booleans())
    def somebody_verifies(self, person_id: str, solved: bool) -> None:
        decided = endings.verify(self.case, staff(person_id), solved=solved, now=self.now)
        if not isinstance(decided, Refused):
            self.tell(*decided)

    @invariant()
    def no_case_closes_otherwise(self) -> None:
        closed = [event for event in self.story if isinstance(event, CaseClosed)]
        assert len(closed) <= 1
        for event in closed:
            round_ = [r for r in self.story if isinstance(r, FollowUpRecorded) and r.round == event.round]
            match event.closed_by:
                case ClosedBy.FOLLOW_UP:
                    assert round_[-1].reached
                    assert round_[-1].solved
                case ClosedBy.THREE_ATTEMPTS:
                    assert len(round_) == 3
                    calls = [r.at for r in round_ if r.channel is not Channel.LINK]
                    hours = {at.astimezone(CHINA).hour for at in calls}
                    assert len(hours) == len(calls) >= 2
                    apart = (later - at for at, later in pairwise(calls))
                    assert all(passed >= timedelta(minutes=60) for passed in apart)
                case ClosedBy.VERIFICATION:
                    assert not self.case.requester_can_be_asked
                    held_before = fold(self.story[: self.story.index(event)]).holders
                    assert event.actor.person_id not in held_before
                case _:
                    raise AssertionError(event.closed_by)

    @invariant()
    def the_state_is_the_fold_of_the_story(self) -> None:
        assert fold(self.story) == self.case

    @invariant()
    def only_a_handled_case_has_an_open_follow_up(self) -> None:
        follow_up = self.case.follow_up
        assert (self.case.state is CaseState.HANDLED) == (follow_up is not None and follow_up.open)

    @invariant()
    def nobody_who_held_it_asked(self) -> None:
        held: set[str] = set()
        for event in self.story:
            person_id = event.actor.person_id
            if isinstance(event, FollowUpRecorded) and person_id:
                assert person_id not in held
            accepted = getattr(event, "person_id", None)
            if accepted:
                held.add(accepted)


FollowUps.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestFollowUps = FollowUps.TestCase
