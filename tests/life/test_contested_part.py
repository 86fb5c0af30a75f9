"""A case that was merged and closed, and whose end its requester contests: all four services say the same of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

import pytest

from services.dispatch.rules.facts import CaseState as AtWork
from services.insight.rules.facts import CaseRow
from services.insight.rules.fold import apply
from services.insight.rules.standing import standing
from services.intake.rules import endings, merging
from services.intake.rules.cases import fold
from services.intake.rules.changes import By, withdraw
from services.intake.rules.endings import Asked
from services.intake.rules.facts import Case
from services.intake.rules.refusals import Refused
from shared.event import REQUESTER, CaseEvent
from shared.events.intake import CaseClosed
from shared.ids import uuid7
from shared.vocabulary import CaseState, Channel, ClosedBy, DeadlineKind, Outcome
from tests.escalation.story import registered
from tests.intake.world import Others
from tests.life import matters
from tests.life.model import Life, staff

CALLED = By(staff("p-operator-1"), Channel.DESK)


def a_part() -> Life:
    life = Life(registered(uuid7()), {})
    matters.merge(life)
    life.settle()
    return life


def the_parent(life: Life, *more: CaseEvent) -> Case:
    """As far as it is handled, and what came then."""
    assert life.known.parent_id is not None
    first = registered(life.known.parent_id)
    work = Others(first.case_id, life.now).work()
    return fold([first, *work, *more])


def follow(life: Life, parent: Case) -> None:
    for event in merging.follow_parent(life.known, parent, uuid7(), life.now, has_phone=True):
        life.intake_says(event)
    life.settle()


def ended_with_its_parent(life: Life) -> Case:
    parent = the_parent(life)
    follow(life, parent)
    life.ask(reached=True, content=True)
    life.settle()
    return parent


def contest(life: Life, parent: Case | None) -> None:
    decided = endings.contest(life.known, parent, Asked(REQUESTER, Channel.WEB), uuid7(), life.now)
    assert not isinstance(decided, Refused)
    for event in decided:
        life.intake_says(event)
    life.settle()


def seen(life: Life) -> CaseRow:
    first, *then = life.topic
    return reduce(apply, [one for one in then if one.topic], apply(None, first))


def closed_for_all(life: Life) -> bool:
    assert life.work is not None
    assert life.level is not None
    return (
        life.work.case.state is AtWork.CLOSED
        and life.level.closed_at is not None
        and life.known.state is CaseState.CLOSED
        and standing(seen(life)).state is CaseState.CLOSED
    )


def test_it_is_a_part_again_for_all_and_ends_like_one() -> None:
    life = a_part()
    parent = ended_with_its_parent(life)
    assert closed_for_all(life)
    contest(life, parent)
    assert life.work is not None
    assert life.level is not None
    assert (life.work.case.state, life.work.case.closed_at) == (AtWork.MERGED, None)
    assert (life.level.merged_into, life.level.closed_at) == (parent.case_id, None)
    assert (life.known.state, standing(seen(life)).state) == (CaseState.MERGED, CaseState.MERGED)
    assert not life.level.open()
    again = replace(parent, round=2)
    reopened = merging.contested_by(life.known, parent, life.now)
    assert reopened is not None
    follow(life, again)
    follow(life, again)
    assert [one.kind for one in life.level.open()] == [DeadlineKind.FOLLOW_UP]
    life.ask(reached=True, content=True)
    life.settle()
    assert closed_for_all(life)
    assert (seen(life).outcome, seen(life).closed_by) == (Outcome.MERGED, ClosedBy.FOLLOW_UP)
    assert not life.level.open()


def withdrawn_by_the_desk(life: Life) -> Case | None:
    decided = withdraw(life.known, has_parts=False, by=CALLED, now=life.now)
    assert not isinstance(decided, Refused)
    for event in decided:
        life.intake_says(event)
    life.settle()
    return None


def ended_with_a_parent_that_was_taken_back(life: Life) -> Case:
    parent = ended_with_its_parent(life)
    return replace(parent, state=CaseState.CLOSED, handled_at=None)


@pytest.mark.parametrize("ended", [withdrawn_by_the_desk, ended_with_a_parent_that_was_taken_back])
def test_where_there_is_nothing_to_be_part_of_it_goes_on_by_itself_for_all(
    ended: Callable[[Life], Case | None],
) -> None:
    life = a_part()
    parent = ended(life)
    assert closed_for_all(life)
    assert any(isinstance(one, CaseClosed) for one in life.topic)
    contest(life, parent)
    assert life.work is not None
    assert life.level is not None
    assert life.work.case.state is AtWork.OPEN
    assert (life.level.merged_into, life.level.closed_at) == (None, None)
    assert (life.known.state, life.known.parent_id) == (CaseState.REOPENED, None)
    row = seen(life)
    assert (standing(row).state, row.parent_id, row.parent_number) == (CaseState.REOPENED, None, None)
    assert life.level.open()
