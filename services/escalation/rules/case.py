"""A case as escalation knows it: where it stands on its ladder, its clocks, its raises. State = fold(journal)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.event import CaseEvent
from shared.events.dispatch import CaseAccepted, CaseHandled, PartEnded
from shared.events.escalation import (
    CaseEscalated,
    DeadlineAmber,
    DeadlineMissed,
    DeadlinesCleared,
    DeadlinesSet,
    EscalationVoided,
    SkippedLevel,
    SupervisionOrdered,
)
from shared.events.intake import CaseClosed, CaseRegistered, CaseReopened, Rung
from shared.things import Policy
from shared.vocabulary import (
    DeadlineKind,
    EscalationCause,
    EscalationReason,
    Level,
    PartRole,
    SupervisionKind,
    Urgency,
)


class Colour(StrEnum):
    """黄灯 / 红灯; a red one stays red until what was asked for happens."""

    RUNNING = "running"
    AMBER = "amber"
    RED = "red"


class Ending(StrEnum):
    """The one way a clock stopped: by what it asked for or because it no longer applies, by the next level's clock
    of its kind, or with the raise that had set it."""

    CLEARED = "cleared"
    REPLACED = "replaced"
    VOIDED = "voided"


@dataclass(frozen=True)
class CaseDeadline:
    """时限 of one kind at one level in one round."""

    kind: DeadlineKind
    level: Level
    round: int
    set_at: datetime
    due_at: datetime
    amber_at: datetime
    assumed: bool = False
    colour: Colour = Colour.RUNNING
    ending: Ending | None = None
    ended_at: datetime | None = None
    met: bool | None = None

    @property
    def rings_at(self) -> datetime | None:
        """When its next bell is: amber, then due; `None` when it stopped or is red."""
        if self.ending is not None or self.colour is Colour.RED:
            return None
        return min(self.amber_at, self.due_at) if self.colour is Colour.RUNNING else self.due_at


@dataclass(frozen=True)
class Raise:
    """One step up, `id` being that of its CaseEscalated."""

    id: UUID
    at: datetime
    cause: EscalationCause
    from_level: Level
    to_level: Level
    to_unit_id: str
    skipped: tuple[SkippedLevel, ...]
    counts_from: datetime
    round: int
    by_person_id: str | None = None
    reason: EscalationReason | None = None
    voided: bool = False


@dataclass(frozen=True)
class Order:
    """督办."""

    id: UUID
    at: datetime
    kind: SupervisionKind
    level: Level
    unit_id: str
    supervising_unit_id: str
    round: int


@dataclass(frozen=True)
class Holder:
    """Who holds which part, as heard from dispatch: they may raise the case by hand."""

    part_id: UUID
    person_id: str
    part_role: PartRole
    level: Level
    round: int


@dataclass(frozen=True)
class Case:
    """`rung` is the place on `ladder` (lowest rung first) where the case stands."""

    case_id: UUID
    number: str
    urgency: Urgency
    policy: Policy
    ladder: tuple[Rung, ...]
    registered_at: datetime
    round: int = 1
    rung: int = 0
    handled_at: datetime | None = None
    closed_at: datetime | None = None
    deadlines: tuple[CaseDeadline, ...] = ()
    raises: tuple[Raise, ...] = ()
    orders: tuple[Order, ...] = ()
    holders: tuple[Holder, ...] = ()

    @property
    def level(self) -> Level:
        return self.ladder[self.rung].level

    @property
    def unit_id(self) -> str:
        return self.ladder[self.rung].unit_id

    @property
    def is_worked_on(self) -> bool:
        """Neither handled nor closed: only such a case is raised."""
        return self.handled_at is None and self.closed_at is None

    def open(self, *kinds: DeadlineKind) -> tuple[CaseDeadline, ...]:
        """Deadlines that still run or stand red, of these kinds or of all; at most one of a kind."""
        return tuple(one for one in self.deadlines if one.ending is None and (not kinds or one.kind in kinds))

    def rung_of(self, level: Level) -> int | None:
        return next((place for place, rung in enumerate(self.ladder) if rung.level == level), None)


def apply(case: Case | None, event: CaseEvent) -> Case | None:
    """The case after `event`. What does not concern it, is of an older round or came twice changes nothing."""
    if isinstance(event, CaseRegistered):
        return case or _registered(event)
    change = CHANGES.get(type(event))
    return case if case is None or change is None else change(case, event)


def _registered(event: CaseRegistered) -> Case:
    return Case(
        case_id=event.case_id,
        number=event.number,
        urgency=event.urgency,
        policy=event.policy,
        ladder=event.ladder,
        registered_at=event.at,
        round=event.round,
    )


# ── heard ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _accepted(case: Case, event: CaseAccepted) -> Case:
    if event.round != case.round or case.closed_at is not None:
        return case
    holder = Holder(event.part_id, event.person_id, event.part_role, event.level, event.round)
    others = _without(case, event.part_id).holders
    return replace(case, holders=tuple(sorted((*others, holder), key=lambda one: one.part_id)))


def _part_ended(case: Case, event: PartEnded) -> Case:
    return _without(case, event.part_id)


def _handled(case: Case, event: CaseHandled) -> Case:
    if event.round != case.round or not case.is_worked_on:
        return case
    return replace(_without(case, event.part_id), handled_at=event.at)


def _reopened(case: Case, event: CaseReopened) -> Case:
    if event.round <= case.round:
        return case
    return replace(case, round=event.round, handled_at=None, closed_at=None)


def _closed(case: Case, event: CaseClosed) -> Case:
    if event.round < case.round or case.closed_at is not None:
        return case
    return replace(case, closed_at=event.at, holders=())


def _without(case: Case, part_id: UUID) -> Case:
    return replace(case, holders=tuple(one for one in case.holders if one.part_id != part_id))


# ── our own ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _set(case: Case, event: DeadlinesSet) -> Case:
    kinds = {deadline.kind for deadline in event.deadlines}
    kept = _each(
        case.deadlines,
        lambda one: one.ending is None and one.kind in kinds,
        lambda one: replace(one, ending=Ending.REPLACED, ended_at=event.at),
    )
    new = (
        CaseDeadline(
            one.kind, event.level, event.round, event.at, one.due_at, one.amber_at, assumed=one.assumed
        )
        for one in event.deadlines
    )
    in_order = sorted((*kept, *new), key=lambda one: (one.round, one.level, one.kind))
    return replace(case, deadlines=tuple(in_order))


def _amber(case: Case, event: DeadlineAmber) -> Case:
    return _coloured(case, event.kind, Colour.AMBER)


def _missed(case: Case, event: DeadlineMissed) -> Case:
    return _coloured(case, event.kind, Colour.RED)


def _coloured(case: Case, kind: DeadlineKind, colour: Colour) -> Case:
    deadlines = _each(
        case.deadlines,
        lambda one: one.ending is None and one.kind == kind,
        lambda one: replace(one, colour=colour),
    )
    return replace(case, deadlines=deadlines)


def _cleared(case: Case, event: DeadlinesCleared) -> Case:
    met = {cleared.kind: cleared.met for cleared in event.cleared}
    deadlines = _each(
        case.deadlines,
        lambda one: one.ending is None and one.kind in met,
        lambda one: replace(one, ending=Ending.CLEARED, ended_at=event.at, met=met[one.kind]),
    )
    return replace(case, deadlines=deadlines)


def _escalated(case: Case, event: CaseEscalated) -> Case:
    raised = Raise(
        id=event.id,
        at=event.at,
        cause=event.cause,
        from_level=event.from_level,
        to_level=event.to_level,
        to_unit_id=event.to_unit_id,
        skipped=event.skipped,
        counts_from=event.counts_from,
        round=event.round,
        by_person_id=event.actor.person_id,
        reason=event.reason,
    )
    rung = case.rung_of(event.to_level)
    return replace(case, rung=case.rung if rung is None else rung, raises=(*case.raises, raised))


def _voided(case: Case, event: EscalationVoided) -> Case:
    """Back at the level that handled it, with the clocks that ran there: those of the raises never counted."""
    rung = case.rung_of(event.level)
    assert rung is not None, "a void names a level of the ladder"
    above = {step.level for step in case.ladder[rung + 1 :]}

    def after(one: CaseDeadline) -> CaseDeadline:
        if one.round == event.round and one.level in above and one.ending is None:
            return replace(one, ending=Ending.VOIDED, ended_at=event.at)
        if one.round == event.round and one.level == event.level and one.ending is Ending.REPLACED:
            return replace(one, ending=None, ended_at=None)
        return one

    return replace(
        case,
        rung=rung,
        raises=tuple(replace(one, voided=True) if one.id in event.voids else one for one in case.raises),
        deadlines=tuple(after(one) for one in case.deadlines),
    )


def _ordered(case: Case, event: SupervisionOrdered) -> Case:
    order = Order(
        event.order_id,
        event.at,
        event.kind,
        event.level,
        event.unit_id,
        event.supervising_unit_id,
        event.round,
    )
    return replace(case, orders=(*case.orders, order))


def _each(
    deadlines: tuple[CaseDeadline, ...],
    concerned: Callable[[CaseDeadline], bool],
    change: Callable[[CaseDeadline], CaseDeadline],
) -> tuple[CaseDeadline, ...]:
    return tuple(change(one) if concerned(one) else one for one in deadlines)


CHANGES: dict[type[CaseEvent], Callable[..., Case]] = {
    CaseAccepted: _accepted,
    PartEnded: _part_ended,
    CaseHandled: _handled,
    CaseReopened: _reopened,
    CaseClosed: _closed,
    DeadlinesSet: _set,
    DeadlineAmber: _amber,
    DeadlineMissed: _missed,
    DeadlinesCleared: _cleared,
    CaseEscalated: _escalated,
    EscalationVoided: _voided,
    SupervisionOrdered: _ordered,
}
"""What each event does to the case; the others do nothing to it."""
