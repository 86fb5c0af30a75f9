"""督办 and 答复: an order on a case and its answer; the reply that whoever raised a case by hand is owed."""

from __future__ import annotations

from uuid import UUID

from services.escalation.rules.case import Case, Order, Raise
from services.escalation.rules.clocks import By, Telling, deadlines_of, start, start_again, stop
from services.escalation.rules.limits import Clock
from shared.events.escalation import ReplyGiven, SupervisionAnswered, SupervisionOrdered
from shared.ids import uuid7
from shared.vocabulary import DeadlineKind, SetBecause, SupervisionKind


def may_be_ordered(case: Case, kind: SupervisionKind, supervising_unit_id: str) -> str | None:
    """Why there can be no such order now; `None` if there can."""
    if case.closed_at is not None:
        return "closed"
    if case.merged_into is not None:
        return "merged"
    wanted = (kind, supervising_unit_id, case.round)
    open_now = ((one.kind, one.supervising_unit_id, one.round) for one in case.orders if not one.answered_at)
    return "ordered-before" if wanted in open_now else None


def order(
    telling: Telling,
    kind: SupervisionKind,
    supervising_unit_id: str,
    by: By | None = None,
    digest: str | None = None,
    order_id: UUID | None = None,
) -> Clock:
    """Orders supervision of the unit that has the case now; the clock by which it owes an answer."""
    case, order_id = telling.case, order_id or uuid7()
    telling.tell(
        SupervisionOrdered(
            **telling.said(by),
            **telling.here(),
            order_id=order_id,
            kind=kind,
            unit_id=case.unit_id,
            supervising_unit_id=supervising_unit_id,
            digest=digest,
        )
    )
    return Clock(DeadlineKind.SUPERVISION, case.level, case.round, order_id)


def order_by_hand(
    telling: Telling,
    kind: SupervisionKind,
    supervising_unit_id: str,
    by: By,
    order_id: UUID,
    digest: str | None,
) -> None:
    """`may_be_ordered` was asked before."""
    clock = order(telling, kind, supervising_unit_id, by, digest, order_id)
    start(telling, deadlines_of(telling, [clock]))


def answer(telling: Telling, ordered: Order, by: By, unit_id: str, answer_id: UUID, digest: str) -> None:
    """The unit under supervision says what it did."""
    telling.tell(
        SupervisionAnswered(
            **telling.said(by),
            id=answer_id,
            order_id=ordered.id,
            person_id=by.person_id,
            unit_id=unit_id,
            digest=digest,
        )
    )
    stop(telling, DeadlineKind.SUPERVISION, about=ordered.id, at=telling.now)


def reply(telling: Telling, raised: Raise, by: By, reply_id: UUID, digest: str) -> None:
    """Whoever raised the case learns what became of it."""
    assert raised.by_person_id is not None, "a raise by hand names somebody"
    telling.tell(
        ReplyGiven(
            **telling.said(by),
            id=reply_id,
            raise_id=raised.id,
            person_id=by.person_id,
            to_person_id=raised.by_person_id,
            digest=digest,
        )
    )
    stop(telling, DeadlineKind.REPLY, about=raised.id, at=telling.now)


def begin_again(telling: Telling) -> None:
    """Answers and replies that are owed still, after a merge that was taken back."""
    case = telling.case
    clocks = [
        Clock(DeadlineKind.SUPERVISION, one.level, one.round, one.id)
        for one in case.orders
        if not one.answered_at
    ]
    clocks += [
        Clock(DeadlineKind.REPLY, one.to_level, one.round, one.id) for one in case.raises if one.owes_a_reply
    ]
    start_again(telling, clocks, SetBecause.AMENDED)
