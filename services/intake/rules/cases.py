"""The state of a case: the fold of its journal, for intake's own events and those it heard.

`case = apply(case, event)`, and nothing else changes a case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from services.intake.rules import heard, told
from services.intake.rules.facts import (
    Case,
)
from services.intake.rules.kept import ConsentRecorded, ParentHandled, ParentReopened
from shared.event import Event
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandled,
    CaseOffered,
    CaseReassigned,
    CaseReturned,
    EvidenceAdded,
    ProgressNoted,
    ResidentContacted,
    WorkerArrived,
)
from shared.events.escalation import (
    CaseEscalated,
    CaseParked,
    CaseUnparked,
    DeadlineExtended,
    EscalationVoided,
    ReturnRuled,
)
from shared.events.intake import (
    AppointmentAgreed,
    AttachmentAdded,
    CaseAmended,
    CaseAnswered,
    CaseClosed,
    CaseMerged,
    CaseNotAccepted,
    CaseRegistered,
    CaseReopened,
    CaseUnmerged,
    CaseUrged,
    CaseWithdrawn,
    FollowUpOpened,
    FollowUpRecorded,
    InformationAsked,
    InformationGiven,
    RequesterErased,
)


def registered(event: CaseRegistered) -> Case:
    return Case(
        case_id=event.case_id,
        number=event.number,
        channel=event.channel,
        category_code=event.category_code,
        urgency=event.urgency,
        headline=event.headline,
        lon=event.place.lon,
        lat=event.place.lat,
        place_label=event.place.label,
        grid_id=event.grid_id,
        unit_path=event.unit_path,
        requester_can_be_asked=event.requester_can_be_asked,
        registry_revision=event.registry_revision,
        registered_at=event.at,
        level=event.ladder[0].level,
        round=event.round,
        requester_kind=event.requester_kind,
        appointment_starts_at=event.appointment.starts_at if event.appointment else None,
        appointment_ends_at=event.appointment.ends_at if event.appointment else None,
        reported_at=event.reported_at,
        taken_at=event.taken_at,
        excluded=event.excluded,
        care=event.care,
        crisis=event.crisis,
        ends_at_once=event.ends_at_once,
    )


def fold(events: Iterable[Event]) -> Case:
    """The case its story tells; the first event is its registration."""
    story = iter(events)
    first = next(story)
    assert isinstance(first, CaseRegistered)
    case = registered(first)
    for event in story:
        case = apply(case, event)
    return case


def apply(case: Case, event: Event) -> Case:
    """The case after `event`. What belongs to an older round, or comes after the end, changes nothing but who
    once held it."""
    change = CHANGES.get(type(event))
    return change(case, event) if change else case


Told = TypeVar("Told", bound=Event)
Change = Callable[[Case, Event], Case]
CHANGES: dict[type[Event], Change] = {}


def _on(event_type: type[Told], change: Callable[[Case, Told], Case]) -> None:
    def checked(case: Case, event: Event) -> Case:
        assert isinstance(event, event_type)
        return change(case, event)

    CHANGES[event_type] = checked


_on(CaseOffered, heard.offered)
_on(CaseAccepted, heard.accepted)
_on(WorkerArrived, heard.arrived)
_on(ResidentContacted, heard.worked_on)
_on(EvidenceAdded, heard.worked_on)
_on(ProgressNoted, heard.worked_on)
_on(CaseHandled, heard.handled)
_on(CaseEscalated, heard.raised)
_on(EscalationVoided, heard.back_down)
_on(FollowUpOpened, told.follow_up_opened)
_on(FollowUpRecorded, told.asked)
_on(CaseReopened, told.reopened)
_on(CaseClosed, told.closed)
_on(RequesterErased, told.erased)
_on(CaseAmended, told.amended)
_on(CaseUrged, told.urged)
_on(CaseMerged, told.merged)
_on(CaseUnmerged, told.unmerged)
_on(ParentHandled, told.parent_handled)
_on(ParentReopened, told.parent_reopened)
_on(CaseAnswered, told.answered)
_on(CaseNotAccepted, told.not_accepted)
_on(CaseWithdrawn, told.withdrawn)
_on(InformationAsked, told.information_asked)
_on(InformationGiven, told.information_given)
_on(AppointmentAgreed, told.appointment_agreed)
_on(AttachmentAdded, told.attachment_added)
_on(ConsentRecorded, told.consent_recorded)
_on(CaseReturned, heard.returned)
_on(ReturnRuled, heard.ruled)
_on(CaseReassigned, heard.reassigned)
_on(CaseParked, heard.parked)
_on(CaseUnparked, heard.unparked)
_on(DeadlineExtended, heard.extended)
