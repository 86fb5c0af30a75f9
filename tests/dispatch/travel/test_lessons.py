"""What is learned from arrivals: real ways of emergencies, proven and not flagged, each once, whoever looks."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from services.dispatch.commands import AcceptOffer, Arrive, Position
from services.dispatch.handlers import offers, work
from services.dispatch.handlers.lessons import FAULT_RESTS_SECONDS, Lessons
from services.dispatch.handlers.ways import Ways
from services.dispatch.queries import travel_counts
from services.dispatch.queries.travel_counts import TRIPS_KEPT_MAX
from services.dispatch.rules.facts import Offer
from services.dispatch.travel.learned import Count, band_of, bin_of, cell_of
from services.dispatch.travel.model import MODES, Places
from services.dispatch.travel.straight import StraightLine, travel_seconds
from shared.database import Row
from shared.directory import Directory
from shared.going import ArrivalMethod
from shared.health import Beat
from shared.things import Point
from tests.dispatch.travel.towns import build, write_osm
from tests.dispatch.world import SEALER, START, A, Scene, directory, doer

PLACE = Point(lon=103.991, lat=30.671)
HOME = Position(lon=103.995, lat=30.675, accuracy_m=10)
THERE = Position(lon=PLACE.lon, lat=PLACE.lat, accuracy_m=10)
AT_PLACE: dict[str, Any] = {"method": ArrivalMethod.POSITION, "position": THERE, "reason": None}


async def went(scene: Scene, took: float, start: Position | None = HOME, **arrival: Any) -> Offer:
    """An emergency that somebody accepted and arrived at, so many seconds later."""
    case_id = await scene.registered(place={"lon": PLACE.lon, "lat": PLACE.lat, "label": "路口"})
    offer = await scene.offer(case_id)
    await scene.accept(offer, position=start)
    accepted_at = scene.now
    await scene._set(accepted_at + timedelta(seconds=took))
    await scene.arrive(offer.part_id, offer.person_id, **(AT_PLACE | arrival))
    await scene._set(scene.now + timedelta(minutes=2))
    return offer


async def counted(scene: Scene) -> list[Row]:
    async with scene.database.transaction() as tx:
        return await tx.rows("SELECT * FROM travel_counts")


def lessons(**more: Any) -> Lessons:
    return Lessons(Ways(**more), SEALER)


async def test_a_real_way_is_counted_once_and_without_anybodys_name(scene: Scene) -> None:
    offer = await went(scene, 900)
    teacher, other = lessons(), lessons()
    both = await asyncio.gather(teacher.learn(scene.database), other.learn(scene.database))
    assert sorted(both) == [0, 1]
    assert await teacher.learn(scene.database) == 0
    (row,) = await counted(scene)
    mode = scene.database.directory.people[offer.person_id].mode
    nominal = travel_seconds(Point(lon=HOME.lon, lat=HOME.lat), PLACE, mode)
    cells = cell_of(np.array([HOME.lon, PLACE.lon]), np.array([HOME.lat, PLACE.lat])).tolist()
    assert dict(row) == {
        "model": "straight",
        "mode": mode.value,
        "band": band_of(2),
        "from_cell": cells[0],
        "to_cell": cells[1],
        "bin": bin_of(900, nominal),
        "trips": 1,
    }


@pytest.mark.parametrize(
    ("start", "arrival"),
    [
        (None, {}),
        (HOME, {"method": ArrivalMethod.SELF_DECLARED, "reason": "没有信号", "position": None}),
        (HOME, {"position": Position(lon=104.1, lat=30.6, accuracy_m=10)}),
        (Position(lon=PLACE.lon + 0.0001, lat=PLACE.lat, accuracy_m=5), {}),
    ],
    ids=["no start", "not proven", "flagged", "next door"],
)
async def test_what_says_nothing_about_the_way_is_not_counted(
    scene: Scene, start: Position | None, arrival: dict[str, Any]
) -> None:
    await went(scene, 900, start, **arrival)
    assert await lessons().learn(scene.database) == 0
    assert await counted(scene) == []


class TestInterrupted:
    @pytest.fixture
    def town(self) -> Directory:
        return directory(only=(A,))

    async def test_a_way_that_began_with_wrapping_up_is_not_counted(self, scene: Scene) -> None:
        visit = await scene.registered(category="road-damage")
        part_id = (await scene.offer(visit)).part_id
        await scene.accept(await scene.offer(visit))
        await scene.arrive(part_id, A)
        offer = await went(scene, 900)
        assert offer.person_id == A
        assert await lessons().learn(scene.database) == 0
        assert await counted(scene) == []

    async def test_a_visit_that_is_over_is_no_interruption(self, scene: Scene) -> None:
        visit = await scene.registered(category="road-damage")
        part_id = (await scene.offer(visit)).part_id
        await scene.accept(await scene.offer(visit))
        await scene.arrive(part_id, A)
        await scene.handle(part_id, A)
        await scene._set(scene.now + timedelta(minutes=1))
        await went(scene, 900)
        assert await lessons().learn(scene.database) == 1


async def test_one_clock_measures_both_ends(scene: Scene) -> None:
    """A phone that was offline at the place sends its arrival late: its own clock says how long the way was."""
    case_id = await scene.registered(place={"lon": PLACE.lon, "lat": PLACE.lat, "label": "路口"})
    offer = await scene.offer(case_id)
    who = doer(offer.person_id)
    async with scene.database.transaction() as tx:
        command = AcceptOffer(position=HOME)
        by_phone = replace(who, device_at=scene.now - timedelta(seconds=5))
        await offers.accept_offer(tx, offer.id, command, by_phone, SEALER)
    arrived = by_phone.device_at + timedelta(seconds=700) if by_phone.device_at else START
    await scene._set(scene.now + timedelta(hours=1))
    async with scene.database.transaction() as tx:
        await work.arrive(tx, offer.part_id, Arrive(**AT_PLACE), replace(who, device_at=arrived), SEALER)
    await scene._set(scene.now + timedelta(minutes=2))
    assert await lessons().learn(scene.database) == 1
    (row,) = await counted(scene)
    mode = scene.database.directory.people[offer.person_id].mode
    assert row["bin"] == bin_of(700, travel_seconds(Point(lon=HOME.lon, lat=HOME.lat), PLACE, mode))


async def test_what_was_learned_outlives_the_process_and_changes_the_next_search(scene: Scene) -> None:
    start, end = Point(lon=HOME.lon, lat=HOME.lat), PLACE
    cells = cell_of(np.array([start.lon, end.lon]), np.array([start.lat, end.lat])).tolist()
    async with scene.database.transaction() as tx:
        done = await travel_counts.progress(tx, "straight", START)
        slow = [Count(cells[0], cells[1], band_of(10), MODES[0], bin_of(1800, 1000), 1)] * 60
        await travel_counts.add(tx, "straight", slow, done)
    fresh = lessons()
    await fresh.learn(scene.database)
    places = (
        Places(np.array([start.lon]), np.array([start.lat])),
        Places(np.array([end.lon]), np.array([end.lat])),
    )
    walk, one = np.zeros(1, dtype=np.int8), np.zeros(1, dtype=np.intp)
    travel = await fresh.ways.travel_for(places[0], walk, places[1], 10)
    plain = StraightLine().trips(places[0], walk, places[1], one, one, 10).median[0]
    assert travel.trips(places[0], walk, places[1], one, one, 10).median[0] / plain == pytest.approx(
        1.8, rel=0.1
    )


async def test_counts_of_long_ago_fade(scene: Scene) -> None:
    old = [Count(1, 2, 0, MODES[0], 20, 1)] * TRIPS_KEPT_MAX
    rare = [Count(1, 2, 0, MODES[0], 3, 1), Count(5, 6, 0, MODES[0], 3, 1)]
    async with scene.database.transaction() as tx:
        done = await travel_counts.progress(tx, "straight", START)
        await travel_counts.add(tx, "straight", old, done)
        await travel_counts.add(tx, "straight", rare, done)
        counts = await travel_counts.counts(tx, "straight")
    assert {(one.from_cell, one.bin): one.trips for one in counts} == {
        (1, 20): TRIPS_KEPT_MAX // 2,
        (5, 3): 1,
    }


async def test_a_lesson_waits_for_the_map_and_another_model_learns_for_itself(
    scene: Scene, tmp_path: Path
) -> None:
    await went(scene, 900)
    await lessons().learn(scene.database)
    file = tmp_path / "town.osm.pbf"
    through_streets = lessons(model="streets", streets_file=file)
    await through_streets.ways.look_at_file()
    assert await through_streets.learn(scene.database) == 0
    write_osm(build(across=5, side_m=600), file)
    await through_streets.ways.look_at_file()
    assert await through_streets.learn(scene.database) == 1
    assert {row["model"] for row in await counted(scene)} == {"straight", "streets"}


async def test_a_replica_takes_up_what_another_learned(scene: Scene) -> None:
    await went(scene, 900)
    late, quick = lessons(), lessons()
    await late.learn(scene.database)
    await went(scene, 2000)
    await quick.learn(scene.database)
    assert await late.learn(scene.database) == 0
    assert late.ways.corrections is not None
    assert quick.ways.corrections is not None
    assert late.ways.corrections.by_pair.tolist() == quick.ways.corrections.by_pair.tolist()


async def test_a_position_nobody_can_read_stops_no_lesson(scene: Scene) -> None:
    await went(scene, 900)
    async with scene.database.transaction() as tx:
        await tx.rows("UPDATE whereabouts SET sealed_position = CAST('damaged' AS bytea)")
    await went(scene, 900)
    assert await lessons().learn(scene.database) == 1


async def test_a_fault_in_a_map_or_a_lesson_is_its_own(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A loop that ends takes the process with it, and the search with the process."""

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Ways, "look_at_file", broken)
    monkeypatch.setattr(Lessons, "learn", broken)
    teacher, beat = lessons(), Beat("travel")
    await teacher.turn(scene.database, beat)
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert min(teacher.next_look, teacher.next_lesson) > time.monotonic() + FAULT_RESTS_SECONDS / 2


async def test_what_is_too_much_for_one_lesson_is_learned_in_the_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(travel_counts, "ARRIVALS_PER_TURN", 1)
    for _ in range(3):
        await went(scene, 900)
    teacher = lessons()
    assert [await teacher.learn(scene.database) for _ in range(4)] == [1, 1, 1, 0]


async def test_the_queries_do_not_read_what_was_learned_from(scene: Scene) -> None:
    """By the index on time, however many arrivals there are."""
    async with scene.database.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        plan = await tx.rows(
            "EXPLAIN " + travel_counts.WINDOW,
            at=START,
            part_id=UUID(int=0),
            until=START + timedelta(days=1),
            most=100,
        )
    assert "arrivals_by_time" in "\n".join(row["QUERY PLAN"] for row in plan)
