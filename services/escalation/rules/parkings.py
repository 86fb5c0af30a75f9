"""挂账: a hard case waits with an owner, a plan and a review date. The review replaces a `handle` that still runs; one
that was missed stays missed. Nothing else pauses, and the case counts as unresolved."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.escalation.rules.case import Case, Parking
from services.escalation.rules.clocks import By, Telling, start, stop
from services.escalation.rules.limits import Clock, handle_after_parking, named
from shared.events.escalation import CaseParked, CaseUnparked
from shared.ids import uuid7
from shared.vocabulary import DeadlineKind, ParkReason, SetBecause, UnparkReason, Urgency

REVIEW_DAYS_MAX = 90


def may_park(case: Case, now: datetime, review_at: datetime, *, approved: bool) -> str | None:
    """Why it cannot be parked until then; `None` if it can. `approved`: it is parked by the unit above or a
    supervisor."""
    if not case.is_worked_on:
        return "not-worked-on"
    if case.parking is not None:
        return "parked-before"
    if not approved and needs_approval(case):
        return "parking-needs-approval"
    return None if now < review_at <= now + timedelta(days=REVIEW_DAYS_MAX) else "review-date"


def needs_approval(case: Case) -> bool:
    """An emergency that is to be handled, and a case that this level parked before in this round."""
    to_be_handled = case.urgency is Urgency.EMERGENCY and case.open(DeadlineKind.HANDLE)
    here = (case.level, case.round)
    return bool(to_be_handled) or any((one.level, one.round) == here for one in case.parkings)


def park(
    telling: Telling, by: By, owner_id: str, reason: ParkReason, review_at: datetime, digest: str
) -> Parking:
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
    parked = telling.case.parkings[-1]
    if parked.handle_due_at is not None:
        stop(telling, DeadlineKind.HANDLE)
    clock = Clock(DeadlineKind.REVIEW, case.level, case.round, park_id)
    start(telling, [named(telling.case, clock, telling.now, review_at)])
    return parked


def unpark(telling: Telling, by: By, because: UnparkReason) -> None:
    """The case goes on where it stands, with the rest of its `handle` (see `handle_after_parking`)."""
    parked = telling.case.parking
    assert parked is not None, "`end_parking` is for cases that may not be parked"
    end_parking(telling, because, by, reviewed=True)
    case, due_at = telling.case, handle_after_parking(parked, telling.now)
    if due_at is not None and case.is_worked_on and not case.open(DeadlineKind.HANDLE):
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
