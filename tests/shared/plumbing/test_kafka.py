"""However a client of Kafka is ended, it leaves no connection open."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from shared import kafka
from shared.kafka import Consumer, Outgoing, Producer, TopicEnd, tail

NewTopic = Callable[..., Awaitable[str]]
MILLISECONDS = (0, 2, 5, 10, 20, 40, 80, 400)


async def from_the_beginning(topic: str, partitions: Sequence[int]) -> Mapping[int, int]:
    return {}


async def sending(bootstrap: str, topic: str) -> None:
    producer = Producer(bootstrap, "test")
    try:
        while True:
            await producer.send([Outgoing(topic, 0, b"key", b"value", [])])
    finally:
        await producer.close()


async def listening(bootstrap: str, topic: str) -> None:
    consumer = Consumer(bootstrap, topic, f"{topic}.group", from_the_beginning)
    try:
        await consumer.start()
        while True:
            await consumer.poll()
    finally:
        await consumer.close()


async def following(bootstrap: str, topic: str) -> None:
    async with contextlib.aclosing(tail(bootstrap, topic)) as batches:
        async for _ in batches:
            pass


async def asking(bootstrap: str, topic: str) -> None:
    end = TopicEnd(bootstrap, topic)
    try:
        while True:
            await end.ask()
    finally:
        await end.close()


@pytest.mark.parametrize(
    "client", [sending, listening, following, asking], ids=lambda client: client.__name__
)
async def test_a_client_cut_short_leaves_no_connection_open(
    client: Callable[[str, str], Awaitable[Any]], kafka_bootstrap: str, new_topic: NewTopic
) -> None:
    topic = await new_topic(partitions=1)
    for wait in MILLISECONDS:
        working = asyncio.ensure_future(client(kafka_bootstrap, topic))
        await asyncio.sleep(wait / 1000)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    gc.collect()  # what was left open says so now; as every warning it is an error


async def test_a_stop_that_takes_too_long_leaves_no_connection_open(
    kafka_bootstrap: str, new_topic: NewTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await new_topic(partitions=1)
    consumer = Consumer(kafka_bootstrap, topic, f"{topic}.group", from_the_beginning)
    await consumer.start()
    await consumer.poll()
    assert consumer._consumer is not None
    wire = consumer._consumer._client
    connections = list(wire._conns.values())
    monkeypatch.setattr(kafka, "STOP_SECONDS_MAX", 0.0)

    await consumer.close()

    assert connections
    assert [connection for connection in connections if connection.connected()] == []
    assert await wire.ready(0) is False, "nothing is opened afterwards"
