"""待命建议 in the service: rarely, to whoever is free and wants it; nothing kept of where anybody is, and reckoned with
until something else begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import numpy as np
import pytest

from services.dispatch.handlers.advising import (
    ADVICE,
    Advising,
    Free,
    calm_of,
    grids_of,
    streets_that_advise,
)
from services.dispatch.matching.advice import DEMAND_DAYS, GAIN_MIN, best_move, reach_of
from services.dispatch.matching.whereabouts import FOLLOWED
from services.dispatch.queries.advice import DEMAND, LAST_IN_STREET, LEFT_ALONE, TOLD, Cell
from services.dispatch.timers import Forgetting
from services.dispatch.travel.straight import travel_seconds
from shared.database import Database
from shared.directory import Directory
from shared.events.fieldwork import PlaceAdvised
from shared.events.things import ShiftChanged, UnitChanged
from shared.journal import story
from shared.sealing import Sealer
from shared.service import Service
from shared.vocabulary import ShiftKind
from tests.dispatch.phones import Phone
from tests.dispatch.world import START, B, Scene, directory

STORY = uuid5(ADVICE, "street")
COPIES = """
    INSERT INTO cases SELECT (jsonb_populate_record(CAST(NULL AS cases), one.line || jsonb_build_object(
        'id', gen_random_uuid(), 'state', 'closed',
        'registered_at', CAST(:now AS timestamptz) - make_interval(days => day),
        'place', jsonb_build_object('lon', CAST(:lon AS float8), 'lat', CAST(:lat AS float8), 'label', '')
    ))).* FROM (SELECT to_jsonb(cases) AS line FROM cases LIMIT 1) AS one, generate_series(1, :days) AS day
"""
A_STOP = """
    WITH stop AS (
        INSERT INTO round_stops (id, kind, grid_id, label, period, amount, since, stay_minutes, due_on, not_before,
            added_at)
        VALUES (CAST(:stop AS uuid), 'patrol_point', 'grid-a1', '西门', 'days', 1, '2026-01-01', 5, '2026-01-01',
            '2026-01-01', :now)
        RETURNING id
    )
    INSERT INTO round_entries (id, stop_id, person_id, at, done, due_on)
    SELECT gen_random_uuid(), id, :person, :now, true, '2026-01-01' FROM stop
"""


def advising_town() -> Directory:
    """B is alone on duty, on foot, in the south of the street."""
    town = directory(only=[B])
    street = town.units["street"].model_copy(update={"advises": True})
    town.take(UnitChanged(at=START, sequence=8, unit=street))
    return town


@pytest.fixture
def town() -> Directory:
    return advising_town()


@pytest.fixture
def advising(ground: tuple[Database, Sealer]) -> Advising:
    return Advising(ground[1])


async def over(scene: Scene, case_id: UUID) -> None:
    async with scene.database.transaction() as tx:
        await tx.rows("UPDATE cases SET state = 'closed' WHERE id = :id", id=case_id)
        await tx.rows("UPDATE parts SET state = 'ended' WHERE case_id = :id", id=case_id)
        await tx.rows("UPDATE offers SET state = 'ended', goes = false WHERE case_id = :id", id=case_id)


async def a_past(scene: Scene, grid_id: str = "grid-c3", days: int = 25, hours: float = 0) -> None:
    """An emergency a day in that grid, about now; the case they are drawn from is over."""
    await over(scene, await scene.registered())
    async with scene.database.transaction() as tx:
        centre = tx.directory.units[grid_id].centre
        assert centre is not None
        now = START + timedelta(hours=hours)
        await tx.rows(COPIES, now=now, lon=centre.lon, lat=centre.lat, days=days)


async def said(scene: Scene) -> list[PlaceAdvised]:
    async with scene.database.transaction() as tx:
        return [event for event in await story(tx, STORY) if isinstance(event, PlaceAdvised)]


async def look(scene: Scene, advising: Advising, seconds: float) -> int:
    """Until then the minute loop has turned whenever it was due; how often it spoke in all."""
    await scene._set(START + timedelta(seconds=seconds))
    await advising.turn(scene.database)
    return len(await said(scene))


async def test_who_is_free_hears_where_they_are_missed(scene: Scene, advising: Advising) -> None:
    await a_past(scene)

    assert await look(scene, advising, 60) == 1

    [event] = await said(scene)
    assert event.person_id == B
    assert event.covered_after - event.covered_before >= GAIN_MIN
    reached = {"grid-a7", "grid-a3", "grid-a4", "grid-a6"}
    assert event.grid_id in reached, "on foot no grid further north is near enough to go and wait"
    assert event.unit_path[:2] == ("civil-affairs", "street")


async def test_nobody_is_told_twice_in_half_an_hour(scene: Scene, advising: Advising) -> None:
    await a_past(scene)

    assert await look(scene, advising, 60) == 1
    assert await look(scene, advising, 29 * 60 + 59) == 1
    assert await look(scene, advising, 31 * 60) == 2


async def test_a_street_speaks_once_a_minute_whatever_replica_looks(scene: Scene, advising: Advising) -> None:
    await a_past(scene)
    assert await look(scene, advising, 60) == 1
    async with scene.database.transaction() as tx:
        await tx.rows("UPDATE advice_given SET person_id = 'p-somebody-else'")

    other = Advising(advising.sealer)
    assert await look(scene, other, 100) == 1, "the minute is not over"
    assert await look(scene, other, 160) == 2


async def test_whoever_wants_none_hears_none(service: Service, scene: Scene) -> None:
    await a_past(scene)
    phone, advising = Phone(service, B), Advising(service.sealer)
    assert (await phone.get("/me/advice")).json() == {"wanted": True}

    refused = await phone._client.put("/me/advice", json={"wanted": False})

    assert refused.json() == (await phone.get("/me/advice")).json() == {"wanted": False}
    assert await look(scene, advising, 60) == 0
    await phone._client.put("/me/advice", json={"wanted": True})
    assert await look(scene, advising, 120) == 1
    assert (await Phone(service, "p-grid-a1-a").get("/me/advice")).json() == {"wanted": True}


async def test_while_somebody_waits_for_help_nobody_is_sent_to_wait(scene: Scene, advising: Advising) -> None:
    await a_past(scene)
    case = await scene.registered("grid-c3")
    await scene.until(10)
    assert await look(scene, advising, 30) == 0, "B is being asked"

    await scene.decline(await scene.offer(case))

    assert await look(scene, advising, 90) == 0, "B has nothing on hand, but the case waits"


@pytest.mark.parametrize(
    ("days", "hours"), [(19, 0), (25, 5)], ids=["too few to know", "at another time of day"]
)
async def test_where_little_is_known_nothing_is_said(
    scene: Scene, advising: Advising, days: int, hours: float
) -> None:
    """The case they are drawn from is a twentieth, but lies in their own grid."""
    await a_past(scene, days=days - 1 if days < 20 else days, hours=hours)

    assert await look(scene, advising, 60) == 0


async def test_nothing_of_where_they_are_is_kept(scene: Scene, advising: Advising) -> None:
    await a_past(scene)
    await look(scene, advising, 60)

    async with scene.database.transaction() as tx:
        base = tx.directory.people[B].base
        assert base is not None
        for table in ("journal", "outbox", "advice_given"):
            text = str([dict(row) for row in await tx.rows(f"SELECT {table}::text AS row FROM {table}")])
            assert f"{base.lon:.4f}" not in text
            assert f"{base.lat:.4f}" not in text
        [kept] = await tx.rows("SELECT * FROM advice_given")
    assert set(kept) == {"person_id", "at", "street_id", "grid_id"}


async def test_after_a_day_it_is_forgotten_to_whom_it_was_said(scene: Scene, advising: Advising) -> None:
    await a_past(scene, days=27)
    await look(scene, advising, 60)
    await scene._set(START + timedelta(days=1, seconds=60))
    await Forgetting(30).forget(scene.database)
    async with scene.database.transaction() as tx:
        assert len(await tx.rows("SELECT 1 FROM advice_given")) == 1
    await scene._set(START + timedelta(days=1, seconds=61))
    await Forgetting(30).forget(scene.database)

    async with scene.database.transaction() as tx:
        assert len(await tx.rows("SELECT 1 FROM advice_given")) == 0


async def test_the_simulated_clock_stops_at_each_minute(scene: Scene, advising: Advising) -> None:
    async with scene.database.transaction() as tx:
        before = await advising.pending(tx)
    await advising.turn(scene.database)
    async with scene.database.transaction() as tx:
        after = await advising.pending(tx)

    assert (before.in_flight, after.in_flight) == (1, 0)
    assert after.next_due_at == START + timedelta(minutes=1)


def test_whoever_was_seen_elsewhere_counts_at_home_and_may_hear_that_they_are_needed_where_they_are() -> None:
    """On foot, far from home, where all the emergencies are: "stay" is worth saying, "go home" is not."""
    town = advising_town()
    grids = grids_of(town, "street")
    centre = {grid.id: grid.centre for grid in grids if grid.centre is not None}
    here, home = centre["grid-c3"], town.people[B].base
    assert home is not None
    cells = [Cell(here.lon, here.lat, 30)]

    calm = calm_of(town, [Free(town.people[B], here, home)], set(), cells, grids, 10)
    move = best_move(calm)

    assert move is not None
    assert calm.at is not None
    assert grids[calm.at[0]].id == town.grid_at(home.lon, home.lat).id  # type: ignore[union-attr]
    assert grids[move.spot].id == "grid-c3"
    assert move.covered_before < 0.2 < 0.8 < move.covered_after


def test_whoever_was_told_counts_there_as_well_and_does_not_hear_the_same_again() -> None:
    town = advising_town()
    grids, person = grids_of(town, "street"), town.people[B]
    centre = {grid.id: grid.centre for grid in grids if grid.centre is not None}
    home, cells = person.base, [Cell(centre["grid-c3"].lon, centre["grid-c3"].lat, 30)]
    assert home is not None

    untold, told = (
        calm_of(town, [Free(person, home, home, grid)], set(), cells, grids, 10) for grid in (None, "grid-c3")
    )

    [[at_home]], [[either]] = reach_of(untold).stays, reach_of(told).stays
    [there] = reach_of(told).there[told.modes[0], told.at]
    assert either == pytest.approx(at_home + FOLLOWED * (there[0] - at_home))
    assert either > at_home + 0.4
    assert np.allclose([told.people.lon[0], told.people.lat[0]], [cells[0].lon, cells[0].lat])
    move = best_move(told)
    assert move is None or grids[move.spot].id != "grid-c3"


# ── the next emergency ────────────────────────────────────────────────────────────────────────────────────────────


async def nothing(scene: Scene) -> None:
    """They may be there."""


async def asked_and_declined(scene: Scene) -> None:
    case = await scene.registered("grid-a1")
    await scene.decline(await scene.offer(case))
    await over(scene, case)


async def an_emergency(scene: Scene) -> None:
    offer = await scene.offer(await scene.registered("grid-a1"))
    await scene.accept(offer)
    await scene.arrive(offer.part_id, B)
    await scene.do_the_musts(offer.part_id, B)
    await scene.handle(offer.part_id, B)


async def their_round(scene: Scene) -> None:
    async with scene.database.transaction() as tx:
        await tx.rows(A_STOP, stop="018f6b1c-7a1f-7c3e-9d52-3f4b1a2c5d6e", person=B, now=scene.now)


async def a_break(scene: Scene) -> None:
    """The shift goes on after it."""
    shift = scene.database.directory.shifts[f"s-{B}"]
    first = shift.model_copy(update={"ends_at": scene.now - timedelta(minutes=5)})
    second = shift.model_copy(update={"id": "s-later", "starts_at": scene.now})
    for number, one in enumerate((first, second)):
        scene.database.directory.take(ShiftChanged(at=scene.now, sequence=9 + number, shift=one))


async def no_more_advice(scene: Scene) -> None:
    street = scene.database.directory.units["street"].model_copy(update={"advises": False})
    scene.database.directory.take(UnitChanged(at=scene.now, sequence=9, unit=street))


async def the_end_of_the_shift(scene: Scene) -> None:
    """At home within reach from now on."""
    await a_break(scene)
    reach = scene.database.directory.shifts["s-later"].model_copy(update={"kind": ShiftKind.ON_CALL})
    scene.database.directory.take(ShiftChanged(at=scene.now, sequence=11, shift=reach))


@pytest.mark.parametrize(
    ("between", "followed"),
    [
        (nothing, FOLLOWED),
        (asked_and_declined, FOLLOWED),
        (an_emergency, 0.0),
        (their_round, 0.0),
        (a_break, 0.0),
        (the_end_of_the_shift, 0.0),
        (no_more_advice, 0.0),
    ],
)
async def test_the_next_emergency_weighs_both_places_until_something_else_begins(
    scene: Scene, advising: Advising, between: Callable[[Scene], Awaitable[None]], followed: float
) -> None:
    """Some twenty minutes after somebody was told to wait there, whom nobody has seen since."""
    await a_past(scene)
    await look(scene, advising, 60)
    [event] = await said(scene)
    await scene._set(START + timedelta(minutes=20))

    await between(scene)
    await scene._set(START + timedelta(minutes=21))
    case = await scene.registered(event.grid_id)

    told = await scene.offer(case)
    b, there = scene.database.directory.people[B], scene.database.directory.units[event.grid_id].centre
    assert told.person_id == B
    assert b.base is not None
    assert there is not None
    ways = [travel_seconds(start, there, b.mode) for start in (b.base, there)]
    assert ways[0] > ways[1] + 300
    assert told.eta_seconds == pytest.approx((1 - followed) * ways[0] + followed * ways[1], abs=2)


def test_a_street_advises_only_where_its_administrator_says_so() -> None:
    assert streets_that_advise(directory()) == []
    assert streets_that_advise(advising_town()) == ["street"]


async def test_the_demand_is_read_by_an_index(scene: Scene) -> None:
    asked: dict[str, Any] = {
        "street_id": "street",
        "since": START - timedelta(days=DEMAND_DAYS),
        "until": START,
        "hours": [1, 2, 3],
        "zone": "Asia/Shanghai",
        "cell": 0.005,
        "most": 400,
    }
    async with scene.database.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        for sql, given, index in (
            (DEMAND, asked, "cases_by_street"),
            (LAST_IN_STREET, {"street_id": "street"}, "advice_given_by_street"),
            (LEFT_ALONE, {"people": [B], "since": START}, "advice_given_pkey"),
            (TOLD, {"people": [B], "since": [START]}, "advice_given_pkey"),
            (TOLD, {"people": [B], "since": [START]}, "offers_by_person"),
            (TOLD, {"people": [B], "since": [START]}, "round_entries_by_author"),
        ):
            plan = "\n".join(row["QUERY PLAN"] for row in await tx.rows("EXPLAIN " + sql, **given))
            assert index in plan, plan
