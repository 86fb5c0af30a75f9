"""A town that was never built: streets on a bent lattice, a river with few bridges, one-way streets, alleys for those
on foot. Written as an OSM extract or a GeoPackage, as a city would bring its own."""

import sqlite3
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import osmium
import osmium.osm.mutable as osm
import shapely

WEST, SOUTH = 103.97, 30.55
METRE_LAT = 1 / 111_195.0
METRE_LON = METRE_LAT / np.cos(np.radians(SOUTH))


@dataclass(frozen=True)
class Way:
    nodes: tuple[int, ...]
    tags: dict[str, str]


@dataclass(frozen=True)
class Town:
    nodes: dict[int, tuple[float, float]]
    ways: tuple[Way, ...]


def at(x_m: float, y_m: float) -> tuple[float, float]:
    return WEST + x_m * METRE_LON, SOUTH + y_m * METRE_LAT


def build(across: int = 25, side_m: float = 6000.0, shape_points: int = 0, seed: int = 5) -> Town:
    """`across`² crossings on `side_m` × `side_m`, the streets between them with so many points more each."""
    draw = np.random.default_rng(seed)
    step = side_m / (across - 1)
    bend = draw.uniform(-0.15, 0.15, (across, across, 2)) * step
    nodes: dict[int, tuple[float, float]] = {}
    for row in range(across):
        for column in range(across):
            x, y = column * step + bend[row, column, 0], row * step + bend[row, column, 1]
            nodes[1 + row * across + column] = at(x, y)
    river, bridges = across // 2, {across // 5, across - across // 4}
    ways = []
    for row in range(across):
        for column in range(across):
            here = 1 + row * across + column
            if column + 1 < across:
                ways.append(_street(nodes, here, here + 1, _tags(row, draw), shape_points))
            if row + 1 < across and (row != river or column in bridges):
                ways.append(_street(nodes, here, here + across, _tags(column, draw), shape_points))
    return Town(nodes, tuple(ways))


def _tags(line: int, draw: np.random.Generator) -> dict[str, str]:
    if line % 8 == 0:
        return {"highway": "primary"}
    if line % 4 == 0:
        return {"highway": "tertiary", "oneway": "yes", "oneway:bicycle": "no"}
    if draw.random() < 0.1:
        return {"highway": "footway"}
    return {"highway": "residential"}


def _street(
    nodes: dict[int, tuple[float, float]], start: int, end: int, tags: dict[str, str], shape_points: int
) -> Way:
    inner = []
    for nth in range(1, shape_points + 1):
        part = nth / (shape_points + 1)
        id_ = 1_000_000 + len(nodes)
        (x, y), (x_end, y_end) = nodes[start], nodes[end]
        nodes[id_] = (x + (x_end - x) * part, y + (y_end - y) * part)
        inner.append(id_)
    return Way((start, *inner, end), tags)


def write_osm(town: Town, file: Path) -> Path:
    """.osm, .osm.pbf or .osm.gz by its name."""
    with osmium.SimpleWriter(str(file)) as writer:
        for id_, place in sorted(town.nodes.items()):
            writer.add_node(osm.Node(id=id_, version=1, location=place))
        for id_, way in enumerate(town.ways, 1):
            writer.add_way(osm.Way(id=id_, version=1, nodes=list(way.nodes), tags=way.tags))
    return file


def write_geopackage(
    town: Town, file: Path, *, srs: int = 4326, layer: str = "roads", **renamed: str
) -> Path:
    """The columns are `fclass` and `oneway` in Geofabrik's words, unless renamed."""
    kind = renamed.get("kind", "fclass")
    with sqlite3.connect(file) as database:
        database.execute(
            "CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT,"
            " srs_id INTEGER, z TINYINT, m TINYINT)"
        )
        database.execute(
            "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'LINESTRING', ?, 0, 0)", (layer, srs)
        )
        database.execute(
            f'CREATE TABLE "{layer}" (fid INTEGER PRIMARY KEY, geom BLOB, {kind} TEXT, oneway TEXT)'
        )
        database.executemany(f'INSERT INTO "{layer}" VALUES (NULL, ?, ?, ?)', _rows(town, srs))
    database.close()
    return file


def _rows(town: Town, srs: int) -> Iterable[tuple[bytes, str, str]]:
    for way in town.ways:
        line = shapely.LineString([town.nodes[id_] for id_ in way.nodes])
        header = b"GP" + struct.pack("<BBi4d", 0, 0b00000011, srs, *np.array(line.bounds)[[0, 2, 1, 3]])
        yield (
            header + shapely.to_wkb(line, byte_order=1),
            way.tags["highway"],
            "F" if "oneway" in way.tags else "B",
        )
