"""The replica of a case and of an alarm: state = fold(events)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.notify.rules.facts import AlarmFacts, CaseFacts, Hold, PartFacts
from shared.event import AlarmEvent, CaseEvent
from shared.events.dispatch import (
    AlarmAnswered,
    AlarmEnded,
    AlarmRaised,
    CaseAccepted,
    CaseHandedDown,
    CaseHandled,
    CaseOffered,
    CaseReassigned,
    CoHandlerAsked,
    HelpRequested,
    OfferDeclined,
    OfferLapsed,
    OfferWithdrawn,
    PartEnded,
    PartHandled,
)
from shared.events.escalation import (
    CaseEscalated,
    CaseParked,
    DeadlineExtended,
    DeadlinesCleared,
    DeadlinesSet,
    EscalationVoided,
    ExtensionAsked,
    ReturnRuled,
    SupervisionOrdered,
)
from shared.events.intake import (
    CaseAmended,
    CaseClosed,
    CaseMerged,
    CaseRegistered,
    CaseReopened,
    CaseUnmerged,
    RequesterErased,
    Rung,
)
from shared.events.notify import AlarmNoticeDelivered
from shared.going import ReassignReason
from shared.vocabulary import ClockKind, DeadlineKind, Level, NoticeKind, Ruling

CLOCKS_OF_A_LEVEL = (DeadlineKind.ACKNOWLEDGE, DeadlineKind.HANDLE)
CLOCKS_AT_FIRST = (DeadlineKind.ACKNOWLEDGE, DeadlineKind.ARRIVE, DeadlineKind.HANDLE)
OfferEvent = CaseOffered | CaseAccepted | OfferDeclined | OfferLapsed | OfferWithdrawn


def opened(event: CaseRegistered) -> CaseFacts:
    """The case at registration. Limits in plain minutes are due times already; the others come with DeadlinesSet."""
    lowest = event.ladder[0]
    limits = event.policy.limits(lowest.level)
    first = [(kind, getattr(limits, kind)) for kind in CLOCKS_AT_FIRST]
    if event.care:
        first.append((DeadlineKind.ARRIVE, event.policy.care_arrive))
    minutes: dict[DeadlineKind, datetime] = {}
    for kind, limit in first:
        if limit is not None and limit.clock is ClockKind.MINUTES:
            due_at = event.at + timedelta(minutes=limit.amount)
            minutes[kind] = min(due_at, minutes.get(kind, due_at))
    return CaseFacts(
        case_id=event.case_id,
        number=event.number,
        headline=event.headline,
        urgency=event.urgency,
        place=event.place,
        unit_path=event.unit_path,
        ladder=event.ladder,
        level=lowest.level,
        unit_id=lowest.unit_id,
        round=event.round,
        requester_can_be_asked=event.requester_can_be_asked,
        due={} if event.ends_at_once else minutes,
        unread_after_seconds=event.policy.unread_after_seconds,
        care=event.care,
    )


def apply(case: CaseFacts, event: CaseEvent) -> CaseFacts:
    """The case after the event; events that change nothing notify keeps leave it as it is."""
    match event:
        case CaseOffered() | CaseAccepted() | OfferDeclined() | OfferLapsed() | OfferWithdrawn():
            return _with_offer(case, event)
        case CaseHandled() | PartHandled():
            return _with_part(case, event.part_id, Hold.HANDLED)
        case PartEnded():
            return _with_part(case, event.part_id, Hold.ENDED)
        case CaseReassigned():
            return _reassigned(case, event)
        case CaseHandedDown():
            return replace(_with_part(case, event.part_id, Hold.ENDED), unit_id=event.to_unit_id)
        case ReturnRuled(ruling=Ruling.REDISPATCH):
            freed = _with_part(case, event.part_id, Hold.ENDED)
            return replace(freed, unit_id=event.to_unit_id or case.unit_id)
        case DeadlinesSet() | DeadlinesCleared() | DeadlineExtended() | EscalationVoided() | CaseEscalated():
            return _in_time(case, event)
        case HelpRequested() | CoHandlerAsked() | ExtensionAsked() | CaseParked() | SupervisionOrdered():
            return _with_matter(case, event)
    return _in_its_existence(case, event)


def _in_its_existence(case: CaseFacts, event: CaseEvent) -> CaseFacts:
    match event:
        case CaseAmended():
            return replace(
                case,
                urgency=event.urgency,
                headline=event.headline,
                place=event.place,
                unit_path=event.unit_path,
                ladder=event.ladder,
                level=level_on(event.ladder, case.level),
                unit_id=rung_of(event.ladder, case.level),
                unread_after_seconds=event.policy.unread_after_seconds,
                care=event.care,
            )
        case CaseMerged():
            into = event.parent_id
            return replace(case, merged_into=into, parent_number=event.parent_number, closed=False)
        case CaseUnmerged():
            return replace(case, merged_into=None, parent_number=None)
        case RequesterErased():
            return replace(case, requester_can_be_asked=False)
        case CaseReopened():
            return replace(case, round=event.round, closed=False)
        case CaseClosed():
            return replace(case, closed=True)
    return case


def _in_time(
    case: CaseFacts,
    event: DeadlinesSet | DeadlinesCleared | DeadlineExtended | EscalationVoided | CaseEscalated,
) -> CaseFacts:
    match event:
        case CaseEscalated():
            raises = {**case.raises, event.id: event.to_unit_id}
            return replace(case, level=event.to_level, unit_id=event.to_unit_id, raises=raises)
        case EscalationVoided():
            # It is handled: the clocks of a level have stopped, and those of the raises never counted.
            due = {kind: at for kind, at in case.due.items() if kind not in CLOCKS_OF_A_LEVEL}
            return replace(case, level=event.level, unit_id=event.unit_id, due=due)
        case DeadlineExtended():
            return replace(case, due={**case.due, event.kind: event.due_at})
        case DeadlinesSet():
            own = {one.kind: one.due_at for one in event.deadlines if one.about is None}
            side = {f"{one.kind}:{one.about}": one.due_at for one in event.deadlines if one.about is not None}
            return replace(case, due={**case.due, **own}, side_due={**case.side_due, **side})
        case DeadlinesCleared():
            stopped = {(one.kind, one.about) for one in event.cleared}
            keys = {f"{kind}:{about}" for kind, about in stopped}
            return replace(
                case,
                due={kind: at for kind, at in case.due.items() if (kind, None) not in stopped},
                side_due={key: at for key, at in case.side_due.items() if key not in keys},
            )


def _with_matter(
    case: CaseFacts,
    event: HelpRequested | CoHandlerAsked | ExtensionAsked | CaseParked | SupervisionOrdered,
) -> CaseFacts:
    """Who waits for the answer."""
    match event:
        case SupervisionOrdered():
            return replace(case, orders={**case.orders, event.order_id: event.supervising_unit_id})
        case HelpRequested():
            matter, waiting = event.help_id, event.person_id
        case CoHandlerAsked():
            matter, waiting = event.part_id, event.asked_by
        case ExtensionAsked():
            matter, waiting = event.extension_id, event.person_id
        case CaseParked():
            matter, waiting = event.park_id, event.owner_id
    return replace(case, asked={**case.asked, matter: waiting})


def _with_offer(case: CaseFacts, event: OfferEvent) -> CaseFacts:
    if isinstance(event, CaseOffered):
        part = PartFacts(
            part_id=event.part_id,
            offer_id=event.offer_id,
            person_id=event.person_id,
            round=event.round,
            goes=event.goes,
            hold=Hold.OFFERED,
            eta_seconds=event.eta_seconds,
            role=event.part_role,
            told_by=event.id,
        )
        others = (p for p in case.parts if p.part_id != part.part_id or event.takes_over == p.offer_id)
        return replace(case, parts=(*others, part))
    # An offer that is over says nothing about the next one of the same part, nor about who has it meanwhile.
    if not any(part.offer_id == event.offer_id for part in case.parts):
        return case
    hold = Hold.HELD if isinstance(event, CaseAccepted) else Hold.ENDED
    alone = sum(part.part_id == event.part_id for part in case.parts) == 1
    return replace(
        case,
        parts=tuple(
            replace(part, hold=hold) if part.offer_id == event.offer_id else part
            for part in case.parts
            if alone or hold is Hold.HELD or part.offer_id != event.offer_id
        ),
    )


def _with_part(case: CaseFacts, part_id: UUID, hold: Hold) -> CaseFacts:
    parts = tuple(replace(part, hold=hold) if part.part_id == part_id else part for part in case.parts)
    return replace(case, parts=parts)


def _reassigned(case: CaseFacts, event: CaseReassigned) -> CaseFacts:
    """The part goes on with somebody else as it is, or waits for a new offer. Who takes over was asked, and accepts."""
    if event.to_person_id is None:
        return _with_part(case, event.part_id, Hold.ENDED)
    to_person_id, had = event.to_person_id, case.part(event.part_id)
    if event.reason is ReassignReason.TAKEN_OVER:
        return replace(case, parts=tuple(part for part in case.parts if part is not had))
    parts = tuple(
        replace(part, person_id=to_person_id, offer_id=event.to_offer_id or part.offer_id, hold=Hold.HELD)
        if part is had
        else part
        for part in case.parts
    )
    return replace(case, parts=parts)


def rung_of(ladder: tuple[Rung, ...], level: Level) -> str:
    """The unit of `ladder` at `level`; the lowest one there is where it has no such rung."""
    return next((rung.unit_id for rung in ladder if rung.level is level), ladder[0].unit_id)


def level_on(ladder: tuple[Rung, ...], level: Level) -> Level:
    """`level`; the lowest one there is where `ladder` has no such rung."""
    return level if any(rung.level is level for rung in ladder) else ladder[0].level


def rang(event: AlarmRaised) -> AlarmFacts:
    """The alarm when it was raised."""
    return AlarmFacts(event.alarm_id, event.person_id, event.unit_path, event.at, event.case_id)


def rang_for(alarm: AlarmFacts, person_ids: Iterable[str | None]) -> AlarmFacts:
    """The alarm after these people were rung."""
    told = dict.fromkeys([*alarm.told, *(person_id for person_id in person_ids if person_id is not None)])
    return replace(alarm, told=tuple(told))


def apply_to_alarm(alarm: AlarmFacts, event: AlarmEvent) -> AlarmFacts:
    """The alarm after the event."""
    match event:
        case AlarmAnswered():
            return replace(alarm, answered_by=event.answered_by)
        case AlarmEnded():
            return replace(alarm, ended=True)
        case AlarmNoticeDelivered(kind=NoticeKind.ALARM_RAISED):
            return rang_for(alarm, [event.person_id])
    return alarm
