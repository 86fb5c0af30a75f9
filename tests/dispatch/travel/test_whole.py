"""From a registration to the explanation of its offer, in a running dispatch: by a map from a file, and by routers over
HTTP that answer, keep everybody waiting, break down and come back."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from services.dispatch.settings import Settings
from services.dispatch.travel.model import MODES, Places, Travel
from services.dispatch.travel.straight import StraightLine
from services.dispatch.travel.streets import Streets
from services.dispatch.travel_files import read_streets
from shared.directory import Directory
from shared.events.intake import Place
from shared.things import Point
from shared.vocabulary import Role
from tests.dispatch.phones import Phone
from tests.dispatch.running import LOOK_AGAIN_SECONDS, WITHIN_SECONDS, Running, running
from tests.dispatch.travel.routers import Asked, answering
from tests.dispatch.travel.towns import METRE_LAT, METRE_LON, Town, Way, write_geopackage, write_osm
from tests.dispatch.world import START, a_registration

SUPERVISOR = ("p-street-s1", Role.SUPERVISOR, "street")
EAST_M, ROUND_M = 400.0, 250.0
"""Every case is so far from the middle of its grid, and the only street between them goes so far round."""
ROUTER_SECONDS = 333.0


def holder(grid: str) -> str:
    return f"p-{grid}-a"


def stands_in() -> float | None:
    return REGISTRY.get_sample_value("yike_dispatch_travel_stands_in")


async def weighed(dispatch: Running, town: Directory, grid: str) -> tuple[dict[str, int], Point]:
    """How long everybody would take to a new case of the grid, as its offer's explanation says; and where it is."""
    middle = town.units[grid].centre
    assert middle is not None
    there = Point(lon=middle.lon + EAST_M * METRE_LON, lat=middle.lat)
    case = a_registration(grid, at=START, place=Place(lon=there.lon, lat=there.lat, label="河对岸"))
    await dispatch.hear(case)
    offer = await dispatch.offered(case.case_id)
    told = (await Phone(dispatch.service, *SUPERVISOR).get(f"/offers/{offer}/explanation")).json()
    etas = {one["person_id"]: one["eta_seconds"] for one in told["candidates"] if one["eta_seconds"]}
    assert {one["person_id"] for one in told["candidates"] if one["chosen"]} <= etas.keys()
    return etas, there


def expected(travel: Travel, town: Directory, person_id: str, to: Point) -> int:
    """Of somebody whom nobody has seen yet: they start from their base, or the middle of their grid."""
    person = town.people[person_id]
    start = person.base or town.units[person.posts[0].unit_id].centre
    assert start is not None
    one, modes = np.zeros(1, dtype=np.intp), np.array([MODES.index(person.mode)], dtype=np.int8)
    trips = travel.trips(_at(start), modes, _at(to), one, one, START.hour)
    return round(float(trips.median[0]))


def _at(point: Point) -> Places:
    return Places(np.array([point.lon]), np.array([point.lat]))


async def logged(caplog: pytest.LogCaptureFixture, words: str) -> str:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not (found := [one.getMessage() for one in caplog.records if words in one.getMessage()]):
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return found[0]


# ── a map from a file ─────────────────────────────────────────────────────────────────────────────────────────────


def a_map(town: Directory, *grids: str) -> Town:
    """In each grid one street, from the middle north, across a bridge and back south to where the cases are."""
    nodes, ways = dict[int, tuple[float, float]](), list[Way]()
    for grid in grids:
        middle = town.units[grid].centre
        assert middle is not None
        corners = ((0.0, 0.0), (0.0, ROUND_M), (EAST_M, ROUND_M), (EAST_M, 0.0))
        first = len(nodes) + 1
        for east, north in corners:
            nodes[len(nodes) + 1] = (middle.lon + east * METRE_LON, middle.lat + north * METRE_LAT)
        ways.append(Way(tuple(range(first, first + len(corners))), {"highway": "residential"}))
    return Town(nodes, tuple(ways))


@pytest.mark.parametrize(("name", "write"), [("town.gpkg", write_geopackage), ("town.osm.pbf", write_osm)])
async def test_a_map_that_cannot_be_read_stops_nobody_and_counts_as_soon_as_it_can(
    name: str,
    write: Callable[[Town, Path], Path],
    on_kafka: Callable[..., Settings],
    town: Directory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for pause in ("FILE_EVERY_SECONDS", "BEAT_SECONDS"):
        monkeypatch.setattr(f"services.dispatch.handlers.lessons.{pause}", 0.02)
    caplog.set_level(logging.INFO, "services.dispatch.handlers.ways")
    file = tmp_path / name
    file.write_bytes(b"this is no map")
    async with running(on_kafka(travel_model="streets", travel_streets_file=file), town) as dispatch:
        await dispatch.set_clock(START)
        said = await logged(caplog, "cannot be read")
        assert "无法读取街道文件" in said
        assert str(file) in said
        etas, there = await weighed(dispatch, town, "grid-a1")
        assert etas[holder("grid-a1")] == expected(StraightLine(), town, holder("grid-a1"), there)
        assert stands_in() == 1

        whole = write(a_map(town, "grid-b1"), tmp_path / f"new-{name}")
        os.replace(whole, file)
        await logged(caplog, "the street map is read")
        etas, there = await weighed(dispatch, town, "grid-b1")
        streets = Streets(read_streets(file))
        assert etas == {person_id: expected(streets, town, person_id, there) for person_id in etas}
        by_line = {person_id: expected(StraightLine(), town, person_id, there) for person_id in etas}
        assert any(etas[person_id] > 1.5 * by_line[person_id] for person_id in etas)
        assert stands_in() == 0


# ── a router over HTTP ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class ARouter:
    """Speaks OSRM's tables and Valhalla's matrices: so many seconds for every pair, but no way from `cut_off`."""

    status: int = 200
    cut_off: Point | None = None
    answers: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    places: list[tuple[float, float]] = field(default_factory=list)

    def answer(self, asked: Asked) -> tuple[int, bytes]:
        said = self.osrm(asked.path, asked.query) if asked.body is None else self.valhalla(asked.body)
        self.answers.wait(WITHIN_SECONDS)
        return self.status, json.dumps(said).encode()

    def osrm(self, path: str, query: dict[str, list[str]]) -> dict[str, Any]:
        places = [tuple(map(float, one.split(","))) for one in path.rpartition("/")[2].split(";")]
        starts, ends = (
            [places[int(row)] for row in query[name][0].split(";")] for name in ("sources", "destinations")
        )
        return {"code": "Ok", "durations": self._table(starts, ends)}

    def valhalla(self, body: dict[str, Any]) -> dict[str, Any]:
        starts, ends = ([(one["lon"], one["lat"]) for one in body[name]] for name in ("sources", "targets"))
        return {"sources_to_targets": {"durations": self._table(starts, ends)}}

    def _table(self, starts: list[Any], ends: list[Any]) -> list[list[float | None]]:
        self.places += ends
        return [[None if self._is_cut_off(*start) else ROUTER_SECONDS for _ in ends] for start in starts]

    def _is_cut_off(self, lon: float, lat: float) -> bool:
        island = self.cut_off
        return island is not None and max(abs(lon - island.lon), abs(lat - island.lat)) < 1e-5


@pytest.fixture
def router() -> Iterator[ARouter]:
    router = ARouter()
    router.answers.set()
    with answering(router.answer) as router.url:
        yield router
        router.answers.set()


@pytest.mark.parametrize("model", ["osrm", "valhalla"])
async def test_a_router_says_how_long_and_the_straight_line_whenever_it_does_not(
    model: str,
    router: ARouter,
    on_kafka: Callable[..., Settings],
    town: Directory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("services.dispatch.travel_http.backoff_seconds", lambda _: 0.0)
    caplog.set_level(logging.INFO, "services.dispatch.travel_http")
    urls = {f"travel_{mode}_url": router.url for mode in ("walk", "e_bike", "car")}
    settings = on_kafka(travel_model=model, travel_box_ms=2000, **urls)

    def by_straight_line(etas: dict[str, int], grid: str, there: Point) -> bool:
        return etas[holder(grid)] == expected(StraightLine(), town, holder(grid), there) != ROUTER_SECONDS

    async with running(settings, town) as dispatch:
        await dispatch.set_clock(START)
        etas, there = await weighed(dispatch, town, "grid-a1")
        assert set(etas.values()) == {ROUTER_SECONDS}
        assert np.abs(np.array(router.places) - (there.lon, there.lat)).max(axis=1).min() < 1e-6

        person = town.people[holder("grid-b1")]
        router.cut_off = person.base or town.units["grid-b1"].centre
        etas, there = await weighed(dispatch, town, "grid-b1")
        assert by_straight_line(etas, "grid-b1", there), "one pair is not known, the others are"
        assert ROUTER_SECONDS in etas.values()
        assert stands_in() == 0
        router.cut_off = None

        router.answers.clear()
        etas, there = await weighed(dispatch, town, "grid-a3")
        assert by_straight_line(etas, "grid-a3", there), "it was too slow"
        assert "straight line" in await logged(caplog, "the router is away")
        assert stands_in() == 1

        router.status = 503
        router.answers.set()
        etas, there = await weighed(dispatch, town, "grid-a5")
        assert by_straight_line(etas, "grid-a5", there), "it is broken"
        assert stands_in() == 1

        router.status = 200
        etas, _ = await weighed(dispatch, town, "grid-b5")
        assert set(etas.values()) == {ROUTER_SECONDS}
        await logged(caplog, "answers again")
        assert stands_in() == 0
    assert sum(one.levelno >= logging.WARNING for one in caplog.records if "router" in one.message) == 1
