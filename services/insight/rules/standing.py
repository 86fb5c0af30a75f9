"""How a case stands: what joins the words of several sources, worked out from the finished row and never folded,
so that it cannot depend on whose word came first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from services.insight.rules.facts import CaseRow, Part, PartState, Raise
from shared.vocabulary import CaseState, DeadlineKind, Level, Must, PartRole

HELD = frozenset({PartState.ACCEPTED, PartState.ARRIVED})


@dataclass(frozen=True)
class Standing:
    """What people look for and sort by; worked out from the finished row, never folded."""

    state: CaseState
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


def standing(row: CaseRow) -> Standing:
    parts = [part for part in row.parts if part.round == row.round]
    running = [clock for clock in row.clocks if clock.stopped_at is None] if row.closed_at is None else []
    next_due = min(running, key=lambda clock: (clock.due_at, clock.kind), default=None)
    holder = _holder(row, parts)
    return Standing(
        state=_state(row, parts),
        level_reached=max([*(r.to_level for r in _counted(row)), row.ladder[0]], key=_rank(row)),
        holder_id=holder.person_id if holder else None,
        going_id=next((part.person_id for part in parts if part.goes and part.state in HELD), None),
        acknowledged=holder is not None and holder.level == row.level,
        musts_met=_musts_met(row),
        raises_count=len(_counted(row)),
        deadlines_met=sum(clock.met is True for clock in row.clocks),
        deadlines_missed=sum(clock.met is False for clock in row.clocks),
        next_due_at=next_due.due_at if next_due else None,
        next_amber_at=min((clock.amber_at for clock in running), default=None),
        next_kind=next_due.kind if next_due else None,
    )


def _state(row: CaseRow, parts: Iterable[Part]) -> CaseState:
    """How it is now, not how far it had come: a case whose offer lapsed is waiting again."""
    if row.closed_at is not None:
        return CaseState.CLOSED
    if row.handled_round == row.round:
        return CaseState.HANDLED
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


def _holder(row: CaseRow, parts: Iterable[Part]) -> Part | None:
    """Who answers for the case: who handled it, whatever their part; until then the owner. A lower level's owner
    becomes a co-handler without an event of its own when the case is raised, so the present level goes first."""
    held = [
        p for p in parts if p.state is PartState.HANDLED or (p.role is PartRole.OWNER and p.state in HELD)
    ]
    return max(
        held,
        key=lambda p: (
            p.state is PartState.HANDLED,
            p.level == row.level,
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


def _rank(row: CaseRow) -> Callable[[Level], int]:
    """The rung on the case's own ladder; a level outside it ranks by the shipped order."""
    return lambda level: row.ladder.index(level) if level in row.ladder else list(Level).index(level)
