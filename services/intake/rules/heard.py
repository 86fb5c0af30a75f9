"""What the events of others change in a case."""

from __future__ import annotations

from dataclasses import replace

from services.intake.rules.facts import STEPS, Case, end_follow_ups
from shared.event import CaseEvent
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
from shared.vocabulary import (
    CaseState,
)

ENDED = frozenset({CaseState.CLOSED, CaseState.MERGED})
"""What others still do to such a case crossed its end in flight."""


def _of_this_round(case: Case, event: CaseEvent) -> bool:
    return case.state not in ENDED and getattr(event, "round", case.round) == case.round


def _forward(case: Case, state: CaseState) -> Case:
    return replace(case, state=state) if STEPS.index(state) > STEPS.index(case.state) else case


def offered(case: Case, event: CaseOffered) -> Case:
    return _forward(case, CaseState.OFFERED) if _of_this_round(case, event) else case


def accepted(case: Case, event: CaseAccepted) -> Case:
    case = replace(case, holders=case.holders | {event.person_id})
    if not _of_this_round(case, event):
        return case
    return _forward(replace(case, accepted_at=case.accepted_at or event.at), CaseState.ACCEPTED)


def arrived(case: Case, event: WorkerArrived) -> Case:
    if not _of_this_round(case, event):
        return case
    return _forward(replace(case, arrived_at=case.arrived_at or event.at), CaseState.ARRIVED)


def worked_on(case: Case, event: ResidentContacted | EvidenceAdded | ProgressNoted) -> Case:
    return _forward(case, CaseState.IN_PROGRESS) if _of_this_round(case, event) else case


def handled(case: Case, event: CaseHandled) -> Case:
    if not _of_this_round(case, event) or case.state is CaseState.HANDLED:
        return case
    return replace(
        end_follow_ups(case, event.at),
        state=CaseState.HANDLED,
        handled_at=event.at,
        handled_by=event.person_id,
        handled_level=event.level,
        handled_outcome=event.outcome,
        return_pending=False,
        holders=case.holders | {event.person_id},
    )


def raised(case: Case, event: CaseEscalated) -> Case:
    """Also of a case that became part of another: taken out again it goes on at that level. An extension was of the
    level it was given at."""
    return replace(case, level=event.to_level, extended_until=None) if event.round >= case.round else case


def back_down(case: Case, event: EscalationVoided) -> Case:
    return replace(case, level=event.level) if event.round >= case.round else case


def returned(case: Case, event: CaseReturned) -> Case:
    return replace(case, return_pending=True) if _of_this_round(case, event) else case


def ruled(case: Case, event: ReturnRuled) -> Case:
    return replace(case, return_pending=False) if _of_this_round(case, event) else case


def reassigned(case: Case, event: CaseReassigned) -> Case:
    return replace(case, holders=case.holders | {event.to_person_id}) if event.to_person_id else case


def parked(case: Case, event: CaseParked) -> Case:
    return replace(case, parked_until=event.review_at) if _of_this_round(case, event) else case


def unparked(case: Case, event: CaseUnparked) -> Case:
    return replace(case, parked_until=None) if _of_this_round(case, event) else case


def extended(case: Case, event: DeadlineExtended) -> Case:
    return replace(case, extended_until=event.due_at) if _of_this_round(case, event) else case
