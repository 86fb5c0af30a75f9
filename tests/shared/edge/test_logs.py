"""Logs and traces that can be laid side by side."""

from __future__ import annotations

import asyncio
import json
import logging
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from starlette.types import Message, Receive, Scope, Send

from shared.edge import Edge
from shared.health import Beat, Health
from shared.logs import JsonLines, TextLines, about
from shared.telemetry import continue_trace, current_trace_id, current_traceparent

CASE, EVENT = UUID(int=1), UUID(int=2)
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def a_record(**extra: object) -> logging.LogRecord:
    record = logging.LogRecord("shared.inbox", logging.WARNING, __file__, 1, "set aside: %s", ("x",), None)
    record.__dict__.update(extra)
    return record


def test_a_line_carries_case_event_and_trace() -> None:
    with about(case_id=CASE), about(event_id=EVENT), continue_trace(TRACEPARENT, "handler"):
        line = json.loads(JsonLines("dispatch").format(a_record()))

    assert line["case_id"], line["event_id"] == (str(CASE), str(EVENT))
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert (line["service"], line["level"], line["message"]) == ("dispatch", "warning", "set aside: x")
    assert line["at"].endswith("+00:00")


def test_ids_end_with_their_block_and_may_be_given_with_the_line() -> None:
    with about(case_id=CASE):
        pass

    assert "case_id" not in json.loads(JsonLines("dispatch").format(a_record()))
    assert json.loads(JsonLines("dispatch").format(a_record(case_id=str(CASE))))["case_id"] == str(CASE)


def test_text_is_one_line_for_people() -> None:
    with about(case_id=CASE):
        line = TextLines("dispatch").format(a_record())

    assert line[12:] == f" dispatch   WARNING set aside: x  case_id={CASE}"


async def test_ids_stay_in_their_own_task() -> None:
    async def work(number: int) -> str:
        with about(case_id=UUID(int=number)):
            await asyncio.sleep(0)
            return str(json.loads(JsonLines("x").format(a_record()))["case_id"])

    assert await asyncio.gather(*map(work, range(5))) == [str(UUID(int=number)) for number in range(5)]


def test_a_trace_goes_on_across_a_header() -> None:
    with continue_trace(TRACEPARENT, "request"):
        passed_on = current_traceparent()
    with continue_trace(passed_on, "handler"):
        assert current_trace_id() == "4bf92f3577b34da6a3ce929d0e0e4736"

    assert passed_on != TRACEPARENT
    assert current_traceparent() == ""


def test_a_request_without_a_trace_begins_one() -> None:
    with continue_trace(None, "request"):
        first = current_trace_id()
    with continue_trace("not a traceparent", "request"):
        second = current_trace_id()

    assert first
    assert second
    assert first != second


def test_a_loop_that_fails_and_tries_again_is_alive_but_not_ready() -> None:
    seconds = [0.0]
    beat = Beat("inbox", lambda: seconds[0])
    health = Health(live_within_seconds=60, ready_within_seconds=5, beats={"inbox": beat})

    seconds[0] = 6
    beat(good=False)
    assert (health.not_live(), health.not_ready()) == ([], ["inbox"])
    seconds[0] = 12
    beat()
    assert health.not_ready() == []
    seconds[0] = 80
    assert health.not_live() == ["inbox"]


async def test_an_answer_that_breaks_off_is_logged_by_its_route(caplog: pytest.LogCaptureFixture) -> None:
    """A resident's single-use link stands in the path."""

    async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = SimpleNamespace(path="/follow-up-links/{token}")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("in the middle")

    async def ignore(message: Message) -> None: ...

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    service = SimpleNamespace(directory_is_read=True, requests_in_progress=0, requests_done=0)
    scope = {"type": "http", "method": "POST", "path": "/follow-up-links/s3cret", "headers": []}
    await Edge(breaks_off, cast("Any", service))(scope, nothing, ignore)
    assert "POST /follow-up-links/{token} broke off" in caplog.text
    assert "s3cret" not in caplog.text
