"""Street files read: an OSM extract (.osm.pbf, .osm, .osm.gz, .osm.bz2) or a GeoPackage with a layer of streets.

A file that cannot be used says why, in one sentence; whoever asked goes on with what they have."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import osmium
import osmium.filter
import shapely

from services.dispatch.travel.street_map import Line, StreetMap, street_map
from services.dispatch.travel.way_rules import passage

GEOPACKAGE = ".gpkg"
OSM = (".pbf", ".osm", ".osm.gz", ".osm.bz2")
NODES_MAX = 3_000_000
"""A province is no town: it would fill the memory of every dispatch process."""

CLASS_COLUMNS = ("highway", "fclass")
"""As OSM exports name the class of a street (ogr2ogr, QGIS, OSMnx; Geofabrik)."""
TAG_COLUMNS = (
    "oneway", "oneway:bicycle", "junction", "access", "foot", "bicycle", "motor_vehicle", "motorcar", "vehicle",
    "cycleway",
)  # fmt: skip
WGS_84 = 4326
DEGREES_MAX = (180.0, 90.0)
"""A file that says it is in degrees may still hold metres."""
HEADER_BYTES = 8
ENVELOPE_BYTES = (0, 32, 48, 48, 64)
"""How long the box before a GeoPackage geometry is, by its kind (GeoPackage 1.3, §2.1.3)."""
HSTORE = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')


class StreetsUnreadable(Exception):
    """The file is no use as it is; the text says what to do, for whoever put it there."""


def read_streets(file: Path) -> StreetMap:
    """The map of a file. Takes seconds for a town: never call it on the event loop."""
    if not file.is_file():
        raise StreetsUnreadable(f"找不到街道文件 {file} / there is no street file {file}")
    try:
        found = street_map(_lines(file))
    except StreetsUnreadable:
        raise
    except Exception as wrong:
        # A damaged file makes three libraries raise whatever they like; nothing of it may reach the search.
        said = f"无法读取街道文件 {file} / the street file {file} cannot be read: {wrong}"
        raise StreetsUnreadable(said) from wrong
    if not any(len(graph.usable) for graph in found.graphs):
        raise StreetsUnreadable(
            f"街道文件 {file} 中没有可通行的街道 / no street in {file} can be used by anybody"
        )
    return found


def _lines(file: Path) -> Iterator[Line]:
    name = file.name.lower()
    if name.endswith(GEOPACKAGE):
        return _within_limit(_of_geopackage(file), file)
    if name.endswith(OSM):
        return _within_limit(_of_osm(file), file)
    raise StreetsUnreadable(
        f"不支持的街道文件 {file}：请用 .osm.pbf、.osm 或 .gpkg / {file} is no .osm.pbf, .osm or .gpkg"
    )


def _within_limit(lines: Iterator[Line], file: Path) -> Iterator[Line]:
    points = 0
    for line in lines:
        points += len(line.ids)
        if points > NODES_MAX:
            raise StreetsUnreadable(
                f"街道文件 {file} 过大，请裁剪到本市 / {file} has more than {NODES_MAX} points: cut it to the town"
            )
        yield line


# ── OSM ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_osm(file: Path) -> Iterator[Line]:
    ways = osmium.FileProcessor(str(file)).with_locations()
    ways = ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
    for way in ways.with_filter(osmium.filter.KeyFilter("highway")):
        rules = passage(dict(way.tags))
        if rules is None or not isinstance(way, osmium.osm.Way):
            continue
        # An extract is cut at its edge: nodes outside have no place there.
        points = [(node.ref, node.lon, node.lat) for node in way.nodes if node.location.valid()]
        if len(points) > 1:
            ids, lon, lat = zip(*points, strict=True)
            yield Line(ids, lon, lat, rules)


# ── GeoPackage ────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_geopackage(file: Path) -> Iterator[Line]:
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
        table, geometry, columns = _layer(database, file)
        wanted = {name: column for column, name in columns.items()}
        select = ", ".join(_quoted(column) for column in (geometry, *wanted.values()))
        for row in database.execute(f"SELECT {select} FROM {_quoted(table)}"):
            tags = _tags(dict(zip(wanted, row[1:], strict=True)))
            rules = passage(tags)
            if rules is not None and row[0] is not None:
                yield from (Line(*points, rules) for points in _parts(row[0]))


def _layer(database: sqlite3.Connection, file: Path) -> tuple[str, str, dict[str, str]]:
    """The layer of streets: its table, its geometry column, and its columns of interest by the tag they hold."""
    layers = database.execute(
        "SELECT table_name, column_name, srs_id FROM gpkg_geometry_columns ORDER BY table_name"
    )
    for table, geometry, srs in layers.fetchall():
        present = {row[1] for row in database.execute(f"PRAGMA table_info({_quoted(table)})")}
        kind = next((column for column in CLASS_COLUMNS if column in present), None)
        if kind is None:
            continue
        if srs != WGS_84:
            raise StreetsUnreadable(
                f"图层 {table} 的坐标系不是 WGS-84（EPSG:4326），请转换后导出 / the layer {table} of {file} is in"
                f" EPSG:{srs}: export it in EPSG:4326"
            )
        others = {column: column for column in (*TAG_COLUMNS, "other_tags") if column in present}
        return table, geometry, {kind: "highway", **others}
    raise StreetsUnreadable(
        f"{file} 中没有带 highway 或 fclass 列的图层 / no layer of {file} has a column highway or fclass"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _tags(row: Mapping[str, object]) -> dict[str, str]:
    """The tags of a row; a list (OSMnx joins ways) counts as its first entry, a truth value as yes or no."""
    tags = dict(HSTORE.findall(str(row.get("other_tags") or "")))
    for name, value in row.items():
        if name == "other_tags" or value is None:
            continue
        text = str(value).strip("[]").split(",")[0].strip(" '\"")
        tags[name] = {"True": "yes", "False": "no"}.get(text, text)
    return tags


def _parts(blob: object) -> Iterator[tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]]]:
    """Ids, longitudes and latitudes of each line of a GeoPackage geometry. Lines meet where they share a point."""
    if (
        not isinstance(blob, bytes)
        or len(blob) <= HEADER_BYTES
        or blob[:2] != b"GP"
        or (blob[3] >> 1) & 7 >= len(ENVELOPE_BYTES)
    ):
        raise StreetsUnreadable(
            "几何数据不是 GeoPackage 格式，请重新导出 / a geometry is not in the format of GeoPackage: export it again"
        )
    whole = shapely.from_wkb(blob[HEADER_BYTES + ENVELOPE_BYTES[(blob[3] >> 1) & 7] :])
    for part in shapely.get_parts(whole):
        if part.geom_type == "LineString" and not part.is_empty:
            points = shapely.get_coordinates(part)
            if not (np.abs(points) <= DEGREES_MAX).all():
                raise StreetsUnreadable(
                    "坐标不是经纬度，请以 EPSG:4326 重新导出 / coordinates are no degrees: export them in EPSG:4326"
                )
            units = np.rint(points * 1e7).astype(np.int64)
            ids = units[:, 0] * 4_000_000_000 + units[:, 1]
            yield tuple(ids.tolist()), tuple(points[:, 0].tolist()), tuple(points[:, 1].tolist())
