"""What intake's own events change in a case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from services.intake.rules.facts import (
    ATTEMPTS_MAX,
    CALL_AFTER_LINK,
    CALL_AGAIN_AFTER,
    LINK_VALID_FOR,
    Attachment,
    Attempt,
    Case,
    FollowUp,
    Question,
    end_follow_ups,
    with_follow_up,
)
from services.intake.rules.kept import ConsentRecorded, ParentHandled, ParentReopened
from shared.events.intake import (
    AppointmentAgreed,
    AttachmentAdded,
    CaseAmended,
    CaseAnswered,
    CaseClosed,
    CaseMerged,
    CaseNotAccepted,
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
from shared.vocabulary import ActorKind, CaseState, Channel, FollowUpKind, Outcome, ReopenReason


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
    """A contest counts for whoever made it: of a part's it hears from the system."""
    own = event.because is ReopenReason.CONTESTED and event.actor.kind is not ActorKind.SYSTEM
    return replace(
        end_follow_ups(case, event.at),
        state=CaseState.REOPENED,
        round=event.round,
        reopened_at=event.at,
        contested_at=event.at if own else case.contested_at,
        parent_id=None,
        return_pending=False,
        parked_until=None,
        extended_until=None,
        withdrawn_by_staff=False,
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
        parent_id=case.parent_id if event.outcome is Outcome.MERGED else None,
        closed_at=event.at,
        outcome=event.outcome,
        closed_by=event.closed_by,
        resolved_level=event.resolved_level,
    )


def erased(case: Case, event: RequesterErased) -> Case:
    """Nobody can be asked any more; what was handled and answered stays."""
    return replace(case, erased_at=event.at)


def amended(case: Case, event: CaseAmended) -> Case:
    """The case as it is from now on; its level stays where the new ladder has it. What was extended under another
    urgency is not extended under the new one."""
    levels = [rung.level for rung in event.ladder]
    return replace(
        case,
        category_code=event.category_code,
        urgency=event.urgency,
        headline=event.headline,
        lon=event.place.lon,
        lat=event.place.lat,
        place_label=event.place.label,
        grid_id=event.grid_id,
        unit_path=event.unit_path,
        level=case.level if case.level in levels else levels[0],
        excluded=event.excluded,
        care=event.care,
        crisis=event.crisis or case.crisis,
        extended_until=case.extended_until if event.urgency is case.urgency else None,
        registry_revision=event.registry_revision,
        amended_at=event.at,
    )


def urged(case: Case, event: CaseUrged) -> Case:
    return replace(case, urged_count=event.count, urged_at=event.at)


def merged(case: Case, event: CaseMerged) -> Case:
    """Said of a part that was closed, its requester contests that end."""
    return replace(
        end_follow_ups(case, event.at),
        state=CaseState.MERGED,
        parent_id=event.parent_id,
        merged_at=event.at,
        contested_at=event.at if case.state is CaseState.CLOSED else case.contested_at,
        closed_at=None,
        outcome=None,
        closed_by=None,
        resolved_level=None,
    )


def unmerged(case: Case, event: CaseUnmerged) -> Case:
    """It begins again: whoever was on the way was called back when it was merged."""
    return replace(
        case,
        state=CaseState.REGISTERED if case.round == 1 else CaseState.REOPENED,
        parent_id=None,
        merged_at=None,
        accepted_at=None,
        arrived_at=None,
        return_pending=False,
        parked_until=None,
    )


def parent_handled(case: Case, event: ParentHandled) -> Case:
    """A call of how it stands is owed no more."""
    return replace(
        end_follow_ups(case, event.at),
        parent_round=event.round,
        handled_at=event.handled_at,
        handled_outcome=event.outcome,
        handled_level=event.level,
        holders=case.holders | set(event.holders),
    )


def parent_reopened(case: Case, event: ParentReopened) -> Case:
    return replace(end_follow_ups(case, event.at), handled_at=None, handled_outcome=None, handled_level=None)


def answered(case: Case, event: CaseAnswered) -> Case:
    return replace(case, snippet_id=event.snippet_id)


def not_accepted(case: Case, event: CaseNotAccepted) -> Case:
    return replace(
        case,
        not_accepted=event.reason,
        service=event.service,
        rightful_unit_id=event.rightful_unit_id,
    )


def withdrawn(case: Case, event: CaseWithdrawn) -> Case:
    """Closing follows at once."""
    return replace(case, withdrawn_by_staff=event.actor.kind is ActorKind.STAFF)


def information_asked(case: Case, event: InformationAsked) -> Case:
    return replace(case, questions=(*case.questions, Question(event.question_id, event.at, event.asked_by)))


def information_given(case: Case, event: InformationGiven) -> Case:
    ended = tuple(
        replace(question, ended_at=event.at) if question.id == event.question_id else question
        for question in case.questions
    )
    return replace(case, questions=ended)


def appointment_agreed(case: Case, event: AppointmentAgreed) -> Case:
    return replace(
        case,
        appointment_starts_at=event.appointment.starts_at,
        appointment_ends_at=event.appointment.ends_at,
    )


def attachment_added(case: Case, event: AttachmentAdded) -> Case:
    added = Attachment(event.attachment_id, event.at, event.media_type, event.sha256, event.size_bytes)
    return replace(case, attachments=(*case.attachments, added))


def consent_recorded(case: Case, event: ConsentRecorded) -> Case:
    """A part whose requester can be asked again, and is not being asked, is asked about the parent's round anew."""
    refused = case.refused_consents
    unasked = event.requester_can_be_asked and not case.requester_can_be_asked and not case.open_follow_up
    return replace(
        case,
        refused_consents=refused - {event.purpose} if event.given else refused | {event.purpose},
        requester_can_be_asked=event.requester_can_be_asked,
        parent_round=None if unasked and case.state is CaseState.MERGED else case.parent_round,
    )
