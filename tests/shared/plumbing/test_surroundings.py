"""What the loops do while the database or Kafka is away, and that none of them ends the process for it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest

from shared import figures, loops
from shared.clock import CLOCK_CHANNEL
from shared.directory import Directory
from shared.health import Beat
from shared.kafka import BrokerAway, Consumer
from shared.loops import Plumbing
from shared.retry import is_transient, outlive
from shared.simulation import follow_clock
from shared.topics import make_topics
from tests.shared.plumbing.conftest import Plumbed, running, until


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (asyncpg.CannotConnectNowError("the database system is starting up"), True),
        (asyncpg.TooManyConnectionsError("too many clients"), True),
        (asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"), True),
        (asyncpg.DeadlockDetectedError("deadlock"), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.InternalClientError("cannot switch to state 15; another operation is in progress"), True),
        (asyncpg.InterfaceError("the server expects 1 argument for this query, 2 were passed"), False),
        (BrokerAway("no broker"), True),
        (TimeoutError(), True),
        (asyncpg.UniqueViolationError("twice"), False),
        (asyncpg.InvalidPasswordError("who are you"), False),
        (FileNotFoundError("no such file"), False),
        (ValueError("ours"), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_is_worth_another_try(error: Exception, transient: bool) -> None:
    assert is_transient(error) is transient


async def test_the_age_of_the_outbox_is_known_while_kafka_is_away(plumbed: Plumbed) -> None:
    async def behind() -> int:
        raise BrokerAway("no broker")

    service = SimpleNamespace(
        database=await plumbed(),
        directory=Directory(),
        figures=figures.Figures(),
        plumbing=SimpleNamespace(inbox=SimpleNamespace(listens=True, behind=behind)),
    )
    await figures.read(cast("Any", service))
    assert service.figures.values["outbox_oldest_seconds"] == 0
    assert "inbox_behind_records" not in service.figures.values


async def test_a_consumer_that_could_not_be_placed_does_not_read_on(
    kafka_bootstrap: str, topic_prefix: str
) -> None:
    """aiokafka swallows what its listener raises, and would go on from Kafka's own idea of the group's place."""
    await make_topics(kafka_bootstrap, topic_prefix)

    async def positions(*_: object) -> dict[int, int]:
        raise ConnectionError("the database is away")

    consumer = Consumer(kafka_bootstrap, f"{topic_prefix}yike.cases", f"{topic_prefix}group", positions)
    await consumer.start()
    try:
        with pytest.raises(ConnectionError, match="away"):
            async with asyncio.timeout(20):
                while True:
                    await consumer.poll()
    finally:
        await consumer.close()


async def test_the_clock_is_followed_again_after_the_connection_was_lost(plumbed: Plumbed) -> None:
    database, beat = await plumbed(), Beat("clock")
    await database.committed.wait(0)

    async def lose_and_notify() -> bool:
        async with database.transaction() as tx:
            await tx.rows(f"SELECT pg_notify('{CLOCK_CHANNEL}', '')")
        woken = asyncio.get_running_loop().time()
        await database.committed.wait(0.5)
        return asyncio.get_running_loop().time() - woken < 0.4

    async with running(outlive(lambda: follow_clock(database, beat), beat)):
        await until(lose_and_notify)
        async with database.transaction() as tx:
            gone = await tx.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert gone
        await until(lose_and_notify)


# ── after an outage: hear first, then ring ────────────────────────────────────────────────────────────────────────


def plumbing_with(caught_up: asyncio.Event | None) -> tuple[Plumbing, list[str]]:
    """Plumbing of which only the timers and the inbox are there; the list fills when the timers begin."""
    begun: list[str] = []

    async def run(beat: Beat) -> None:
        begun.append("timers")

    plumbing = object.__new__(Plumbing)
    plumbing.timers = cast("Any", SimpleNamespace(run=run))
    plumbing.inbox = cast("Any", SimpleNamespace(caught_up=caught_up) if caught_up is not None else None)
    return plumbing, begun


async def test_timers_wait_until_what_happened_meanwhile_is_heard() -> None:
    caught_up, beat = asyncio.Event(), Beat("timers")
    plumbing, begun = plumbing_with(caught_up)
    waiting = asyncio.create_task(plumbing._fire_timers(beat))

    async def waited() -> bool:
        return beat.turns >= 3

    await until(waited)
    assert not begun
    caught_up.set()
    await waiting
    assert begun


async def test_timers_do_not_wait_for_kafka_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loops.HEAR_FIRST_SECONDS_MAX == 10
    monkeypatch.setattr(loops, "HEAR_FIRST_SECONDS_MAX", 0.1)
    plumbing, begun = plumbing_with(asyncio.Event())
    async with asyncio.timeout(5):
        await plumbing._fire_timers(Beat("timers"))
    assert begun


async def test_timers_of_a_service_that_hears_nothing_begin_at_once() -> None:
    plumbing, begun = plumbing_with(None)
    beat = Beat("timers")
    await plumbing._fire_timers(beat)
    assert begun
    assert beat.turns == 0
