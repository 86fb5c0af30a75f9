"""Where the city lies: 6 × 6 km in 36 grids of 1 km, in metres east and north of its south-western corner.

The corner's longitude and latitude are fixed, so that the real services can be given the very same city.
"""

from __future__ import annotations

from math import cos, pi, radians

import numpy as np

from services.dispatch.travel.model import Floats, Indices, Places
from services.dispatch.travel.straight import EARTH_RADIUS_M

SIDE_M = 6_000.0
GRID_M = 1_000.0
ACROSS = 6
GRIDS = ACROSS * ACROSS

CORNER_LON, CORNER_LAT = 113.56, 24.78
"""South-western corner, degrees WGS-84: an old town on a river."""

_LAT_M = EARTH_RADIUS_M * pi / 180.0
_LON_M = _LAT_M * cos(radians(CORNER_LAT + SIDE_M / 2 / _LAT_M))


def places(x: Floats, y: Floats) -> Places:
    """Metres in the city as degrees; over 6 km the plane errs by less than 1 m in 1 km."""
    return Places(lon=CORNER_LON + np.asarray(x) / _LON_M, lat=CORNER_LAT + np.asarray(y) / _LAT_M)


def metres(of: Places) -> tuple[Floats, Floats]:
    """The way back: degrees as metres east and north of the corner."""
    return (of.lon - CORNER_LON) * _LON_M, (of.lat - CORNER_LAT) * _LAT_M


def grid_of(x: Floats, y: Floats) -> Indices:
    """The grid (0 … 35, row by row from the south-west) each point lies in; the outer border belongs to the city."""
    column = np.clip(np.asarray(x) // GRID_M, 0, ACROSS - 1)
    row = np.clip(np.asarray(y) // GRID_M, 0, ACROSS - 1)
    result: Indices = (row * ACROSS + column).astype(np.intp)
    return result


def corner_of(grid: Indices) -> tuple[Floats, Floats]:
    """South-western corner of each grid, in metres."""
    row, column = np.divmod(np.asarray(grid), ACROSS)
    return column.astype(np.float64) * GRID_M, row.astype(np.float64) * GRID_M


def centres() -> tuple[Floats, Floats]:
    x, y = corner_of(np.arange(GRIDS))
    return x + GRID_M / 2, y + GRID_M / 2


def outline(grid: int) -> list[tuple[float, float]]:
    """A grid's polygon as (lon, lat), closed, counter-clockwise."""
    x, y = (float(one) for one in corner_of(np.asarray(grid)))
    east, north = x + GRID_M, y + GRID_M
    ring = places(np.array([x, east, east, x, x]), np.array([y, y, north, north, y]))
    return list(zip(ring.lon.tolist(), ring.lat.tolist(), strict=True))
