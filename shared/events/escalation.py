"""What escalation tells: time and level."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from shared.event import CaseEvent
from shared.things import Value
from shared.vocabulary import (
    DeadlineKind,
    EscalationCause,
    EscalationReason,
    ExtensionReason,
    Level,
    ParkReason,
    Ruling,
    SetBecause,
    SupervisionKind,
    UnparkReason,
)


class Deadline(Value):
    """时限: an absolute time fixed when the case entered the level. `assumed`: it lies past what the calendar of
    working days knows, so weekdays were taken for working days. `about` is the return, order, part or raise that a
    side matter's clock belongs to; `counts_from` when a co-handler was asked whose time is the policy's limit."""

    kind: DeadlineKind
    due_at: datetime
    amber_at: datetime
    assumed: bool = False
    about: UUID | None = None
    counts_from: datetime | None = None


class DeadlinesSet(CaseEvent, type="yike.deadlines.set", source="escalation"):
    """The deadlines of a level, all at once. One of a kind and `about` is open at a time; a new one replaces the
    old."""

    level: Level
    round: int
    deadlines: tuple[Deadline, ...]
    because: SetBecause = SetBecause.LEVEL


class DeadlineAmber(CaseEvent, type="yike.deadline.amber", source="escalation"):
    """黄灯: the policy's share of the limit is used."""

    kind: DeadlineKind
    level: Level
    round: int
    due_at: datetime
    about: UUID | None = None


class DeadlineMissed(CaseEvent, type="yike.deadline.missed", source="escalation"):
    """红灯, fired once and never early. `late_ms` is how late it fired, in real milliseconds."""

    kind: DeadlineKind
    level: Level
    round: int
    due_at: datetime
    late_ms: int
    about: UUID | None = None


class ClearedDeadline(Value):
    """`met` is true if what was asked for happened by `due_at`, false if late, `None` if it no longer applies."""

    kind: DeadlineKind
    due_at: datetime
    met: bool | None
    about: UUID | None = None


class DeadlinesCleared(CaseEvent, type="yike.deadlines.cleared", source="escalation"):
    """These clocks stopped, so that nobody else has to repeat the rule that stops them."""

    level: Level
    round: int
    cleared: tuple[ClearedDeadline, ...]


class SkippedLevel(Value):
    """A level passed over: `nobody_rostered` (emergencies), `post_not_filled`, `outside_duty_list`, or
    `named_further_up` by whoever raised the case by hand."""

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
    """These raises crossed a `handled` in flight, or led to a level that an amended ladder has not: they do not count,
    and the case is at `level`. None, where no raise had led to the level that is no more."""

    voids: tuple[UUID, ...]
    level: Level
    unit_id: str
    round: int


class SupervisionOrdered(CaseEvent, type="yike.supervision.ordered", source="escalation"):
    """督办 by the unit one level up (at the last level: its named supervisors). By hand: `digest` of the order's
    words, which escalation keeps sealed under `order_id`."""

    order_id: UUID
    kind: SupervisionKind
    level: Level
    unit_id: str
    supervising_unit_id: str
    round: int
    digest: str | None = None


class SupervisionAnswered(CaseEvent, type="yike.supervision.answered", source="escalation"):
    """The unit under supervision says what it did; the text is sealed in escalation under this event's id."""

    order_id: UUID
    person_id: str
    unit_id: str
    digest: str


class ReturnRuled(CaseEvent, type="yike.return.ruled", source="escalation"):
    """裁定 by the supervising unit: re-dispatch to `to_unit_id`, or refuse. `unanswered`: nobody ruled in time, which
    refuses. `as_owner`: the case itself goes to that unit, at `level`; else only the part that was returned does."""

    return_id: UUID
    part_id: UUID
    ruling: Ruling
    to_unit_id: str | None = None
    as_owner: bool = False
    unanswered: bool = False
    level: Level
    round: int
    digest: str | None = None


class ExtensionAsked(CaseEvent, type="yike.extension.asked", source="escalation"):
    """延期 of `handle`, asked for by the owner, to be approved one level up."""

    extension_id: UUID
    person_id: str
    due_at: datetime
    until: datetime
    reason: ExtensionReason
    level: Level
    unit_id: str
    approving_unit_id: str
    round: int


class DeadlineExtended(CaseEvent, type="yike.deadline.extended", source="escalation"):
    """Approved, once per case; told to the resident."""

    extension_id: UUID
    kind: DeadlineKind
    due_before: datetime
    due_at: datetime
    amber_at: datetime
    level: Level
    round: int


class ExtensionRefused(CaseEvent, type="yike.extension.refused", source="escalation"):
    """The clock goes on as it was. `unanswered`: the deadline came before anybody decided."""

    extension_id: UUID
    unanswered: bool
    level: Level
    round: int


class CaseParked(CaseEvent, type="yike.case.parked", source="escalation"):
    """挂账 with owner, plan (sealed, `digest`) and review date, which replaces `handle`; nothing else pauses."""

    park_id: UUID
    owner_id: str
    unit_id: str
    reason: ParkReason
    review_at: datetime
    level: Level
    round: int
    digest: str


class CaseUnparked(CaseEvent, type="yike.case.unparked", source="escalation"):
    """It goes on: handled, closed, reviewed, or taken up again."""

    park_id: UUID
    because: UnparkReason
    level: Level
    round: int


class ReplyGiven(CaseEvent, type="yike.reply.given", source="escalation"):
    """答复 to whoever raised the case by hand."""

    raise_id: UUID
    person_id: str
    to_person_id: str
    digest: str


class CaseListed(CaseEvent, type="yike.case.listed", source="escalation"):
    """At the last level and past a deadline, or parked and past its review: on the named persons' list of `day`, for
    the `days`-th day, of `unit_id`. `missed` is what stands red, `of_unit_id` has the case."""

    day: date
    days: int
    unit_id: str
    person_ids: tuple[str, ...]
    round: int
    of_unit_id: str | None = None
    missed: tuple[DeadlineKind, ...] = ()
