"""Who is weighed for which case: the nearest by time, of each way of getting about, and whoever must always be weighed.

Straight lines at nominal speeds only choose whom to weigh; `costs` then asks the travel model about the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from services.dispatch.matching.situation import Cases, Situation
from services.dispatch.matching.weights import Weights
from services.dispatch.travel.model import MODES, Floats, Indices, Places
from services.dispatch.travel.straight import EARTH_RADIUS_M, METRES_PER_SECOND, on_the_sphere

SPEEDS = np.asarray([METRES_PER_SECOND[mode] for mode in MODES])
"""Metres a second by mode's code."""

Pairs = tuple[Indices, Indices]
"""Rows of cases and rows of people, aligned."""


def keys(pairs: Pairs, people: int) -> Indices:
    """One number per pair, in order of case, then person."""
    return np.asarray(pairs[0] * people + pairs[1], dtype=np.intp)


def without(pairs: Pairs, barred: Pairs, people: int) -> Pairs:
    """The pairs that are not barred."""
    if not len(barred[0]):
        return pairs
    kept = ~np.isin(keys(pairs, people), keys(barred, people))
    return pairs[0][kept], pairs[1][kept]


def merged(pairs: Pairs, people: int) -> Pairs:
    """Each pair once, in order of case, then person."""
    every = np.sort(keys(pairs, people))
    case, person = np.divmod(every[np.r_[True, every[1:] != every[:-1]][: len(every)]], max(people, 1))
    return case, person


def spots(places: Places) -> Floats:
    """(n, 3) in metres from the middle of the earth; a place that is not known lies there, far from everybody."""
    return np.nan_to_num(on_the_sphere(places) * EARTH_RADIUS_M)


def bases(places: Places) -> Floats:
    """The same for people: whoever's place is not known stands nearest to nobody, and least of all to a case whose
    place is not known."""
    where = on_the_sphere(places) * EARTH_RADIUS_M
    where[np.isnan(where).any(axis=1)] = (2 * EARTH_RADIUS_M, 0.0, 0.0)
    return where


def _tree(where: Floats) -> cKDTree:
    """Quick to build: it is asked once."""
    return cKDTree(where, balanced_tree=False, compact_nodes=False)


def closest(tree: cKDTree, where: Floats, k: int) -> tuple[Floats, Indices]:
    """(m, k) metres and index in the tree of the k nearest points."""
    metres, index = tree.query(where, k=np.arange(1, k + 1))
    return np.asarray(metres, dtype=np.float64), np.asarray(index, dtype=np.intp)


@dataclass(frozen=True, slots=True)
class _Group:
    rows: Indices
    tree: cKDTree
    metres_per_second: float


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """People to be found by nearness, one KD-tree per mode. `lost` are those whose place nobody knows."""

    groups: tuple[_Group, ...]
    lost: Indices
    free_after: Floats
    size: int
    weights: Weights

    @classmethod
    def of(cls, situation: Situation, rows: Indices, weights: Weights) -> Neighbourhood:
        people = situation.people
        known = np.isfinite(people.places.lon[rows]) & np.isfinite(people.places.lat[rows])
        found, modes = rows[known], people.modes[rows[known]]
        where = spots(Places(people.places.lon[found], people.places.lat[found]))
        groups = tuple(
            _Group(found[modes == mode], _tree(where[modes == mode]), float(SPEEDS[mode]))
            for mode in np.unique(modes)
        )
        return cls(groups, rows[~known], people.free_after, len(rows), weights)

    def nearest(self, where: Floats, k: int) -> tuple[Indices, Floats]:
        """(m, up to k) rows of people by time for each of m spots, and the seconds."""
        found = [_of_group(group, where, min(k, len(group.rows))) for group in self.groups]
        lost = np.broadcast_to(self.lost[:k], (len(where), len(self.lost[:k])))
        rows = np.concatenate([*(rows for rows, _ in found), lost], axis=1)
        far = np.full(lost.shape, self.weights.unknown_way_seconds)
        seconds = np.concatenate([*(seconds for _, seconds in found), far], axis=1) + self.free_after[rows]
        if rows.shape[1] <= k:
            return rows, seconds
        best = np.argpartition(seconds, k - 1, axis=1)[:, :k]
        return np.take_along_axis(rows, best, axis=1), np.take_along_axis(seconds, best, axis=1)

    def pairs(self, places: Places, chosen: Indices, k: int) -> Pairs:
        """The k nearest of each of these places."""
        if not len(chosen) or not self.size:
            return _none()
        rows, _ = self.nearest(spots(Places(places.lon[chosen], places.lat[chosen])), min(k, self.size))
        return np.repeat(chosen, rows.shape[1]), rows.ravel().astype(np.intp)


def _of_group(group: _Group, where: Floats, k: int) -> tuple[Indices, Floats]:
    metres, index = closest(group.tree, where, k)
    return group.rows[index], metres / group.metres_per_second


def always(cases: Cases, chosen: Indices, allowed: Indices, people: int) -> Pairs:
    """The grid's own A, B and leader of each of these cases, where they could be asked at all."""
    may = np.zeros(people + 1, dtype=bool)
    may[allowed] = True
    holders = cases.holders[chosen].astype(np.intp)
    here = may[holders]
    return np.repeat(chosen, holders.shape[1])[here.ravel()], holders[here]


def _none() -> Pairs:
    return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)


def weighed(
    situation: Situation, chosen: Indices, neighbours: Neighbourhood, allowed: Indices, k: int
) -> Pairs:
    """Whom to weigh for these cases: the k nearest and the own grid's holders, without those who are barred."""
    people = len(situation.people)
    near = neighbours.pairs(situation.cases.places, chosen, k)
    own = always(situation.cases, chosen, allowed, people)
    both = np.concatenate((near[0], own[0])), np.concatenate((near[1], own[1]))
    return without(merged(both, people), situation.barred, people)
