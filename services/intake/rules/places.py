"""Where a case belongs: its category, and the lowest unit known of its place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from services.intake.rules.refusals import Refused, RefusedBecause
from shared.events.intake import Place
from shared.things import Category, Unit
from shared.vocabulary import CHANNELS_WITH_NOBODY_TO_ASK, Channel, Level

if TYPE_CHECKING:
    from shared.directory import Directory


def choose_category(directory: Directory, code: str) -> Category | Refused:
    category = directory.categories.get(code)
    if category is None or category.retired_at is not None:
        return Refused(RefusedBecause.UNKNOWN_CATEGORY)
    if category.policy_id not in directory.policies:
        return Refused(RefusedBecause.REGISTRY_NOT_READY)
    return category


def choose_unit(directory: Directory, place: Place, grid_id: str | None) -> Unit | Refused:
    """The lowest unit known: the grid around the point, the grid named, the unit the address names, or the pool of
    the nearest community. An unknown place is nobody's fault, so it loses no case; a wrong grid id is an error."""
    if grid_id is not None:
        named = directory.units.get(grid_id)
        if named is None or named.retired_at is not None or named.level is not Level.GRID:
            return Refused(RefusedBecause.UNKNOWN_GRID)
    else:
        named = None
    around = (
        directory.grid_at(place.lon, place.lat) if place.lon is not None and place.lat is not None else None
    )
    if around is not None and around.level is Level.GRID:
        return around
    if around is not None and around.level is not Level.COMMUNITY:
        around = None
    return named or unit_named_in(directory, place.label) or around or pool_for(directory, place)


def unit_named_in(directory: Directory, label: str) -> Unit | None:
    """The grid or community whose Chinese or English name stands in the address; of several the lowest, then the
    longest name. A name that two units share says nothing. Streets and above stand in every address."""
    text = label.casefold()
    ranked: dict[tuple[int, int], set[str]] = {}
    for unit in _open_units(directory, Level.GRID, Level.COMMUNITY):
        for name in (unit.name.zh.casefold(), unit.name.en.casefold()):
            if name and name in text and _stands_alone(name, text):
                ranked.setdefault((len(directory.path(unit.id)), len(name)), set()).add(unit.id)
    clear = [rank for rank, units in ranked.items() if len(units) == 1]
    return directory.units[ranked[max(clear)].pop()] if clear else None


def _stands_alone(name: str, text: str) -> bool:
    """`grid 1` does not stand in `grid 12`."""
    return re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", text) is not None


def pool_for(directory: Directory, place: Place) -> Unit | Refused:
    """The community nearest to the point, else the first by id; where no community is known, a unit above."""
    pools = list(_open_units(directory, Level.COMMUNITY)) or list(
        _open_units(directory, Level.STREET, Level.CIVIL_AFFAIRS)
    )
    if not pools:
        return Refused(RefusedBecause.REGISTRY_NOT_READY)
    return min(pools, key=lambda unit: (_square_distance(unit, place), unit.id))


def _open_units(directory: Directory, *levels: Level) -> Iterable[Unit]:
    return (unit for unit in directory.units.values() if unit.level in levels and unit.retired_at is None)


def _square_distance(unit: Unit, place: Place) -> float:
    if unit.centre is None or place.lon is None or place.lat is None:
        return float("inf")
    return (unit.centre.lon - place.lon) ** 2 + (unit.centre.lat - place.lat) ** 2


def time_zone_for(directory: Directory, unit_path: Iterable[str]) -> ZoneInfo:
    """Local time where the case is, by the calendar of the lowest unit that has one."""
    for unit_id in reversed(tuple(unit_path)):
        unit = directory.units.get(unit_id)
        if unit is not None and unit.calendar_id in directory.calendars:
            return ZoneInfo(directory.calendars[unit.calendar_id].time_zone)
    return ZoneInfo("Asia/Shanghai")


def headline_for(category: Category, place: Place) -> str:
    """Written for whoever goes; never from what the caller said."""
    return " · ".join(part for part in (category.name.zh, category.name.en, place.label.strip()) if part)


def can_be_asked(channel: Channel, *, anonymous: bool, reachable: bool) -> bool:
    """Whether there is a resident to follow up with (product rule 6)."""
    return reachable and not anonymous and channel not in CHANNELS_WITH_NOBODY_TO_ASK
