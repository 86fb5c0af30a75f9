"""Where somebody probably is whom nobody tracks: still where they were last, or on the way back to their base.

Positions are known from an acceptance, an arrival, the way to an emergency. Whoever has finished there stays for a
while and then goes home; the longer ago, the likelier they have left. Whoever was told where they would best wait has
gone there or not; nobody looks. Both possibilities are weighed, because a walker who is a kilometre from where they are
believed to be is a quarter of an hour late.
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
FOLLOWED = 0.6
"""How many suggestions where to wait are followed, as long as nobody knows better."""

SPEEDS = np.asarray([METRES_PER_SECOND[mode] for mode in MODES]) / DETOUR
"""Metres a second as the crow flies, by mode's code."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The likelier place of n people, the other one, and the chance of the other one: 0 where there is none."""

    places: Places
    elsewhere: Places
    chance: Floats


@dataclass(frozen=True, slots=True)
class Told:
    """Where each of n people was told they would best wait, and how many seconds ago; infinite for whoever was told
    nothing since they were last heard of."""

    spots: Places
    ago: Floats


def told_whereabouts(
    told: Told,
    last: Places,
    base: Places,
    idle_seconds: Floats,
    modes: Codes,
    stays_seconds: float | Floats = STAYS_SECONDS,
) -> Whereabouts:
    """As `whereabouts`; whoever was told something has probably set out for it at once."""
    untold = whereabouts(last, base, idle_seconds, modes, stays_seconds)
    heard = np.isfinite(told.ago)
    if not heard.any():
        return untold
    ago = np.where(heard, np.maximum(told.ago, 0.0), 0.0)
    before = whereabouts(last, base, idle_seconds - ago, modes, stays_seconds).places
    rows = np.arange(len(ago))
    apart = distances_m(before, told.spots, rows, rows)
    going = _towards(before, told.spots, ago * SPEEDS[modes] / np.maximum(apart, 1.0))
    return Whereabouts(
        _where(heard, going, untold.places),
        _where(heard, untold.places, untold.elsewhere),
        np.where(heard, 1.0 - FOLLOWED, untold.chance),
    )


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
    going = _towards(last, base, np.where(apart > 0, way / np.maximum(apart, 1.0), 1.0))
    chance = np.where(left > 0.5, 1.0 - left, left)
    return Whereabouts(
        _where(left > 0.5, going, last), _where(left > 0.5, last, going), np.where(chance > SURE, chance, 0.0)
    )


def _towards(start: Places, end: Places, part: Floats) -> Places:
    """So much of the straight line has been gone, all of it at most."""
    part = np.minimum(part, 1.0)
    return Places(start.lon + part * (end.lon - start.lon), start.lat + part * (end.lat - start.lat))


def _where(here: np.ndarray[tuple[int], np.dtype[np.bool_]], one: Places, other: Places) -> Places:
    return Places(np.where(here, one.lon, other.lon), np.where(here, one.lat, other.lat))
