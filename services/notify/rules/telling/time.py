"""What is told of time and level: deadlines, raises, rulings, extensions, parking, supervision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.notify.rules import who
from services.notify.rules.facts import CaseFacts, Hold, Notice, Roster
from shared.event import CaseEvent
from shared.events.escalation import (
    CaseEscalated,
    CaseListed,
    CaseParked,
    CaseUnparked,
    DeadlineAmber,
    DeadlineExtended,
    DeadlineMissed,
    EscalationVoided,
    ExtensionAsked,
    ExtensionRefused,
    ReplyGiven,
    ReturnRuled,
    SupervisionAnswered,
    SupervisionOrdered,
)
from shared.vocabulary import DeadlineKind, EscalationCause, NoticeKind, Post, Role


def _amber(case: CaseFacts, event: DeadlineAmber, roster: Roster) -> list[Notice]:
    return _deadline(NoticeKind.DEADLINE_AMBER, case, event, roster, {})


def _missed(case: CaseFacts, event: DeadlineMissed, roster: Roster) -> list[Notice]:
    return _deadline(NoticeKind.DEADLINE_MISSED, case, event, roster, {"late_ms": event.late_ms})


def _deadline(
    kind: NoticeKind,
    case: CaseFacts,
    event: DeadlineAmber | DeadlineMissed,
    roster: Roster,
    more: Mapping[str, Any],
) -> list[Notice]:
    """Holders and supervisors; a late follow-up is the callers' business, never the handler's (product §7). A side
    matter's clock is told to whoever it runs for."""
    says = {"deadline": event.kind, "due_at": event.due_at, "about": event.about, **more}
    supervisors = [Notice(kind, person, says) for person in who.supervisors_from(case, event.level, roster)]
    if event.kind is DeadlineKind.FOLLOW_UP:
        due = {"due_at": event.due_at}
        return [*callers(NoticeKind.FOLLOW_UP_DUE, case, roster, due), *supervisors]
    told = _bound_by(case, event, roster)
    return [*(Notice(kind, person_id, says) for person_id in told), *supervisors]


def _bound_by(case: CaseFacts, event: DeadlineAmber | DeadlineMissed, roster: Roster) -> list[str]:
    """Whom this clock runs for."""
    match event.kind:
        case DeadlineKind.RULING:
            return who.deciding_over(case, event.level, event.at, roster)
        case DeadlineKind.SUPERVISION | DeadlineKind.REPLY:
            return who.officers(case.unit_id, event.at, roster)
        case DeadlineKind.CO_HANDLE if event.about is not None and (part := case.part(event.about)):
            return [part.person_id]
    return who.people_holding(case, Hold.HELD)


def _escalated(case: CaseFacts, event: CaseEscalated, roster: Roster) -> list[Notice]:
    """The officers who now answer for it, the supervisors above, and whoever stays on it as a co-handler. Raised by
    hand: the officers owe whoever raised it a reply."""
    says = {
        "cause": event.cause,
        "from_level": event.from_level,
        "to_level": event.to_level,
        "unit_id": event.to_unit_id,
        "skipped": [skipped.level for skipped in event.skipped],
    }
    officers = who.officers(event.to_unit_id, event.at, roster)
    told = [
        *officers,
        *who.supervisors_from(case, event.to_level, roster),
        *who.people_holding(case, Hold.HELD),
    ]
    notices = [Notice(NoticeKind.CASE_RAISED, person_id, says) for person_id in told]
    if event.cause is EscalationCause.BY_HAND and event.actor.person_id is not None:
        asker = event.actor.person_id
        owed = {"raise_id": event.id, "asker_id": asker, "raise_reason": event.reason}
        notices += [Notice(NoticeKind.REPLY_OWED, officer, owed) for officer in officers if officer != asker]
    return notices


def _raise_voided(case: CaseFacts, event: EscalationVoided, roster: Roster) -> list[Notice]:
    """Whoever was told of a raise that does not count: nobody should wait for an offer that never comes."""
    units = [case.raises[raise_id] for raise_id in event.voids if raise_id in case.raises]
    if not units:
        return []
    told = [officer for unit_id in units for officer in who.officers(unit_id, event.at, roster)]
    for unit_id in units:
        told += who.supervisors_over(unit_id, roster)
    told += who.people_holding(case, Hold.HELD, Hold.HANDLED)
    return [Notice(NoticeKind.RAISE_VOIDED, person_id) for person_id in told]


def _supervision_ordered(case: CaseFacts, event: SupervisionOrdered, roster: Roster) -> list[Notice]:
    says = {
        "order_id": event.order_id,
        "order": event.kind,
        "unit_id": event.unit_id,
        "supervising_unit_id": event.supervising_unit_id,
    }
    officers = [person.id for person in roster.holders(event.unit_id, Post.DUTY_OFFICER)]
    told = [*officers, *who.nearest_supervisors(event.supervising_unit_id, roster)]
    return [Notice(NoticeKind.SUPERVISION_ORDERED, person_id, says) for person_id in told]


def _supervision_answered(case: CaseFacts, event: SupervisionAnswered, roster: Roster) -> list[Notice]:
    says = {"order_id": event.order_id, "author_id": event.person_id, "unit_id": event.unit_id}
    ordered_by = case.orders.get(event.order_id, event.unit_id)
    told = who.nearest_supervisors(ordered_by, roster)
    return [Notice(NoticeKind.SUPERVISION_ANSWERED, person_id, says) for person_id in told]


def _return_ruled(case: CaseFacts, event: ReturnRuled, roster: Roster) -> list[Notice]:
    """裁定, told to whoever returned it: they go on, or are free."""
    part = case.part(event.part_id)
    if part is None:
        return []
    says = {
        "return_id": event.return_id,
        "part_id": event.part_id,
        "ruling": event.ruling,
        "unanswered": event.unanswered,
        "unit_id": event.to_unit_id,
    }
    return [Notice(NoticeKind.RETURN_RULED, part.person_id, says)]


def _extension_asked(case: CaseFacts, event: ExtensionAsked, roster: Roster) -> list[Notice]:
    says = {
        "extension_id": event.extension_id,
        "asker_id": event.person_id,
        "due_at": event.due_at,
        "until": event.until,
        "extension_reason": event.reason,
        "unit_id": event.unit_id,
    }
    unit_id = event.approving_unit_id
    told = [*who.officers(unit_id, event.at, roster), *who.nearest_supervisors(unit_id, roster)]
    return [Notice(NoticeKind.EXTENSION_ASKED, person, says) for person in told if person != event.person_id]


def _extension_answered(
    case: CaseFacts, event: DeadlineExtended | ExtensionRefused, roster: Roster
) -> list[Notice]:
    """Whoever asked and whoever holds it; the requester only of a new date."""
    approved = isinstance(event, DeadlineExtended)
    says = {
        "extension_id": event.extension_id,
        "approved": approved,
        "unanswered": getattr(event, "unanswered", False),
        "due_at": event.due_at if isinstance(event, DeadlineExtended) else case.due.get(DeadlineKind.HANDLE),
    }
    asked = [case.asked[event.extension_id]] if event.extension_id in case.asked else []
    told: list[str | None] = [*asked, *who.people_holding(case, Hold.HELD)]
    if approved and case.requester_can_be_asked:
        told.append(None)
    return [Notice(NoticeKind.EXTENSION_ANSWERED, person_id, says) for person_id in told]


def _parked(case: CaseFacts, event: CaseParked, roster: Roster) -> list[Notice]:
    """挂账: the requester learns when it is looked at again; supervisors see that it waits."""
    says = {
        "park_id": event.park_id,
        "unit_id": event.unit_id,
        "owner_id": event.owner_id,
        "park_reason": event.reason,
        "review_at": event.review_at,
    }
    told: list[str | None] = [
        event.owner_id,
        *who.people_holding(case, Hold.HELD),
        *who.supervisors_from(case, event.level, roster),
    ]
    if case.requester_can_be_asked:
        told.append(None)
    return [Notice(NoticeKind.CASE_PARKED, person_id, says) for person_id in told]


def _unparked(case: CaseFacts, event: CaseUnparked, roster: Roster) -> list[Notice]:
    says = {"park_id": event.park_id, "unparked": event.because}
    owner = [case.asked[event.park_id]] if event.park_id in case.asked else []
    told: list[str | None] = [
        *owner,
        *who.people_holding(case, Hold.HELD),
        *who.supervisors_from(case, event.level, roster),
    ]
    if case.requester_can_be_asked and not case.closed:
        told.append(None)
    return [Notice(NoticeKind.CASE_UNPARKED, person_id, says) for person_id in told]


def _reply_given(case: CaseFacts, event: ReplyGiven, roster: Roster) -> list[Notice]:
    says = {"raise_id": event.raise_id, "author_id": event.person_id}
    return [Notice(NoticeKind.REPLY_GIVEN, event.to_person_id, says)]


def _listed(case: CaseFacts, event: CaseListed, roster: Roster) -> list[Notice]:
    says = {"unit_id": event.unit_id, "day": event.day, "days": event.days}
    return [Notice(NoticeKind.CASE_LISTED, person_id, says) for person_id in event.person_ids]


def callers(kind: NoticeKind, case: CaseFacts, roster: Roster, says: Mapping[str, Any]) -> list[Notice]:
    """Follow-up callers whose unit covers the case, without anybody who held it."""
    held = {part.person_id for part in case.parts if part.hold in (Hold.HELD, Hold.HANDLED)}
    found = who.with_role(Role.FOLLOW_UP_CALLER, case.unit_path, roster)
    return [Notice(kind, caller, says) for caller in found if caller not in held]


TELLS: Mapping[type[CaseEvent], Callable[[CaseFacts, Any, Roster], list[Notice]]] = {
    DeadlineAmber: _amber,
    DeadlineMissed: _missed,
    CaseEscalated: _escalated,
    EscalationVoided: _raise_voided,
    SupervisionOrdered: _supervision_ordered,
    SupervisionAnswered: _supervision_answered,
    ReturnRuled: _return_ruled,
    ExtensionAsked: _extension_asked,
    DeadlineExtended: _extension_answered,
    ExtensionRefused: _extension_answered,
    CaseParked: _parked,
    CaseUnparked: _unparked,
    ReplyGiven: _reply_given,
    CaseListed: _listed,
}
