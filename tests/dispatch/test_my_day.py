"""Somebody's day as the routes show it: to who walks it and who leads them, planned again after whatever happens."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.dispatch.handlers import day_solver
from services.dispatch.handlers.day_plans import day_of
from services.dispatch.handlers.day_solver import DaySolver, Fallback
from services.dispatch.handlers.ways import Ways
from services.dispatch.rules.touring import Tour
from services.dispatch.settings import Settings
from shared.directory import Directory
from shared.events.intake import Window
from shared.service import Service
from shared.things import Shift
from shared.vocabulary import Role, ShiftKind
from tests.dispatch.phones import Phone
from tests.dispatch.test_mass_tasks import Desk, a_task, residents
from tests.dispatch.test_rounds import a_leader, a_stop, a_visit
from tests.dispatch.travel.towns import at, build, write_osm
from tests.dispatch.world import LEADER, START, A, Scene, directory

HOUR = timedelta(hours=1)


async def my_day(phone: Phone, path: str = "/me/day") -> dict[str, Any]:
    answer = await phone.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def kinds(day: dict[str, Any]) -> list[str]:
    return [one["visit"]["kind"] for one in day["visits"]]


async def taken(scene: Scene, **more: Any) -> Any:
    """A case that A has accepted."""
    case_id = await scene.registered(**more)
    offer = await scene.offer(case_id)
    await scene.accept(offer, A)
    return offer


async def test_a_day_from_the_first_visit_to_the_last_door(service: Service, scene: Scene) -> None:
    """A routine case, an agreed window, a point at nine, a visit, and the doors of a mass task; an emergency comes
    between and is first until it is handled."""
    window = Window(starts_at=START + 8 * HOUR, ends_at=START + 9 * HOUR)
    routine = await taken(scene, category="road-damage")
    await taken(scene, category="home-visit", appointment=window)
    await a_stop(service)
    await a_visit(service)
    await a_task(Desk(service), residents(120, ["grid-a1"]))
    phone = Phone(service, A)

    day = await my_day(phone)
    assert sorted(kinds(day)) == ["appointment", "case", "doors", "doors", "stop", "stop"]
    assert (day["left_out"], day["fallback"], day["on_duty"]) == ([], None, True)
    by_title = {one["visit"]["title"]: one for one in day["visits"]}
    assert {"全员采样", "东门配电箱", "王小明（演示）"} <= by_title.keys()
    [agreed] = [one for one in day["visits"] if one["visit"]["kind"] == "appointment"]
    assert agreed["visit"]["firm"]
    assert window.starts_at <= datetime.fromisoformat(agreed["begin_at"]) <= window.ends_at
    nine = datetime.fromisoformat(by_title["东门配电箱"]["begin_at"])
    assert (
        timedelta(0) <= nine - datetime.fromisoformat(by_title["东门配电箱"]["visit"]["opens_at"]) <= HOUR / 2
    )
    assert sum(one["visit"]["doors"] or 0 for one in day["visits"]) == 40
    times = [one[when] for one in day["visits"] for when in ("arrive_from", "begin_at", "leave_at")]
    assert times == sorted(times)
    assert day["rest"] is None, "the work is done before a break is due"
    assert await my_day(phone) == day, "asked again, the same again"

    emergency = await taken(scene)
    first, *others = (await my_day(phone))["visits"]
    assert (first["visit"]["kind"], first["visit"]["under_way"], first["late_minutes"]) == ("case", True, 0)
    assert len(others) == 6
    await scene.arrive(emergency.part_id, A, method="qr_code", code=scene.code())
    assert (await my_day(phone))["visits"][0]["visit"]["part_id"] == str(emergency.part_id)
    await scene.do_the_musts(emergency.part_id, A)
    await scene.handle(emergency.part_id, A)
    assert sorted(kinds(await my_day(phone))) == sorted(kinds(day))
    await scene.arrive(routine.part_id, A)
    there = (await my_day(phone))["visits"][0]
    assert (there["visit"]["part_id"], there["visit"]["under_way"]) == (str(routine.part_id), True)


async def test_a_window_that_is_over_is_named_with_why(service: Service, scene: Scene) -> None:
    window = Window(starts_at=START + HOUR, ends_at=START + 2 * HOUR)
    await taken(scene, category="home-visit", appointment=window)
    phone = Phone(service, A)
    assert kinds(await my_day(phone)) == ["appointment"]
    await scene._set(START + 3 * HOUR)
    day = await my_day(phone)
    [left] = day["left_out"]
    assert (day["visits"], left["why"], left["visit"]["kind"]) == ([], "window_over", "appointment")
    assert " / " in left["text"]
    assert left["earliest_at"] >= day["now"]
    await scene._set(START - 20 * HOUR)
    assert (await my_day(phone))["visits"] == [], "what is agreed for tomorrow is of tomorrow"


async def test_who_leads_sees_the_day_and_no_positions(service: Service, scene: Scene) -> None:
    await taken(scene, category="road-damage")
    visit = await a_visit(service)
    own = await my_day(Phone(service, A), "/me/day?lon=102.7&lat=25.02")
    assert all(one["visit"]["place"] for one in own["visits"])
    for reader in (
        a_leader(service),
        Phone(service, "p-community-a-o1", Role.UNIT_OFFICER, "community-a"),
        Phone(service, "p-street-s1", Role.SUPERVISOR, "street"),
    ):
        seen = await my_day(reader, f"/people/{A}/day")
        assert sorted(kinds(seen)) == ["case", "stop"]
        assert [one["visit"]["place"] for one in seen["visits"]] == [None, None]
        titles = {one["visit"]["stop_id"]: one["visit"]["title"] for one in seen["visits"]}
        assert titles[visit["stop_id"]] == "王*"
    for stranger in (
        Phone(service, "p-grid-a2-l", Role.GRID_LEADER, "grid-a2"),
        Phone(service, "p-community-b-o1", Role.UNIT_OFFICER, "community-b"),
        Phone(service, "p-grid-a1-w", Role.GRID_WORKER, "grid-a1"),
    ):
        refused = await stranger.get(f"/people/{A}/day")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    unknown = await a_leader(service).get("/people/p-nobody/day")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not-found")
    half = await Phone(service, A).get("/me/day?lon=102.7")
    assert (half.status_code, half.json()["code"]) == (422, "half-a-position")


async def test_what_is_another_units_has_no_name_for_who_leads_here(service: Service, scene: Scene) -> None:
    """The worker of A1 holds a case of A2: the leader of A1 sees that there is something, and when."""
    offer = await taken(scene, category="road-damage")
    async with scene.database.transaction() as tx:
        await tx.rows("UPDATE cases SET grid_id = 'grid-a2'")
    [hidden] = (await my_day(a_leader(service), f"/people/{A}/day"))["visits"]
    assert (hidden["visit"]["title"], hidden["visit"]["case_id"], hidden["visit"]["number"]) == (None,) * 3
    [shown] = (await my_day(Phone(service, A)))["visits"]
    assert shown["visit"]["part_id"] == str(offer.part_id)
    officer = Phone(service, "p-community-a-o1", Role.UNIT_OFFICER, "community-a")
    assert (await my_day(officer, f"/people/{A}/day"))["visits"][0]["visit"]["title"] == "井盖缺失"


# ── from when to when ─────────────────────────────────────────────────────────────────────────────────────────────


def shift(begin: float, end: float, kind: ShiftKind = ShiftKind.ON_DUTY) -> Shift:
    """In hours from 02:10 at night."""
    return Shift(
        id=f"s-{begin}",
        person_id=A,
        unit_id="grid-a1",
        starts_at=START + begin * HOUR,
        ends_at=START + end * HOUR,
        kind=kind,
    )


@pytest.mark.parametrize(
    ("shifts", "begins", "ends", "rests"),
    [
        ([], 0, 16, None),
        ([shift(-2, 6)], 0, 6, None),
        ([shift(-2, 6), shift(6, 14)], 0, 14, 9 + 1 / 3),
        ([shift(6, 14)], 6, 14, 9 + 1 / 3),
        ([shift(8, 13)], 8, 13, None),
        ([shift(-2, 40)], 0, 16, 9 + 1 / 3),
        ([shift(30, 38)], 0, 16, None),
        ([shift(-2, 6, ShiftKind.ON_CALL)], 0, 16, None),
    ],
)
def test_from_when_to_when(shifts: list[Shift], begins: float, ends: float, rests: float | None) -> None:
    """The shift, with those that follow on it, sixteen hours at most; without one, today. Whoever works
    for less than six hours has no break."""
    town: Directory = directory(only=())
    for one in shifts:
        town.shifts[one.id] = one
    town._forget()
    found = day_of(town, A, START, Settings.model_construct())
    assert (found.starts_at, found.ends_at) == (START + begins * HOUR, START + ends * HOUR)
    assert (found.rest.earliest if found.rest else None) == (None if rests is None else START + rests * HOUR)


# ── the process ───────────────────────────────────────────────────────────────────────────────────────────────────


def a_tour(*, ways: bytes | None = None, stay: int = 60) -> Tour:
    window = ((0, 36_000), (0, 36_000))
    table = ways if ways is not None else b"\x05\x00\x00\x00" * 9
    return Tour((0, 1), table, (stay, 60), window, window, (1, 1), 36_000)


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("yike_dispatch_day_plans_total", {"result": result}) or 0.0


async def test_a_fault_and_a_slow_answer_leave_the_plain_order(
    solver: DaySolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {result: counted(result) for result in ("error", "time", "busy", "kept")}
    assert await solver.order(a_tour(ways=b"\x00")) is Fallback.ERROR
    assert sorted(await solver.order(a_tour())) == [0, 1]
    solver.seconds_max = 0.0
    assert await solver.order(a_tour(stay=63)) is Fallback.TIME
    monkeypatch.setattr(day_solver, "WAITING_MAX", 1)
    assert await solver.order(a_tour(stay=64)) is Fallback.BUSY
    await asyncio.gather(*solver._running.values())
    assert sorted(await solver.order(a_tour(stay=63))) == [0, 1], "it is there for who asks next"
    assert {one: counted(one) - before[one] for one in before} == dict.fromkeys(before, 1)


async def test_a_process_that_ends_is_begun_anew(process: ProcessPoolExecutor) -> None:
    """A tour brought it down, or the machine ran out of memory."""
    context = multiprocessing.get_context("spawn")
    solver = DaySolver(60)
    ended = ProcessPoolExecutor(1, mp_context=context, initializer=os._exit, initargs=(1,))
    solver._process = ended
    assert await solver.order(a_tour(stay=65)) is Fallback.ERROR
    assert solver._process is not ended
    solver._process = process
    assert sorted(await solver.order(a_tour(stay=65))) == [0, 1]


async def test_what_was_asked_for_least_lately_is_forgotten_first(
    solver: DaySolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_solver, "KEPT_MAX", 2)
    for stay in (1, 2, 1, 3):
        await solver.order(a_tour(stay=stay))
    assert [tour.stays[0] for tour in solver._known] == [1, 3]


async def test_the_day_is_answered_in_the_plain_order_where_the_solver_errs(
    service: Service, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await taken(scene, category="road-damage")
    await a_stop(service)

    async def errs(self: DaySolver, tour: Tour) -> Fallback:
        return Fallback.ERROR

    monkeypatch.setattr(DaySolver, "order", errs)
    day = await my_day(Phone(service, A))
    assert (sorted(kinds(day)), day["fallback"]) == (["case", "stop"], "error")
    assert LEADER not in str(day)


async def test_a_plan_pushes_out_no_way_to_an_emergency(
    service: Service, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A map searched for a hundred visits has room for no case any more, and no router rests for what a plan asks."""
    ways = Ways("streets", streets_file=write_osm(build(across=6, side_m=600), tmp_path / "town.osm"))
    await ways.look_at_file()
    monkeypatch.setattr(service.app.state.day_plans, "ways", ways)
    west, south = at(0, 0)
    await a_stop(service, place={"lon": west, "lat": south})
    await my_day(Phone(service, A), f"/me/day?lon={at(300, 0)[0]}&lat={south}")
    assert (len(ways.reach.kept), len(ways.planning.kept)) == (0, 2)
