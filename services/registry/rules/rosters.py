"""Which rotas must be manned around the clock, and where one is not.

A grid by its A or B holder, every rung above by a duty officer, the desk by an operator (S3-b: 24 h without gaps).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.registry.rules.spans import Span, joined, left, within
from shared.things import Person, Shift, Unit
from shared.vocabulary import Level, Post, Role, ShiftKind

DESK_KIND = "desk"
"""The kind of the units where the hotline is answered; a city without one answers it at its top."""


class RotaKind(StrEnum):
    GRID = "grid"
    DUTY_OFFICER = "duty_officer"
    DESK = "desk"


@dataclass(frozen=True)
class Rota:
    """`person_ids` may man it; only their shifts in this very unit count."""

    unit_id: str
    kind: RotaKind
    person_ids: frozenset[str]


@dataclass(frozen=True)
class Gap:
    """Nobody is on duty; `on_call` may be called in for all of it or a part."""

    unit_id: str
    rota: RotaKind
    starts_at: datetime
    ends_at: datetime
    on_call: tuple[str, ...]


def rotas(units: Sequence[Unit], people: Sequence[Person]) -> list[Rota]:
    """The rotas of those of `units` that are not retired, in the order of their ids."""
    living = sorted((unit for unit in units if unit.retired_at is None), key=lambda unit: unit.id)
    staff = [person for person in people if person.retired_at is None]
    found = [_rota_of_rung(unit, staff) for unit in living if unit.level is not None]
    desks = [unit for unit in living if unit.kind == DESK_KIND]
    at_the_top = [unit for unit in living if unit.parent_id is None]
    operators = frozenset(p.id for p in staff if any(grant.role is Role.OPERATOR for grant in p.grants))
    found += [Rota(unit.id, RotaKind.DESK, operators) for unit in desks or at_the_top]
    return sorted(found, key=lambda rota: (rota.unit_id, rota.kind))


def _rota_of_rung(unit: Unit, staff: Sequence[Person]) -> Rota:
    if unit.level is Level.GRID:
        return Rota(unit.id, RotaKind.GRID, _holding(staff, unit.id, (Post.A, Post.B)))
    return Rota(unit.id, RotaKind.DUTY_OFFICER, _holding(staff, unit.id, (Post.DUTY_OFFICER,)))


def _holding(staff: Sequence[Person], unit_id: str, posts: Sequence[Post]) -> frozenset[str]:
    return frozenset(
        person.id
        for person in staff
        if any(held.unit_id == unit_id and held.post in posts for held in person.posts)
    )


def gaps(rota: Rota, shifts: Iterable[Shift], period: Span) -> list[Gap]:
    """Where in `period` nobody of the rota is on duty, in order; with its shifts it makes up the whole period."""
    own = [
        shift
        for shift in shifts
        if shift.unit_id == rota.unit_id and shift.person_id in rota.person_ids and shift.retired_at is None
    ]
    manned = [span_of(shift) for shift in own if shift.kind is ShiftKind.ON_DUTY]
    within_reach = [shift for shift in own if shift.kind is ShiftKind.ON_CALL]
    return [
        Gap(rota.unit_id, rota.kind, gap.starts_at, gap.ends_at, _reachable(within_reach, gap))
        for gap in left(period, manned)
    ]


def _reachable(on_call: Sequence[Shift], gap: Span) -> tuple[str, ...]:
    return tuple(sorted({shift.person_id for shift in on_call if span_of(shift).within(gap)}))


def span_of(shift: Shift) -> Span:
    return Span(shift.starts_at, shift.ends_at)


def covered(shifts: Iterable[Shift], period: Span) -> list[Span]:
    """When in `period` one of `shifts` runs."""
    return joined(within((span_of(shift) for shift in shifts), period))
