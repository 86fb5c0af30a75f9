"""Every event of a case: its name, its owner, its shape.

Events grow by addition only; a changed meaning gets a new type, and the golden files in tests/contracts must decode
for ever. No event carries free text, names, phones or anybody's coordinates but the place of the case (architecture:
personal data).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.event import CaseEvent
from shared.things import Policy, Value
from shared.vocabulary import (
    ArrivalMethod,
    ClosedBy,
    DeadlineKind,
    DeclineReason,
    EscalationCause,
    EscalationReason,
    LateCause,
    Level,
    Must,
    NoteKind,
    NoticeKind,
    Outcome,
    PartRole,
    Post,
    Satisfaction,
    SupervisionKind,
    Urgency,
    WithdrawReason,
)

# ── intake: the case's existence and end ──────────────────────────────────────────────────────────────────────────


class Place(Value):
    """Where somebody has to go. WGS-84 degrees; `label` is what the sign or the caller says."""

    lon: float | None = None
    lat: float | None = None
    label: str = ""


class Rung(Value):
    """One step of the ladder of this case: the unit that owns it at that level."""

    level: Level
    unit_id: str


class CaseRegistered(CaseEvent, type="yike.case.registered", source="intake"):
    """登记. `at` starts the resident's clock, which never restarts. `unit_path` runs from the top down to the
    lowest unit known; `ladder` from the lowest rung up. `headline` is written for whoever goes."""

    number: str
    category_code: str
    urgency: Urgency
    headline: str
    place: Place
    grid_id: str | None
    unit_path: tuple[str, ...]
    ladder: tuple[Rung, ...]
    policy: Policy
    requester_can_be_asked: bool
    registry_revision: int
    round: int = 1


class FollowUpOpened(CaseEvent, type="yike.follow_up.opened", source="intake"):
    """回访 task made after `handled`; the single-use link and the address stay in intake."""

    follow_up_id: UUID
    round: int
    link_can_be_sent: bool


class FollowUpRecorded(CaseEvent, type="yike.follow_up.recorded", source="intake"):
    """One attempt at the return call. Answers are `None` where nobody was reached."""

    follow_up_id: UUID
    round: int
    attempt: int
    reached: bool
    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: Satisfaction | None = None
    coached: bool = False


class CaseReopened(CaseEvent, type="yike.case.reopened", source="intake"):
    """重办: the same case goes on in a new round; names no level, escalation answers with it."""

    follow_up_id: UUID
    round: int


class CaseClosed(CaseEvent, type="yike.case.closed", source="intake"):
    """结案/销号, always with an outcome. `resolved_level` is where it was handled; `None` if it never was."""

    outcome: Outcome
    closed_by: ClosedBy
    round: int
    resolved_level: Level | None = None


# ── dispatch: who holds it ────────────────────────────────────────────────────────────────────────────────────────


class Candidate(Value):
    """Somebody considered for an offer. `removed_by` names the hard filter, `None` if the person could have gone."""

    person_id: str
    post: Post
    eta_seconds: int | None = None
    removed_by: str | None = None


class PartEvent(CaseEvent):
    """Something that happened to one part (主办 or 协办) of a case."""

    part_id: UUID
    part_role: PartRole
    level: Level
    round: int


class CaseOffered(PartEvent, type="yike.case.offered", source="dispatch"):
    """派单 to one person until `expires_at`. `goes` is false for officers, who hold but do not travel.
    `chosen_because` is a code of dispatch's rules; `candidates` is what was weighed."""

    offer_id: UUID
    person_id: str
    unit_id: str
    post: Post
    emergency: bool
    goes: bool
    expires_at: datetime
    eta_seconds: int | None = None
    chosen_because: str
    candidates: tuple[Candidate, ...] = ()


class OfferDeclined(PartEvent, type="yike.offer.declined", source="dispatch"):
    """拒单."""

    offer_id: UUID
    person_id: str
    reason: DeclineReason


class OfferLapsed(PartEvent, type="yike.offer.lapsed", source="dispatch"):
    """超时: nobody answered by `expires_at`."""

    offer_id: UUID
    person_id: str


class OfferWithdrawn(PartEvent, type="yike.offer.withdrawn", source="dispatch"):
    """Taken back before it was answered."""

    offer_id: UUID
    person_id: str
    reason: WithdrawReason


class CaseAccepted(PartEvent, type="yike.case.accepted", source="dispatch"):
    """接单. `told_at` is when the person was offered it; `device_at` the phone's own time, beside the server's."""

    offer_id: UUID
    person_id: str
    unit_id: str
    goes: bool
    told_at: datetime
    device_at: datetime | None = None


class WorkerArrived(PartEvent, type="yike.worker.arrived", source="dispatch"):
    """到场, in metres from the place where both are known. `told_at` keeps the article's own clock beside ours."""

    person_id: str
    method: ArrivalMethod
    told_at: datetime
    distance_m: int | None = None
    device_at: datetime | None = None


class ResidentContacted(PartEvent, type="yike.resident.contacted", source="dispatch"):
    """First contact with whoever asked; an arrival counts as one."""

    person_id: str


class EvidenceAdded(PartEvent, type="yike.evidence.added", source="dispatch"):
    """证据: the file stays with dispatch; `sha256` is of the bytes received, `taken_at` the camera's own time."""

    evidence_id: UUID
    person_id: str
    media_type: str
    sha256: str
    size_bytes: int
    taken_at: datetime | None = None
    distance_m: int | None = None


class ProgressNoted(PartEvent, type="yike.progress.noted", source="dispatch"):
    """An account, a measure or progress was written; the text is sealed in dispatch under `note_id`, and `digest`
    is its HMAC under the case's own key, so that a changed text shows and a destroyed key leaves the hash valid."""

    note_id: UUID
    person_id: str
    note: NoteKind
    digest: str = ""


class CaseHandled(PartEvent, type="yike.case.handled", source="dispatch"):
    """办结: the handler says it is done; not closed. `level` is the level dispatch knew (see EscalationVoided);
    `late_cause` is given where an emergency's arrival was late."""

    person_id: str
    outcome: Outcome
    musts_met: tuple[Must, ...]
    late_cause: LateCause | None = None
    device_at: datetime | None = None


class PartEnded(PartEvent, type="yike.part.ended", source="dispatch"):
    """A holder's part ended without being handled by them: relieved by a reopening, or the case closed."""

    person_id: str
    because: str


class NobodyAvailable(PartEvent, type="yike.offer.nobody_available", source="dispatch"):
    """Nobody could be offered the part now; the search goes on by itself."""

    unit_id: str
    candidates: tuple[Candidate, ...] = ()


# ── escalation: time and level ────────────────────────────────────────────────────────────────────────────────────


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


# ── notify: what was told to whom ─────────────────────────────────────────────────────────────────────────────────


class NoticeEvent(CaseEvent):
    """A message to one person; `person_id` is `None` for the requester, who is never named. `via` is the channel's
    name: feed, smtp, webhook, console."""

    notice_id: UUID
    kind: NoticeKind
    person_id: str | None
    via: str


class NoticeDelivered(NoticeEvent, type="yike.notice.delivered", source="notify"):
    """Handed over to the channel, at least once."""

    attempt: int = 1


class NoticeRead(NoticeEvent, type="yike.notice.read", source="notify"):
    """Seen by the person on their own screen."""


class NoticeFailed(NoticeEvent, type="yike.notice.failed", source="notify"):
    """Refused by the channel for good, or not reached after the last attempt."""

    attempt: int
    because: str
