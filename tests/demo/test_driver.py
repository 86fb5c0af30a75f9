"""The driver's own parts: when who acts, hands that never do a thing twice, and the limits of speed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from deploy.demo import api as hands
from deploy.demo.__main__ import speed_of
from deploy.demo.agenda import Agenda
from deploy.demo.api import Api, Refused
from deploy.demo.faults import VICTIMS, kill_after
from deploy.demo.run import Day
from deploy.demo.settle import Rest

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
Answer = Callable[[httpx.Request], httpx.Response]


async def nothing() -> None:
    """A deed that leaves no trace."""


def test_the_agenda_goes_by_time_then_by_name_then_by_who_asked_first() -> None:
    agenda = Agenda()
    for minutes, who in ((2, "early bird"), (1, "zoe"), (1, "adam"), (1, "adam"), (0, "zoe")):
        agenda.add(NOON + timedelta(minutes=minutes), who, nothing)

    taken = [agenda.take(NOON + timedelta(hours=1)) for _ in range(5)]

    order = [(entry.who, entry.number) for entry in taken if entry is not None]
    assert order == [("zoe", 5), ("adam", 3), ("adam", 4), ("zoe", 2), ("early bird", 1)]
    assert (agenda.take(NOON + timedelta(hours=1)), agenda.next_at(), len(agenda)) == (None, None, 0)


def test_nothing_is_taken_from_the_agenda_before_its_time() -> None:
    agenda = Agenda()
    agenda.add(NOON, "adam", nothing)

    assert agenda.take(NOON - timedelta(milliseconds=1)) is None
    assert agenda.next_at() == NOON
    assert agenda.take(NOON) is not None


@pytest.mark.parametrize(("said", "speed"), [("step", None), ("1", 1.0), ("60", 60.0), ("2.5", 2.5)], ids=str)
def test_the_speed_is_step_or_one_to_sixty(said: str, speed: float | None) -> None:
    assert speed_of(said) == speed


@pytest.mark.parametrize("said", ["0", "0.5", "61", "240", "-1", "nan", "fast", ""])
def test_another_speed_is_refused(said: str) -> None:
    """At 240 an offer of 60 s lives a quarter of a second."""
    with pytest.raises(ValueError):
        speed_of(said)


@pytest.mark.parametrize("calls", [1, 12, 40, 240, 5000])
def test_every_part_is_killed_once_and_before_the_calls_end(calls: int) -> None:
    kills = kill_after(calls)

    assert [victim for _, victim in kills] == list(VICTIMS)
    assert all(0 <= after <= calls for after, _ in kills)
    assert kills == sorted(kills, key=lambda kill: kill[0])


class System:
    """Answers from a list, and remembers what it was asked."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers, self.asked = list(answers), list[httpx.Request]()
        self.signed_in = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/registry/sign-in":
            self.signed_in += 1
            return httpx.Response(200, json={"access_token": f"token-{self.signed_in}"})
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        problem = {"type": "urn:yike:problem:musts-missing"} if answer >= 400 else {"state": "done"}
        return httpx.Response(answer, json=problem)

    def header(self, name: str) -> list[str | None]:
        return [request.headers.get(name) for request in self.asked]


def somebody(system: Answer, account: str | None = None) -> Api:
    client = httpx.AsyncClient(transport=httpx.MockTransport(system), base_url="http://yike.test")
    return Api(client, account, "secret")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "AGAIN_AFTER_SECONDS", 0)


async def test_an_act_is_repeated_under_one_key_until_there_is_an_answer() -> None:
    system = System(503, httpx.ConnectError("away"), 502, httpx.ReadTimeout("no answer"), 200)

    answer = await somebody(system).post("/api/dispatch/parts/1/handle", {"outcome": "solved"})

    assert answer == {"state": "done"}
    assert len(set(system.header("Idempotency-Key"))) == 1
    assert {request.content for request in system.asked} == {b'{"outcome":"solved"}'}
    assert len(system.asked) == 5


async def test_a_photo_is_sent_again_whole() -> None:
    system = System(503, 201)

    await somebody(system).post("/evidence", files={"file": ("photo.jpg", b"every byte", "image/jpeg")})

    assert all(b"every byte" in request.content for request in system.asked)
    assert len(set(system.header("Idempotency-Key"))) == 1


async def test_two_acts_have_two_keys() -> None:
    system = System(200, 200)
    hand = somebody(system)

    await hand.post("/accept")
    await hand.post("/accept")

    assert len(set(system.header("Idempotency-Key"))) == 2


async def test_a_clear_no_is_not_repeated() -> None:
    system = System(409)

    answer = await somebody(system).post("/handle")

    assert isinstance(answer, Refused)
    assert (answer.status, answer.kind) == (409, "musts-missing")
    assert len(system.asked) == 1


async def test_an_old_token_is_changed_and_the_act_repeated_under_its_key() -> None:
    system = System(401, 200)

    answer = await somebody(system, "grid-a1-a").post("/accept")

    assert answer == {"state": "done"}
    assert system.header("Authorization") == ["Bearer token-1", "Bearer token-2"]
    assert len(set(system.header("Idempotency-Key"))) == 1


async def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "PATIENCE_SECONDS", 0.0)
    system = System(503, 503)

    answer = await somebody(system).get("/board")

    assert isinstance(answer, Refused)
    assert answer.status == 503


async def test_what_is_no_problem_document_is_still_a_no() -> None:
    answer = await somebody(lambda _: httpx.Response(413, text="too large")).post("/evidence")

    assert answer == Refused(413, {"title": "too large"})
    assert json.dumps(answer.problem)


async def test_a_day_ends_when_cases_are_open_and_nothing_is_due_any_more() -> None:
    """It broke off before its books could say which cases those are."""

    async def rest() -> Rest:
        return Rest(None, 0)

    async def open_cases() -> int:
        return 1

    day = object.__new__(Day)
    day._settling = cast("Any", SimpleNamespace(rest=rest))
    day._plan = cast("Any", SimpleNamespace(kill=False, calls=[]))
    day._city = cast("Any", SimpleNamespace(agenda=Agenda(), done={"register": 0}, refused={}, now=NOON))
    day.open_cases = open_cases  # type: ignore[method-assign]
    day._progress = lambda **_: None  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        await day._step(NOON + timedelta(days=1))
