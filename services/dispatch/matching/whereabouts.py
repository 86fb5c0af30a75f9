"""Where somebody probably is whom nobody tracks: still where they were last, or on the way back to their base.

Positions are known from an acceptance, an arrival, the way to an emergency. Whoever has finished there stays for a
while and then goes home; the longer ago, the likelier they have left. Both possibilities are weighed, because a walker
who is a kilometre from where they are believed to be is a quarter of an hour late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from services.dispatch.travel.model import MODES, Codes, Floats, Places
from services.dispatch.travel.straight import DETOUR, METRES_PER_SECOND, distances_m

STAYS_SECONDS = 480.0
STAYS_SIGMA = 0.5
"""How long people stay where an emergency ended: median, and sigma of the logarithm."""
SURE = 0.02
"""A possibility less likely than this is not weighed."""
SAME_PLACE_M = 100.0

SPEEDS = np.asarray([METRES_PER_SECOND[mode] for mode in MODES]) / DETOUR
"""Metres a second as the crow flies, by mode's code."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The likelier place of n people, the other one, and the chance of the other one: 0 where there is none."""

    places: Places
    elsewhere: Places
    chance: Floats


def whereabouts(
    last: Places,
    base: Places,
    idle_seconds: Floats,
    modes: Codes,
    stays_seconds: float | Floats = STAYS_SECONDS,
) -> Whereabouts:
    """`last` is where they were last known to be, `idle_seconds` how long ago they finished there: zero or less for
    whoever is still busy there, infinite for whoever was not heard of in this shift. `stays_seconds` is 0 for those who
    leave at once."""
    idle = np.maximum(idle_seconds, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = ndtr(np.log(idle / np.maximum(stays_seconds, 1.0)) / STAYS_SIGMA)
    left = np.where(idle > 0, left, 0.0)
    rows = np.arange(len(idle))
    apart = distances_m(last, base, rows, rows)
    left = np.where(apart > SAME_PLACE_M, left, np.round(left))
    gone_after = stays_seconds * np.exp(STAYS_SIGMA * ndtri(np.clip(left / 2, 1e-9, 0.5)))
    way = np.maximum(idle - gone_after, 0.0) * SPEEDS[modes]
    part = np.where(apart > 0, np.minimum(way / np.maximum(apart, 1.0), 1.0), 1.0)
    going = Places(last.lon + part * (base.lon - last.lon), last.lat + part * (base.lat - last.lat))
    chance = np.where(left > 0.5, 1.0 - left, left)
    return Whereabouts(
        _where(left > 0.5, going, last), _where(left > 0.5, last, going), np.where(chance > SURE, chance, 0.0)
    )


def _where(here: np.ndarray[tuple[int], np.dtype[np.bool_]], one: Places, other: Places) -> Places:
    return Places(np.where(here, one.lon, other.lon), np.where(here, one.lat, other.lat))
