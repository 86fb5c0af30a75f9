"""What intake knows of a case: plain values, without personal data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.commands.changes import ConsentPurpose
from shared.vocabulary import (
    CaseState,
    Channel,
    ClosedBy,
    EmergencyService,
    FollowUpKind,
    Level,
    NotAcceptedReason,
    Outcome,
    RequesterKind,
    Satisfaction,
    Urgency,
)

LINK_VALID_FOR = timedelta(hours=24)
CALL_AFTER_LINK = timedelta(hours=4)
"""A caller's turn comes this long after an unanswered link, well before the follow-up's own deadline."""
CALL_AGAIN_AFTER = timedelta(hours=3)
ATTEMPTS_APART = timedelta(minutes=60)
"""Two callers' attempts are at least this far apart, whatever the hour of the day."""
ATTEMPTS_MAX = 3
"""After so many that reached nobody a follow-up ends."""


@dataclass(frozen=True)
class Attempt:
    """One try to ask the resident. A link nobody answered is one, without a person."""

    number: int
    at: datetime
    channel: Channel
    reached: bool
    person_id: str | None = None


@dataclass(frozen=True)
class FollowUp:
    """回访 of one round, or a progress call within it. `due_at` is when a caller's turn comes."""

    id: UUID
    round: int
    opened_at: datetime
    due_at: datetime
    link_expires_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: Satisfaction | None = None
    coached: bool = False
    closed_at: datetime | None = None
    kind: FollowUpKind = FollowUpKind.AFTER_HANDLED

    @property
    def open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True)
class Question:
    """待补充: something the requester was asked. The words are sealed; ended by an answer or taken back."""

    id: UUID
    asked_at: datetime
    asked_by: str
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Attachment:
    """A file of the requester's; the file itself is in the store."""

    id: UUID
    added_at: datetime
    media_type: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Case:
    """工单 as intake knows it, without personal data. `holders` are all who ever held a part of it. `parent_round` is
    the round of the parent this requester was last asked about; `refused_consents` what they do not agree to."""

    case_id: UUID
    number: str
    channel: Channel
    category_code: str
    urgency: Urgency
    headline: str
    lon: float | None
    lat: float | None
    place_label: str
    grid_id: str | None
    unit_path: tuple[str, ...]
    requester_can_be_asked: bool
    registry_revision: int
    registered_at: datetime
    level: Level
    requester_kind: RequesterKind = RequesterKind.SELF
    appointment_starts_at: datetime | None = None
    appointment_ends_at: datetime | None = None
    reported_at: datetime | None = None
    taken_at: str | None = None
    excluded: tuple[str, ...] = ()
    care: bool = False
    crisis: EmergencyService | None = None
    ends_at_once: Outcome | None = None
    round: int = 1
    state: CaseState = CaseState.REGISTERED
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    handled_at: datetime | None = None
    handled_by: str | None = None
    handled_level: Level | None = None
    handled_outcome: Outcome | None = None
    reopened_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: Outcome | None = None
    closed_by: ClosedBy | None = None
    resolved_level: Level | None = None
    snippet_id: str | None = None
    not_accepted: NotAcceptedReason | None = None
    service: EmergencyService | None = None
    rightful_unit_id: str | None = None
    amended_at: datetime | None = None
    urged_count: int = 0
    urged_at: datetime | None = None
    parent_id: UUID | None = None
    parent_round: int | None = None
    merged_at: datetime | None = None
    return_pending: bool = False
    parked_until: datetime | None = None
    extended_until: datetime | None = None
    refused_consents: frozenset[ConsentPurpose] = frozenset()
    contested_at: datetime | None = None
    withdrawn_by_staff: bool = False
    erased_at: datetime | None = None
    holders: frozenset[str] = frozenset()
    follow_up: FollowUp | None = None
    progress_call: FollowUp | None = None
    questions: tuple[Question, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def unit_id(self) -> str:
        return self.unit_path[-1]

    @property
    def open(self) -> bool:
        """Somebody still has to do something about it: neither handled, nor closed, nor part of another case."""
        return self.state not in {CaseState.HANDLED, CaseState.CLOSED, CaseState.MERGED}

    @property
    def as_people_left_it(self) -> Case:
        """Without what the work on it moves by itself. Whoever read it before an offer, an arrival or a raise decides
        about the same case; that it was handled, returned, put off or parked is another matter."""
        return replace(
            self,
            state=CaseState.REGISTERED if self.open else self.state,
            level=Level.GRID,
            accepted_at=None,
            arrived_at=None,
            holders=frozenset(),
        )

    @property
    def open_question(self) -> Question | None:
        return next((question for question in self.questions if question.ended_at is None), None)

    @property
    def shown_state(self) -> CaseState:
        """What people read: over the steps of the work lies what it waits for."""
        if not self.open:
            return self.state
        if self.open_question is not None:
            return CaseState.AWAITING_INFORMATION
        return CaseState.PARKED if self.parked_until is not None else self.state

    @property
    def open_follow_up(self) -> FollowUp | None:
        """There is one at most: a progress call ends when the case is handled."""
        return next(
            (asking for asking in (self.follow_up, self.progress_call) if asking and asking.open), None
        )


STEPS = (
    CaseState.REGISTERED,
    CaseState.REOPENED,
    CaseState.OFFERED,
    CaseState.ACCEPTED,
    CaseState.ARRIVED,
    CaseState.IN_PROGRESS,
    CaseState.HANDLED,
    CaseState.CLOSED,
)
"""A resident's case goes forward within a round, whatever happens to single offers; only a reopening takes it back."""


def with_follow_up(case: Case, follow_up: FollowUp) -> Case:
    if follow_up.kind is FollowUpKind.PROGRESS:
        return replace(case, progress_call=follow_up)
    return replace(case, follow_up=follow_up)


def end_follow_ups(case: Case, at: datetime) -> Case:
    asking = case.open_follow_up
    return with_follow_up(case, replace(asking, closed_at=at)) if asking else case
