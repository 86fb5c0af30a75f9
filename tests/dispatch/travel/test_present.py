"""How a process sees how ways go at present: from the arrivals of the last hour and a half, each position read once."""

from datetime import timedelta
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from services.dispatch.commands import Position
from services.dispatch.handlers import lessons
from services.dispatch.handlers.lessons import Lessons
from services.dispatch.handlers.ways import ModelAway, Ways
from services.dispatch.queries import travel_counts
from services.dispatch.queries.sealed import unseal_position
from services.dispatch.travel.conditions import LASTS_SECONDS
from services.dispatch.travel.learned import Corrections, Count
from services.dispatch.travel.model import MODES, Floats
from services.dispatch.travel.straight import travel_seconds
from shared.events.dispatch import CaseOffered
from shared.going import ArrivalMethod, TravelMode
from shared.health import Beat
from shared.things import Point
from tests.dispatch.world import SEALER, START, Scene, nobody_on_duty

PLACE = nobody_on_duty().units["grid-a1"].centre or Point(lon=0, lat=0)
THERE = Position(lon=PLACE.lon, lat=PLACE.lat, accuracy_m=10)
HOME = Position(lon=PLACE.lon + 0.007, lat=PLACE.lat + 0.007, accuracy_m=10)


async def all_went(scene: Scene, ways: int, longer: float) -> None:
    """So many set out for an emergency each, and arrive after so many times what the straight line says."""
    going = list[tuple[float, UUID, str]]()
    for _ in range(ways):
        offer = await scene.offer(await scene.registered())
        await scene.accept(offer, position=HOME)
        mode = scene.database.directory.people[offer.person_id].mode
        took = longer * travel_seconds(Point(lon=HOME.lon, lat=HOME.lat), PLACE, mode)
        going.append((took, offer.part_id, offer.person_id))
    began = scene.now
    for took, part_id, person_id in sorted(going):
        await scene._set(began + timedelta(seconds=took))
        await scene.arrive(part_id, person_id, method=ArrivalMethod.POSITION, position=THERE, reason=None)


async def etas(scene: Scene) -> dict[str, int]:
    """How long everybody would take to a case that is registered now, as its offer's explanation says."""
    [offered] = await scene.events(await scene.registered(), CaseOffered)
    return {one.person_id: one.eta_seconds for one in offered.candidates if one.eta_seconds}


def factors(ways: Ways) -> Floats:
    assert ways.conditions is not None
    return ways.conditions.factors


async def test_when_ways_take_twice_as_long_the_next_offer_says_so(scene: Scene) -> None:
    await all_went(scene, 20, 2.0)
    before = await etas(scene)
    seer, other = Lessons(scene.matching.ways, SEALER), Lessons(Ways(), SEALER)
    await seer.see_conditions(scene.database)
    after = await etas(scene)
    riders = [
        person_id
        for person_id in before.keys() & after.keys()
        if scene.database.directory.people[person_id].mode is TravelMode.E_BIKE
    ]
    assert riders
    for person_id in riders:
        assert after[person_id] / before[person_id] == pytest.approx(2.0, rel=0.15)

    await other.see_conditions(scene.database)
    assert factors(other.ways).tolist() == factors(seer.ways).tolist()
    for mode, factor in zip(MODES, factors(seer.ways).tolist(), strict=True):
        shown = REGISTRY.get_sample_value("yike_dispatch_travel_conditions", {"mode": mode.value})
        assert shown == pytest.approx(factor)

    await scene._set(scene.now + timedelta(seconds=LASTS_SECONDS + 1))
    await seer.see_conditions(scene.database)
    assert factors(seer.ways).tolist() == [1.0, 1.0, 1.0]


async def test_each_position_is_read_once_also_where_the_model_was_away(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = list[str]()

    def watched(*given: object) -> Point:
        read.append(str(given[-1]))
        return unseal_position(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(travel_counts, "unseal_position", watched)
    await all_went(scene, 4, 2.0)
    seer = Lessons(Ways(), SEALER)
    for _ in range(3):
        await seer.see_conditions(scene.database)
    assert len(read) == len(set(read)) == 4
    told = factors(seer.ways).tolist()

    waits = Lessons(Ways("streets"), SEALER)

    async def away(*_: object) -> float:
        raise ModelAway

    with monkeypatch.context() as gone:
        gone.setattr(waits.ways, "nominal", away)
        await waits.see_conditions(scene.database)
        assert factors(waits.ways).tolist() == [1.0, 1.0, 1.0]
    await waits.see_conditions(scene.database)
    assert factors(waits.ways).tolist() == told


async def test_what_the_counts_took_up_is_no_matter_of_the_present(scene: Scene) -> None:
    await all_went(scene, 6, 2.0)
    seer = Lessons(Ways(), SEALER)
    await seer.see_conditions(scene.database)
    alone = factors(seer.ways)[1]
    many = [
        Count(way.count.from_cell, way.count.to_cell, way.count.band, mode, way.count.bin, 200)
        for way in seer.lately.values()
        if way is not None
        for mode in MODES
    ]
    seer.ways.corrections = Corrections.of(many)
    await seer.see_conditions(scene.database)
    assert alone > 1.2
    assert factors(seer.ways) == pytest.approx(1.0, abs=0.06)


async def test_memory_is_bounded_and_the_latest_stay(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "LATELY_KEPT_MAX", 3)
    await all_went(scene, 4, 2.0)
    seer = Lessons(Ways(), SEALER)
    await seer.see_conditions(scene.database)
    ends = [way.ended_at for way in seer.lately.values() if way is not None]
    assert len(ends) == 3
    assert ends == sorted(ends)
    assert max(ends) == scene.now.timestamp()


async def test_a_simulated_day_looks_at_nothing_and_a_fault_leaves_things_as_usual(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await all_went(scene, 4, 2.0)
    simulated, seer, beat = Lessons(Ways(simulated=True), SEALER), Lessons(Ways(), SEALER), Beat("travel")
    await simulated.turn(scene.database, beat)
    assert simulated.ways.conditions is None
    await seer.turn(scene.database, beat)
    assert factors(seer.ways)[1] > 1.0

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Lessons, "see_conditions", broken)
    seer.next_conditions = 0.0
    await seer.turn(scene.database, beat)
    assert seer.ways.conditions is None


async def test_no_look_reads_arrivals_of_before(scene: Scene) -> None:
    """By the index on time, however many arrivals there are."""
    async with scene.database.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        plan = await tx.rows(
            "EXPLAIN " + travel_counts.ENDED_LATELY, since=START, known=[UUID(int=0)], most=200
        )
    assert "arrivals_by_time" in "\n".join(row["QUERY PLAN"] for row in plan)
