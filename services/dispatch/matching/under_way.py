"""What is left of somebody's way to an emergency, from where their phone was last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.dispatch.travel.model import Codes, Floats, Indices, Places, Travel

WRAP_UP_SECONDS = 150.0
"""How long somebody takes to leave routine work, typically."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Those on a way, one row each: which row of the people, to which row of the cases. Seconds: `seen_ago` since they
    were last seen, `departs_in` until they set out, negative once they have."""

    person: Indices
    case: Indices
    seen_ago: Floats
    departs_in: Floats


def seconds_left(way: Floats, seen_ago: Floats, departs_in: Floats) -> Floats:
    """To the door. `way` is what it takes from where they were last seen; they have moved since, but not before they
    set out."""
    moved = np.maximum(np.minimum(seen_ago, -departs_in), 0.0)
    left: Floats = np.maximum(departs_in, 0.0) + np.maximum(way - moved, 0.0)
    return left


def remaining(
    under_way: UnderWay, starts: Places, modes: Codes, ends: Places, travel: Travel, hour: int
) -> Floats:
    """(n,) of all people, whose places and modes these are: 0 for whoever is on no way, or on one that nobody can tell:
    they are left alone."""
    left = np.zeros(len(modes))
    if len(under_way.person):
        way = travel.trips(starts, modes, ends, under_way.person, under_way.case, hour).median
        left[under_way.person] = seconds_left(way, under_way.seen_ago, under_way.departs_in)
        left[~np.isfinite(left)] = 0.0
    return left
