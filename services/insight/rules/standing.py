"""How a case stands: what joins the words of several sources, worked out from the finished row and never folded,
so that it cannot depend on whose word came first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.insight.rules.facts import CaseRow, Clock, Park, Part, PartState, Raise
from services.insight.rules.folding.escalation import RANKS
from services.insight.rules.folding.small import HELD
from shared.vocabulary import CaseState, DeadlineKind, Level, Must, PartRole


@dataclass(frozen=True)
class Standing:
    """What people look for and sort by; worked out from the finished row, never folded."""

    state: CaseState
    level: Level
    level_unit_id: str
    level_reached: Level
    holder_id: str | None
    going_id: str | None
    acknowledged: bool
    musts_met: tuple[Must, ...]
    raises_count: int
    deadlines_met: int
    deadlines_missed: int
    next_due_at: datetime | None
    next_amber_at: datetime | None
    next_kind: DeadlineKind | None
    arrival_counts_at: datetime | None
    park: Park | None


@dataclass(frozen=True)
class Dues:
    """When a round had to be handled, and its requester asked."""

    handle_due_at: datetime | None
    follow_up_due_at: datetime | None


def standing(row: CaseRow) -> Standing:
    parts = [part for part in row.parts if part.round == row.round]
    running = [clock for clock in row.clocks if clock.stopped_at is None] if row.closed_at is None else []
    next_due = min(running, key=lambda clock: (clock.due_at, clock.kind), default=None)
    level = row.entered_level or row.ladder[0]
    holder = _holder(level, row, parts)
    park = next((park for park in reversed(row.parks) if park.ended_at is None), None)
    return Standing(
        state=_state(row, parts, park),
        level=level,
        level_unit_id=_unit_at(level, row),
        level_reached=max([*(r.to_level for r in _counted(row)), row.ladder[0]], key=RANKS.__getitem__),
        holder_id=holder.person_id if holder else None,
        going_id=next((part.person_id for part in parts if part.goes and part.state in HELD), None),
        acknowledged=holder is not None and holder.level == level,
        musts_met=_musts_met(row),
        raises_count=len(_counted(row)),
        deadlines_met=sum(clock.met is True for clock in row.clocks),
        deadlines_missed=sum(clock.met is False for clock in row.clocks),
        next_due_at=next_due.due_at if next_due else None,
        next_amber_at=min((clock.amber_at for clock in running), default=None),
        next_kind=next_due.kind if next_due else None,
        arrival_counts_at=_arrival_counts_at(row),
        park=park,
    )


def dues(row: CaseRow, round_: int) -> Dues:
    """What the clocks of that round say: of several to handle (raised, recomputed, extended) the first one missed, or
    else the last; a parked round keeps the one it had."""
    clocks = [clock for clock in row.clocks if clock.round == round_ and clock.about is None]
    handle = [clock for clock in clocks if clock.kind is DeadlineKind.HANDLE]
    missed = [clock for clock in handle if clock.met is False]
    asked = [clock for clock in clocks if clock.kind is DeadlineKind.FOLLOW_UP]
    return Dues(_due(missed[:1] or handle[-1:]), _due(asked[-1:]))


def _due(clocks: list[Clock]) -> datetime | None:
    return clocks[0].due_at if clocks else None


def _unit_at(level: Level, row: CaseRow) -> str:
    """The unit that owns it now: by the ladder as it is, which an amended place may have changed."""
    on_ladder = dict(zip(row.ladder, row.ladder_unit_ids, strict=True)).get(level)
    raised = next((r.to_unit_id for r in reversed(row.raises) if r.to_level is level and not r.voided), None)
    return on_ladder or raised or row.ladder_unit_ids[0]


def _arrival_counts_at(row: CaseRow) -> datetime | None:
    """The server's receipt, or the phone's own time where a supervisor accepted it."""
    if row.arrived_at is None or row.device_time_accepted is None:
        return row.arrived_at
    return min(row.arrived_at, row.device_time_accepted)


def _state(row: CaseRow, parts: Iterable[Part], park: Park | None) -> CaseState:
    """How it is now, not how far it had come: a case whose offer lapsed is waiting again."""
    for holds, state in (
        (row.closed_at is not None, CaseState.CLOSED),
        (row.parent_id is not None, CaseState.MERGED),
        (row.handled_round == row.round, CaseState.HANDLED),
        (park is not None, CaseState.PARKED),
        (bool(row.questions), CaseState.AWAITING_INFORMATION),
    ):
        if holds:
            return state
    return _state_of_work(row, parts)


def _state_of_work(row: CaseRow, parts: Iterable[Part]) -> CaseState:
    states = {part.state for part in parts}
    if row.worked_round == row.round and states & HELD:
        return CaseState.IN_PROGRESS
    for part_state, state in (
        (PartState.ARRIVED, CaseState.ARRIVED),
        (PartState.ACCEPTED, CaseState.ACCEPTED),
        (PartState.OFFERED, CaseState.OFFERED),
    ):
        if part_state in states:
            return state
    return CaseState.REGISTERED if row.reopened_count == 0 else CaseState.REOPENED


def _holder(level: Level, row: CaseRow, parts: Iterable[Part]) -> Part | None:
    """Who answers for the case: who handled it, whatever their part; until then the owner. A lower level's owner
    becomes a co-handler without an event of its own when the case is raised, so the present level goes first."""
    held = [
        p for p in parts if p.state is PartState.HANDLED or (p.role is PartRole.OWNER and p.state in HELD)
    ]
    return max(
        held,
        key=lambda p: (
            p.state is PartState.HANDLED,
            p.level == level,
            p.accepted_at or row.registered_at,
            p.part_id,
        ),
        default=None,
    )


def _musts_met(row: CaseRow) -> tuple[Must, ...]:
    """四个必须 so far, by whoever went; following through is met when a handled case closes."""
    met = {
        Must.ARRIVE: row.arrived_at is not None,
        Must.PHOTOGRAPH_AND_ACCOUNT: row.photographed_at is not None and row.account_at is not None,
        Must.MEASURE: row.measure_at is not None,
        Must.FOLLOW_THROUGH: row.closed_at is not None and row.handled_at is not None,
    }
    return tuple(must for must in Must if met[must] or must in row.handled_musts)


def _counted(row: CaseRow) -> list[Raise]:
    return [r for r in row.raises if not r.voided]
