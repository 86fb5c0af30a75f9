"""Street files: whatever a city brings is the same map, and what cannot be used says why."""

import sqlite3
import struct
from pathlib import Path

import numpy as np
import pytest

from services.dispatch.travel.model import Floats, Places
from services.dispatch.travel.streets import Streets
from services.dispatch.travel_files import StreetsUnreadable, read_streets
from tests.dispatch.travel.towns import Town, Way, at, build, write_geopackage, write_osm

TOWN = build(across=10, side_m=1500, shape_points=1)


def times(file: Path) -> Floats:
    draw = np.random.default_rng(3)
    (west, south), (east, north) = at(0, 0), at(1500, 1500)
    starts = Places(draw.uniform(west, east, 9), draw.uniform(south, north, 9))
    ends = Places(draw.uniform(west, east, 5), draw.uniform(south, north, 5))
    modes = np.arange(9, dtype=np.int8) % 3
    who, to = (grid.ravel() for grid in np.meshgrid(np.arange(9), np.arange(5)))
    return Streets(read_streets(file)).trips(starts, modes, ends, who, to, 8).median


def test_every_format_gives_the_same_ways(tmp_path: Path) -> None:
    town = Town(TOWN.nodes, tuple(Way(way.nodes, _plain(way.tags)) for way in TOWN.ways))
    names = ("town.osm", "town.osm.pbf", "town.osm.gz")
    found = [times(write_osm(town, tmp_path / name)) for name in names]
    found.append(times(write_geopackage(town, tmp_path / "town.gpkg")))
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=1e-3)


def _plain(tags: dict[str, str]) -> dict[str, str]:
    """What an export with two columns can say."""
    return {name: value for name, value in tags.items() if name in ("highway", "oneway")}


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ("highway TEXT, oneway TEXT", ("residential", "yes")),
        ("highway TEXT, other_tags TEXT", ("residential", '"oneway"=>"yes","name"=>"中\\"街"')),
        ("highway TEXT, oneway BOOLEAN", ("['residential', 'service']", "True")),
        ("fclass TEXT, oneway TEXT", ("residential", "F")),
    ],
)
def test_the_columns_of_usual_exports_are_understood(
    tmp_path: Path, columns: str, row: tuple[str, str]
) -> None:
    file = tmp_path / "export.gpkg"
    one = Town(
        {1: at(0, 0), 2: at(200, 0), 3: at(200, 200)}, (Way((1, 2, 3, 1), {"highway": "residential"}),)
    )
    write_geopackage(one, file)
    with sqlite3.connect(file) as database:
        (geometry,) = database.execute("SELECT geom FROM roads").fetchone()
        database.execute("DROP TABLE roads")
        database.execute(f"CREATE TABLE roads (geom BLOB, {columns})")
        database.execute("INSERT INTO roads VALUES (?, ?, ?)", (geometry, *row))
    database.close()
    walk, _, car = read_streets(file).graphs
    assert walk.back.nnz == 2 * car.back.nnz


def test_an_extract_cut_at_its_edge_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = build(across=4, side_m=600)
    inside = {id_: place for id_, place in whole.nodes.items() if id_ != 16}
    cut_off = read_streets(write_osm(Town(inside, whole.ways), tmp_path / "cut.osm"))
    assert len(cut_off.graphs[0].usable) > 15


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.osm.pbf", None, "找不到"),
        ("town.shp", b"", "不支持"),
        ("broken.osm.pbf", b"no protocol buffer at all", "无法读取"),
        ("broken.osm", b"<osm version='0.6'><node id=", "无法读取"),
        ("odd.osm", b"<osm version='0.6'><node id='1' lat='x' lon='0'/></osm>", "无法读取"),
        ("odder.osm", b"<osm version='0.6'><way id='x'><nd ref='1'/></way></osm>", "无法读取"),
        ("broken.gpkg", b"SQLite format 3\x00" + bytes(100), "无法读取"),
        ("empty.osm", b"<osm version='0.6'></osm>", "没有可通行的街道"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StreetsUnreadable, match=says):
        read_streets(file)


def test_a_geopackage_in_other_coordinates_or_without_streets_says_so(tmp_path: Path) -> None:
    with pytest.raises(StreetsUnreadable, match="EPSG:4547"):
        read_streets(write_geopackage(TOWN, tmp_path / "local.gpkg", srs=4547))
    with pytest.raises(StreetsUnreadable, match="highway"):
        read_streets(write_geopackage(TOWN, tmp_path / "houses.gpkg", kind="storeys"))


HEADER = b"GP" + struct.pack("<BBi", 0, 1, 4326)


def line(*numbers: float) -> bytes:
    """A line of two points, in the format of a GeoPackage."""
    return HEADER + struct.pack("<BII4d", 1, 2, 2, *numbers)


@pytest.mark.parametrize(
    ("geometry", "says"),
    [
        (b"GP", "GeoPackage"),
        (HEADER, "GeoPackage"),
        ("LINESTRING (0 0, 1 1)", "GeoPackage"),
        (7, "GeoPackage"),
        (HEADER + b"\xff" * 20, "无法读取"),
        (line(500_000, 2_700_000, 500_100, 2_700_000), "经纬度"),
        (line(104, 30, float("nan"), 30), "经纬度"),
        (line(104, 30, 104, float("inf")), "经纬度"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_geometry_that_is_none_says_so(tmp_path: Path, geometry: object, says: str) -> None:
    """Whatever is in the file, it is said: an exception of another kind would end the process."""
    file = write_geopackage(TOWN, tmp_path / "town.gpkg")
    with sqlite3.connect(file) as database:
        database.execute("UPDATE roads SET geom = ? WHERE fid = 1", (geometry,))
    database.close()
    with pytest.raises(StreetsUnreadable, match=says):
        read_streets(file)


def test_an_extract_of_a_whole_country_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.dispatch.travel_files.NODES_MAX", 100)
    with pytest.raises(StreetsUnreadable, match="过大"):
        read_streets(write_osm(TOWN, tmp_path / "country.osm"))
