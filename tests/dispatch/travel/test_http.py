"""Routers asked over real HTTP. The answers are those of OSRM 26.10 and Valhalla 3.9.1, as they gave them for the town
of towns.py; a router that is slow, away or talks nonsense costs nobody more than the time box."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from services.dispatch.travel.model import Places
from services.dispatch.travel.straight import StraightLine
from services.dispatch.travel.table import table_of
from services.dispatch.travel_http import (
    CASES_PER_QUESTION,
    Osrm,
    Question,
    Router,
    Valhalla,
    questions_for,
)
from tests.dispatch.travel.routers import Answer, Asked, answering

RECORDED = Path(__file__).parent / "recorded"
STARTS = Places(np.array([103.975, 103.98]), np.array([30.555, 30.56]))
ENDS = Places(np.array([103.972, 103.983]), np.array([30.552, 30.553]))
ON_FOOT = np.zeros(2, dtype=np.int8)
WALK, E_BIKE, CAR = range(3)


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@dataclass
class Town:
    """A router that says what the test wants, and remembers what it was asked."""

    answer: Answer = lambda _: (200, b"{}")
    answers: threading.Event = field(default_factory=threading.Event)
    """Not set: it keeps everybody waiting."""
    asked: list[Asked] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def town() -> Iterator[Town]:
    town = Town()
    town.answers.set()

    def answer(asked: Asked) -> tuple[int, bytes]:
        town.asked.append(asked)
        town.answers.wait(30)
        return town.answer(asked)

    with answering(answer) as town.url:
        yield town
        town.answers.set()


def recorded(name: str, status: int = 200) -> Callable[[Asked], tuple[int, bytes]]:
    content = (RECORDED / f"{name}.json").read_bytes()
    return lambda _: (status, content)


def osrm(town: Town, **more: Any) -> Router:
    return Router(Osrm(), {WALK: town.url + "/"}, **{"box_seconds": 5.0, **more})


async def test_osrm_is_asked_for_a_table_and_its_seconds_are_read(town: Town) -> None:
    town.answer = recorded("osrm_table")
    router = osrm(town)
    (block,) = await router.blocks(STARTS, ON_FOOT, ENDS)
    await router.close()
    assert block.seconds.tolist() == [[498.9, 694.4], [1239.2, 914.5]]
    (asked,) = town.asked
    assert asked.path == (
        "/table/v1/foot/103.975000,30.555000;103.980000,30.560000;103.972000,30.552000;103.983000,30.553000"
    )
    assert asked.query["annotations"] == ["duration"]
    assert (asked.query["sources"], asked.query["destinations"]) == (["0;1"], ["2;3"])


@pytest.mark.parametrize(("mode", "costing"), [(WALK, "pedestrian"), (E_BIKE, "bicycle"), (CAR, "auto")])
async def test_valhalla_is_asked_for_a_matrix_and_its_seconds_are_read(
    town: Town, mode: int, costing: str
) -> None:
    town.answer = recorded("valhalla_matrix")
    router = Router(Valhalla(), {mode: town.url}, box_seconds=5.0)
    (block,) = await router.blocks(STARTS, np.full(2, mode, dtype=np.int8), ENDS)
    await router.close()
    assert block.seconds.tolist() == [[492, 683], [1220, 899]]
    (asked,) = town.asked
    assert asked.path == "/sources_to_targets"
    assert asked.body["costing"] == costing
    assert asked.body["verbose"] is False
    assert asked.body["sources"] == [{"lon": 103.975, "lat": 30.555}, {"lon": 103.98, "lat": 30.56}]


async def test_a_pair_without_a_way_goes_by_the_straight_line(town: Town) -> None:
    town.answer = lambda _: (200, b'{"code":"Ok","durations":[[10.5,null],[null,12]]}')
    router = osrm(town)
    blocks = await router.blocks(STARTS, ON_FOOT, ENDS)
    await router.close()
    who, to = np.array([0, 0]), np.array([0, 1])
    straight = StraightLine()
    found = table_of(blocks, straight).trips(STARTS, ON_FOOT, ENDS, who, to, 9).median
    assert found[0] == 10.5
    assert found[1] == straight.trips(STARTS, ON_FOOT, ENDS, who, to, 9).median[1]


@pytest.mark.parametrize(
    ("engine", "name"), [(Osrm(), "osrm_too_big"), (Valhalla(), "valhalla_too_far")], ids=["osrm", "valhalla"]
)
async def test_a_refusal_is_no_outage(town: Town, engine: Osrm | Valhalla, name: str) -> None:
    town.answer = recorded(name, 400)
    router = Router(engine, {WALK: town.url}, box_seconds=5.0)
    assert await router.blocks(STARTS, ON_FOOT, ENDS) == []
    assert not router.away
    town.answer = recorded("osrm_table" if isinstance(engine, Osrm) else "valhalla_matrix")
    assert len(await router.blocks(STARTS, ON_FOOT, ENDS)) == 1
    await router.close()


async def test_nobody_waits_longer_than_the_time_box(town: Town) -> None:
    town.answer = recorded("osrm_table")
    town.answers.clear()
    router = osrm(town, box_seconds=0.1)
    late = value("yike_dispatch_travel_questions_total", result="late")
    assert await router.blocks(STARTS, ON_FOOT, ENDS) == []
    assert router.away
    assert value("yike_dispatch_travel_questions_total", result="late") == late + 1
    await router.close()


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, b""),
        (503, b"<html>"),
        (429, b"{}"),
        (302, b""),
        (200, b"<html>"),
        (200, b'{"code":"Ok","durations":[[1,2]]}'),
        (200, b'{"code":"Ok","durations":[[1,2],[3]]}'),
        (200, b'{"code":"Ok","durations":[[1,-2],[3,4]]}'),
        (200, b'{"code":"Ok","durations":[["x",2],[3,4]]}'),
    ],
)
async def test_what_no_router_says_is_an_outage(town: Town, status: int, content: bytes) -> None:
    town.answer = lambda _: (status, content)
    router = osrm(town)
    assert await router.blocks(STARTS, ON_FOOT, ENDS) == []
    assert router.away
    await router.close()


async def test_an_outage_is_said_once_rests_and_ends(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "services.dispatch.travel_http")
    town.answer = lambda _: (503, b"")
    router = osrm(town)
    for _ in range(3):
        router.rests_until = 0.0
        await router.blocks(STARTS, ON_FOOT, ENDS)
    assert value("yike_dispatch_travel_stands_in") == 1
    town.answer = recorded("osrm_table")
    assert await router.blocks(STARTS, ON_FOOT, ENDS) == []
    assert len(town.asked) == 3
    router.rests_until = 0.0
    assert len(await router.blocks(STARTS, ON_FOOT, ENDS)) == 1
    await router.close()
    assert value("yike_dispatch_travel_stands_in") == 0
    assert [record.levelname for record in caplog.records if "router" in record.message] == [
        "WARNING",
        "INFO",
    ]


async def test_no_router_at_all_is_an_outage() -> None:
    router = Router(Osrm(), {WALK: "http://127.0.0.1:9"}, box_seconds=5.0)
    assert await router.blocks(STARTS, ON_FOOT, ENDS) == []
    assert router.away
    await router.close()


async def test_a_question_that_cannot_be_asked_costs_no_other_its_answer(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.answer = lambda asked: (
        200,
        json.dumps(
            {"code": "Ok", "durations": [[60.0] * len(asked.query["destinations"][0].split(";"))] * 2}
        ).encode(),
    )
    asking = Osrm.request

    def request(self: Osrm, client: Any, url: str, ask: Question) -> Any:
        if len(ask.ends.lon) < CASES_PER_QUESTION:
            raise RuntimeError("of a kind nobody thought of")
        return asking(self, client, url, ask)

    monkeypatch.setattr(Osrm, "request", request)
    router = osrm(town)
    ends = Places(np.full(CASES_PER_QUESTION + 1, 103.97), np.full(CASES_PER_QUESTION + 1, 30.55))
    assert [len(block.ends.lon) for block in await router.blocks(STARTS, ON_FOOT, ends)] == [
        CASES_PER_QUESTION
    ]
    assert not router.away
    await router.close()


async def test_what_comes_in_time_counts_though_the_rest_is_late(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second question is about the later cases; the time box ends when the first is answered."""
    never = threading.Event()
    monkeypatch.setattr(asyncio, "wait", partial(asyncio.wait, return_when=asyncio.FIRST_COMPLETED))

    def answer(asked: Asked) -> tuple[int, bytes]:
        ends = len(asked.query["destinations"][0].split(";"))
        if ends != CASES_PER_QUESTION:
            never.wait(30)
        return 200, json.dumps({"code": "Ok", "durations": [[60.0] * ends] * 2}).encode()

    town.answer = answer
    router = osrm(town)
    many = Places(np.linspace(103.97, 103.98, CASES_PER_QUESTION + 1), np.full(CASES_PER_QUESTION + 1, 30.55))
    (block,) = await router.blocks(STARTS, ON_FOOT, many)
    never.set()
    await router.close()
    assert block.ends.lon.tolist() == many.lon[:CASES_PER_QUESTION].tolist()
    assert not router.away


def test_questions_name_the_nearest_of_each_mode_and_keep_the_limit() -> None:
    draw = np.random.default_rng(1)
    people = Places(draw.uniform(103.97, 104.03, 2000), draw.uniform(30.55, 30.61, 2000))
    cases = Places(draw.uniform(103.97, 104.03, 23), draw.uniform(30.55, 30.61, 23))
    people.lon[7], cases.lat[3] = np.nan, np.nan
    modes = (np.arange(2000) % 3).astype(np.int8)
    questions = list(questions_for(people, modes, cases, {WALK, E_BIKE}, 60))
    assert max(len(one.starts.lon) + len(one.ends.lon) for one in questions) <= 60
    assert {one.mode for one in questions} == {WALK, E_BIKE}
    asked = {
        (end, start)
        for one in questions
        for end in one.ends.lon.tolist()
        for start in one.starts.lon.tolist()
    }
    straight = StraightLine()
    for case in range(23):
        if case == 3:
            continue
        walkers = np.nonzero(modes == WALK)[0]
        way = straight.trips(people, modes, cases, walkers, np.full(len(walkers), case), 9).median
        for person in walkers[np.argsort(way)[:20]]:
            assert (float(cases.lon[case]), float(people.lon[person])) in asked
    assert all(np.isfinite(one.starts.lon).all() and np.isfinite(one.ends.lat).all() for one in questions)


def test_nobody_to_ask_about_is_no_question() -> None:
    nobody = Places(np.empty(0), np.empty(0))
    assert list(questions_for(nobody, np.empty(0, dtype=np.int8), ENDS, {WALK}, 100)) == []
    assert list(questions_for(STARTS, ON_FOOT, nobody, {WALK}, 100)) == []


async def test_where_hundreds_wait_the_first_are_asked_about(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand cases are hundreds of questions: making them all took longer than the time box."""
    monkeypatch.setattr("services.dispatch.travel_http.QUESTIONS_MAX", 2)

    def answer(asked: Asked) -> tuple[int, bytes]:
        ends = len(asked.query["destinations"][0].split(";"))
        return 200, json.dumps({"code": "Ok", "durations": [[60.0] * ends] * 2}).encode()

    town.answer = answer
    router, rows = osrm(town), 3 * CASES_PER_QUESTION
    many = Places(np.linspace(103.97, 103.98, rows), np.full(rows, 30.55))
    blocks = await router.blocks(STARTS, ON_FOOT, many)
    await router.close()
    told = np.concatenate([block.ends.lon for block in blocks]).tolist()
    assert sorted(told) == many.lon[: 2 * CASES_PER_QUESTION].tolist()
    assert len(town.asked) == 2
