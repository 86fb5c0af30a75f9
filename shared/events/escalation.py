"""What escalation tells: time and level."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.event import CaseEvent
from shared.things import Value
from shared.vocabulary import DeadlineKind, EscalationCause, EscalationReason, Level, SupervisionKind


class Deadline(Value):
    """时限: an absolute time fixed when the case entered the level. `assumed`: it lies past what the calendar of
    working days knows, so weekdays were taken for working days."""

    kind: DeadlineKind
    due_at: datetime
    amber_at: datetime
    assumed: bool = False


class DeadlinesSet(CaseEvent, type="yike.deadlines.set", source="escalation"):
    """The deadlines of a level, all at once. One of a kind is open at a time; a new one replaces the old."""

    level: Level
    round: int
    deadlines: tuple[Deadline, ...]


class DeadlineAmber(CaseEvent, type="yike.deadline.amber", source="escalation"):
    """黄灯: the policy's share of the limit is used."""

    kind: DeadlineKind
    level: Level
    round: int
    due_at: datetime


class DeadlineMissed(CaseEvent, type="yike.deadline.missed", source="escalation"):
    """红灯, fired once and never early. `late_ms` is how late it fired, in real milliseconds."""

    kind: DeadlineKind
    level: Level
    round: int
    due_at: datetime
    late_ms: int


class ClearedDeadline(Value):
    """`met` is true if what was asked for happened by `due_at`, false if late, `None` if it no longer applies."""

    kind: DeadlineKind
    due_at: datetime
    met: bool | None


class DeadlinesCleared(CaseEvent, type="yike.deadlines.cleared", source="escalation"):
    """These clocks stopped, so that nobody else has to repeat the rule that stops them."""

    level: Level
    round: int
    cleared: tuple[ClearedDeadline, ...]


class SkippedLevel(Value):
    """A level passed over: `nobody_rostered` (emergencies) or `post_not_filled`."""

    level: Level
    unit_id: str
    reason: str


class CaseEscalated(CaseEvent, type="yike.case.escalated", source="escalation"):
    """上报/提级. `counts_from` is where the new limits count from: the old `due_at` for a missed deadline, the
    event otherwise. Raised again at the last level (reopened): `to_level` equals `from_level`. By hand: `reason`,
    and `text_digest` of the text that escalation keeps sealed under this event's id."""

    cause: EscalationCause
    from_level: Level
    from_unit_id: str
    to_level: Level
    to_unit_id: str
    skipped: tuple[SkippedLevel, ...] = ()
    counts_from: datetime
    round: int
    reason: EscalationReason | None = None
    text_digest: str | None = None


class EscalationVoided(CaseEvent, type="yike.escalation.voided", source="escalation"):
    """These raises crossed a `handled` in flight and do not count; the case is back at `level`."""

    voids: tuple[UUID, ...]
    level: Level
    unit_id: str
    round: int


class SupervisionOrdered(CaseEvent, type="yike.supervision.ordered", source="escalation"):
    """督办 by the unit one level up (at the last level: its named supervisors)."""

    order_id: UUID
    kind: SupervisionKind
    level: Level
    unit_id: str
    supervising_unit_id: str
    round: int
