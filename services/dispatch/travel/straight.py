"""How long somebody takes to get there: straight line, times a detour, at the speed of their mode."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

from shared.going import TravelMode
from shared.things import Point

EARTH_RADIUS_M = 6_371_008.8
DETOUR = 1.35
"""Streets against the straight line, in a dense old town."""

METRES_PER_SECOND = {TravelMode.WALK: 1.3, TravelMode.E_BIKE: 4.2, TravelMode.CAR: 6.0}
"""Door to door in town, stops and parking included."""


def distance_m(a: Point, b: Point) -> float:
    """Great-circle distance in metres (haversine)."""
    d_lat, d_lon = radians(b.lat - a.lat), radians(b.lon - a.lon)
    h = sin(d_lat / 2) ** 2 + cos(radians(a.lat)) * cos(radians(b.lat)) * sin(d_lon / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(h)))


def travel_seconds(start: Point, to: Point, mode: TravelMode) -> int:
    return round(distance_m(start, to) * DETOUR / METRES_PER_SECOND[mode])
