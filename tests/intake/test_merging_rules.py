"""Whatever is merged with whatever, in any order: no chains, no circles, the earliest is the parent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules import merging
from services.intake.rules.cases import apply, registered
from services.intake.rules.changes import By, urge, withdraw
from services.intake.rules.facts import Attempt, Case
from services.intake.rules.merging import Kin, choose_parent, follow_parent, merged, sent_back_by, unmerge
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.event import SYSTEM
from shared.events.intake import CaseClosed, CaseMerged, FollowUpOpened
from shared.ids import uuid7
from shared.vocabulary import CaseState, Channel, ClosedBy, Outcome, Urgency
from tests.intake.world import START, Others, a_registration

CASES = 7
NOW = START + timedelta(hours=1)


def some_cases() -> list[Case]:
    return [
        registered(a_registration(UUID(int=place + 1), at=START + timedelta(minutes=place % 4)))
        for place in range(CASES)
    ]


def kin_of(cases: list[Case], case: Case) -> Kin:
    root = next(one for one in cases if one.case_id == (case.parent_id or case.case_id))
    return Kin(root, tuple(one for one in cases if one.parent_id == root.case_id))


@given(st.lists(st.tuples(st.integers(0, CASES - 1), st.integers(0, CASES - 1)), max_size=20))
def test_any_merges_in_any_order_leave_families_of_two_generations(pairs: list[tuple[int, int]]) -> None:
    cases = some_cases()
    for one, other in pairs:
        decided = choose_parent(kin_of(cases, cases[one]), kin_of(cases, cases[other]))
        assert not isinstance(decided, Refused)
        for part, event in merged(decided, None, SYSTEM, NOW):
            place = next(n for n, case in enumerate(cases) if case.case_id == part.case_id)
            cases[place] = apply(cases[place], event)
    by_id = {case.case_id: case for case in cases}
    for case in cases:
        assert (case.state is CaseState.MERGED) == (case.parent_id is not None)
        if case.parent_id is not None:
            parent = by_id[case.parent_id]
            assert parent.parent_id is None
            assert (parent.registered_at, parent.case_id) < (case.registered_at, case.case_id)
    for one, other in pairs:  # what was named together is together
        assert len({kin_of(cases, cases[place]).root.case_id for place in (one, other)}) == 1


def a_family() -> tuple[Case, Case]:
    """A parent and its part."""
    parent, child = some_cases()[0], some_cases()[1]
    decided = choose_parent(Kin(child), Kin(parent))
    assert not isinstance(decided, Refused)
    [(part, event)] = merged(decided, None, SYSTEM, NOW)
    return parent, apply(part, event)


def handled(case: Case) -> Case:
    for event in Others(case.case_id, round=case.round).work():
        case = apply(case, event)
    return case


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"state": CaseState.HANDLED}, RefusedBecause.CASE_ENDED),
        ({"state": CaseState.CLOSED}, RefusedBecause.CASE_ENDED),
        ({"urgency": Urgency.ROUTINE}, RefusedBecause.PARENT_LESS_URGENT),
    ],
)
def test_which_parents_take_nobody(change: dict[str, object], because: RefusedBecause) -> None:
    parent, child = some_cases()[0], some_cases()[1]
    parent = replace(parent, **change)  # type: ignore[arg-type]
    assert choose_parent(Kin(parent), Kin(child)) == Refused(because)


def test_a_case_whose_parts_have_ended_becomes_no_part_itself() -> None:
    parent, child = some_cases()[0], some_cases()[1]
    ended = replace(some_cases()[2], state=CaseState.CLOSED, parent_id=child.case_id)
    assert choose_parent(Kin(parent), Kin(child, (ended,))) == Refused(RefusedBecause.CHILDREN_ENDED)


def test_a_part_follows_its_parent_step_by_step_and_each_step_once() -> None:
    parent, child = a_family()
    assert follow_parent(child, parent, uuid7(), NOW, has_phone=True) == []
    parent = handled(parent)
    events = follow_parent(child, parent, uuid7(), NOW, has_phone=True)
    assert isinstance(events[-1], FollowUpOpened)
    for event in events:
        child = apply(child, event)
    assert child.holders == parent.holders
    assert follow_parent(child, parent, uuid7(), NOW, has_phone=True) == []
    reopened = replace(parent, state=CaseState.REOPENED, handled_at=None, round=2)
    [back] = follow_parent(child, reopened, uuid7(), NOW, has_phone=True)
    child = apply(child, back)
    assert child.open_follow_up is None
    assert follow_parent(child, reopened, uuid7(), NOW, has_phone=True) == []
    again = follow_parent(child, handled(reopened), uuid7(), NOW, has_phone=True)
    assert [event.round for event in again if isinstance(event, FollowUpOpened)] == [2]


def test_who_cannot_be_asked_ends_with_the_parent() -> None:
    parent, child = a_family()
    child = replace(child, requester_can_be_asked=False)
    parent = handled(parent)
    for event in follow_parent(child, parent, uuid7(), NOW, has_phone=False):
        child = apply(child, event)
    assert child.state is CaseState.MERGED
    parent = apply(
        parent,
        CaseClosed(
            at=NOW, case_id=parent.case_id, outcome=Outcome.SOLVED, closed_by=ClosedBy.FOLLOW_UP, round=1
        ),
    )
    [closed] = follow_parent(child, parent, uuid7(), NOW, has_phone=False)
    assert isinstance(closed, CaseClosed)
    assert closed.outcome is Outcome.MERGED


def test_an_answer_about_an_older_round_sends_nobody_back() -> None:
    parent, child = a_family()
    parent = handled(parent)
    for event in follow_parent(child, parent, uuid7(), NOW, has_phone=True):
        child = apply(child, event)
    assert sent_back_by(child, parent, NOW) is None  # nobody has answered yet
    assert child.follow_up is not None
    by_phone = (Attempt(1, NOW, Channel.PHONE, reached=True),)
    asked = replace(child.follow_up, solved=False, closed_at=NOW, attempts=by_phone)
    answered = replace(child, follow_up=asked)
    reopened = sent_back_by(answered, parent, NOW)
    assert reopened is not None
    assert reopened.channel is Channel.PHONE
    assert sent_back_by(answered, replace(parent, round=2), NOW) is None
    assert sent_back_by(answered, replace(parent, handled_at=None), NOW) is None


def test_what_is_no_part_is_not_parted() -> None:
    parent, child = a_family()
    assert unmerge(parent, None, SYSTEM, NOW) == Refused(RefusedBecause.NOT_MERGED)
    assert unmerge(child, handled(parent), SYSTEM, NOW) == Refused(RefusedBecause.PARENT_HANDLED)
    asked = replace(child, parent_round=1)
    assert unmerge(asked, parent, SYSTEM, NOW) == Refused(RefusedBecause.PARENT_HANDLED)


def test_a_part_is_urged_where_it_is_worked_on() -> None:
    parent, child = a_family()
    told = urge(child, parent, By(SYSTEM), NOW)
    assert not isinstance(told, Refused)
    assert [one.case_id for one, _ in told] == [child.case_id, parent.case_id]
    assert urge(child, handled(parent), By(SYSTEM), NOW) == Refused(RefusedBecause.CASE_ENDED)


def test_a_part_whose_parent_was_handled_is_answered_and_not_withdrawn() -> None:
    _, child = a_family()
    assert not isinstance(withdraw(child, has_parts=False, by=By(SYSTEM), now=NOW), Refused)
    asked = replace(child, handled_at=NOW)
    assert withdraw(asked, has_parts=False, by=By(SYSTEM), now=NOW) == Refused(RefusedBecause.CASE_ENDED)


def test_a_withdrawn_part_has_no_parent_any_more() -> None:
    _, child = a_family()
    events = withdraw(child, has_parts=False, by=By(SYSTEM), now=NOW)
    assert not isinstance(events, Refused)
    for event in events:
        child = apply(child, event)
    assert (child.state, child.parent_id) == (CaseState.CLOSED, None)
    assert merging.parts_hear_of(a_family()[1], child)
    assert not isinstance(events[0], CaseMerged)
