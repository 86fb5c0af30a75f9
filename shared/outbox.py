"""Publishes what was announced: the oldest visible rows of its partitions, sent, acknowledged, then deleted.

One owner per partition (a session advisory lock), no cursor and no status column: rows committed out of id order are
never passed over, and a relay that was paused publishes late or twice at worst, which listeners drop.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import asyncpg
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
)

from shared import codec
from shared.database import Database, Row
from shared.health import Beat
from shared.kafka import Outgoing, Producer
from shared.topics import TOPICS

LOCK_CLASS = 1_900_117
"""Namespace of the relay's advisory locks in the service's database."""
PARTITIONS = max(topic.partitions for topic in TOPICS.values())
ROWS_MAX = 500
IDLE_SECONDS = 0.05
CLAIM_SECONDS = 1.0
LATE_IDS = 10_000
"""How far behind the newest sent id a row committed late is looked for on every turn; older ones each second."""


def outbox_tables(metadata: MetaData) -> None:
    Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("partition", SmallInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("type", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("subject_id", Uuid, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("traceparent", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("written_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    )


CLAIM = "SELECT pg_try_advisory_lock($1, $2)"
OLDEST = """
    SELECT id, partition, topic, key, event_id, type, source, subject_id, sequence, at, traceparent, body
    FROM outbox WHERE id >= $1 AND partition = ANY($2::smallint[]) ORDER BY id LIMIT $3
"""
DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"


class Relay:
    """Owns up to `partitions_max` partitions of the service's outbox while its connection lives."""

    def __init__(
        self,
        database: Database,
        producer: Producer,
        *,
        topic_prefix: str = "",
        partitions_max: int = PARTITIONS,
        published: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._database = database
        self._producer = producer
        self._prefix = topic_prefix
        self._partitions_max = partitions_max
        self._published = published
        self.owned: set[int] = set()
        self._connection: asyncpg.Connection | None = None
        self._low = 0
        self._claimed_at = self._swept_at = float("-inf")

    async def run(self, beat: Beat) -> None:
        """Publish for ever; the partitions are given up when anything goes wrong."""
        try:
            while True:
                sent = await self.publish()
                beat()
                if not sent:
                    await self._database.committed.wait(IDLE_SECONDS)
        finally:
            await self.close()

    async def close(self) -> None:
        """Give up the partitions and the producer. The locks go with the connection."""
        connection, self._connection = self._connection, None
        self.owned.clear()
        await self._producer.close()
        if connection is not None:
            connection.terminate()

    async def publish(self) -> int:
        """Claim what is free, publish the oldest rows of what is owned; how many were published."""
        if self._connection is None:
            self._connection = await self._database.connect()
        connection = self._connection
        await self._claim(connection)
        if not self.owned:
            return 0
        rows = await connection.fetch(OLDEST, self._bound(), sorted(self.owned), ROWS_MAX)
        if not rows:
            return 0
        await self._producer.send([self._message(row) for row in rows])
        await connection.execute(DELETE, [row["id"] for row in rows])
        self._low = max(self._low, rows[-1]["id"] - LATE_IDS)
        self._published(len(rows))
        return len(rows)

    async def _claim(self, connection: asyncpg.Connection) -> None:
        if len(self.owned) >= self._partitions_max or time.monotonic() - self._claimed_at < CLAIM_SECONDS:
            return
        self._claimed_at = time.monotonic()
        for partition in sorted(set(range(PARTITIONS)) - self.owned):
            if len(self.owned) < self._partitions_max and await connection.fetchval(
                CLAIM, LOCK_CLASS, partition
            ):
                self.owned.add(partition)

    def _bound(self) -> int:
        """Deleted rows leave dead index entries at the head; the bound keeps scans from walking over them."""
        if time.monotonic() - self._swept_at >= CLAIM_SECONDS:
            self._swept_at = time.monotonic()
            return 0
        return self._low

    def _message(self, row: Row) -> Outgoing:
        return Outgoing(
            topic=self._prefix + row["topic"],
            partition=row["partition"],
            key=row["key"].encode(),
            value=row["body"].encode(),
            headers=codec.headers(
                id=row["event_id"],
                type=row["type"],
                source=row["source"],
                at=row["at"],
                subject=row["subject_id"],
                sequence=row["sequence"],
                traceparent=row["traceparent"],
            ),
        )
