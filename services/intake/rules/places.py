"""Where a case belongs: its category, and the lowest unit known of its place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from services.intake.rules.refusals import Refused, RefusedBecause
from shared.events.intake import Place, Rung
from shared.things import Category, Policy, Unit
from shared.vocabulary import CHANNELS_WITH_NOBODY_TO_ASK, Channel, Level, Urgency

if TYPE_CHECKING:
    from shared.directory import Directory


LADDER = tuple(Level)
"""Lowest first."""
OF_A_COMMUNITY = frozenset({Level.GRID, Level.COMMUNITY})


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


@dataclass(frozen=True)
class Route:
    """The ladder of a case, lowest rung first. `rightful_unit_id` is set where rungs were left out because the
    community may not be sent it."""

    ladder: tuple[Rung, ...]
    rightful_unit_id: str | None = None


def route_for(directory: Directory, unit: Unit, category: Category) -> Route | Refused:
    """Who may be sent it: nothing reaches a community, or a grid of one, that its duty list or the catalogue does not
    let it be asked. The rightful unit then takes the rung of the level it belongs to, and the ladder begins there."""
    rungs = directory.ladder(unit.id)
    asked = tuple(rung for rung in rungs if _may_be_asked(directory, rung, category))
    allowed = _from_its_lowest_level(asked, category)
    if asked == rungs:
        return Route(allowed)
    rightful = directory.units.get(category.rightful_unit_id or "")
    if rightful is not None and rightful.retired_at is None:
        allowed = _led_by(directory, rightful, allowed)
    if not allowed:
        return Refused(RefusedBecause.OUTSIDE_DUTY_LIST, rightful_unit_id=category.rightful_unit_id)
    return Route(allowed, category.rightful_unit_id)


def _may_be_asked(directory: Directory, rung: Rung, category: Category) -> bool:
    if rung.level in OF_A_COMMUNITY and OF_A_COMMUNITY.isdisjoint(category.levels):
        return False
    return directory.may_be_sent(rung.unit_id, category.code)


def _from_its_lowest_level(rungs: tuple[Rung, ...], category: Category) -> tuple[Rung, ...]:
    """The ladder begins where the category may be handled first, at its top if that is lower still. It ends at the top
    all the same: what is not solved is raised, a return is ruled and an extension approved by the level above."""
    lowest = min(map(LADDER.index, category.levels), default=0)
    return tuple(rung for rung in rungs if LADDER.index(rung.level) >= lowest) or rungs[-1:]


def _led_by(directory: Directory, rightful: Unit, rungs: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """The rightful unit in place of the rung of its level (its own, or that of the unit it belongs to), and above it
    what was above that rung."""
    own = directory.ladder(rightful.id)
    if not own:
        return rungs
    above = [rung for rung in rungs if LADDER.index(rung.level) > LADDER.index(own[0].level)]
    return (Rung(level=own[0].level, unit_id=rightful.id), *above)


def choose_policy(
    directory: Directory, category: Category, urgency: Urgency, unit_path: tuple[str, ...], at: datetime
) -> Policy | Refused:
    """The clocks of the category, there and then; where the urgency was raised, those a city has for that urgency."""
    if urgency is not category.urgency:
        usual = [
            policy
            for policy in directory.policies.values()
            if policy.urgency is urgency and policy.retired_at is None
        ]
        if not usual:
            return Refused(RefusedBecause.REGISTRY_NOT_READY)
        policy = min(usual, key=lambda policy: (policy.id != urgency.value, policy.id))
        category = category.model_copy(update={"urgency": urgency, "policy_id": policy.id})
    return directory.policy_for(category, unit_path, at)


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
