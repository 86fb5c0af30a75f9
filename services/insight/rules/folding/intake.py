"""What intake told: the case's existence, its changes, what the requester said, its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.insight.rules.facts import CaseRow, FollowUp, Round
from services.insight.rules.folding.small import changed, with_follow_up, with_round
from shared.event import CaseEvent
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
from shared.vocabulary import ClosedBy, FollowUpKind

NO_ENDING: dict[str, Any] = {"closed_at": None, "closed_by": None, "outcome": None, "resolved_level": None}
NO_PARENT: dict[str, Any] = {"parent_id": None, "parent_number": None, "merged_at": None}


def registered(event: CaseRegistered) -> CaseRow:
    return CaseRow(
        case_id=event.case_id,
        number=event.number,
        channel=event.channel,
        requester_can_be_asked=event.requester_can_be_asked,
        requester_kind=event.requester_kind,
        crisis=event.crisis,
        reported_at=event.reported_at,
        taken_at=event.taken_at,
        registered_at=event.at,
        round=event.round,
        rounds=(Round(event.round, opened_at=event.at),),
        **_as_described(event),
        **_window(event),
    )


def _as_described(event: CaseRegistered | CaseAmended) -> dict[str, Any]:
    """What an amendment may change."""
    return {
        "category_code": event.category_code,
        "urgency": event.urgency,
        "headline": event.headline,
        "place_label": event.place.label,
        "grid_id": event.grid_id,
        "unit_path": event.unit_path,
        "ladder": tuple(rung.level for rung in event.ladder),
        "ladder_unit_ids": tuple(rung.unit_id for rung in event.ladder),
        "policy_id": event.policy.id,
        "care": event.care,
        "registry_revision": event.registry_revision,
    }


def _window(event: CaseRegistered | AppointmentAgreed) -> dict[str, Any]:
    if event.appointment is None:
        return {}
    return {
        "appointment_starts_at": event.appointment.starts_at,
        "appointment_ends_at": event.appointment.ends_at,
    }


def case_amended(row: CaseRow, event: CaseAmended) -> CaseRow:
    """Danger that was learnt of stays: later words do not take it back."""
    row = changed(row, amended_at=event.at, crisis=event.crisis or row.crisis, **_as_described(event))
    return _without_texts(row) if row.erased_at else row


def case_urged(row: CaseRow, event: CaseUrged) -> CaseRow:
    return changed(row, urged=event.count)


def case_merged(row: CaseRow, event: CaseMerged) -> CaseRow:
    """Also a part whose end is contested: it is open again, as a part."""
    if row.closed_at is not None:
        row = with_round(changed(row, closed_round=None, **NO_ENDING), row.round, **NO_ENDING)
    return changed(row, parent_id=event.parent_id, parent_number=event.parent_number, merged_at=event.at)


def case_unmerged(row: CaseRow, event: CaseUnmerged) -> CaseRow:
    return changed(row, **NO_PARENT)


def case_answered(row: CaseRow, event: CaseAnswered) -> CaseRow:
    return changed(row, answered_at=event.at)


def case_not_accepted(row: CaseRow, event: CaseNotAccepted) -> CaseRow:
    return changed(row, not_accepted_reason=event.reason, rightful_unit_id=event.rightful_unit_id)


def case_withdrawn(row: CaseRow, event: CaseWithdrawn) -> CaseRow:
    return changed(row, withdrawn_at=event.at)


def information_asked(row: CaseRow, event: InformationAsked) -> CaseRow:
    return changed(
        row, questions=(*row.questions, event.question_id), questions_asked=row.questions_asked + 1
    )


def information_given(row: CaseRow, event: InformationGiven) -> CaseRow:
    return changed(row, questions=tuple(asked for asked in row.questions if asked != event.question_id))


def appointment_agreed(row: CaseRow, event: AppointmentAgreed) -> CaseRow:
    return changed(row, **_window(event))


def attachment_added(row: CaseRow, event: AttachmentAdded) -> CaseRow:
    return changed(row, attachments=row.attachments + 1)


def requester_erased(row: CaseRow, event: RequesterErased) -> CaseRow:
    """Figures stay; what was said of the place and the matter goes, also what later events say of it."""
    return _without_texts(changed(row, erased_at=event.at))


def _without_texts(row: CaseRow) -> CaseRow:
    return changed(row, headline="", place_label="")


# ── the follow-up, and the end ────────────────────────────────────────────────────────────────────────────────────


def follow_up_opened(row: CaseRow, event: FollowUpOpened) -> CaseRow:
    """A progress call asks how it stands before anything was handled: counted on the case, never in the rates."""
    if event.kind is FollowUpKind.PROGRESS:
        return changed(row, progress_calls=row.progress_calls + 1)
    return with_follow_up(row, event.follow_up_id, event.round, lambda f: changed(f, opened_at=event.at))


def follow_up_recorded(row: CaseRow, event: FollowUpRecorded) -> CaseRow:
    if event.kind is FollowUpKind.PROGRESS:
        return changed(row, progress_reached=row.progress_reached + event.reached)

    def record(follow_up: FollowUp) -> FollowUp:
        if event.reached and follow_up.opened_at is None:
            return changed(follow_up, early_answers=follow_up.early_answers + 1)
        if not event.reached:
            return changed(follow_up, attempts=follow_up.attempts + 1)
        return changed(
            follow_up,
            attempts=follow_up.attempts + 1,
            reached_at=event.at,
            via=event.channel,
            contacted=event.contacted,
            solved=event.solved,
            satisfaction=event.satisfaction,
            coached=event.coached,
        )

    return with_follow_up(row, event.follow_up_id, event.round, record)


def case_reopened(row: CaseRow, event: CaseReopened) -> CaseRow:
    """A reopened case is open again whatever it had closed with, and part of none; its first clock is untouched. Where
    a merged part's requester sent it back, the follow-up named is the part's and none of this case's."""
    row = changed(
        row,
        round=event.round,
        reopened_count=row.reopened_count + 1,
        reopened_at=event.at,
        closed_round=None,
        **NO_ENDING,
        **NO_PARENT,
    )
    before = event.round - 1
    row = with_round(row, before, reopened_at=event.at, reopened_because=event.because)
    row = with_round(row, event.round, opened_at=event.at)
    follow_ups = tuple(
        changed(f, reopened_at=event.at) if f.follow_up_id == event.follow_up_id else f
        for f in row.follow_ups
    )
    return changed(row, follow_ups=follow_ups)


def case_closed(row: CaseRow, event: CaseClosed) -> CaseRow:
    follow_ups = row.follow_ups
    if event.closed_by is ClosedBy.THREE_ATTEMPTS:
        follow_ups = tuple(
            changed(f, given_up_at=event.at) if f.round == event.round and f.reached_at is None else f
            for f in row.follow_ups
        )
    ending: dict[str, Any] = {
        "closed_at": event.at,
        "closed_by": event.closed_by,
        "outcome": event.outcome,
        "resolved_level": event.resolved_level,
    }
    row = with_round(row, event.round, **ending)
    return changed(row, **ending, closed_round=event.round, follow_ups=follow_ups)


FOLDS: dict[type[CaseEvent], Callable[[CaseRow, Any], CaseRow]] = {
    CaseAmended: case_amended,
    CaseUrged: case_urged,
    CaseMerged: case_merged,
    CaseUnmerged: case_unmerged,
    CaseAnswered: case_answered,
    CaseNotAccepted: case_not_accepted,
    CaseWithdrawn: case_withdrawn,
    InformationAsked: information_asked,
    InformationGiven: information_given,
    AppointmentAgreed: appointment_agreed,
    AttachmentAdded: attachment_added,
    RequesterErased: requester_erased,
    FollowUpOpened: follow_up_opened,
    FollowUpRecorded: follow_up_recorded,
    CaseReopened: case_reopened,
    CaseClosed: case_closed,
}
