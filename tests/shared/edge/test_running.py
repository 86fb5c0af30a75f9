"""Two services on real Kafka: one closes a case on request, the other hears of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.database import Transaction
from shared.event import CASES_TOPIC
from shared.events.intake import CaseClosed
from shared.ids import uuid7
from shared.kafka import TopicEnd
from shared.logs import JsonLines
from shared.routes import Tx, open_to_everybody, router_for
from shared.service import Loop, Service
from shared.simulation import Pending
from shared.telemetry import current_trace_id
from shared.timers import Due
from shared.topics import make_topics
from shared.vocabulary import ClosedBy, Outcome
from tests.shared.edge.conftest import create_tables, settings_of
from tests.shared.edge.small_service import TABLES, turn

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@dataclass
class Heard:
    """What reached the second service."""

    events: list[CaseClosed] = field(default_factory=list)
    traces: list[str | None] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    fired: list[Due] = field(default_factory=list)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Pair:
    teller: Service
    listener: Service
    heard: Heard
    client: httpx.AsyncClient

    async def close_a_case(self, case_id: UUID, **headers: str) -> httpx.Response:
        return await self.client.post(f"/api/intake/cases/{case_id}/close", headers=headers)

    async def idle(self, service: Service) -> dict[str, Any]:
        async with _client(service) as asking:
            found: dict[str, Any] = (await asking.get("/simulation/idle")).json()
        return found


router = router_for("intake")


@router.post("/cases/{case_id}/close", dependencies=[open_to_everybody()])
async def close(case_id: UUID, tx: Tx) -> str:
    now = await tx.lock(case_id)
    tx.announce(
        CaseClosed(case_id=case_id, at=now, outcome=Outcome.SOLVED, closed_by=ClosedBy.FOLLOW_UP, round=1)
    )
    return "closed"


async def _pending(tx: Transaction) -> Pending:
    return Pending(in_flight=0, next_due_at=(await tx.now()) + timedelta(days=1))


@pytest.fixture
async def pair(
    empty_database: Callable[[], str], kafka_bootstrap: str, topic_prefix: str
) -> AsyncIterator[Pair]:
    await make_topics(kafka_bootstrap, topic_prefix)
    heard = Heard()

    async def hear(tx: Transaction, event: CaseClosed, now: datetime) -> None:
        await heard.may_go_on.wait()
        heard.events.append(event)
        heard.traces.append(current_trace_id())
        heard.lines.append(JsonLines("x").format(logging.makeLogRecord({"msg": "heard"})))
        tx.arm(event.case_id, "remember", now)

    async def fire(tx: Transaction, due: Due, now: datetime) -> None:
        heard.fired.append(due)

    where = {"kafka_bootstrap": kafka_bootstrap, "topic_prefix": topic_prefix, "simulation": True}
    teller = Service(
        name="intake", settings=settings_of(empty_database(), **where), routers=[router], tables=TABLES
    )
    listener = Service(
        name="dispatch",
        settings=settings_of(empty_database(), **where),
        subscriptions={CaseClosed: hear},
        timers={"remember": fire},
        loops=[Loop("turning", turn, pending=_pending)],
        tables=TABLES,
    )
    async with AsyncExitStack() as stack:
        for service in (teller, listener):
            await create_tables(service.database.url)
            await stack.enter_async_context(service.running())
        client = await stack.enter_async_context(_client(teller))
        yield Pair(teller, listener, heard, client)


def _client(service: Service) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://service")


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await true():
            await asyncio.sleep(0.02)


async def test_a_trace_goes_from_the_request_to_the_handler(pair: Pair) -> None:
    case_id = uuid7()
    await until(lambda: _is_read(pair))
    pair.heard.may_go_on.set()
    answer = await pair.close_a_case(case_id, traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    await until(lambda: _has_fired(pair))

    assert answer.status_code == 200
    assert [event.case_id for event in pair.heard.events] == [case_id]
    assert pair.heard.traces == [TRACE]
    for word in (
        f'"case_id":"{case_id}"',
        f'"event_id":"{pair.heard.events[0].id}"',
        f'"trace_id":"{TRACE}"',
    ):
        assert word in pair.heard.lines[0]
    assert [due.kind for due in pair.heard.fired] == ["remember"]
    assert (await pair.client.get("/health/ready")).status_code == 200


async def test_a_service_is_not_idle_while_something_is_on_its_way(pair: Pair) -> None:
    await until(lambda: _is_read(pair))
    await until(lambda: _is_idle(pair))
    quiet = await pair.idle(pair.listener)
    assert quiet["timers_due"] == quiet["outbox"] == 0
    assert quiet["next_due_at"] > quiet["now"]
    end = TopicEnd(pair.listener.settings.kafka_bootstrap, pair.listener.settings.topic_prefix + CASES_TOPIC)
    assert quiet["heard"] == await end.ask()

    await pair.close_a_case(uuid7())
    await until(lambda: _is_idle(pair))
    assert (await pair.idle(pair.listener))["heard"] < await end.ask(), "told, and not heard yet"

    pair.heard.may_go_on.set()
    await until(lambda: _has_heard(pair, quiet["heard"] + 1))
    await until(lambda: _is_idle(pair))
    assert (await pair.idle(pair.listener))["moves"] > quiet["moves"]
    assert quiet["heard"] + 1 == await end.ask()
    await end.close()


async def test_the_figures_are_exported(pair: Pair) -> None:
    pair.heard.may_go_on.set()
    await until(lambda: _is_read(pair))
    await pair.close_a_case(uuid7())
    await until(lambda: _has_fired(pair))

    async with _client(pair.listener) as asking:
        await until(lambda: _exports(asking, "yike_inbox_behind_records 0.0"))
        text = (await asking.get("/metrics")).text
    for series in (
        "yike_outbox_oldest_seconds",
        "yike_dead_letters 0.0",
        "yike_timer_overdue_seconds",
        "yike_clock_skew_seconds",
        'yike_loop_good_turn_age_seconds{loop="inbox"}',
        'yike_events_heard_total{what="applied"}',
        'yike_timer_late_seconds_count{kind="remember"}',
    ):
        assert series in text


async def _is_read(pair: Pair) -> bool:
    return pair.teller.directory_is_read and pair.listener.directory_is_read


async def _is_idle(pair: Pair) -> bool:
    first = [await pair.idle(service) for service in (pair.teller, pair.listener)]
    second = [await pair.idle(service) for service in (pair.teller, pair.listener)]
    return all(state["idle"] for state in first + second) and [state["moves"] for state in first] == [
        state["moves"] for state in second
    ]


async def _has_fired(pair: Pair) -> bool:
    return bool(pair.heard.fired)


async def _has_heard(pair: Pair, records: int) -> bool:
    return bool((await pair.idle(pair.listener))["heard"] == records)


async def _exports(asking: httpx.AsyncClient, line: str) -> bool:
    return line in (await asking.get("/metrics")).text
