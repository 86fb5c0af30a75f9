"""A mass task's people split over those at work: whole buildings, so that neighbours stay with one worker, evenly by
count, and near where each is. Splitting what is left again moves no more than balance asks for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from itertools import takewhile

from services.dispatch.rules.flow import nearest_shares
from services.dispatch.rules.house_walk import WALKED_HOUSES_MAX, Spot, walk_of

Held = dict[str, list["Building"]]
HOUSE_TO_HOUSE_M = 25.0
"""Of houses whose place nobody knows: they stand along one street, in the order of their addresses."""
WHOLE_HOUSE_PEOPLE = 60
OVER_THE_MEAN = 1.25
"""Nobody's list is longer than so many times the mean, or than WHOLE_HOUSE_PEOPLE, for one house alone: a longer one is
shared, stairs by stairs."""


@dataclass(frozen=True, slots=True)
class Building:
    """People of one house who are still to be reached, and whose list they are on now. `places` are where each of them
    stands in the walk along the addresses, `holders` whose list each is on; both in that order, or not given."""

    grid_id: str
    key: str
    people: int
    worker_id: str | None = None
    places: tuple[int, ...] = ()
    holders: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """Metres east and north of any point: the middle of grids, and where workers start from."""

    grids: Mapping[str, Spot] = field(default_factory=dict)
    bases: Mapping[str, Spot] = field(default_factory=dict)


NOWHERE = Ground()


@dataclass(frozen=True, slots=True)
class Share:
    """The people of a building whose places lie in between, for one worker; `leg` is the building's turn in that
    worker's walk, `None` where the walk stays as it is."""

    grid_id: str
    key: str
    first: int
    last: int
    worker_id: str | None
    leg: int | None


def share_out(
    buildings: Iterable[Building], pools: Mapping[str, Sequence[str]], ground: Ground = NOWHERE
) -> list[Share]:
    """Everybody on a list, and each list in the order of a walk."""
    parts = _in_parts(buildings, pools)
    given = split([part for part, _ in parts], pools, ground)
    legs = _legs([part for part, _ in parts], given, ground)
    return [
        Share(part.grid_id, key, part.places[0], part.places[-1], given[id_], legs.get(id_))
        for part, key in parts
        for id_ in [(part.grid_id, part.key)]
    ]


def _in_parts(
    buildings: Iterable[Building], pools: Mapping[str, Sequence[str]]
) -> list[tuple[Building, str]]:
    """The buildings, with their own key; one that is too long for any list comes in several parts, neighbours
    together, each with whoever has most of it."""
    parts = []
    for pool, group in _groups(buildings, pools):
        mean = sum(one.people for one in group) / max(1, len(pool))
        most = max(WHOLE_HOUSE_PEOPLE, round(OVER_THE_MEAN * mean))
        for one in group:
            pieces = -(-one.people // most) if pool else 1
            for n in range(pieces):
                cut = slice(n * one.people // pieces, (n + 1) * one.people // pieces)
                key = one.key if pieces == 1 else f"{one.key}/{n}"
                holders = one.holders[cut]
                part = Building(
                    one.grid_id, key, len(holders), _most_of(holders, pool), one.places[cut], holders
                )
                parts.append((part, one.key))
    return sorted(parts, key=lambda part: (part[0].grid_id, part[0].places))


def _most_of(holders: Sequence[str | None], pool: Sequence[str]) -> str | None:
    count = Counter(who for who in holders if who in pool)
    return min(count, key=lambda who: (-count[who], who), default=None)


def _legs(
    parts: Sequence[Building], given: Mapping[tuple[str, str], str | None], ground: Ground
) -> dict[tuple[str, str], int]:
    """The turn of each building in the walks that have somebody new in them. A list too long for a walk of its own is
    walked along the addresses, as one leg."""
    spots = _spots(parts, ground)
    lists: defaultdict[str, list[Building]] = defaultdict(list)
    for part in parts:
        if (worker_id := given[part.grid_id, part.key]) is not None:
            lists[worker_id].append(part)
    legs = {}
    for worker_id, theirs in lists.items():
        if any(holder != worker_id for part in theirs for holder in part.holders):
            order = walk_of([spots[one.grid_id, one.key] for one in theirs], ground.bases.get(worker_id))
            one_leg = len(order) > WALKED_HOUSES_MAX
            legs.update(
                {
                    (theirs[at].grid_id, theirs[at].key): 1 if one_leg else leg
                    for leg, at in enumerate(order, start=1)
                }
            )
    return legs


# ── who gets which ────────────────────────────────────────────────────────────────────────────────────────────────


def split(
    buildings: Iterable[Building], pools: Mapping[str, Sequence[str]], ground: Ground = NOWHERE
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
        if not _even(pool, group, held, loads):
            held = _by_flow(pool, group, held, loads, ground) or _hand_out(pool, group, held, loads)
            _balance(pool, held, loads)
        for worker_id, theirs in held.items():
            given.update({(building.grid_id, building.key): worker_id for building in theirs})
    return given


def _groups(
    buildings: Iterable[Building], pools: Mapping[str, Sequence[str]]
) -> list[tuple[tuple[str, ...], list[Building]]]:
    """The buildings of grids that share one pool, small pools first: a large one is many grids' people."""
    groups: defaultdict[tuple[str, ...], list[Building]] = defaultdict(list)
    for building in buildings:
        groups[tuple(sorted(set(pools.get(building.grid_id, ()))))].append(building)
    ordered = sorted(groups.items(), key=lambda group: (len(group[0]), group[0]))
    return [(pool, sorted(group, key=_address)) for pool, group in ordered]


def _keep(pool: Sequence[str], group: Iterable[Building], loads: defaultdict[str, int]) -> Held:
    held: Held = {worker_id: [] for worker_id in pool}
    for building in group:
        if building.worker_id in held:
            held[building.worker_id].append(building)
            loads[building.worker_id] += building.people
    return held


def _even(pool: Sequence[str], group: Sequence[Building], held: Held, loads: Mapping[str, int]) -> bool:
    """Whether everything is on a list and no move makes the lists more alike: then they stay as they are."""
    if sum(map(len, held.values())) < len(group):
        return False
    most = max((loads[one] for one in pool if held[one]), default=0)
    gap = most - min(loads[one] for one in pool)
    fullest = (one for one in pool if held[one] and loads[one] == most)
    return not any(building.people < gap for one in fullest for building in held[one])


def _by_flow(
    pool: Sequence[str],
    group: Sequence[Building],
    held: Held,
    loads: defaultdict[str, int],
    ground: Ground,
) -> Held | None:
    """Who is nearest, with about as many for each; `None` where that is not found."""
    index = {worker_id: at for at, worker_id in enumerate(pool)}
    own = {worker_id: sum(one.people for one in theirs) for worker_id, theirs in held.items()}
    spots = _spots(group, ground)
    given = nearest_shares(
        people=[one.people for one in group],
        spots=[spots[one.grid_id, one.key] for one in group],
        now=[index.get(one.worker_id or "", -1) for one in group],
        bases=[ground.bases.get(worker_id) for worker_id in pool],
        elsewhere=[loads[worker_id] - own[worker_id] for worker_id in pool],
    )
    if given is None:
        return None
    found: Held = {worker_id: [] for worker_id in pool}
    for building, at in zip(group, given, strict=True):
        found[pool[at]].append(building)
    for worker_id in pool:
        loads[worker_id] += sum(one.people for one in found[worker_id]) - own[worker_id]
    return found


def _spots(buildings: Sequence[Building], ground: Ground) -> dict[tuple[str, str], Spot]:
    """Where houses stand: along one street through the middle of their grid, in the order of their addresses."""
    streets: defaultdict[str, list[Building]] = defaultdict(list)
    for one in buildings:
        streets[one.grid_id].append(one)
    spots = {}
    for grid_id, houses in streets.items():
        east, north = ground.grids.get(grid_id, (0.0, 0.0))
        for nth, one in enumerate(sorted(houses, key=_address)):
            along = (nth - (len(houses) - 1) / 2) * HOUSE_TO_HOUSE_M
            spots[one.grid_id, one.key] = (east, north + along)
    return spots


def _address(building: Building) -> tuple[str, tuple[int, ...], str]:
    return building.grid_id, building.places[:1], building.key


def _hand_out(
    pool: Sequence[str], group: Sequence[Building], held: Held, loads: defaultdict[str, int]
) -> Held:
    """What nobody of the pool has, the largest first, each to who has least."""
    free = [building for building in group if building.worker_id not in held]
    least = [(loads[worker_id], worker_id) for worker_id in pool]
    heapify(least)
    for building in sorted(free, key=lambda one: (-one.people, one.grid_id, one.key)):
        worker_id = least[0][1]
        held[worker_id].append(building)
        loads[worker_id] += building.people
        heapreplace(least, (loads[worker_id], worker_id))
    return held


def _balance(pool: Sequence[str], held: Held, loads: defaultdict[str, int]) -> None:
    """While a building moved from the fullest list to the emptiest makes both more alike, move the one that does it
    best. Each move makes the sum of the squares smaller, so it ends. Lists are kept by size: there may be as many
    moves as houses."""
    for buildings in held.values():
        buildings.sort(key=_size)
    ranked = sorted((loads[worker_id], worker_id) for worker_id in pool)
    while True:
        emptiest = ranked[0][1]
        fullest, at = _movable(ranked, held)
        if at is None:
            return
        moved = held[fullest].pop(at)
        insort(held[emptiest], moved, key=_size)
        for worker_id, people in ((fullest, -moved.people), (emptiest, moved.people)):
            del ranked[bisect_left(ranked, (loads[worker_id], worker_id))]
            loads[worker_id] += people
            insort(ranked, (loads[worker_id], worker_id))


def _movable(ranked: Sequence[tuple[int, str]], held: Held) -> tuple[str, int | None]:
    """Of those whose lists are the longest, one who can give a building away, and which: of two equally long lists one
    may be a single house."""
    working = [(load, one) for load, one in reversed(ranked) if held[one]]
    for load, one in takewhile(lambda row: row[0] == working[0][0], working):
        if (at := _best(held[one], load - ranked[0][0])) is not None:
            return one, at
    return ranked[0][1], None


def _best(by_size: Sequence[Building], gap: int) -> int | None:
    """The place of the building nearest to half the gap, which makes both alike; none of the gap or more helps."""
    above = bisect_right(by_size, gap // 2, key=lambda one: one.people)
    near = [at for at in (above - 1, above) if 0 <= at < len(by_size) and by_size[at].people < gap]
    return min(near, key=lambda at: abs(gap - 2 * by_size[at].people), default=None)


def _size(building: Building) -> tuple[int, str, str]:
    return building.people, building.grid_id, building.key
