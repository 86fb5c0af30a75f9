"""Greedy closest pair: again and again the case and the person who are closest to each other, in metres.

What stands in when the solver does not answer, and a policy of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.spatial import cKDTree

from services.dispatch.matching.candidates import Pairs, bases, closest, keys, spots
from services.dispatch.matching.situation import Situation
from services.dispatch.travel.model import Indices, Places

LOOK = 32
"""So many of the closest are looked up for each case; again, of those still free, whenever one is out of people."""
NOT_LOOKED_UP = -1


def closest_pairs(situation: Situation, chosen: Indices, rows: Indices) -> Pairs:
    """Of these cases and these people, without the barred pairs; equally close ones by row of case, then of person.
    Whoever's place is not known is as far as the middle of the earth."""
    left, free = np.asarray(chosen, dtype=np.intp), np.sort(rows)
    made, k = dict[int, int](), LOOK
    while len(left) and len(free):
        taken = set[int]()
        for case, person in _in_order(situation, left, free, k):
            if case in made:
                continue
            if person == NOT_LOOKED_UP:
                break
            if person not in taken:
                made[case] = person
                taken.add(person)
        if k >= len(free):
            break
        left = left[[case not in made for case in left.tolist()]]
        free = free[[person not in taken for person in free.tolist()]]
        k = k if taken else 2 * k
    pairs = np.asarray(sorted(made.items()), dtype=np.intp).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _in_order(situation: Situation, cases: Indices, people: Indices, most: int) -> Iterator[tuple[int, int]]:
    """Pairs without the barred ones, the closest first, of so many of the closest people of each case; NOT_LOOKED_UP
    where there may be others at this distance and beyond."""
    of, to, k = situation.people.places, situation.cases.places, min(most, len(people))
    tree = cKDTree(bases(Places(of.lon[people], of.lat[people])), balanced_tree=False, compact_nodes=False)
    found, at = closest(tree, spots(Places(to.lon[cases], to.lat[cases])), k)
    metres, case, person = found.ravel(), np.repeat(cases, k), people[at.ravel()]
    sure = metres < np.repeat(found[:, -1], k) if k < len(people) else np.full(len(metres), True)
    n = len(situation.people)
    barred = np.isin(keys((case, person), n), keys(situation.barred, n))
    kept = np.flatnonzero(~(barred & sure))
    order = kept[np.lexsort((person[kept], case[kept], metres[kept]))]
    told = np.where(sure, person, NOT_LOOKED_UP)
    return zip(case[order].tolist(), told[order].tolist(), strict=True)
