"""What intake tells: the case's existence and end."""

from __future__ import annotations

from uuid import UUID

from shared.event import CaseEvent
from shared.things import Policy, Value
from shared.vocabulary import ClosedBy, Level, Outcome, Satisfaction, Urgency


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
