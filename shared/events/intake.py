"""What intake tells: the case's existence and end."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.event import CaseEvent
from shared.things import Policy, Value
from shared.vocabulary import (
    ClosedBy,
    EmergencyService,
    FollowUpKind,
    Level,
    NotAcceptedReason,
    Outcome,
    ReopenReason,
    RequesterKind,
    Satisfaction,
    Urgency,
)


class Place(Value):
    """Where somebody has to go. WGS-84 degrees; `label` is what the sign or the caller says."""

    lon: float | None = None
    lat: float | None = None
    label: str = ""


class Rung(Value):
    """One step of the ladder of this case: the unit that owns it at that level."""

    level: Level
    unit_id: str


class Window(Value):
    """An agreed appointment, from `starts_at` to `ends_at`."""

    starts_at: datetime
    ends_at: datetime


class CaseRegistered(CaseEvent, type="yike.case.registered", source="intake"):
    """登记. `at` starts the resident's clock, which never restarts. `unit_path` runs from the top down to the
    lowest unit known; `ladder` from the lowest rung up. `headline` is written for whoever goes.

    `reported_at` is when it was said where that was earlier (a chat, a patrol). `excluded` are people who may not be
    sent: the requester named them. `care`: somebody on a care register in urgent need, who is owed the fifteen
    minutes whatever the category. `ends_at_once`: answered or not accepted; nobody is offered it, no clock runs.
    `taken_at` is the unit at whose post or window somebody asked in person."""

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
    requester_kind: RequesterKind = RequesterKind.SELF
    appointment: Window | None = None
    reported_at: datetime | None = None
    excluded: tuple[str, ...] = ()
    care: bool = False
    crisis: EmergencyService | None = None
    ends_at_once: Outcome | None = None
    taken_at: str | None = None


class CaseAmended(CaseEvent, type="yike.case.amended", source="intake"):
    """The case as it is from now on; `changed` names the fields that differ. The first clock goes on: limits are
    computed anew from the registration. `crisis` is set by words for danger that were learnt later."""

    changed: tuple[str, ...]
    category_code: str
    urgency: Urgency
    headline: str
    place: Place
    grid_id: str | None
    unit_path: tuple[str, ...]
    ladder: tuple[Rung, ...]
    policy: Policy
    excluded: tuple[str, ...] = ()
    care: bool = False
    crisis: EmergencyService | None = None
    registry_revision: int


class CaseUrged(CaseEvent, type="yike.case.urged", source="intake"):
    """催办: the resident asks again, for the `count`-th time; no clock restarts."""

    count: int


class CaseMerged(CaseEvent, type="yike.case.merged", source="intake"):
    """合并: this case is the same thing as an earlier one. Its offers and clocks end; its requester is asked when the
    parent is handled. `score` is 0–100 and `because` what the likeness was seen in; `None` and empty by hand."""

    parent_id: UUID
    parent_number: str
    score: int | None = None
    because: tuple[str, ...] = ()


class CaseUnmerged(CaseEvent, type="yike.case.unmerged", source="intake"):
    """It was another thing after all: it goes on by itself, its first clock unchanged."""

    parent_id: UUID


class CaseAnswered(CaseEvent, type="yike.case.answered", source="intake"):
    """A question, answered at once, from a snippet or in the operator's own words (sealed in intake)."""

    snippet_id: str | None = None


class CaseNotAccepted(CaseEvent, type="yike.case.not_accepted", source="intake"):
    """不予受理, and who is rightly asked, where somebody is."""

    reason: NotAcceptedReason
    service: EmergencyService | None = None
    rightful_unit_id: str | None = None


class CaseWithdrawn(CaseEvent, type="yike.case.withdrawn", source="intake"):
    """The requester no longer asks; the case closes at once."""


class InformationAsked(CaseEvent, type="yike.information.asked", source="intake"):
    """待补充: the requester was asked something; shown, no clock stops."""

    question_id: UUID
    asked_by: str


class InformationGiven(CaseEvent, type="yike.information.given", source="intake"):
    """The requester answered, or the question was taken back."""

    question_id: UUID
    asked_by: str


class AppointmentAgreed(CaseEvent, type="yike.appointment.agreed", source="intake"):
    """A new window; `arrive` and `handle` of an appointment follow it."""

    appointment: Window


class AttachmentAdded(CaseEvent, type="yike.attachment.added", source="intake"):
    """A photo or file of the requester's; it stays with intake."""

    attachment_id: UUID
    media_type: str
    sha256: str
    size_bytes: int


class RequesterErased(CaseEvent, type="yike.requester.erased", source="intake"):
    """The person was erased from the case on request or after its retention: everybody destroys the texts they keep
    sealed for it. Figures stay."""


class FollowUpOpened(CaseEvent, type="yike.follow_up.opened", source="intake"):
    """回访 task made after `handled`; the single-use link and the address stay in intake."""

    follow_up_id: UUID
    round: int
    link_can_be_sent: bool
    kind: FollowUpKind = FollowUpKind.AFTER_HANDLED


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
    kind: FollowUpKind = FollowUpKind.AFTER_HANDLED


class CaseReopened(CaseEvent, type="yike.case.reopened", source="intake"):
    """重办: the same case goes on in a new round; names no level, escalation answers with it. An answer that was
    contested has no holder yet: the community's officers are offered it. `follow_up_id` is whose answer sent it back;
    `None` where it was contested on the tracking page."""

    follow_up_id: UUID | None = None
    round: int
    because: ReopenReason = ReopenReason.NOT_SOLVED


class CaseClosed(CaseEvent, type="yike.case.closed", source="intake"):
    """结案/销号, always with an outcome. `resolved_level` is where it was handled; `None` if it never was."""

    outcome: Outcome
    closed_by: ClosedBy
    round: int
    resolved_level: Level | None = None
