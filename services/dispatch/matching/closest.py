"""Greedy closest pair: again and again the case and the person who are closest to each other, in metres.

What stands in when the solver does not answer, and a policy of its own.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np
from scipy.spatial import cKDTree

from services.dispatch.matching.candidates import Pairs, bases, closest, keys, spots
from services.dispatch.matching.situation import Situation
from services.dispatch.travel.model import Floats, Indices, Places

FIRST_LOOK = 8
"""So many of the closest are looked up at a time; twice as many when they are all taken."""


def closest_pairs(situation: Situation, chosen: Indices, rows: Indices) -> Pairs:
    """Of these cases and these people, without the barred pairs; equally close ones by row of case, then of person.
    Whoever's place is not known is as far as the middle of the earth."""
    if not len(chosen) or not len(rows):
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    queues = _Queues(situation, chosen, np.sort(rows))
    heap = [(*queues.next_of(at), at) for at in range(len(chosen))]
    heapify(heap)
    made: list[tuple[int, int]] = []
    while heap:
        metres, person, at = heappop(heap)
        if not np.isfinite(metres):
            break
        if person in queues.taken:
            heappush(heap, (*queues.next_of(at), at))
            continue
        queues.taken.add(person)
        made.append((int(chosen[at]), person))
    case, person_rows = np.asarray(sorted(made), dtype=np.intp).reshape(-1, 2).T
    return case, person_rows


class _Queues:
    """Of each case, the people not yet tried, the closest first; looked up only as far as needed."""

    def __init__(self, situation: Situation, chosen: Indices, rows: Indices) -> None:
        people, cases = situation.people, situation.cases
        self.taken: set[int] = set()
        self._rows = rows
        self._tree = cKDTree(bases(Places(people.places.lon[rows], people.places.lat[rows])))
        self._where = spots(Places(cases.places.lon[chosen], cases.places.lat[chosen]))
        self._chosen = chosen
        self._people = len(people)
        self._barred = set(keys(situation.barred, self._people).tolist())
        k = min(FIRST_LOOK, len(rows))
        metres, index = closest(self._tree, self._where, k)
        self._lists = [_ordered(metres[at], rows[index[at]]) for at in range(len(chosen))]
        self._tried = [0] * len(chosen)

    def next_of(self, at: int) -> tuple[float, int]:
        """Metres and row of the closest person not tried for this case; infinite when there is none."""
        while True:
            if self._tried[at] == len(self._lists[at]) and not self._look_further(at):
                return float("inf"), -1
            metres, person = self._lists[at][self._tried[at]]
            self._tried[at] += 1
            barred = int(self._chosen[at]) * self._people + person in self._barred
            if person not in self.taken and not barred:
                return metres, person

    def _look_further(self, at: int) -> bool:
        known = len(self._lists[at])
        if known == len(self._rows):
            return False
        k = min(2 * known, len(self._rows))
        metres, index = closest(self._tree, self._where[at], k)
        before = {person for _, person in self._lists[at]}
        more = [one for one in _ordered(metres, self._rows[index]) if one[1] not in before]
        self._lists[at] = self._lists[at] + more
        return bool(more)


def _ordered(metres: Floats, rows: Indices) -> list[tuple[float, int]]:
    order = np.lexsort((rows, metres))
    return list(zip(metres[order].tolist(), rows[order].tolist(), strict=True))
