"""The state of a case: the fold of its journal, for intake's own events and those it heard.

`case = apply(case, event)`, and nothing else changes a case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from shared.event import CaseEvent, Event
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandled,
    CaseOffered,
    EvidenceAdded,
    ProgressNoted,
    ResidentContacted,
    WorkerArrived,
)
from shared.events.escalation import CaseEscalated, EscalationVoided
from shared.events.intake import (
    CaseClosed,
    CaseRegistered,
    CaseReopened,
    FollowUpOpened,
    FollowUpRecorded,
    RequesterErased,
)
from shared.vocabulary import (
    CaseState,
    Channel,
    ClosedBy,
    FollowUpKind,
    Level,
    Outcome,
    ReopenReason,
    Satisfaction,
    Urgency,
)

LINK_VALID_FOR = timedelta(hours=24)
CALL_AFTER_LINK = timedelta(hours=4)
"""A caller's turn comes this long after an unanswered link, well before the follow-up's own deadline."""
CALL_AGAIN_AFTER = timedelta(hours=3)
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
class Case:
    """工单 as intake knows it, without personal data. `holders` are all who ever held a part of it."""

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
    contested_at: datetime | None = None
    erased_at: datetime | None = None
    holders: frozenset[str] = frozenset()
    follow_up: FollowUp | None = None
    progress_call: FollowUp | None = None

    @property
    def unit_id(self) -> str:
        return self.unit_path[-1]

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


def registered(event: CaseRegistered) -> Case:
    return Case(
        case_id=event.case_id,
        number=event.number,
        channel=event.channel,
        category_code=event.category_code,
        urgency=event.urgency,
        headline=event.headline,
        lon=event.place.lon,
        lat=event.place.lat,
        place_label=event.place.label,
        grid_id=event.grid_id,
        unit_path=event.unit_path,
        requester_can_be_asked=event.requester_can_be_asked,
        registry_revision=event.registry_revision,
        registered_at=event.at,
        level=event.ladder[0].level,
        round=event.round,
    )


def fold(events: Iterable[Event]) -> Case:
    """The case its story tells; the first event is its registration."""
    story = iter(events)
    first = next(story)
    assert isinstance(first, CaseRegistered)
    case = registered(first)
    for event in story:
        case = apply(case, event)
    return case


def apply(case: Case, event: Event) -> Case:
    """The case after `event`. What belongs to an older round, or comes after the end, changes nothing but who
    once held it."""
    change = CHANGES.get(type(event))
    return change(case, event) if change else case


def _of_this_round(case: Case, event: CaseEvent) -> bool:
    return case.state is not CaseState.CLOSED and getattr(event, "round", case.round) == case.round


def _forward(case: Case, state: CaseState) -> Case:
    return replace(case, state=state) if STEPS.index(state) > STEPS.index(case.state) else case


def _offered(case: Case, event: CaseOffered) -> Case:
    return _forward(case, CaseState.OFFERED) if _of_this_round(case, event) else case


def _accepted(case: Case, event: CaseAccepted) -> Case:
    case = replace(case, holders=case.holders | {event.person_id})
    if not _of_this_round(case, event):
        return case
    return _forward(replace(case, accepted_at=case.accepted_at or event.at), CaseState.ACCEPTED)


def _arrived(case: Case, event: WorkerArrived) -> Case:
    if not _of_this_round(case, event):
        return case
    return _forward(replace(case, arrived_at=case.arrived_at or event.at), CaseState.ARRIVED)


def _worked_on(case: Case, event: ResidentContacted | EvidenceAdded | ProgressNoted) -> Case:
    return _forward(case, CaseState.IN_PROGRESS) if _of_this_round(case, event) else case


def _handled(case: Case, event: CaseHandled) -> Case:
    if not _of_this_round(case, event) or case.state is CaseState.HANDLED:
        return case
    return replace(
        _end_follow_ups(case, event.at),
        state=CaseState.HANDLED,
        handled_at=event.at,
        handled_by=event.person_id,
        handled_level=event.level,
        handled_outcome=event.outcome,
        holders=case.holders | {event.person_id},
    )


def _raised(case: Case, event: CaseEscalated) -> Case:
    return replace(case, level=event.to_level) if _of_this_round(case, event) else case


def _back_down(case: Case, event: EscalationVoided) -> Case:
    return replace(case, level=event.level) if _of_this_round(case, event) else case


def _follow_up_opened(case: Case, event: FollowUpOpened) -> Case:
    wait = CALL_AFTER_LINK if event.link_can_be_sent else timedelta()
    follow_up = FollowUp(
        id=event.follow_up_id,
        round=event.round,
        opened_at=event.at,
        due_at=event.at + wait,
        link_expires_at=event.at + LINK_VALID_FOR if event.link_can_be_sent else None,
        kind=event.kind,
    )
    return _with_follow_up(case, follow_up)


def _with_follow_up(case: Case, follow_up: FollowUp) -> Case:
    if follow_up.kind is FollowUpKind.PROGRESS:
        return replace(case, progress_call=follow_up)
    return replace(case, follow_up=follow_up)


def _asked(case: Case, event: FollowUpRecorded) -> Case:
    follow_up = next(
        (known for known in (case.follow_up, case.progress_call) if known and known.id == event.follow_up_id),
        None,
    )
    if follow_up is None:
        return case
    given_up = event.kind is FollowUpKind.PROGRESS and event.attempt >= ATTEMPTS_MAX
    attempt = Attempt(event.attempt, event.at, event.channel, event.reached, event.actor.person_id)
    by_caller = event.channel is not Channel.LINK
    follow_up = replace(
        follow_up,
        attempts=(*follow_up.attempts, attempt),
        due_at=event.at + CALL_AGAIN_AFTER if by_caller else follow_up.due_at,
        contacted=event.contacted,
        solved=event.solved,
        satisfaction=event.satisfaction,
        coached=event.coached,
        closed_at=event.at if event.reached or given_up else None,
    )
    return _with_follow_up(case, follow_up)


def _reopened(case: Case, event: CaseReopened) -> Case:
    return replace(
        _end_follow_ups(case, event.at),
        state=CaseState.REOPENED,
        round=event.round,
        reopened_at=event.at,
        contested_at=event.at if event.because is ReopenReason.CONTESTED else case.contested_at,
        accepted_at=None,
        arrived_at=None,
        handled_at=None,
        handled_by=None,
        handled_level=None,
        handled_outcome=None,
        closed_at=None,
        outcome=None,
        closed_by=None,
        resolved_level=None,
    )


def _closed(case: Case, event: CaseClosed) -> Case:
    return replace(
        _end_follow_ups(case, event.at),
        state=CaseState.CLOSED,
        closed_at=event.at,
        outcome=event.outcome,
        closed_by=event.closed_by,
        resolved_level=event.resolved_level,
    )


def _end_follow_ups(case: Case, at: datetime) -> Case:
    asking = case.open_follow_up
    return _with_follow_up(case, replace(asking, closed_at=at)) if asking else case


def _erased(case: Case, event: RequesterErased) -> Case:
    """Nobody can be asked any more; what was handled and answered stays."""
    return replace(case, erased_at=event.at)


Told = TypeVar("Told", bound=Event)
Change = Callable[[Case, Event], Case]
CHANGES: dict[type[Event], Change] = {}


def _on(event_type: type[Told], change: Callable[[Case, Told], Case]) -> None:
    def checked(case: Case, event: Event) -> Case:
        assert isinstance(event, event_type)
        return change(case, event)

    CHANGES[event_type] = checked


_on(CaseOffered, _offered)
_on(CaseAccepted, _accepted)
_on(WorkerArrived, _arrived)
_on(ResidentContacted, _worked_on)
_on(EvidenceAdded, _worked_on)
_on(ProgressNoted, _worked_on)
_on(CaseHandled, _handled)
_on(CaseEscalated, _raised)
_on(EscalationVoided, _back_down)
_on(FollowUpOpened, _follow_up_opened)
_on(FollowUpRecorded, _asked)
_on(CaseReopened, _reopened)
_on(CaseClosed, _closed)
_on(RequesterErased, _erased)
