"""挂账: a hard case waits with an owner, a plan and a review date. The review replaces `handle`; nothing else pauses,
and the case counts as unresolved."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.escalation.rules.case import Case
from services.escalation.rules.clocks import By, Telling, start, stop
from services.escalation.rules.limits import Clock, handle_after_parking, named
from shared.events.escalation import CaseParked, CaseUnparked
from shared.ids import uuid7
from shared.vocabulary import DeadlineKind, ParkReason, SetBecause, UnparkReason

REVIEW_DAYS_MAX = 90


def may_park(case: Case, now: datetime, review_at: datetime) -> str | None:
    """Why it cannot be parked until then; `None` if it can."""
    if not case.is_worked_on:
        return "not-worked-on"
    if case.parking is not None:
        return "parked-before"
    soonest, latest = now, now + timedelta(days=REVIEW_DAYS_MAX)
    return None if soonest < review_at <= latest else "review-date"


def park(
    telling: Telling, by: By, owner_id: str, reason: ParkReason, review_at: datetime, digest: str
) -> None:
    """`may_park` was asked before."""
    case, park_id = telling.case, uuid7()
    telling.tell(
        CaseParked(
            **telling.said(by),
            **telling.here(),
            park_id=park_id,
            owner_id=owner_id,
            unit_id=case.unit_id,
            reason=reason,
            review_at=review_at,
            digest=digest,
        )
    )
    stop(telling, DeadlineKind.HANDLE)
    clock = Clock(DeadlineKind.REVIEW, case.level, case.round, park_id)
    start(telling, [named(telling.case, clock, telling.now, review_at)])


def unpark(telling: Telling, by: By, because: UnparkReason) -> None:
    """The case goes on where it stands, with the rest of its `handle` (see `handle_after_parking`)."""
    parked = telling.case.parking
    assert parked is not None, "`end_parking` is for cases that may not be parked"
    end_parking(telling, because, by, reviewed=True)
    if (due_at := handle_after_parking(parked, telling.now)) is not None and telling.case.is_worked_on:
        clock = Clock(DeadlineKind.HANDLE, telling.case.level, telling.case.round)
        start(telling, [named(telling.case, clock, telling.now, due_at)], SetBecause.UNPARKED)


def end_parking(
    telling: Telling, because: UnparkReason, by: By | None = None, *, reviewed: bool = False
) -> None:
    """It is not parked any more: handled, ended, or raised and so taken up by the next level with its own clocks."""
    parked = telling.case.parking
    if parked is None:
        return
    telling.tell(CaseUnparked(**telling.said(by), **telling.here(), park_id=parked.id, because=because))
    stop(telling, DeadlineKind.REVIEW, about=parked.id, at=telling.now if reviewed else None)
