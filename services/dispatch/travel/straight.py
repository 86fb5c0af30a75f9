"""How long somebody takes to get there: straight line, times a detour, at the speed of their mode."""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

import numpy as np

from services.dispatch.travel.model import MODES, Codes, Floats, Indices, Places, Trips
from shared.going import TravelMode
from shared.things import Point

EARTH_RADIUS_M = 6_371_008.8
DETOUR = 1.35
"""Streets against the straight line, in a dense old town."""

METRES_PER_SECOND = {TravelMode.WALK: 1.35, TravelMode.E_BIKE: 4.2, TravelMode.CAR: 6.0}
"""Door to door in town, stops and parking included."""

SIGMA = 0.25
"""How far real ways scatter around the median: two in three within a factor of 1.28 of it."""


def distance_m(a: Point, b: Point) -> float:
    """Great-circle distance in metres (haversine)."""
    d_lat, d_lon = radians(b.lat - a.lat), radians(b.lon - a.lon)
    h = sin(d_lat / 2) ** 2 + cos(radians(a.lat)) * cos(radians(b.lat)) * sin(d_lon / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(h)))


def travel_seconds(start: Point, to: Point, mode: TravelMode) -> int:
    return round(distance_m(start, to) * DETOUR / METRES_PER_SECOND[mode])


def on_the_sphere(places: Places) -> Floats:
    """(n, 3): where the places are on a ball of radius 1. Neighbours there are neighbours on the map, at any latitude,
    so that a KD-tree of these finds the nearest."""
    lon, lat = np.radians(places.lon), np.radians(places.lat)
    flat = np.cos(lat)
    return np.stack((flat * np.cos(lon), flat * np.sin(lon), np.sin(lat)), axis=1)


def chord_m(metres: float) -> float:
    """How far apart on the ball of `on_the_sphere` two places are that lie so far apart on the ground."""
    return 2 * sin(metres / (2 * EARTH_RADIUS_M))


def distances_m(starts: Places, ends: Places, who: Indices, to: Indices) -> Floats:
    """Metres from `starts[who[e]]` to `ends[to[e]]` as the crow flies."""
    apart = on_the_sphere(starts).take(who, axis=0) - on_the_sphere(ends).take(to, axis=0)
    half_chord: Floats = np.sqrt(np.einsum("ij,ij->i", apart, apart)) / 2
    return 2 * EARTH_RADIUS_M * np.arcsin(np.minimum(half_chord, 1.0))


@dataclass(frozen=True, slots=True)
class StraightLine:
    """A `Travel` that needs no map. `speeds` are metres a second in the order of MODES; `speed_factor` the weather's:
    0.5 in a typhoon. A place that is not known (NaN) is reached by nobody."""

    detour: float = DETOUR
    speeds: tuple[float, ...] = tuple(METRES_PER_SECOND[mode] for mode in MODES)
    sigma: float = SIGMA
    speed_factor: float = 1.0

    def trips(
        self, starts: Places, modes: Codes, ends: Places, who: Indices, to: Indices, hour: int
    ) -> Trips:
        speeds = np.asarray(self.speeds) * self.speed_factor
        seconds = distances_m(starts, ends, who, to) * self.detour / speeds[modes[who]]
        median = np.where(np.isnan(seconds), np.inf, seconds)
        return Trips(median, np.full(len(median), self.sigma))
