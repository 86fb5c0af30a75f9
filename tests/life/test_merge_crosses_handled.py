"""合并 and 办结 cross: what somebody has done stays done once the case is taken out again, whoever heard what first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.dispatch.rules.facts import CaseState
from services.registry.defaults.policies import EMERGENCY
from shared.events.dispatch import CaseHandled
from shared.events.escalation import DeadlineMissed
from shared.ids import uuid7
from shared.vocabulary import CaseState as PublicState
from shared.vocabulary import DeadlineKind, Urgency
from tests.escalation.story import LADDER, registered
from tests.life import matters
from tests.life.model import Life


def handled_but_not_told() -> Life:
    """Dispatch has it handled and has told nothing since it heard of the case."""
    life = Life(registered(uuid7(), urgency=Urgency.EMERGENCY, ladder=LADDER, policy=EMERGENCY), {})
    life.settle()
    life.offer(0, 0)
    life.accept(0)
    for what in ("arrive", "contact", "musts", "handle"):
        life.do(what, 0)
    assert life.work is not None
    assert life.work.case.state is CaseState.HANDLED
    return life


def tell(life: Life, service: str) -> None:
    while life.services[service].outbox:
        life.publish(service)


def hear(life: Life, service: str) -> None:
    while life.services[service].read < len(life.topic):
        life.listen(service)


def heard_while_it_is_merged(life: Life) -> None:
    matters.merge(life)
    tell(life, "intake")
    tell(life, "dispatch")
    hear(life, "intake")
    hear(life, "escalation")
    matters.unmerge(life)


def heard_before_the_merge_but_by_intake(life: Life) -> None:
    tell(life, "dispatch")
    hear(life, "escalation")
    matters.merge(life)
    hear(life, "intake")
    matters.unmerge(life)


def heard_once_it_is_out_again(life: Life) -> None:
    matters.merge(life)
    matters.unmerge(life)
    tell(life, "intake")


def merged_a_second_time_before_it_is_heard_again(life: Life) -> None:
    heard_while_it_is_merged(life)
    tell(life, "intake")
    matters.merge(life)
    hear(life, "dispatch")
    tell(life, "dispatch")
    hear(life, "intake")
    matters.unmerge(life)


@pytest.mark.parametrize(
    "crossed",
    [
        heard_while_it_is_merged,
        heard_before_the_merge_but_by_intake,
        heard_once_it_is_out_again,
        merged_a_second_time_before_it_is_heard_again,
    ],
)
def test_it_is_handled_for_all_three_and_asked_about(crossed: Callable[[Life], None]) -> None:
    life = handled_but_not_told()
    crossed(life)
    assert life.known.state in {PublicState.REGISTERED, PublicState.HANDLED}
    life.settle()
    assert life.work is not None
    assert life.level is not None
    assert life.work.case.state is CaseState.HANDLED
    assert life.known.state is PublicState.HANDLED
    assert life.level.handled_at is not None
    assert [one.kind for one in life.level.open()] == [DeadlineKind.FOLLOW_UP]
    assert life.known.follow_up is not None
    assert life.known.follow_up.open
    told = [one for one in life.topic if isinstance(one, CaseHandled)]
    assert len({one.id for one in told}) == len(told) >= 2
    assert {one.person_id for one in told} == {told[0].person_id}


def test_a_follow_up_that_a_merge_took_back_is_due_anew_from_when_it_is_handled_for_all() -> None:
    """The merge is heard a day late: nobody could be asked for the first of the two follow-ups."""
    life = handled_but_not_told()
    heard_before_the_merge_but_by_intake(life)
    assert life.level is not None
    [first] = life.level.open(DeadlineKind.FOLLOW_UP)
    limit = first.due_at - life.now
    life.now = first.due_at
    life.ring()
    assert life.known.follow_up is None
    life.settle()
    [second] = life.level.open(DeadlineKind.FOLLOW_UP)
    assert second.due_at == life.now + limit
    life.now = second.due_at
    life.ring()

    missed = [one for one in life.escalation.journal if isinstance(one, DeadlineMissed)]
    due = [one.due_at for one in missed if one.kind is DeadlineKind.FOLLOW_UP]
    assert due == [first.due_at, second.due_at]
