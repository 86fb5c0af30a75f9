"""A mass task's people split over those at work: whole buildings, so that neighbours stay with one worker, and evenly
by count. Splitting what is left again moves no more than balance asks for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Building:
    """People of one house who are still to be reached, and whose list they are on now."""

    grid_id: str
    key: str
    people: int
    worker_id: str | None = None


def split(
    buildings: Iterable[Building], pools: Mapping[str, Sequence[str]]
) -> dict[tuple[str, str], str | None]:
    """Who gets which building. `pools` are the workers of each grid, its own or those who help out; a building whose
    grid has none is nobody's until somebody comes. Grids with people of their own are split first, so who helps out
    is who has least."""
    given: dict[tuple[str, str], str | None] = {}
    loads: defaultdict[str, int] = defaultdict(int)
    for pool, group in _groups(buildings, pools):
        if not pool:
            given.update({(building.grid_id, building.key): None for building in group})
            continue
        held = _keep(pool, group, loads)
        _hand_out(pool, group, held, loads)
        _balance(pool, held, loads)
        for worker_id, theirs in held.items():
            given.update({(building.grid_id, building.key): worker_id for building in theirs})
    return given


Held = dict[str, list[Building]]


def _groups(
    buildings: Iterable[Building], pools: Mapping[str, Sequence[str]]
) -> list[tuple[tuple[str, ...], list[Building]]]:
    """The buildings of grids that share one pool, small pools first: a large one is many grids' people."""
    groups: defaultdict[tuple[str, ...], list[Building]] = defaultdict(list)
    for building in buildings:
        groups[tuple(sorted(set(pools.get(building.grid_id, ()))))].append(building)
    return sorted(groups.items(), key=lambda group: (len(group[0]), group[0]))


def _keep(pool: Sequence[str], group: Iterable[Building], loads: defaultdict[str, int]) -> Held:
    held: Held = {worker_id: [] for worker_id in pool}
    for building in group:
        if building.worker_id in held:
            held[building.worker_id].append(building)
            loads[building.worker_id] += building.people
    return held


def _hand_out(
    pool: Sequence[str], group: Sequence[Building], held: Held, loads: defaultdict[str, int]
) -> None:
    """What nobody of the pool has, the largest first, each to who has least."""
    free = [building for building in group if building.worker_id not in held]
    for building in sorted(free, key=lambda one: (-one.people, one.grid_id, one.key)):
        worker_id = min(pool, key=lambda one: (loads[one], one))
        held[worker_id].append(building)
        loads[worker_id] += building.people


def _balance(pool: Sequence[str], held: Held, loads: defaultdict[str, int]) -> None:
    """While a building moved from the fullest list to the emptiest makes both more alike, move the one that does it
    best. Each move makes the sum of the squares smaller, so it ends."""
    while True:
        fullest = max((one for one in pool if held[one]), key=lambda one: (loads[one], one), default=pool[0])
        emptiest = min(pool, key=lambda one: (loads[one], one))
        gap = loads[fullest] - loads[emptiest]
        fitting = [building for building in held[fullest] if building.people < gap]
        if not fitting:
            return
        moved = min(fitting, key=lambda one: (abs(gap - 2 * one.people), one.grid_id, one.key))
        held[fullest].remove(moved)
        held[emptiest].append(moved)
        loads[fullest] -= moved.people
        loads[emptiest] += moved.people
