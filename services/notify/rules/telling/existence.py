"""What is told of the case's existence and end: to the requester, and to whoever is on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.notify.rules import who
from services.notify.rules.facts import CaseFacts, Hold, Notice, Roster
from services.notify.rules.telling.time import callers
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
    InformationAsked,
    InformationGiven,
)
from shared.vocabulary import FollowUpKind, NoticeKind, Outcome


def _registered(case: CaseFacts, event: CaseRegistered, roster: Roster) -> list[Notice]:
    """Answered or refused at once: that message says the number as well."""
    return _requester(NoticeKind.REGISTERED, case, {}) if event.ends_at_once is None else []


def _requester(kind: NoticeKind, case: CaseFacts, says: Mapping[str, Any]) -> list[Notice]:
    return [Notice(kind, None, says)] if case.requester_can_be_asked else []


def _on_it(kind: NoticeKind, case: CaseFacts, says: Mapping[str, Any], *more: Hold) -> list[Notice]:
    told = who.people_holding(case, Hold.OFFERED, Hold.HELD, *more)
    return [Notice(kind, person_id, says) for person_id in told]


def _both(kind: NoticeKind, case: CaseFacts, says: Mapping[str, Any]) -> list[Notice]:
    return [*_on_it(kind, case, says), *_requester(kind, case, says)]


def _amended(case: CaseFacts, event: CaseAmended, roster: Roster) -> list[Notice]:
    return _both(NoticeKind.CASE_AMENDED, case, {"changed": event.changed})


def _urged(case: CaseFacts, event: CaseUrged, roster: Roster) -> list[Notice]:
    """催办: never into the void; while nobody holds it, whoever answers for the unit hears it."""
    told = who.holders_or_officers(case, event.at, roster)
    return [Notice(NoticeKind.CASE_URGED, person_id, {"count": event.count}) for person_id in told]


def _merged(case: CaseFacts, event: CaseMerged, roster: Roster) -> list[Notice]:
    says = {"parent_id": event.parent_id, "parent_number": event.parent_number}
    return _both(NoticeKind.CASE_MERGED, case, says)


def _unmerged(case: CaseFacts, event: CaseUnmerged, roster: Roster) -> list[Notice]:
    return _both(NoticeKind.CASE_UNMERGED, case, {"parent_id": event.parent_id})


def _answered(case: CaseFacts, event: CaseAnswered, roster: Roster) -> list[Notice]:
    return _requester(NoticeKind.CASE_ANSWERED, case, {})


def _not_accepted(case: CaseFacts, event: CaseNotAccepted, roster: Roster) -> list[Notice]:
    says = {
        "refusal": event.reason,
        "service": event.service,
        "rightful_unit_id": event.rightful_unit_id,
    }
    return _requester(NoticeKind.NOT_ACCEPTED, case, says)


def _withdrawn(case: CaseFacts, event: CaseWithdrawn, roster: Roster) -> list[Notice]:
    return _both(NoticeKind.CASE_WITHDRAWN, case, {})


def _information_asked(case: CaseFacts, event: InformationAsked, roster: Roster) -> list[Notice]:
    return _requester(NoticeKind.INFORMATION_ASKED, case, {"question_id": event.question_id})


def _information_given(case: CaseFacts, event: InformationGiven, roster: Roster) -> list[Notice]:
    says = {"question_id": event.question_id}
    return [Notice(NoticeKind.INFORMATION_GIVEN, event.asked_by, says)]


def _appointment_agreed(case: CaseFacts, event: AppointmentAgreed, roster: Roster) -> list[Notice]:
    says = {"starts_at": event.appointment.starts_at, "ends_at": event.appointment.ends_at}
    return _both(NoticeKind.APPOINTMENT_AGREED, case, says)


def _attachment_added(case: CaseFacts, event: AttachmentAdded, roster: Roster) -> list[Notice]:
    return _on_it(NoticeKind.ATTACHMENT_ADDED, case, {"attachment_id": event.attachment_id})


def _reopened(case: CaseFacts, event: CaseReopened, roster: Roster) -> list[Notice]:
    """A reopened case is told to who had it; elsewhere the old owner never hears of it (product §9)."""
    told = who.people_holding(case, Hold.HELD, Hold.HANDLED, round=event.round - 1)
    return [Notice(NoticeKind.CASE_REOPENED, person_id) for person_id in told]


def _closed(case: CaseFacts, event: CaseClosed, roster: Roster) -> list[Notice]:
    """Whoever had it; a withdrawal was told them already, with the word that it ended."""
    if event.outcome is Outcome.WITHDRAWN:
        return []
    says = {"outcome": event.outcome, "closed_by": event.closed_by}
    told = who.people_holding(case, Hold.HELD, Hold.HANDLED)
    return [Notice(NoticeKind.CASE_ENDED, person_id, says) for person_id in told]


def _follow_up_opened(case: CaseFacts, event: FollowUpOpened, roster: Roster) -> list[Notice]:
    """The requester by link where one can be sent; else somebody has to call or go. A progress call is always made
    by a person."""
    says = {"follow_up_id": event.follow_up_id}
    if event.kind is FollowUpKind.PROGRESS:
        return callers(NoticeKind.PROGRESS_CALL, case, roster, says)
    if event.link_can_be_sent and case.requester_can_be_asked:
        return [Notice(NoticeKind.PLEASE_ANSWER, None, says)]
    return callers(NoticeKind.FOLLOW_UP_DUE, case, roster, says)


TELLS: Mapping[type[CaseEvent], Callable[[CaseFacts, Any, Roster], list[Notice]]] = {
    CaseRegistered: _registered,
    CaseAmended: _amended,
    CaseUrged: _urged,
    CaseMerged: _merged,
    CaseUnmerged: _unmerged,
    CaseAnswered: _answered,
    CaseNotAccepted: _not_accepted,
    CaseWithdrawn: _withdrawn,
    InformationAsked: _information_asked,
    InformationGiven: _information_given,
    AppointmentAgreed: _appointment_agreed,
    AttachmentAdded: _attachment_added,
    CaseReopened: _reopened,
    CaseClosed: _closed,
    FollowUpOpened: _follow_up_opened,
}
