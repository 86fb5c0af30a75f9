"""From the outbox to the topic: nothing lost, order kept per case, whoever relays."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from contextlib import aclosing

from shared.database import Database
from shared.event import CASES_TOPIC
from shared.ids import uuid7
from shared.kafka import Producer, Record, tail
from shared.outbox import PARTITIONS, Relay
from shared.topics import make_topics, partition_of
from tests.shared.plumbing.conftest import Plumbed, an_amber, count, running, until


async def read_whole(bootstrap: str, topic: str) -> list[Record]:
    records: list[Record] = []
    async with aclosing(tail(bootstrap, topic)) as batches:
        async for batch, reached_end in batches:
            records.extend(batch)
            if reached_end:
                return records
    return records


def sequences_by_case(records: list[Record]) -> dict[str, list[int]]:
    by_case: dict[str, list[int]] = defaultdict(list)
    for record in records:
        by_case[record.key].append(int(record.headers["ce_sequence"]))
    return by_case


async def write_much(database: Database, cases: int = 8, each: int = 25) -> None:
    """Concurrent writers whose commits overlap, so that ids become visible out of order."""
    ids = [uuid7() for _ in range(cases)]

    async def write(number: int) -> None:
        async with database.transaction() as tx:
            case_id = ids[number % cases]
            await tx.lock(case_id)
            tx.announce(an_amber(case_id))
            await tx.write()
            tx._pages.entries.clear()
            tx._pages.published.clear()
            await asyncio.sleep(random.uniform(0, 0.01))

    await asyncio.gather(*(write(number) for number in range(cases * each)))


def relay_of(database: Database, bootstrap: str, prefix: str, partitions_max: int = PARTITIONS) -> Relay:
    return Relay(database, Producer(bootstrap, "test"), topic_prefix=prefix, partitions_max=partitions_max)


async def test_everything_written_by_overlapping_commits_arrives_in_order_per_case(
    plumbed: Plumbed, kafka_bootstrap: str, topic_prefix: str
) -> None:
    await make_topics(kafka_bootstrap, topic_prefix)
    database = await plumbed()
    relay = relay_of(database, kafka_bootstrap, topic_prefix)
    async with running(relay.run(lambda: None)):  # type: ignore[arg-type]
        await write_much(database)
        await until(lambda: _empty(database))
    told = sequences_by_case(await read_whole(kafka_bootstrap, topic_prefix + CASES_TOPIC))
    assert len(told) == 8
    assert all(sequences == list(range(1, 26)) for sequences in told.values())


async def test_two_replicas_share_the_partitions_and_never_the_same_one(
    plumbed: Plumbed, kafka_bootstrap: str, topic_prefix: str
) -> None:
    await make_topics(kafka_bootstrap, topic_prefix)
    database = await plumbed()
    relays = [relay_of(database, kafka_bootstrap, topic_prefix, partitions_max=8) for _ in range(2)]
    async with running(*(relay.run(lambda: None) for relay in relays)):  # type: ignore[arg-type]
        await write_much(database, cases=20, each=10)
        await until(lambda: _empty(database))
        owned = [set(relay.owned) for relay in relays]
    assert owned[0] | owned[1] == set(range(PARTITIONS))
    assert not owned[0] & owned[1]
    told = sequences_by_case(await read_whole(kafka_bootstrap, topic_prefix + CASES_TOPIC))
    assert all(sequences == list(range(1, 11)) for sequences in told.values())


END_THE_OWNER = """
    SELECT pg_terminate_backend(pid, CAST(:milliseconds AS bigint)) FROM (
        SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS owners
"""
"""Waits until it is gone, which the bare call does not; and leaves the other tests' databases alone."""


async def test_an_owner_whose_session_was_lost_gives_way_to_another(
    plumbed: Plumbed, kafka_bootstrap: str, topic_prefix: str
) -> None:
    await make_topics(kafka_bootstrap, topic_prefix)
    database = await plumbed()
    first, second = (relay_of(database, kafka_bootstrap, topic_prefix) for _ in range(2))
    await first.publish()
    assert len(first.owned) == PARTITIONS
    await second.publish()
    assert not second.owned
    async with database.transaction() as tx:
        await tx.rows(END_THE_OWNER, milliseconds=10_000)
    second._claimed_at = float("-inf")
    await second.publish()
    assert len(second.owned) == PARTITIONS
    await first.close()
    await second.close()


class PausedBeforeDelete(Producer):
    """Sends, and then is stopped for a while: what SIGSTOP does at the worst moment."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap, "paused")
        self.sent = asyncio.Event()
        self.woken = asyncio.Event()

    async def send(self, messages: object) -> None:
        await super().send(messages)  # type: ignore[arg-type]
        self.sent.set()
        await self.woken.wait()


async def test_an_owner_paused_between_send_and_delete_publishes_twice_at_worst(
    plumbed: Plumbed, kafka_bootstrap: str, topic_prefix: str
) -> None:
    await make_topics(kafka_bootstrap, topic_prefix)
    database, case_id = await plumbed(), uuid7()
    async with database.transaction() as tx:
        await tx.lock(case_id)
        tx.announce(an_amber(case_id), an_amber(case_id, 1))
    producer = PausedBeforeDelete(kafka_bootstrap)
    paused = Relay(database, producer, topic_prefix=topic_prefix)
    publishing = asyncio.create_task(paused.publish())
    await producer.sent.wait()
    async with database.transaction() as tx:
        await tx.rows(END_THE_OWNER, milliseconds=10_000)
    successor = relay_of(database, kafka_bootstrap, topic_prefix)
    async with running(successor.run(lambda: None)):  # type: ignore[arg-type]
        await until(lambda: _empty(database))
    producer.woken.set()
    await asyncio.gather(publishing, return_exceptions=True)
    await paused.close()
    told = sequences_by_case(await read_whole(kafka_bootstrap, topic_prefix + CASES_TOPIC))
    assert told[str(case_id)] == [1, 2, 1, 2]
    assert await _empty(database)


async def _empty(database: Database) -> bool:
    return await count(database, "outbox") == 0


def test_the_partition_of_a_key_is_pinned() -> None:
    """A change of the hash would scatter the stories of open cases over partitions."""
    keys = ["00000000-0000-0000-0000-000000000000", "018f4d3c-7a10-7c3e-8f00-1234567890ab", "案件"]
    assert [partition_of(CASES_TOPIC, key) for key in keys] == [13, 1, 12]
