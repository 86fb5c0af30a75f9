"""A mass task's people split over those at work: whole buildings, so that neighbours stay with one worker, and evenly
by count. Splitting what is left again moves no more than balance asks for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace


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
    least = [(loads[worker_id], worker_id) for worker_id in pool]
    heapify(least)
    for building in sorted(free, key=lambda one: (-one.people, one.grid_id, one.key)):
        worker_id = least[0][1]
        held[worker_id].append(building)
        loads[worker_id] += building.people
        heapreplace(least, (loads[worker_id], worker_id))


def _balance(pool: Sequence[str], held: Held, loads: defaultdict[str, int]) -> None:
    """While a building moved from the fullest list to the emptiest makes both more alike, move the one that does it
    best. Each move makes the sum of the squares smaller, so it ends. Lists are kept by size: there may be as many
    moves as houses."""
    for buildings in held.values():
        buildings.sort(key=_size)
    ranked = sorted((loads[worker_id], worker_id) for worker_id in pool)
    while True:
        fullest = next((one for _, one in reversed(ranked) if held[one]), pool[0])
        emptiest = ranked[0][1]
        gap = loads[fullest] - loads[emptiest]
        at = _best(held[fullest], gap)
        if at is None:
            return
        moved = held[fullest].pop(at)
        insort(held[emptiest], moved, key=_size)
        for worker_id, people in ((fullest, -moved.people), (emptiest, moved.people)):
            del ranked[bisect_left(ranked, (loads[worker_id], worker_id))]
            loads[worker_id] += people
            insort(ranked, (loads[worker_id], worker_id))


def _best(by_size: Sequence[Building], gap: int) -> int | None:
    """The place of the building nearest to half the gap, which makes both alike; none of the gap or more helps."""
    above = bisect_right(by_size, gap // 2, key=lambda one: one.people)
    near = [at for at in (above - 1, above) if 0 <= at < len(by_size) and by_size[at].people < gap]
    return min(near, key=lambda at: abs(gap - 2 * by_size[at].people), default=None)


def _size(building: Building) -> tuple[int, str, str]:
    return building.people, building.grid_id, building.key
