"""What the search is told about ways: by the model of the settings, in time, and never nothing."""

import asyncio
import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from services.dispatch.handlers.ways import ModelAway, Ways
from services.dispatch.settings import Settings
from services.dispatch.travel.model import Floats, Places
from services.dispatch.travel.straight import StraightLine
from services.dispatch.travel.streets import Streets
from services.dispatch.travel_files import read_streets
from services.dispatch.travel_http import Osrm, Router, Valhalla
from shared.going import TravelMode
from shared.keys import new_secret
from shared.settings import SettingsRefused, Surroundings
from tests.dispatch.travel.towns import at, build, write_osm

PEOPLE = 6
WHO, TO = np.arange(PEOPLE), np.zeros(PEOPLE, dtype=np.intp)
MODES = np.arange(PEOPLE, dtype=np.int8) % 3


def town_places(rows: int, seed: int) -> Places:
    draw = np.random.default_rng(seed)
    (west, south), (east, north) = at(0, 0), at(1500, 1500)
    return Places(draw.uniform(west, east, rows), draw.uniform(south, north, rows))


STARTS, ENDS = town_places(PEOPLE, 1), town_places(1, 2)


async def medians(ways: Ways, **more: Any) -> Floats:
    travel = await ways.travel_for(STARTS, MODES, ENDS, 9, **more)
    return travel.trips(STARTS, MODES, ENDS, WHO, TO, 9).median


def straight(speed_factor: float = 1.0) -> Floats:
    line = StraightLine(speed_factor=speed_factor)
    return line.trips(STARTS, MODES, ENDS, WHO, TO, 9).median


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_osm(build(across=12, side_m=1500), tmp_path_factory.mktemp("town") / "town.osm.pbf")


def through_streets(file: Path) -> Floats:
    return Streets(read_streets(file)).trips(STARTS, MODES, ENDS, WHO, TO, 9).median


async def test_without_a_map_it_is_the_straight_line_in_the_weather_of_the_day() -> None:
    assert (await medians(Ways())).tolist() == straight().tolist()
    assert (await medians(Ways(), speed_factor=0.5)).tolist() == straight(0.5).tolist()


async def test_with_a_map_it_is_the_streets(file: Path) -> None:
    ways = Ways("streets", streets_file=file, box_seconds=10)
    assert (await medians(ways)).tolist() == straight().tolist()
    await ways.look_at_file()
    assert (await medians(ways)).tolist() == through_streets(file).tolist()
    assert await medians(ways, speed_factor=0.5) == pytest.approx(2 * through_streets(file))


async def test_a_search_that_takes_too_long_goes_on_without_the_map(file: Path) -> None:
    ways = Ways("streets", streets_file=file, box_seconds=0.0)
    await ways.look_at_file()
    assert (await medians(ways)).tolist() == straight().tolist()
    simulated = Ways("streets", streets_file=file, box_seconds=0.0, simulated=True)
    await simulated.look_at_file()
    assert (await medians(simulated)).tolist() == through_streets(file).tolist()


async def test_a_search_waits_for_nothing_else_that_takes_long(file: Path) -> None:
    """All threads of the process are at a mass task; an emergency has one of its own."""
    ways, done = Ways("streets", streets_file=file, box_seconds=10), threading.Event()
    await ways.look_at_file()
    threads = ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(threads)
    busy = asyncio.create_task(asyncio.to_thread(done.wait))
    try:
        found = await asyncio.wait_for(medians(ways), 30)
    finally:
        done.set()
        await busy
    assert found.tolist() == through_streets(file).tolist()
    await ways.close()


async def test_a_map_is_read_again_when_it_changes_and_a_bad_one_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "town.osm"
    write_osm(build(across=12, side_m=1500), file)
    ways = Ways("streets", streets_file=file)
    await ways.look_at_file()
    first = ways.map
    await ways.look_at_file()
    assert ways.map is first
    file.write_text("<osm")
    os.utime(file, (1, 1))
    for _ in range(3):
        await ways.look_at_file()
    assert ways.map is first
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1
    file.unlink()
    write_osm(build(across=10, side_m=1500), file)
    await ways.look_at_file()
    assert ways.map is not first


async def test_a_map_that_is_not_there_is_said_once_and_read_when_it_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "town.osm"
    ways = Ways("streets", streets_file=file)
    for _ in range(3):
        await ways.look_at_file()
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1
    write_osm(build(across=10, side_m=1500), file)
    await ways.look_at_file()
    assert ways.map is not None


async def test_a_fault_in_a_map_sends_people_by_the_straight_line(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And the gauge says so while it lasts."""
    ways = Ways("streets", streets_file=file)
    await ways.look_at_file()

    def broken(*_: object) -> int:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(Streets, "prepare", broken)
        assert (await medians(ways)).tolist() == straight().tolist()
    assert "straight line" in caplog.text
    assert REGISTRY.get_sample_value("yike_dispatch_travel_stands_in") == 1
    await medians(ways)
    assert REGISTRY.get_sample_value("yike_dispatch_travel_stands_in") == 0


async def test_a_router_that_is_away_costs_the_time_box_once() -> None:
    left = asyncio.Semaphore(0)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.release()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    ways = Ways("osrm", router=Router(Osrm(), {0: url, 1: url}, box_seconds=0.1), box_seconds=0.1)
    assert (await medians(ways)).tolist() == straight().tolist()
    assert ways.router is not None
    ways.router.rests_until = time.monotonic() + 60
    with pytest.raises(ModelAway):
        await ways.nominal(_one(STARTS), TravelMode.WALK, ENDS)
    await ways.close()
    for _ in range(2):
        await asyncio.wait_for(left.acquire(), 5)
    server.close()


def _one(places: Places) -> Places:
    return Places(places.lon[:1], places.lat[:1])


async def test_what_is_learned_from_is_the_model_alone(file: Path) -> None:
    line = straight()[0]
    assert await Ways().nominal(_one(STARTS), TravelMode.WALK, ENDS) == line
    ways = Ways("streets", streets_file=file)
    with pytest.raises(ModelAway):
        await ways.nominal(_one(STARTS), TravelMode.WALK, ENDS)
    await ways.look_at_file()
    assert await ways.nominal(_one(STARTS), TravelMode.WALK, ENDS) == through_streets(file)[0]


# ── settings ──────────────────────────────────────────────────────────────────────────────────────────────────────


def settings(folder: Path, **more: Any) -> Settings:
    for key in ("master", "internal"):
        (folder / f"{key}.key").write_text(new_secret())
    return Settings.model_validate(
        {
            "yike_env": Surroundings.TEST,
            "database_url": "postgresql+asyncpg://nobody@127.0.0.1:1/none",
            "kafka_bootstrap": "127.0.0.1:1",
            "files_url": str(folder),
            "master_key_file": folder / "master.key",
            "internal_token_file": folder / "internal.key",
            **more,
        }
    )


async def test_the_model_is_made_from_the_settings(tmp_path: Path, file: Path) -> None:
    assert Ways.of(settings(tmp_path)).router is None
    assert Ways.of(settings(tmp_path, travel_model="streets", travel_streets_file=file)).streets_file == file
    asked = settings(
        tmp_path,
        travel_model="valhalla",
        travel_walk_url="http://v",
        travel_car_url="http://v",
        travel_box_ms=80,
    )
    ways = Ways.of(asked)
    assert ways.router is not None
    assert isinstance(ways.router.engine, Valhalla)
    assert (ways.router.urls, ways.router.box_seconds) == ({0: "http://v", 2: "http://v"}, 0.08)
    await ways.close()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"travel_model": "streets"}, "TRAVEL_STREETS_FILE"),
        ({"travel_model": "osrm"}, "TRAVEL_WALK_URL"),
        ({"travel_model": "valhalla"}, "TRAVEL_CAR_URL"),
        ({"travel_model": "teleport"}, "TRAVEL_MODEL"),
        ({"break_from": "14:00", "break_until": "12:00"}, "BREAK_UNTIL"),
    ],
)
def test_settings_that_fit_nothing_are_refused(tmp_path: Path, given: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsRefused, match=says):
        settings(tmp_path, **given)
