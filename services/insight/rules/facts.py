"""The row of a case as facts: what each source told, nothing worked out. `rules` folds events into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from shared.going import EntryFlag, EntryKind, LateCause
from shared.vocabulary import (
    Channel,
    ClosedBy,
    DeadlineKind,
    EmergencyService,
    EscalationCause,
    EscalationReason,
    ExtensionReason,
    Level,
    Must,
    NotAcceptedReason,
    Outcome,
    ParkReason,
    PartRole,
    ReopenReason,
    RequesterKind,
    ReturnBasis,
    Ruling,
    Satisfaction,
    SupervisionKind,
    UnparkReason,
    Urgency,
)


class PartState(StrEnum):
    """How far a part is; `waiting` is open with nobody asked, `done` is a co-handler's task done while the case goes
    on, `ended` was relieved or closed over."""

    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    HANDLED = "handled"
    DONE = "done"
    ENDED = "ended"


@dataclass(frozen=True)
class Part:
    """主办 or 协办, as dispatch told it. `goes` is false for officers."""

    part_id: UUID
    role: PartRole
    level: Level
    round: int
    state: PartState = PartState.WAITING
    unit_id: str | None = None
    person_id: str | None = None
    goes: bool = False
    accepted_at: datetime | None = None


@dataclass(frozen=True)
class Clock:
    """One deadline from being set to being cleared or replaced. `met` is None while it runs and where it no longer
    applied; `stopped_at` is None while it is open, also after it was missed. `replaced` by the next level's clock of
    its kind: it runs again if that raise is voided. `about` is the side matter it belongs to; `extended_from` the
    time it was due before it was extended."""

    kind: DeadlineKind
    level: Level
    round: int
    due_at: datetime
    amber_at: datetime
    amber: bool = False
    missed_at: datetime | None = None
    late_ms: int | None = None
    stopped_at: datetime | None = None
    met: bool | None = None
    replaced: bool = False
    about: UUID | None = None
    extended_from: datetime | None = None


@dataclass(frozen=True)
class Raise:
    """One CaseEscalated; a voided one crossed a `handled` in flight and does not count. Whoever raised it by hand is
    owed a reply."""

    event_id: UUID
    at: datetime
    cause: EscalationCause
    from_level: Level
    to_level: Level
    to_unit_id: str
    skipped: tuple[Level, ...]
    round: int
    voided: bool = False
    reason: EscalationReason | None = None
    replied_at: datetime | None = None


@dataclass(frozen=True)
class Supervision:
    order_id: UUID
    at: datetime
    kind: SupervisionKind
    supervising_unit_id: str
    round: int
    answered_at: datetime | None = None


@dataclass(frozen=True)
class Return:
    """退单 and its ruling."""

    return_id: UUID
    at: datetime
    person_id: str
    basis: ReturnBasis
    rightful_unit_id: str
    round: int
    ruled_at: datetime | None = None
    ruling: Ruling | None = None
    to_unit_id: str | None = None
    unanswered: bool = False


@dataclass(frozen=True)
class Extension:
    """延期: asked for, then approved or refused."""

    extension_id: UUID
    at: datetime
    person_id: str
    until: datetime
    reason: ExtensionReason
    approving_unit_id: str
    answered_at: datetime | None = None
    approved: bool | None = None


@dataclass(frozen=True)
class Help:
    """吹哨, and how many came."""

    help_id: UUID
    at: datetime
    person_id: str
    unit_ids: tuple[str, ...]
    came: int = 0


@dataclass(frozen=True)
class Park:
    """挂账 until it goes on."""

    park_id: UUID
    at: datetime
    owner_id: str
    unit_id: str
    reason: ParkReason
    review_at: datetime
    round: int
    ended_at: datetime | None = None
    ended_because: UnparkReason | None = None


@dataclass(frozen=True)
class Flag:
    """Something odd about an entry; for supervisors only."""

    entry_id: UUID
    entry: EntryKind
    person_id: str
    flags: tuple[EntryFlag, ...]
    at: datetime


@dataclass(frozen=True)
class Round:
    """From the registration or a reopening to the next reopening. Of several people who say they handled it, the
    first counts."""

    round: int
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: ClosedBy | None = None
    outcome: Outcome | None = None
    resolved_level: Level | None = None
    reopened_at: datetime | None = None
    reopened_because: ReopenReason | None = None
    handled_at: datetime | None = None
    handled_by: str | None = None
    handled_level: Level | None = None


@dataclass(frozen=True)
class Work:
    """What one person did on the case, and what it cost them: answers to offers, entries made and fields filled in,
    photos, the seconds they held a part that goes, and what they entered a second time in one round."""

    person_id: str
    unit_id: str | None = None
    first_at: datetime | None = None
    offers: int = 0
    accepts: int = 0
    declines: int = 0
    lapses: int = 0
    arrived_at: datetime | None = None
    arrived_told_at: datetime | None = None
    handled: int = 0
    commands: int = 0
    fields: int = 0
    photos: int = 0
    seconds: int = 0
    double_entries: int = 0


@dataclass(frozen=True)
class FollowUp:
    """回访 of one round. Answers given before it was opened (`early_answers`) are counted and close nothing.
    `reopened_at` is when its answer sent its own case back; whether the case was reopened, by whomever, its rounds
    tell."""

    follow_up_id: UUID
    round: int
    opened_at: datetime | None = None
    attempts: int = 0
    early_answers: int = 0
    reached_at: datetime | None = None
    via: Channel | None = None
    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: Satisfaction | None = None
    coached: bool = False
    given_up_at: datetime | None = None
    reopened_at: datetime | None = None


@dataclass(frozen=True)
class CaseRow:
    """Everything known of one case. First times where nothing else is said; `handled_*` is of the latest handling.
    A merged child names its parent; `questions` are those its requester has not answered yet; `taken_at` is the unit at
    whose post or window somebody asked in person."""

    # intake
    case_id: UUID
    number: str
    category_code: str
    urgency: Urgency
    channel: Channel
    headline: str
    place_label: str
    grid_id: str | None
    unit_path: tuple[str, ...]
    ladder: tuple[Level, ...]
    ladder_unit_ids: tuple[str, ...]
    policy_id: str
    requester_can_be_asked: bool
    registry_revision: int
    registered_at: datetime
    round: int = 1
    reopened_count: int = 0
    reopened_at: datetime | None = None
    closed_at: datetime | None = None
    closed_round: int | None = None
    closed_by: ClosedBy | None = None
    outcome: Outcome | None = None
    resolved_level: Level | None = None
    follow_ups: tuple[FollowUp, ...] = ()
    rounds: tuple[Round, ...] = ()
    requester_kind: RequesterKind = RequesterKind.SELF
    care: bool = False
    crisis: EmergencyService | None = None
    reported_at: datetime | None = None
    taken_at: str | None = None
    appointment_starts_at: datetime | None = None
    appointment_ends_at: datetime | None = None
    amended_at: datetime | None = None
    urged: int = 0
    parent_id: UUID | None = None
    parent_number: str | None = None
    merged_at: datetime | None = None
    answered_at: datetime | None = None
    not_accepted_reason: NotAcceptedReason | None = None
    rightful_unit_id: str | None = None
    withdrawn_at: datetime | None = None
    questions: tuple[UUID, ...] = ()
    questions_asked: int = 0
    attachments: int = 0
    progress_calls: int = 0
    progress_reached: int = 0
    erased_at: datetime | None = None
    # dispatch
    parts: tuple[Part, ...] = ()
    offered_at: datetime | None = None
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    arrived_told_at: datetime | None = None
    arrived_device_at: datetime | None = None
    device_time_accepted: datetime | None = None
    contacted_at: datetime | None = None
    photographed_at: datetime | None = None
    account_at: datetime | None = None
    measure_at: datetime | None = None
    first_handled_at: datetime | None = None
    handled_at: datetime | None = None
    handled_round: int | None = None
    handled_level: Level | None = None
    handled_outcome: Outcome | None = None
    handled_musts: tuple[Must, ...] = ()
    late_cause: LateCause | None = None
    offers: int = 0
    declines: int = 0
    lapses: int = 0
    withdrawals: int = 0
    nobody_available_count: int = 0
    evidence_count: int = 0
    worked_round: int | None = None
    helps: tuple[Help, ...] = ()
    returns: tuple[Return, ...] = ()
    hand_overs: int = 0
    corrections: int = 0
    flagged: tuple[Flag, ...] = ()
    account_round: int | None = None
    measure_round: int | None = None
    works: tuple[Work, ...] = ()
    # escalation
    clocks: tuple[Clock, ...] = ()
    raises: tuple[Raise, ...] = ()
    supervisions: tuple[Supervision, ...] = ()
    extensions: tuple[Extension, ...] = ()
    parks: tuple[Park, ...] = ()
    listed_on: date | None = None
    listed_days: int = 0
    entered_level: Level | None = None
    # notify
    notices_delivered: int = 0
    notices_read: int = 0
    notices_failed: int = 0
    notices_received: int = 0
    # all
    events: int = 0
    last_event_at: datetime | None = None
