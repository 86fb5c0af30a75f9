"""Which rotas must be manned, and where one is not.

Around the clock: a grid by its A or B holder, every rung above and every department by a duty officer, the desk by an
operator (S3-b: 24 h without gaps). While it is open: what else has opening hours of its own (a walk-in post), by
anybody who holds a post there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.registry.rules.spans import Span, left, within
from shared.things import Calendar, OpeningHours, Person, Shift, Unit
from shared.vocabulary import Level, Post, Role, ShiftKind

DESK_KIND = "desk"
"""The kind of the units where the hotline is answered; a city without one answers it at its top."""

DEPARTMENT_KIND = "department"
"""Units that stand in for a rung where a community may not be asked."""


class RotaKind(StrEnum):
    GRID = "grid"
    DUTY_OFFICER = "duty_officer"
    DESK = "desk"
    OPENING_HOURS = "opening_hours"


@dataclass(frozen=True)
class Rota:
    """`person_ids` may man it; only their shifts in this very unit count. Around the clock without `hours`, else in
    these by the calendar, but for its holidays."""

    unit_id: str
    kind: RotaKind
    person_ids: frozenset[str]
    hours: tuple[OpeningHours, ...] = ()
    calendar_id: str = ""


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
    found = [rota for unit in living if (rota := _rota_of(unit, staff)) is not None]
    desks = [unit for unit in living if unit.kind == DESK_KIND]
    at_the_top = [unit for unit in living if unit.parent_id is None]
    operators = frozenset(p.id for p in staff if any(grant.role is Role.OPERATOR for grant in p.grants))
    found += [Rota(unit.id, RotaKind.DESK, operators) for unit in desks or at_the_top]
    return sorted(found, key=lambda rota: (rota.unit_id, rota.kind))


def _rota_of(unit: Unit, staff: Sequence[Person]) -> Rota | None:
    if unit.level is Level.GRID:
        return Rota(unit.id, RotaKind.GRID, _holding(staff, unit.id, (Post.A, Post.B)))
    officers = _holding(staff, unit.id, (Post.DUTY_OFFICER,))
    if unit.level is not None or unit.kind == DEPARTMENT_KIND or officers:
        return Rota(unit.id, RotaKind.DUTY_OFFICER, officers)
    if unit.opening_hours and unit.kind != DESK_KIND:
        keepers = _holding(staff, unit.id, tuple(Post))
        return Rota(unit.id, RotaKind.OPENING_HOURS, keepers, unit.opening_hours, unit.calendar_id)
    return None


def _holding(staff: Sequence[Person], unit_id: str, posts: Sequence[Post]) -> frozenset[str]:
    return frozenset(
        person.id
        for person in staff
        if any(held.unit_id == unit_id and held.post in posts for held in person.posts)
    )


def may_take_over(person: Person, unit: Unit, people: Sequence[Person]) -> frozenset[str]:
    """Who of `people` may do what `person` does in the unit: whoever mans the same rota, so that nothing is covered
    here that `gaps` shows as a gap; where they are in none, whoever holds a post there."""
    manned = [rota.person_ids for rota in rotas([unit], [*people, person]) if person.id in rota.person_ids]
    able = frozenset.intersection(*manned) if manned else _holding(people, unit.id, tuple(Post))
    return able - {person.id}


def gaps(rota: Rota, shifts: Iterable[Shift], period: Span, calendars: Mapping[str, Calendar]) -> list[Gap]:
    """Where in `period` nobody of the rota is on duty, in order; with its shifts it makes up what must be manned."""
    own = [
        shift
        for shift in shifts
        if shift.unit_id == rota.unit_id and shift.person_id in rota.person_ids and shift.retired_at is None
    ]
    manned = [span_of(shift) for shift in own if shift.kind is ShiftKind.ON_DUTY]
    within_reach = [shift for shift in own if shift.kind is ShiftKind.ON_CALL]
    return [
        Gap(rota.unit_id, rota.kind, gap.starts_at, gap.ends_at, _reachable(within_reach, gap))
        for wanted in _wanted(rota, period, calendars)
        for gap in left(wanted, manned)
    ]


def _wanted(rota: Rota, period: Span, calendars: Mapping[str, Calendar]) -> list[Span]:
    """When in `period` somebody has to be there."""
    if not rota.hours:
        return [period]
    calendar = calendars[rota.calendar_id]
    zone = ZoneInfo(calendar.time_zone)
    first, last = (at.astimezone(zone).date() for at in (period.starts_at, period.ends_at))
    days = [first + timedelta(days=place) for place in range((last - first).days + 1)]

    def at(day: date, hour: time) -> datetime:
        return datetime.combine(day, hour, zone).astimezone(UTC)

    opened = [
        Span(at(day, hours.opens), at(day, hours.closes))
        for day in days
        if day not in calendar.holidays
        for hours in rota.hours
        if hours.weekday == day.isoweekday()
    ]
    return sorted(within(opened, period))


def _reachable(on_call: Sequence[Shift], gap: Span) -> tuple[str, ...]:
    return tuple(sorted({shift.person_id for shift in on_call if span_of(shift).within(gap)}))


def span_of(shift: Shift) -> Span:
    return Span(shift.starts_at, shift.ends_at)
