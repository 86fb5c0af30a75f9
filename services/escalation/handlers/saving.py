"""The end of every decision: save the case, announce what happened, set the bells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.escalation import metrics
from services.escalation.queries import cases
from services.escalation.rules.case import NOTHING, Case
from services.escalation.rules.clocks import Decision
from services.escalation.rules.limits import Station
from services.escalation.rules.listing import list_due_at
from shared.database import Transaction
from shared.event import CaseEvent, Event
from shared.events.escalation import (
    CaseEscalated,
    CaseListed,
    CaseParked,
    DeadlineMissed,
    DeadlinesSet,
    EscalationVoided,
    ReturnRuled,
)
from shared.timers import Due
from shared.vocabulary import SetBecause

DAILY_LIST = "daily_list"
"""The timer of the named persons' list; every other is named for its kind of deadline."""

Bell = tuple[str, UUID]


async def follow_through(
    tx: Transaction,
    before: Case | None,
    decision: Decision | None,
    stations: Sequence[Station],
    rung_by: Due | None = None,
) -> None:
    """Save, announce, set the bells. `rung_by` is the timer that fired, if one did."""
    if decision is None:
        return
    await cases.save(tx, before, decision.case)
    events = await _with_real_lateness(tx, decision.events, rung_by)
    tx.announce(*events)
    _set_bells(tx, before, decision.case, stations, rung_by)
    _count(events)


async def _with_real_lateness(
    tx: Transaction, events: Sequence[CaseEvent], rung_by: Due | None
) -> list[CaseEvent]:
    """Business time may be simulated; how late a deadline fired never is."""
    missed = [event for event in events if isinstance(event, DeadlineMissed)]
    if not missed:
        return list(events)
    late_ms = await cases.real_lateness(tx, [event.due_at for event in missed])
    if rung_by is not None:
        late_ms[rung_by.due_at] = rung_by.late_ms
    return [
        event.model_copy(update={"late_ms": late_ms[event.due_at]})
        if isinstance(event, DeadlineMissed)
        else event
        for event in events
    ]


def _set_bells(
    tx: Transaction, before: Case | None, after: Case, stations: Sequence[Station], rung_by: Due | None
) -> None:
    """One timer per clock, at its next bell: amber, then due; and one for the daily list. The one that rang is gone
    and set again if need be."""
    was = _bells(before) if before else {}
    now_is = _bells(after)
    rang = (rung_by.kind, rung_by.part_id or NOTHING) if rung_by else None
    for bell in was.keys() | now_is.keys():
        kind, about = bell
        rings_at = now_is.get(bell)
        if rings_at is None:
            tx.disarm(after.case_id, kind, about)
        elif rings_at != was.get(bell) or rang == bell:
            tx.arm(after.case_id, kind, rings_at, about)
    listed_at = list_due_at(after, stations)
    if listed_at is not None:
        tx.arm(after.case_id, DAILY_LIST, listed_at)
    elif before is not None and before.overdue:
        tx.disarm(after.case_id, DAILY_LIST)


def _bells(case: Case) -> dict[Bell, datetime | None]:
    return {(one.kind.value, one.about or NOTHING): one.rings_at for one in case.open()}


def _count(events: Sequence[Event]) -> None:
    for event in events:
        match event:
            case DeadlineMissed():
                metrics.MISSED_LATE_SECONDS.labels(event.kind, event.level).observe(event.late_ms / 1000)
            case CaseEscalated():
                metrics.RAISES.labels(event.cause, event.to_level).inc()
                metrics.LEVELS_SKIPPED.inc(len(event.skipped))
            case EscalationVoided():
                metrics.RAISES_VOIDED.inc(len(event.voids))
            case DeadlinesSet():
                metrics.DEADLINES_ASSUMED.inc(sum(deadline.assumed for deadline in event.deadlines))
                if event.because is not SetBecause.LEVEL:
                    metrics.DEADLINES_MOVED.labels(event.because).inc(len(event.deadlines))
            case ReturnRuled():
                metrics.RULINGS.labels(event.ruling, event.unanswered).inc()
            case CaseListed():
                metrics.LISTED.inc()
            case CaseParked():
                metrics.PARKED.inc()
