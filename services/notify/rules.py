"""Who must be told what: one event of a case in, the notices it owes out.

The facts of a case are notify's own small replica, folded from the events it hears; people are read from the registry's
directory. Nothing here sends, waits or knows the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from shared.event import CaseEvent
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandled,
    CaseOffered,
    NobodyAvailable,
    OfferDeclined,
    OfferLapsed,
    OfferWithdrawn,
    PartEnded,
)
from shared.events.escalation import (
    CaseEscalated,
    DeadlineAmber,
    DeadlineMissed,
    DeadlinesCleared,
    DeadlinesSet,
    EscalationVoided,
    SupervisionOrdered,
)
from shared.events.intake import CaseClosed, CaseRegistered, CaseReopened, FollowUpOpened, Place, Rung
from shared.things import Person, Shift, Unit
from shared.vocabulary import ClockKind, DeadlineKind, Level, NoticeKind, Post, Role, Urgency

# ── facts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Hold(StrEnum):
    """How a person stands to a part of a case."""

    OFFERED = "offered"
    HELD = "held"
    HANDLED = "handled"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PartFacts:
    """A part as notify knows it: who was offered it last, and how that stands."""

    part_id: UUID
    offer_id: UUID
    person_id: str
    round: int
    goes: bool
    hold: Hold
    eta_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What a notice has to say about a case. `due` holds the running deadlines, `raises` the unit each raise went to;
    `unit_id` is the unit the case is with."""

    case_id: UUID
    number: str
    headline: str
    urgency: Urgency
    place: Place
    unit_path: tuple[str, ...]
    ladder: tuple[Rung, ...]
    level: Level
    unit_id: str
    round: int
    requester_can_be_asked: bool
    due: Mapping[DeadlineKind, datetime] = field(default_factory=dict)
    parts: tuple[PartFacts, ...] = ()
    raises: Mapping[UUID, str] = field(default_factory=dict)
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one person; the requester where `person_id` is `None`. `says` goes into the body."""

    kind: NoticeKind
    person_id: str | None
    says: Mapping[str, Any] = field(default_factory=dict)


class Roster(Protocol):
    """What is asked about people and units; the registry's directory answers it."""

    def path(self, unit_id: str) -> tuple[Unit, ...]: ...

    def with_role(self, role: Role, unit_id: str) -> Sequence[Person]: ...

    def holders(self, unit_id: str, post: Post) -> Sequence[Person]: ...

    def on_duty(self, unit_id: str | None, now: datetime) -> Sequence[tuple[Person, Shift]]: ...


CLOCKS_OF_A_LEVEL = (DeadlineKind.ACKNOWLEDGE, DeadlineKind.HANDLE)

# ── the replica of a case: state = fold(events) ───────────────────────────────────────────────────────────────────


def opened(event: CaseRegistered) -> CaseFacts:
    """The case at registration. Limits in plain minutes are due times already; the others come with DeadlinesSet."""
    lowest = event.ladder[0]
    limits = event.policy.limits(lowest.level)
    minutes = {
        kind: event.at + timedelta(minutes=limit.amount)
        for kind in (DeadlineKind.ACKNOWLEDGE, DeadlineKind.ARRIVE, DeadlineKind.HANDLE)
        if (limit := getattr(limits, kind)) is not None and limit.clock is ClockKind.MINUTES
    }
    return CaseFacts(
        case_id=event.case_id,
        number=event.number,
        headline=event.headline,
        urgency=event.urgency,
        place=event.place,
        unit_path=event.unit_path,
        ladder=event.ladder,
        level=lowest.level,
        unit_id=lowest.unit_id,
        round=event.round,
        requester_can_be_asked=event.requester_can_be_asked,
        due=minutes,
    )


def apply(case: CaseFacts, event: CaseEvent) -> CaseFacts:
    """The case after the event; events that change nothing notify keeps leave it as it is."""
    match event:
        case CaseOffered() | CaseAccepted() | OfferDeclined() | OfferLapsed() | OfferWithdrawn():
            return _with_offer(case, event)
        case CaseHandled():
            return _with_part(case, event.part_id, Hold.HANDLED)
        case PartEnded():
            return _with_part(case, event.part_id, Hold.ENDED)
        case CaseEscalated():
            raises = {**case.raises, event.id: event.to_unit_id}
            return replace(case, level=event.to_level, unit_id=event.to_unit_id, raises=raises)
        case EscalationVoided():
            # It is handled: the clocks of a level have stopped, and those of the raises never counted.
            due = {kind: at for kind, at in case.due.items() if kind not in CLOCKS_OF_A_LEVEL}
            return replace(case, level=event.level, unit_id=event.unit_id, due=due)
        case DeadlinesSet():
            set_now = {deadline.kind: deadline.due_at for deadline in event.deadlines}
            return replace(case, due={**case.due, **set_now})
        case DeadlinesCleared():
            stopped = {cleared.kind for cleared in event.cleared}
            return replace(case, due={kind: at for kind, at in case.due.items() if kind not in stopped})
        case CaseReopened():
            return replace(case, round=event.round, closed=False)
        case CaseClosed():
            return replace(case, closed=True)
        case _:
            return case


def _with_offer(
    case: CaseFacts, event: CaseOffered | CaseAccepted | OfferDeclined | OfferLapsed | OfferWithdrawn
) -> CaseFacts:
    if isinstance(event, CaseOffered):
        part = PartFacts(
            event.part_id,
            event.offer_id,
            event.person_id,
            event.round,
            event.goes,
            Hold.OFFERED,
            event.eta_seconds,
        )
        return replace(case, parts=(*(p for p in case.parts if p.part_id != part.part_id), part))
    # An offer that is over says nothing about the next one of the same part.
    if not any(part.offer_id == event.offer_id for part in case.parts):
        return case
    return _with_part(case, event.part_id, Hold.HELD if isinstance(event, CaseAccepted) else Hold.ENDED)


def _with_part(case: CaseFacts, part_id: UUID, hold: Hold) -> CaseFacts:
    parts = tuple(replace(part, hold=hold) if part.part_id == part_id else part for part in case.parts)
    return replace(case, parts=parts)


def _people_holding(case: CaseFacts, *holds: Hold, round: int | None = None) -> list[str]:
    wanted = case.round if round is None else round
    return [part.person_id for part in case.parts if part.hold in holds and part.round == wanted]


# ── who must be told what ─────────────────────────────────────────────────────────────────────────────────────────


def to_tell(case: CaseFacts, event: CaseEvent, roster: Roster) -> list[Notice]:
    """Every notice `event` owes, once per person and kind. `case` is the case after the event."""
    tell = TELLS.get(type(event))
    notices = tell(case, event, roster) if tell else []
    return list({(notice.kind, notice.person_id): notice for notice in reversed(notices)}.values())[::-1]


def _registered(case: CaseFacts, event: CaseRegistered, roster: Roster) -> list[Notice]:
    return [Notice(NoticeKind.REGISTERED, None)] if case.requester_can_be_asked else []


def _offered(case: CaseFacts, event: CaseOffered, roster: Roster) -> list[Notice]:
    due = case.due.get(DeadlineKind.ARRIVE if event.goes else DeadlineKind.ACKNOWLEDGE)
    says = {
        "offer_id": event.offer_id,
        "part_id": event.part_id,
        "part_role": event.part_role,
        "goes": event.goes,
        "emergency": event.emergency,
        "expires_at": event.expires_at,
        "eta_seconds": event.eta_seconds,
        "why": event.chosen_because,
        "due_at": due,
    }
    return [Notice(NoticeKind.OFFER, event.person_id, says)]


def _offer_ended(case: CaseFacts, event: OfferLapsed | OfferWithdrawn, roster: Roster) -> list[Notice]:
    reason = event.reason if isinstance(event, OfferWithdrawn) else "lapsed"
    says = {"offer_id": event.offer_id, "part_id": event.part_id, "reason": reason}
    return [Notice(NoticeKind.OFFER_ENDED, event.person_id, says)]


def _accepted(case: CaseFacts, event: CaseAccepted, roster: Roster) -> list[Notice]:
    """The holder on every screen of theirs, whoever else holds a part, and the requester if somebody is coming."""
    part = next((part for part in case.parts if part.part_id == event.part_id), None)
    says = {
        "offer_id": event.offer_id,
        "part_id": event.part_id,
        "part_role": event.part_role,
        "goes": event.goes,
        "holder_id": event.person_id,
        "eta_seconds": part.eta_seconds if part else None,
        "due_at": case.due.get(DeadlineKind.ARRIVE if event.goes else DeadlineKind.HANDLE),
    }
    told = [event.person_id, *_people_holding(case, Hold.HELD)]
    notices = [Notice(NoticeKind.CASE_HELD, person_id, says) for person_id in told]
    if event.goes and case.requester_can_be_asked:
        notices.append(Notice(NoticeKind.WORKER_COMING, None, {"eta_seconds": says["eta_seconds"]}))
    return notices


def _amber(case: CaseFacts, event: DeadlineAmber, roster: Roster) -> list[Notice]:
    return _deadline(NoticeKind.DEADLINE_AMBER, case, event, roster, {})


def _missed(case: CaseFacts, event: DeadlineMissed, roster: Roster) -> list[Notice]:
    return _deadline(NoticeKind.DEADLINE_MISSED, case, event, roster, {"late_ms": event.late_ms})


def _deadline(
    kind: NoticeKind,
    case: CaseFacts,
    event: DeadlineAmber | DeadlineMissed,
    roster: Roster,
    more: Mapping[str, Any],
) -> list[Notice]:
    """Holders and supervisors; a late follow-up is the callers' business, never the handler's (product §7)."""
    says = {"deadline": event.kind, "due_at": event.due_at, **more}
    supervisors = [
        Notice(kind, person_id, says) for person_id in _supervisors_from(case, event.level, roster)
    ]
    if event.kind is DeadlineKind.FOLLOW_UP:
        return [*_callers(case, roster, {"due_at": event.due_at}), *supervisors]
    return [*(Notice(kind, person_id, says) for person_id in _people_holding(case, Hold.HELD)), *supervisors]


def _escalated(case: CaseFacts, event: CaseEscalated, roster: Roster) -> list[Notice]:
    """The officers who now answer for it, the supervisors above, and whoever stays on it as a co-handler."""
    says = {
        "cause": event.cause,
        "from_level": event.from_level,
        "to_level": event.to_level,
        "unit_id": event.to_unit_id,
        "skipped": [skipped.level for skipped in event.skipped],
    }
    told = [
        *_officers(event.to_unit_id, event.at, roster),
        *_supervisors_from(case, event.to_level, roster),
        *_people_holding(case, Hold.HELD),
    ]
    return [Notice(NoticeKind.CASE_RAISED, person_id, says) for person_id in told]


def _raise_voided(case: CaseFacts, event: EscalationVoided, roster: Roster) -> list[Notice]:
    """Whoever was told of a raise that does not count: nobody should wait for an offer that never comes."""
    units = [case.raises[raise_id] for raise_id in event.voids if raise_id in case.raises]
    if not units:
        return []
    told = [officer for unit_id in units for officer in _officers(unit_id, event.at, roster)]
    for unit_id in units:
        told += _with_role(Role.SUPERVISOR, (unit.id for unit in roster.path(unit_id)), roster)
    told += _people_holding(case, Hold.HELD, Hold.HANDLED)
    return [Notice(NoticeKind.RAISE_VOIDED, person_id) for person_id in told]


def _nobody_available(case: CaseFacts, event: NobodyAvailable, roster: Roster) -> list[Notice]:
    says = {"unit_id": event.unit_id, "part_id": event.part_id}
    told = _nearest_supervisors(_rung(case, Level.COMMUNITY), roster)
    return [Notice(NoticeKind.NOBODY_AVAILABLE, person_id, says) for person_id in told]


def _supervision_ordered(case: CaseFacts, event: SupervisionOrdered, roster: Roster) -> list[Notice]:
    says = {
        "order_id": event.order_id,
        "order": event.kind,
        "unit_id": event.unit_id,
        "supervising_unit_id": event.supervising_unit_id,
    }
    officers = [person.id for person in roster.holders(event.unit_id, Post.DUTY_OFFICER)]
    told = [*officers, *_nearest_supervisors(event.supervising_unit_id, roster)]
    return [Notice(NoticeKind.SUPERVISION_ORDERED, person_id, says) for person_id in told]


def _reopened(case: CaseFacts, event: CaseReopened, roster: Roster) -> list[Notice]:
    """A reopened case is told to who had it; elsewhere the old owner never hears of it (product §9)."""
    told = _people_holding(case, Hold.HELD, Hold.HANDLED, round=event.round - 1)
    return [Notice(NoticeKind.CASE_REOPENED, person_id) for person_id in told]


def _closed(case: CaseFacts, event: CaseClosed, roster: Roster) -> list[Notice]:
    says = {"outcome": event.outcome, "closed_by": event.closed_by}
    told = _people_holding(case, Hold.HELD, Hold.HANDLED)
    return [Notice(NoticeKind.CASE_ENDED, person_id, says) for person_id in told]


def _follow_up_opened(case: CaseFacts, event: FollowUpOpened, roster: Roster) -> list[Notice]:
    """The requester by link where one can be sent; else somebody has to call or go."""
    says = {"follow_up_id": event.follow_up_id}
    if event.link_can_be_sent and case.requester_can_be_asked:
        return [Notice(NoticeKind.PLEASE_ANSWER, None, says)]
    return _callers(case, roster, says)


def _callers(case: CaseFacts, roster: Roster, says: Mapping[str, Any]) -> list[Notice]:
    """Follow-up callers whose unit covers the case, without anybody who held it."""
    held = {part.person_id for part in case.parts if part.hold in (Hold.HELD, Hold.HANDLED)}
    callers = _with_role(Role.FOLLOW_UP_CALLER, case.unit_path, roster)
    return [Notice(NoticeKind.FOLLOW_UP_DUE, caller, says) for caller in callers if caller not in held]


# ── who that is ───────────────────────────────────────────────────────────────────────────────────────────────────


def _with_role(role: Role, unit_ids: Iterable[str], roster: Roster) -> list[str]:
    return sorted({person.id for unit_id in unit_ids for person in roster.with_role(role, unit_id)})


def _rung(case: CaseFacts, level: Level) -> str:
    """The case's unit at `level`; the lowest one there is where its ladder has no such rung."""
    return next((rung.unit_id for rung in case.ladder if rung.level is level), case.ladder[0].unit_id)


def _supervisors_from(case: CaseFacts, level: Level, roster: Roster) -> list[str]:
    """The supervisors of the case's unit at `level` and of every unit above it."""
    return _with_role(Role.SUPERVISOR, (unit.id for unit in roster.path(_rung(case, level))), roster)


def _nearest_supervisors(unit_id: str, roster: Roster) -> list[str]:
    """The unit's own supervisors; where it has none, those of the nearest unit above that has."""
    for unit in reversed(roster.path(unit_id)):
        if supervisors := _with_role(Role.SUPERVISOR, (unit.id,), roster):
            return supervisors
    return []


def _officers(unit_id: str, at: datetime, roster: Roster) -> list[str]:
    """The unit's duty officers on duty; all of them where none is, because a raise must not wait unseen."""
    officers = [person.id for person in roster.holders(unit_id, Post.DUTY_OFFICER)]
    on_duty = {person.id for person, _ in roster.on_duty(unit_id, at)}
    return [person_id for person_id in officers if person_id in on_duty] or officers


TELLS: Mapping[type[CaseEvent], Callable[[CaseFacts, Any, Roster], list[Notice]]] = {
    CaseRegistered: _registered,
    CaseOffered: _offered,
    OfferLapsed: _offer_ended,
    OfferWithdrawn: _offer_ended,
    CaseAccepted: _accepted,
    DeadlineAmber: _amber,
    DeadlineMissed: _missed,
    CaseEscalated: _escalated,
    EscalationVoided: _raise_voided,
    NobodyAvailable: _nobody_available,
    SupervisionOrdered: _supervision_ordered,
    CaseReopened: _reopened,
    CaseClosed: _closed,
    FollowUpOpened: _follow_up_opened,
}
"""Event → who is told what. What is heard and not listed here only keeps the replica of the case true."""

# ── over which channels, and what a notice carries ────────────────────────────────────────────────────────────────

MAILED = frozenset(
    {
        NoticeKind.CASE_RAISED,
        NoticeKind.RAISE_VOIDED,
        NoticeKind.DEADLINE_MISSED,
        NoticeKind.NOBODY_AVAILABLE,
        NoticeKind.SUPERVISION_ORDERED,
        NoticeKind.CASE_REOPENED,
    }
)
"""Worth an e-mail beside the feed: what a supervisor must see without looking at a screen."""


class Via(StrEnum):
    """The channels by name."""

    FEED = "feed"
    SMTP = "smtp"
    WEBHOOK = "webhook"
    CONSOLE = "console"


def channels_for(notice: Notice, person: Person, *, smtp: bool, webhook: bool) -> tuple[Via, ...]:
    """A member of staff always gets the feed; e-mail and a webhook beside it where the channel is open and the person
    has an address for it."""
    mailed = smtp and person.email is not None and notice.kind in MAILED
    beside = ((Via.SMTP, mailed), (Via.WEBHOOK, webhook and person.webhook_url is not None))
    return (Via.FEED, *(via for via, wanted in beside if wanted))


def body_of(case: CaseFacts, event: CaseEvent, notice: Notice) -> dict[str, Any]:
    """Everything a screen needs to show the moment without asking anybody; unknown values are left out."""
    body = {
        "kind": notice.kind,
        "event_id": event.id,
        "at": event.at,
        "case_id": case.case_id,
        "number": case.number,
        "headline": case.headline,
        "place": case.place.model_dump(exclude_none=True),
        "urgency": case.urgency,
        "level": getattr(event, "level", case.level),
        "round": case.round,
        "due": dict(case.due),
        **notice.says,
    }
    return {name: value for name, value in body.items() if value is not None}
