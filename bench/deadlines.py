"""How late deadlines fire while very many are open. Only registry and escalation run; the cases are published as
intake would publish them, because registering so many is another bench."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from bench.spread import quantiles_ms
from bench.town import FOLDER
from deploy.local.stack import Stack, end_leftovers
from shared import codec
from shared.event import CASES_TOPIC
from shared.events.escalation import DeadlineMissed
from shared.events.intake import CaseRegistered, Place, Rung
from shared.ids import uuid7
from shared.kafka import Outgoing, Producer, tail
from shared.things import LevelLimits, Limit, Policy
from shared.topics import partition_of
from shared.vocabulary import Channel, ClockKind, Level, Urgency

OPEN_CASES = 50_000
"""Two open deadlines each."""
DUE_CASES = 3_000
DUE_WITHIN_SECONDS = 30
PUBLISHED_AT_ONCE = 2_000
MONTH = Limit(clock=ClockKind.NATURAL_DAYS, amount=30)
TEN_MINUTES = Limit(clock=ClockKind.MINUTES, amount=10)
LADDER = (
    Rung(level=Level.GRID, unit_id="grid-a1"),
    Rung(level=Level.COMMUNITY, unit_id="community-a"),
    Rung(level=Level.STREET, unit_id="street"),
    Rung(level=Level.CIVIL_AFFAIRS, unit_id="civil-affairs"),
)


def a_policy(acknowledge: Limit) -> Policy:
    levels = tuple(LevelLimits(level=rung.level, acknowledge=acknowledge, handle=MONTH) for rung in LADDER)
    return Policy(id="bench", urgency=Urgency.ROUTINE, levels=levels, follow_up=MONTH, amber_percent=99)


def a_case(at: datetime, policy: Policy) -> CaseRegistered:
    return CaseRegistered(
        case_id=uuid7(),
        at=at,
        sequence=1,
        channel=Channel.HOTLINE,
        number="bench",
        category_code="rubbish-heap",
        urgency=Urgency.ROUTINE,
        headline="bench",
        place=Place(),
        grid_id="grid-a1",
        unit_path=tuple(rung.unit_id for rung in reversed(LADDER)),
        ladder=LADDER,
        policy=policy,
        requester_can_be_asked=True,
        registry_revision=0,
    )


async def publish(producer: Producer, cases: list[CaseRegistered]) -> None:
    for start in range(0, len(cases), PUBLISHED_AT_ONCE):
        await producer.send(_message(case) for case in cases[start : start + PUBLISHED_AT_ONCE])


def _message(case: CaseRegistered) -> Outgoing:
    headers = codec.headers(
        id=case.id,
        type=case.type,
        source=case.source,
        at=case.at,
        subject=case.case_id,
        sequence=case.sequence,
        traceparent="",
    )
    body = codec.encode_body(case).encode()
    return Outgoing(CASES_TOPIC, partition_of(CASES_TOPIC, case.key), case.key.encode(), body, headers)


async def measure() -> dict[str, Any]:
    if FOLDER.exists():
        end_leftovers(FOLDER)
        Stack(FOLDER).forget()
    stack = Stack(FOLDER, services=("registry", "escalation"), full_speed=True)
    await asyncio.to_thread(stack.start)
    try:
        return await _measure(stack)
    finally:
        await asyncio.to_thread(stack.stop)
        stack.forget()
        shutil.rmtree(FOLDER, ignore_errors=True)


async def _measure(stack: Stack) -> dict[str, Any]:
    link = await asyncpg.connect(
        stack.database_url("escalation").replace("postgresql+asyncpg://", "postgresql://")
    )
    producer = Producer(stack.kafka_bootstrap, "bench")
    now = datetime.now(UTC)
    await publish(producer, [a_case(now, a_policy(MONTH)) for _ in range(OPEN_CASES)])
    await _armed(link, 2 * OPEN_CASES)
    took_in = (datetime.now(UTC) - now).total_seconds()

    first = datetime.now(UTC) + timedelta(seconds=15)
    step = timedelta(seconds=DUE_WITHIN_SECONDS) / DUE_CASES
    ten = timedelta(minutes=TEN_MINUTES.amount)
    due = [a_case(first + step * number - ten, a_policy(TEN_MINUTES)) for number in range(DUE_CASES)]
    await publish(producer, due)
    await _armed(link, 2 * (OPEN_CASES + DUE_CASES))
    armed_early = datetime.now(UTC) < first
    late = await _lateness(stack, {case.case_id for case in due})
    await producer.close()
    await link.close()
    return {
        "open_deadlines": 2 * OPEN_CASES,
        "fired": len(late),
        "all_armed_before_the_first_was_due": armed_early,
        "cases_taken_up_per_s": round(OPEN_CASES / took_in),
        **quantiles_ms([ms / 1000 for ms in late]),
    }


async def _armed(link: asyncpg.Connection, timers: int) -> None:
    async with asyncio.timeout(900):
        while await link.fetchval("SELECT count(*) FROM timers") < timers:
            await asyncio.sleep(0.5)


async def _lateness(stack: Stack, cases: set[UUID]) -> list[int]:
    """`late_ms` of the first miss of each of these cases, as escalation published it."""
    late: dict[UUID, int] = {}
    async with asyncio.timeout(300), aclosing(tail(stack.kafka_bootstrap, CASES_TOPIC)) as batches:
        async for records, _ in batches:
            for record in records:
                event = codec.decode(record.headers, record.value)
                if isinstance(event, DeadlineMissed) and event.case_id in cases:
                    late.setdefault(event.case_id, event.late_ms)
            if len(late) == len(cases):
                break
    return list(late.values())
