"""One function per command and kind of event: load, decide, save, announce. None of them commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.escalation import metrics, queries
from services.escalation.commands import Escalate
from services.escalation.rules.case import Case
from services.escalation.rules.clocks import Decision, Station
from services.escalation.rules.ladder import ByHand, decide, may_be_raised, raise_by_hand, time_passed
from services.escalation.rules.working_time import UNKNOWN_CALENDAR, WorkingTime
from shared.database import Transaction
from shared.directory import Directory
from shared.event import Actor, CaseEvent, Event
from shared.events.escalation import CaseEscalated, DeadlineMissed, DeadlinesSet, EscalationVoided
from shared.events.intake import CaseRegistered, Rung
from shared.problems import Problem
from shared.sealing import Sealer
from shared.timers import Due
from shared.vocabulary import Channel, Post, Urgency


async def take_up_case(tx: Transaction, event: CaseRegistered, now: datetime) -> None:
    """Start the clocks of the case's first level."""
    decision = decide(None, event, stations(tx.directory, event.ladder, event.urgency, now), now)
    await _follow_through(tx, None, decision)


async def follow(tx: Transaction, event: CaseEvent, now: datetime) -> None:
    """Something happened to the case: it may stop clocks, void raises, or begin a new round."""
    case = await queries.load(tx, event.case_id)
    decision = decide(case, event, stations_of(tx.directory, case, now), now) if case else None
    await _follow_through(tx, case, decision)


async def ring_deadline(tx: Transaction, due: Due, now: datetime) -> None:
    """A clock turned amber or ran out; whatever else came due by now is said with it."""
    case = await queries.load(tx, due.subject_id)
    decision = time_passed(case, stations_of(tx.directory, case, now), now) if case else None
    await _follow_through(tx, case, decision, rung_by=due)


async def escalate(
    tx: Transaction, sealer: Sealer, case_id: UUID, command: Escalate, actor: Actor, channel: Channel
) -> Case:
    """Raise a case by hand. The case as it stands afterwards; 404 or 409 where it cannot be."""
    now = await tx.lock(case_id)
    case = await case_of(tx, case_id)
    if because := may_be_raised(case):
        raise cannot_be_raised(because)
    digest = None
    if command.text:
        key = await _case_key(tx, sealer, case_id)
        digest = sealer.digest(key, command.text)
    by_hand = ByHand(actor, channel, command.reason, digest)
    decision = raise_by_hand(case, stations_of(tx.directory, case, now), now, by_hand)
    await _follow_through(tx, case, decision)
    if command.text:
        for event in decision.events:
            if isinstance(event, CaseEscalated) and event.text_digest == digest:
                await queries.keep_text(
                    tx, event.id, sealer.seal(key, command.text, f"raise_texts.text:{event.id}")
                )
    return decision.case


async def case_of(tx: Transaction, case_id: UUID) -> Case:
    """The case, or 404: one registered a moment ago may not have been heard of yet."""
    case = await queries.load(tx, case_id)
    if case is None:
        detail = "刚登记的工单请几秒后重试 / If it was registered just now, try again in a few seconds"
        raise Problem(404, "not-found", "没有这个工单 / There is no such case", detail=detail)
    return case


async def texts_of(tx: Transaction, sealer: Sealer, case_id: UUID) -> dict[UUID, str]:
    """What was written beside raises by hand, by raise; empty when the case's key was destroyed."""
    wrapped = await queries.case_key(tx, case_id)
    if wrapped is None:
        return {}
    key = sealer.unwrap(wrapped)
    sealed = await queries.sealed_texts(tx, case_id)
    return {one: sealer.unseal(key, text, f"raise_texts.text:{one}") for one, text in sealed.items()}


def cannot_be_raised(because: str) -> Problem:
    title, detail = CANNOT[because]
    return Problem(409, because, title, detail=detail)


CANNOT = {
    "closed": (
        "工单已结案 / The case is closed",
        "居民不满意时由受理台重办 / A dissatisfied resident's case is reopened at the desk",
    ),
    "handled": (
        "工单已办结，正在回访 / The case is handled and being followed up",
        "回访不满意会自动提级 / If the resident is dissatisfied it is raised by itself",
    ),
    "last-level": (
        "已在最高层级 / The case is at the last level",
        "请联系督办员 / Speak to the supervisor of this level",
    ),
    "holder-unknown": (
        "还不知道是谁承办 / Who holds the case is not known here yet",
        "请几秒后重试；若仍被拒绝，请联系本级值班员 / Try again in a few seconds; after that ask the duty officer",
    ),
}


# ── the ground a decision stands on ───────────────────────────────────────────────────────────────────────────────


def stations(
    directory: Directory, ladder: Sequence[Rung], urgency: Urgency, now: datetime
) -> tuple[Station, ...]:
    """Each rung as the registry knows it now."""
    return tuple(
        Station(
            working_time_of(directory, rung.unit_id), _empty_because(directory, rung.unit_id, urgency, now)
        )
        for rung in ladder
    )


def stations_of(directory: Directory, case: Case, now: datetime) -> tuple[Station, ...]:
    return stations(directory, case.ladder, case.urgency, now)


def working_time_of(directory: Directory, unit_id: str) -> WorkingTime:
    """The unit's opening hours, or those of the nearest unit above that has any; its official calendar."""
    path = directory.path(unit_id)
    hours = next((unit.opening_hours for unit in reversed(path) if unit.opening_hours), ())
    calendar = directory.calendars.get(path[-1].calendar_id) if path else None
    return WorkingTime(hours, calendar or UNKNOWN_CALENDAR)


def _empty_because(directory: Directory, unit_id: str, urgency: Urgency, now: datetime) -> str | None:
    officers = directory.holders(unit_id, Post.DUTY_OFFICER)
    if urgency is Urgency.EMERGENCY:
        on_duty = any(directory.is_on_duty(officer.id, now) for officer in officers)
        return None if on_duty else "nobody_rostered"
    return None if officers else "post_not_filled"


# ── save, announce, set the bells ─────────────────────────────────────────────────────────────────────────────────


async def _follow_through(
    tx: Transaction, before: Case | None, decision: Decision | None, rung_by: Due | None = None
) -> None:
    if decision is None:
        return
    await queries.save(tx, before, decision.case)
    events = await _with_real_lateness(tx, decision.events, rung_by)
    tx.announce(*events)
    _set_bells(tx, before, decision.case, rung_by)
    _count(events)


async def _with_real_lateness(
    tx: Transaction, events: Sequence[CaseEvent], rung_by: Due | None
) -> list[CaseEvent]:
    """Business time may be simulated; how late a deadline fired never is."""
    missed = [event for event in events if isinstance(event, DeadlineMissed)]
    if not missed:
        return list(events)
    late_ms = await queries.real_lateness(tx, [event.due_at for event in missed])
    if rung_by is not None:
        late_ms[rung_by.due_at] = rung_by.late_ms
    return [
        event.model_copy(update={"late_ms": late_ms[event.due_at]})
        if isinstance(event, DeadlineMissed)
        else event
        for event in events
    ]


def _set_bells(tx: Transaction, before: Case | None, after: Case, rung_by: Due | None) -> None:
    """One timer per kind, at its next bell: amber, then due. The one that rang is gone and set again if need be."""
    was = {one.kind: one.rings_at for one in before.open()} if before else {}
    now_is = {one.kind: one.rings_at for one in after.open()}
    for kind in was.keys() | now_is.keys():
        rings_at = now_is.get(kind)
        if rings_at is None:
            tx.disarm(after.case_id, kind)
        elif rings_at != was.get(kind) or (rung_by and rung_by.kind == kind):
            tx.arm(after.case_id, kind, rings_at)


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


async def _case_key(tx: Transaction, sealer: Sealer, case_id: UUID) -> bytes:
    """The case's key, made with the first text."""
    wrapped = await queries.case_key(tx, case_id)
    if wrapped is not None:
        return sealer.unwrap(wrapped)
    key, wrapped = sealer.new_case_key()
    await queries.keep_case_key(tx, case_id, wrapped)
    return key
