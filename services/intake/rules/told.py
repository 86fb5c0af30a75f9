"""What intake's own events change in a case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from services.intake.rules.facts import (
    ATTEMPTS_MAX,
    CALL_AFTER_LINK,
    CALL_AGAIN_AFTER,
    LINK_VALID_FOR,
    Attempt,
    Case,
    FollowUp,
    end_follow_ups,
    with_follow_up,
)
from shared.events.intake import (
    CaseClosed,
    CaseReopened,
    FollowUpOpened,
    FollowUpRecorded,
    RequesterErased,
)
from shared.vocabulary import (
    CaseState,
    Channel,
    FollowUpKind,
    ReopenReason,
)


def follow_up_opened(case: Case, event: FollowUpOpened) -> Case:
    wait = CALL_AFTER_LINK if event.link_can_be_sent else timedelta()
    follow_up = FollowUp(
        id=event.follow_up_id,
        round=event.round,
        opened_at=event.at,
        due_at=event.at + wait,
        link_expires_at=event.at + LINK_VALID_FOR if event.link_can_be_sent else None,
        kind=event.kind,
    )
    return with_follow_up(case, follow_up)


def asked(case: Case, event: FollowUpRecorded) -> Case:
    follow_up = next(
        (known for known in (case.follow_up, case.progress_call) if known and known.id == event.follow_up_id),
        None,
    )
    if follow_up is None:
        return case
    given_up = event.kind is FollowUpKind.PROGRESS and event.attempt >= ATTEMPTS_MAX
    attempt = Attempt(event.attempt, event.at, event.channel, event.reached, event.actor.person_id)
    by_caller = event.channel is not Channel.LINK
    follow_up = replace(
        follow_up,
        attempts=(*follow_up.attempts, attempt),
        due_at=event.at + CALL_AGAIN_AFTER if by_caller else follow_up.due_at,
        contacted=event.contacted,
        solved=event.solved,
        satisfaction=event.satisfaction,
        coached=event.coached,
        closed_at=event.at if event.reached or given_up else None,
    )
    return with_follow_up(case, follow_up)


def reopened(case: Case, event: CaseReopened) -> Case:
    return replace(
        end_follow_ups(case, event.at),
        state=CaseState.REOPENED,
        round=event.round,
        reopened_at=event.at,
        contested_at=event.at if event.because is ReopenReason.CONTESTED else case.contested_at,
        accepted_at=None,
        arrived_at=None,
        handled_at=None,
        handled_by=None,
        handled_level=None,
        handled_outcome=None,
        closed_at=None,
        outcome=None,
        closed_by=None,
        resolved_level=None,
    )


def closed(case: Case, event: CaseClosed) -> Case:
    return replace(
        end_follow_ups(case, event.at),
        state=CaseState.CLOSED,
        closed_at=event.at,
        outcome=event.outcome,
        closed_by=event.closed_by,
        resolved_level=event.resolved_level,
    )


def erased(case: Case, event: RequesterErased) -> Case:
    """Nobody can be asked any more; what was handled and answered stays."""
    return replace(case, erased_at=event.at)
