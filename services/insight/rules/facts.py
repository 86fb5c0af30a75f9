"""The row of a case as facts: what each source told, nothing worked out. `rules` folds events into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.vocabulary import (
    Channel,
    ClosedBy,
    DeadlineKind,
    EscalationCause,
    LateCause,
    Level,
    Must,
    Outcome,
    PartRole,
    Satisfaction,
    SupervisionKind,
    Urgency,
)


class PartState(StrEnum):
    """How far a part is; `waiting` is open with nobody asked, `ended` was relieved or closed over."""

    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    HANDLED = "handled"
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
    its kind: it runs again if that raise is voided."""

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


@dataclass(frozen=True)
class Raise:
    """One CaseEscalated; a voided one crossed a `handled` in flight and does not count."""

    event_id: UUID
    at: datetime
    cause: EscalationCause
    from_level: Level
    to_level: Level
    to_unit_id: str
    skipped: tuple[Level, ...]
    round: int
    voided: bool = False


@dataclass(frozen=True)
class Supervision:
    order_id: UUID
    at: datetime
    kind: SupervisionKind
    supervising_unit_id: str
    round: int


@dataclass(frozen=True)
class FollowUp:
    """回访 of one round. Answers given before it was opened (`early_answers`) are counted and close nothing."""

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
    """Everything known of one case. First times where nothing else is said; `handled_*` is of the latest handling."""

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
    # dispatch
    parts: tuple[Part, ...] = ()
    offered_at: datetime | None = None
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    arrived_told_at: datetime | None = None
    arrived_device_at: datetime | None = None
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
    # escalation
    clocks: tuple[Clock, ...] = ()
    raises: tuple[Raise, ...] = ()
    supervisions: tuple[Supervision, ...] = ()
    level: Level | None = None
    level_unit_id: str | None = None
    # notify
    notices_delivered: int = 0
    notices_read: int = 0
    notices_failed: int = 0
    # all
    events: int = 0
    last_event_at: datetime | None = None
