"""Cases that end as they are taken in: a question answered, the business done on the spot, a request not accepted."""

from __future__ import annotations

from datetime import datetime

from services.intake.commands.registration import AnswerGiven, Refusal
from shared.event import CaseEvent
from shared.events.intake import CaseAnswered, CaseClosed, CaseNotAccepted, CaseRegistered
from shared.vocabulary import ClosedBy, Outcome


def end_at_once(
    event: CaseRegistered, answer: AnswerGiven | None, refusal: Refusal | None, now: datetime
) -> list[CaseEvent]:
    """How it ends and that it ended; nothing for a case that goes on."""
    if answer is not None:
        return [_answered(event, answer, now), _closed(event, Outcome.ANSWERED, ClosedBy.ANSWER, now)]
    if refusal is not None:
        return [
            _not_accepted(event, refusal, now),
            _closed(event, Outcome.NOT_ACCEPTED, ClosedBy.REFUSAL, now),
        ]
    return []


def _answered(event: CaseRegistered, answer: AnswerGiven, now: datetime) -> CaseAnswered:
    return CaseAnswered(
        at=now,
        case_id=event.case_id,
        actor=event.actor,
        channel=event.channel,
        snippet_id=answer.snippet_id,
    )


def _not_accepted(event: CaseRegistered, refusal: Refusal, now: datetime) -> CaseNotAccepted:
    return CaseNotAccepted(
        at=now,
        case_id=event.case_id,
        actor=event.actor,
        channel=event.channel,
        reason=refusal.reason,
        service=refusal.service,
        rightful_unit_id=refusal.rightful_unit_id,
    )


def _closed(event: CaseRegistered, outcome: Outcome, closed_by: ClosedBy, now: datetime) -> CaseClosed:
    return CaseClosed(
        at=now,
        case_id=event.case_id,
        actor=event.actor,
        channel=event.channel,
        outcome=outcome,
        closed_by=closed_by,
        round=event.round,
    )
