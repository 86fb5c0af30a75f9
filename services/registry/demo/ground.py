"""The ground of the demo: irregular blocks between crooked streets, grown together into grids.

All corners come from one lattice of crossings and every grid is a union of whole blocks, so that neighbours share
their corners exactly: the grids of a community tile it without gap or overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import shapely
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient

from shared.things import Point

Block = tuple[int, int]
"""Column from the west, row from the south."""

SOUTH_WEST = Point(lon=102.8175, lat=24.8646)
BLOCK_LON, BLOCK_LAT = 0.00148, 0.00135
"""About 150 m by 150 m."""

CROOKED = 0.27
"""How far a crossing may lie from its place, as a share of a block; under 0.3 no block can fold over itself."""


class Ground:
    """The crossings of the demo's streets and the blocks between them. Crossings `there` already stay where they
    are, so that new ground joins old ground without a gap."""

    def __init__(
        self, columns: range, rows: range, random: Random, there: Mapping[Block, tuple[float, float]] = {}
    ) -> None:
        self.crossings = dict(there) | {
            (column, row): self._crossing(column, row, random)
            for column in range(columns.start, columns.stop + 1)
            for row in range(rows.start, rows.stop + 1)
            if (column, row) not in there
        }

    @staticmethod
    def _crossing(column: int, row: int, random: Random) -> tuple[float, float]:
        lon = SOUTH_WEST.lon + BLOCK_LON * (column + random.uniform(-CROOKED, CROOKED))
        lat = SOUTH_WEST.lat + BLOCK_LAT * (row + random.uniform(-CROOKED, CROOKED))
        return round(lon, 6), round(lat, 6)

    def block(self, block: Block) -> Polygon:
        column, row = block
        corners = ((column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1))
        return Polygon([self.crossings[corner] for corner in corners])

    def area(self, blocks: Sequence[Block]) -> Polygon:
        """The blocks as one polygon; they must hang together and leave no hole."""
        area = shapely.union_all([self.block(block) for block in blocks])
        if not isinstance(area, Polygon) or area.interiors:
            raise ValueError("these blocks are not one piece")
        return orient(area)


def points(area: Polygon) -> tuple[Point, ...]:
    """The corners of `area`, anticlockwise, the first one not repeated."""
    return tuple(Point(lon=lon, lat=lat) for lon, lat in list(area.exterior.coords)[:-1])


def point_within(area: Polygon, random: Random) -> Point:
    """Some point well inside `area`."""
    inner = area.buffer(-0.0002)
    west, south, east, north = inner.bounds
    while True:
        lon, lat = round(random.uniform(west, east), 6), round(random.uniform(south, north), 6)
        if inner.contains(shapely.Point(lon, lat)):
            return Point(lon=lon, lat=lat)


def divide(ground: Ground, blocks: Sequence[Block], count: int, random: Random) -> list[Polygon]:
    """`count` polygons of about equal size, from the south-west to the north-east, that tile `blocks`."""
    while True:
        regions = _grow(blocks, random.sample(sorted(blocks), count))
        smallest, largest = min(map(len, regions)), max(map(len, regions))
        if largest > 2 * smallest:
            continue
        try:
            areas = [ground.area(region) for region in regions]
        except ValueError:
            continue
        return sorted(areas, key=lambda area: (round(area.centroid.y, 3), area.centroid.x))


def in_pairs(ground: Ground, blocks: Sequence[Block]) -> list[Polygon]:
    """Each two blocks beside each other in a row, from the south-west to the north-east; rows have even lengths."""
    by_row = sorted(blocks, key=lambda block: (block[1], block[0]))
    return [ground.area(by_row[place : place + 2]) for place in range(0, len(by_row), 2)]


def _grow(blocks: Sequence[Block], seeds: Sequence[Block]) -> list[list[Block]]:
    """Each region takes its nearest free neighbour in turn until no block is left."""
    regions = [[seed] for seed in seeds]
    free = set(blocks) - set(seeds)
    while free:
        for seed, region in zip(seeds, regions, strict=True):
            edge = {near for block in region for near in _beside(block)} & free
            if edge:
                taken = min(edge, key=lambda block: (_distance(block, seed), block))
                region.append(taken)
                free.discard(taken)
    return regions


def _beside(block: Block) -> tuple[Block, ...]:
    column, row = block
    return (column - 1, row), (column + 1, row), (column, row - 1), (column, row + 1)


def _distance(one: Block, other: Block) -> int:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2
