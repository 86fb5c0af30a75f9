"""What is told of what dispatch does: offers, holders, help, returns and entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.notify.rules import who
from services.notify.rules.facts import CaseFacts, Hold, Notice, Roster
from services.notify.rules.replica import rung_of
from shared.event import CaseEvent
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandedDown,
    CaseOffered,
    CaseReassigned,
    CaseReturned,
    CoHandlerAsked,
    DeviceTimeAccepted,
    EntryCorrected,
    EntryFlagged,
    HelpAnswered,
    HelpRequested,
    NobodyAvailable,
    OfferLapsed,
    OfferWithdrawn,
    PartHandled,
)
from shared.going import ReassignReason
from shared.vocabulary import DeadlineKind, Level, NoticeKind, PartRole


def _offered(case: CaseFacts, event: CaseOffered, roster: Roster) -> list[Notice]:
    due = case.due.get(DeadlineKind.ARRIVE if event.goes else DeadlineKind.ACKNOWLEDGE)
    says = {
        "offer_id": event.offer_id,
        "part_id": event.part_id,
        "part_role": event.part_role,
        "goes": event.goes,
        "emergency": event.emergency,
        "expires_at": event.expires_at,
        "eta_seconds": event.eta_seconds,
        "why": event.chosen_because,
        "due_at": due,
    }
    return [Notice(NoticeKind.OFFER, event.person_id, says)]


def _offer_ended(case: CaseFacts, event: OfferLapsed | OfferWithdrawn, roster: Roster) -> list[Notice]:
    reason = event.reason if isinstance(event, OfferWithdrawn) else "lapsed"
    says = {"offer_id": event.offer_id, "part_id": event.part_id, "reason": reason}
    return [Notice(NoticeKind.OFFER_ENDED, event.person_id, says)]


def _accepted(case: CaseFacts, event: CaseAccepted, roster: Roster) -> list[Notice]:
    """The holder on every screen of theirs, whoever else holds a part, and the requester if somebody is coming."""
    part = case.part(event.part_id)
    says = {
        "offer_id": event.offer_id,
        "part_id": event.part_id,
        "part_role": event.part_role,
        "goes": event.goes,
        "holder_id": event.person_id,
        "eta_seconds": part.eta_seconds if part else None,
        "due_at": case.due.get(DeadlineKind.ARRIVE if event.goes else DeadlineKind.HANDLE),
    }
    told = [event.person_id, *who.people_holding(case, Hold.HELD)]
    notices = [Notice(NoticeKind.CASE_HELD, person_id, says) for person_id in told]
    helps = event.part_id in case.asked  # one of several who come to help whoever is there already
    if event.goes and not helps and case.requester_can_be_asked:
        role = who.role_of(event.person_id, event.unit_id, roster)
        coming = {"eta_seconds": says["eta_seconds"], "role": role}
        notices.append(Notice(NoticeKind.WORKER_COMING, None, coming))
    return notices


def _nobody_available(case: CaseFacts, event: NobodyAvailable, roster: Roster) -> list[Notice]:
    says = {"unit_id": event.unit_id, "part_id": event.part_id}
    told = who.nearest_supervisors(rung_of(case.ladder, Level.COMMUNITY), roster)
    return [Notice(NoticeKind.NOBODY_AVAILABLE, person_id, says) for person_id in told]


def _help_requested(case: CaseFacts, event: HelpRequested, roster: Roster) -> list[Notice]:
    """吹哨: every unit that was asked, and whoever else is on the case."""
    says = {"help_id": event.help_id, "asker_id": event.person_id, "part_id": event.part_id}
    told = [
        *(person for unit_id in event.unit_ids for person in who.answering_for(unit_id, event.at, roster)),
        *who.people_holding(case, Hold.HELD),
    ]
    return [Notice(NoticeKind.HELP_REQUESTED, person, says) for person in told if person != event.person_id]


def _help_answered(case: CaseFacts, event: HelpAnswered, roster: Roster) -> list[Notice]:
    says = {"help_id": event.help_id, "helper_id": event.person_id, "unit_id": event.unit_id}
    asked = [case.asked[event.help_id]] if event.help_id in case.asked else []
    told = [*asked, *who.people_holding(case, Hold.HELD)]
    return [Notice(NoticeKind.HELP_ANSWERED, person, says) for person in told if person != event.person_id]


def _returned(case: CaseFacts, event: CaseReturned, roster: Roster) -> list[Notice]:
    """退单: whoever has to rule on it, one level up."""
    says = {
        "return_id": event.return_id,
        "part_id": event.part_id,
        "asker_id": event.person_id,
        "basis": event.basis,
        "rightful_unit_id": event.rightful_unit_id,
    }
    told = who.deciding_over(case, event.level, event.at, roster)
    return [Notice(NoticeKind.RETURN_ASKED, person_id, says) for person_id in told]


def _handed_down(case: CaseFacts, event: CaseHandedDown, roster: Roster) -> list[Notice]:
    """Who answers for the unit it goes to, and whoever stays on it; the offer itself follows."""
    says = {"part_id": event.part_id, "author_id": event.person_id, "unit_id": event.to_unit_id}
    told = [
        *who.answering_for(event.to_unit_id, event.at, roster),
        *who.people_holding(case, Hold.HELD),
    ]
    return [Notice(NoticeKind.HANDED_DOWN, person, says) for person in told if person != event.person_id]


def _reassigned(case: CaseFacts, event: CaseReassigned, roster: Roster) -> list[Notice]:
    """交接: from whom, to whom, and whoever else is on it."""
    says = {
        "part_id": event.part_id,
        "from_person_id": event.from_person_id,
        "to_person_id": event.to_person_id,
        "handed_over": event.reason,
    }
    to = [event.to_person_id] if event.to_person_id else []
    told = [event.from_person_id, *to, *who.people_holding(case, Hold.HELD)]
    if event.reason is ReassignReason.TAKEN_OVER:  # that somebody accepted it is told the others
        told = [event.from_person_id]
    return [Notice(NoticeKind.REASSIGNED, person_id, says) for person_id in told]


def _co_handler_asked(case: CaseFacts, event: CoHandlerAsked, roster: Roster) -> list[Notice]:
    says = {
        "part_id": event.part_id,
        "author_id": event.asked_by,
        "unit_id": event.unit_id,
        "due_at": event.due_at,
    }
    told = [
        *who.answering_for(event.unit_id, event.at, roster),
        *who.people_holding(case, Hold.HELD),
    ]
    return [Notice(NoticeKind.CO_HANDLER_ASKED, person, says) for person in told if person != event.asked_by]


def _part_handled(case: CaseFacts, event: PartHandled, roster: Roster) -> list[Notice]:
    """Whoever asked for the part, and whoever owns the case."""
    says = {"part_id": event.part_id, "author_id": event.person_id}
    asked = [case.asked[event.part_id]] if event.part_id in case.asked else []
    owners = [
        part.person_id
        for part in case.parts
        if part.role is PartRole.OWNER and part.hold is Hold.HELD and part.round == case.round
    ]
    told = [*asked, *owners]
    return [Notice(NoticeKind.PART_HANDLED, person, says) for person in told if person != event.person_id]


def _entry(kind: NoticeKind) -> Callable[[CaseFacts, Any, Roster], list[Notice]]:
    """Something odd, or taken back, on an entry: for the supervisor's eyes."""

    def told(case: CaseFacts, event: EntryFlagged | EntryCorrected, roster: Roster) -> list[Notice]:
        says = {
            "entry_id": event.entry_id,
            "entry": event.entry,
            "part_id": event.part_id,
            "worker_id": event.person_id,
            "flags": getattr(event, "flags", None),
        }
        supervisors = who.nearest_supervisors(rung_of(case.ladder, Level.COMMUNITY), roster)
        return [Notice(kind, person_id, says) for person_id in supervisors]

    return told


def _device_time_accepted(case: CaseFacts, event: DeviceTimeAccepted, roster: Roster) -> list[Notice]:
    says = {"part_id": event.part_id, "device_at": event.device_at, "received_at": event.received_at}
    return [Notice(NoticeKind.DEVICE_TIME_ACCEPTED, event.person_id, says)]


TELLS: Mapping[type[CaseEvent], Callable[[CaseFacts, Any, Roster], list[Notice]]] = {
    CaseOffered: _offered,
    OfferLapsed: _offer_ended,
    OfferWithdrawn: _offer_ended,
    CaseAccepted: _accepted,
    NobodyAvailable: _nobody_available,
    HelpRequested: _help_requested,
    HelpAnswered: _help_answered,
    CaseReturned: _returned,
    CaseHandedDown: _handed_down,
    CaseReassigned: _reassigned,
    CoHandlerAsked: _co_handler_asked,
    PartHandled: _part_handled,
    EntryFlagged: _entry(NoticeKind.ENTRY_FLAGGED),
    EntryCorrected: _entry(NoticeKind.ENTRY_CORRECTED),
    DeviceTimeAccepted: _device_time_accepted,
}
