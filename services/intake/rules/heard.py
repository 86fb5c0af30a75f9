"""What the events of others change in a case."""

from __future__ import annotations

from dataclasses import replace

from services.intake.rules.facts import STEPS, Case, end_follow_ups
from shared.event import CaseEvent
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandled,
    CaseOffered,
    EvidenceAdded,
    ProgressNoted,
    ResidentContacted,
    WorkerArrived,
)
from shared.events.escalation import CaseEscalated, EscalationVoided
from shared.vocabulary import (
    CaseState,
)


def _of_this_round(case: Case, event: CaseEvent) -> bool:
    return case.state is not CaseState.CLOSED and getattr(event, "round", case.round) == case.round


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
        holders=case.holders | {event.person_id},
    )


def raised(case: Case, event: CaseEscalated) -> Case:
    return replace(case, level=event.to_level) if _of_this_round(case, event) else case


def back_down(case: Case, event: EscalationVoided) -> Case:
    return replace(case, level=event.level) if _of_this_round(case, event) else case
