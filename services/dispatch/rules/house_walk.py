"""The order in which somebody walks along the houses on their list: the nearest next, then crossings taken out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import dist

Spot = tuple[float, float]

WALKED_HOUSES_MAX = 150
"""Longer lists are walked along the street, as the addresses stand."""


def walk_of(houses: Sequence[Spot], start: Spot | None) -> list[int]:
    """An open walk from `start`, or from the first house. Houses at one place stay in the order given."""
    order = list(range(len(houses)))
    if len(houses) < 3 or len(houses) > WALKED_HOUSES_MAX:
        return order
    along = _uncrossed(houses, start, order)
    nearest = _uncrossed(houses, start, _nearest_next(houses, start))
    return min(along, nearest, key=lambda one: round(length(houses, start, one), 3))


def length(houses: Sequence[Spot], start: Spot | None, order: Sequence[int]) -> float:
    """Metres as the crow flies, the way to the first house included."""
    spots = [*([start] if start is not None else []), *(houses[at] for at in order)]
    return sum(dist(a, b) for a, b in pairwise(spots))


def _nearest_next(houses: Sequence[Spot], start: Spot | None) -> list[int]:
    left, here, order = list(range(len(houses))), start or houses[0], list[int]()
    while left:
        following = min(left, key=lambda at: (dist(here, houses[at]), at))
        left.remove(following)
        order.append(following)
        here = houses[following]
    return order


def _uncrossed(houses: Sequence[Spot], start: Spot | None, order: Sequence[int]) -> list[int]:
    """2-opt: a stretch is turned round while that makes the walk shorter."""
    found = list(order)
    better = True
    while better:
        better = False
        for i in range(len(found) - 1):
            before = houses[found[i - 1]] if i else start
            for j in range(i + 1, len(found)):
                first, last = houses[found[i]], houses[found[j]]
                after = houses[found[j + 1]] if j + 1 < len(found) else None
                gain = (_way(before, first) + _way(last, after)) - (_way(before, last) + _way(first, after))
                if gain > 1e-6:
                    found[i : j + 1] = reversed(found[i : j + 1])
                    better = True
    return found


def _way(a: Spot | None, b: Spot | None) -> float:
    return dist(a, b) if a is not None and b is not None else 0.0
