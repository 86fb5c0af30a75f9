"""Kafka, as far as Yike uses it. The only module that imports aiokafka.

A producer that failed is dropped and built anew (it can hang in stop() and never recovers from a sequence gap); a
consumer that met an unexpected error is rebuilt by its owner (one unknown heartbeat error ends its heartbeat for
ever). Offsets committed to Kafka are for monitoring: what was applied is a row in the consumer's own database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError
from aiokafka.partitioner import murmur2

__all__ = [
    "BrokerAway",
    "Consumer",
    "Outgoing",
    "Producer",
    "Record",
    "TopicMismatch",
    "ensure_topics",
    "murmur2",
]

log = logging.getLogger(__name__)

BATCH_BYTES_MAX = 512 * 1024
STOP_SECONDS_MAX = 3.0
SESSION_TIMEOUT_MS = 10_000
POLL_SECONDS_MAX = 1.0
RECORDS_MAX = 1_000
TAIL_SECONDS = 1.0
FETCH_WAIT_MS = 200
"""How long the broker may keep an idle fetch; records are sent the moment they come."""

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class Outgoing:
    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True)
class Record:
    """`partition` and `offset` say where it stands; headers are decoded to text."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: Mapping[str, str]


class BrokerAway(ConnectionError):
    """Kafka did not do what was asked; the same may work later."""


class TopicMismatch(Exception):
    """A topic exists with another number of partitions than this version was built for."""


class Producer:
    """Sends in order: per partition one batch at a time, the next only after the last was acknowledged."""

    def __init__(self, bootstrap: str, client_id: str) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None

    async def send(self, messages: Iterable[Outgoing]) -> None:
        """Return when every message is acknowledged by all replicas.

        Raises BrokerAway; some may have been sent by then: send all of them again, in the same order.
        """
        by_partition: dict[tuple[str, int], list[Outgoing]] = {}
        for message in messages:
            by_partition.setdefault((message.topic, message.partition), []).append(message)
        try:
            producer = await self._ready()
            await asyncio.gather(
                *(_send_queue(producer, topic, part, queue) for (topic, part), queue in by_partition.items())
            )
        except KafkaError as error:
            await self.close()
            raise BrokerAway(str(error)) from error
        except BaseException:
            await self.close()
            raise

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                max_batch_size=BATCH_BYTES_MAX,
                max_request_size=2 * BATCH_BYTES_MAX,
                request_timeout_ms=10_000,
            )
            try:
                await _start(producer)
            except BaseException:
                await _stop(producer)
                raise
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)


async def _send_queue(producer: AIOKafkaProducer, topic: str, partition: int, queue: list[Outgoing]) -> None:
    position = 0
    while position < len(queue):
        batch = producer.create_batch()
        while position < len(queue):
            message = queue[position]
            if not _append(batch, message):
                break
            position += 1
        batch.close()
        acknowledged = await producer.send_batch(batch, topic, partition=partition)
        await acknowledged


def _append(batch: object, message: Outgoing) -> bool:
    metadata = batch.append(  # type: ignore[attr-defined]
        timestamp=None, key=message.key, value=message.value, headers=message.headers
    )
    return metadata is not None


async def _start(client: AIOKafkaProducer | AIOKafkaConsumer | AIOKafkaAdminClient) -> None:
    """Start; who is cancelled meanwhile still waits for it, STOP_SECONDS_MAX at most: a start that is cut short leaves
    its first connection open."""
    starting = asyncio.ensure_future(client.start())
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting], timeout=STOP_SECONDS_MAX)
        if not starting.cancel() and not starting.cancelled():
            starting.exception()  # nobody is there any more to be told
        raise


async def _stop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Stop, but never wait longer than STOP_SECONDS_MAX: a client that lost its broker may not return. What a stop
    that was cut short left open is closed, and a task of the client that outlives it opens nothing any more."""
    try:
        with contextlib.suppress(TimeoutError, KafkaError, OSError):
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await client.stop()
    finally:
        wire = client.client if isinstance(client, AIOKafkaProducer) else client._client
        wire._get_conn = _no_connection
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS_MAX), wire._get_conn_lock:
                pass  # the one that is being opened is there now
        for connection in list(wire._conns.values()):
            connection.close()


async def _no_connection(*_: object, **__: object) -> None:
    """What aiokafka has of a node that cannot be reached."""


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        async with self._consumer.working:
            log.info("partitions revoked: %s", sorted(partition.partition for partition in revoked))

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        try:
            await self._consumer.start_at_own_positions(list(assigned))
        except Exception as wrong:
            # aiokafka would log it and read on from wherever Kafka believes the group is.
            self._consumer.misplaced = wrong


class Consumer:
    """A member of the group `group` that starts each partition at the position its owner stored.

    `positions(topic, partitions)` gives the next offset per partition; one that is missing starts at the earliest.
    Hold `working` while a batch is being applied: a partition is given up only between batches.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        group: str,
        positions: Callable[[str, Sequence[int]], Awaitable[Mapping[int, int]]],
    ) -> None:
        self.topic = topic
        self.group = group
        self.working = asyncio.Lock()
        self._bootstrap = bootstrap
        self._positions = positions
        self._consumer: AIOKafkaConsumer | None = None
        self.started = False
        self.misplaced: Exception | None = None

    async def start(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=SESSION_TIMEOUT_MS // 3,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=20_000,
        )
        try:
            consumer.subscribe([self.topic], listener=_Rebalance(self))
            self._consumer, self.misplaced = consumer, None
            await _start(consumer)
            self.started = True
        except BaseException as error:
            await self.close()
            if isinstance(error, KafkaError):
                raise BrokerAway(str(error)) from error
            raise

    async def close(self) -> None:
        consumer, self._consumer, self.started = self._consumer, None, False
        if consumer is not None:
            await _stop(consumer)

    @property
    def has_joined(self) -> bool:
        """Whether the group has given this member its partitions."""
        return self._consumer is not None and bool(self._consumer.assignment())

    async def start_at_own_positions(self, assigned: Sequence[TopicPartition]) -> None:
        """Seek to what was applied, wherever Kafka believes the group is."""
        consumer = self._consumer
        if consumer is None or not assigned:
            return
        stored = await self._positions(self.topic, [partition.partition for partition in assigned])
        for partition in assigned:
            if partition.partition in stored:
                consumer.seek(partition, stored[partition.partition])
            else:
                await consumer.seek_to_beginning(partition)

    async def rewind(self) -> None:
        """Go back to the stored positions of everything assigned, after a batch could not be applied."""
        assert self._consumer is not None
        await self.start_at_own_positions(list(self._consumer.assignment()))

    async def poll(self, wait_seconds: float = 0.2) -> dict[int, list[Record]]:
        """The next records by partition, in order; empty after `wait_seconds` without any.

        The outer timeout is ours, because getmany may ignore its own during a rebalance.
        """
        assert self._consumer is not None
        fetched: Mapping[TopicPartition, list[object]] = {}
        try:
            async with asyncio.timeout(wait_seconds + POLL_SECONDS_MAX):
                fetched = await self._consumer.getmany(
                    timeout_ms=int(wait_seconds * 1000), max_records=RECORDS_MAX
                )
        except TimeoutError:
            return {}
        except KafkaError as error:
            raise BrokerAway(str(error)) from error
        if self.misplaced is not None:
            raise self.misplaced
        return {part.partition: [_record(raw) for raw in records] for part, records in fetched.items()}

    async def commit(self, next_offsets: Mapping[int, int]) -> None:
        """Tell Kafka how far we are, for monitoring only; a failure here loses nothing."""
        assert self._consumer is not None
        offsets = {TopicPartition(self.topic, part): offset for part, offset in next_offsets.items()}
        with contextlib.suppress(KafkaError):
            await self._consumer.commit(offsets)

    async def end_offsets(self) -> dict[int, int]:
        """The offset after the newest record of every partition of the topic. Raises BrokerAway."""
        if self._consumer is None:
            raise BrokerAway("not connected")
        partitions = self._consumer.partitions_for_topic(self.topic) or set()
        try:
            ends = await self._consumer.end_offsets([TopicPartition(self.topic, part) for part in partitions])
        except KafkaError as error:
            raise BrokerAway(str(error)) from error
        return {part.partition: offset for part, offset in ends.items()}


def _record(raw: object) -> Record:
    message: AIOKafkaConsumer = raw
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=(message.key or b"").decode(),
        value=message.value or b"",
        headers={name: value.decode() for name, value in message.headers},
    )


class TopicEnd:
    """Asks for the end of a topic on a connection of its own, where no fetch keeps the question waiting."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap, self._topic = bootstrap, topic
        self._consumer: AIOKafkaConsumer | None = None
        self._partitions: list[TopicPartition] = []

    async def ask(self) -> int:
        """Records ever written to the topic, all partitions together. Raises BrokerAway."""
        try:
            if self._consumer is None:
                self._consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
                await _start(self._consumer)
                self._partitions = await _partitions(self._consumer, self._topic)
            return sum((await self._consumer.end_offsets(self._partitions)).values())
        except KafkaError as error:
            await self.close()
            raise BrokerAway(str(error)) from error

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _stop(consumer)


async def tail(bootstrap: str, topic: str) -> AsyncGenerator[tuple[list[Record], bool]]:
    """Everything in a topic from its beginning, in no group, for ever: (records, whether the end was reached once).

    A pair comes at least every TAIL_SECONDS, so that whoever follows can show that it lives.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    try:
        await _start(consumer)
        partitions = await _partitions(consumer, topic)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        reached = False
        while True:
            wait_ms = int(TAIL_SECONDS * 1000) if reached else 100
            fetched = await consumer.getmany(timeout_ms=wait_ms, max_records=RECORDS_MAX)
            records = [_record(raw) for batch in fetched.values() for raw in batch]
            reached = reached or all([await consumer.position(part) >= ends[part] for part in partitions])
            yield records, reached
    except KafkaError as error:
        raise BrokerAway(str(error)) from error
    finally:
        await _stop(consumer)


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """Asked of the broker itself, since a consumer in no group knows only the topics it was told of."""
    await consumer._client.force_metadata_update()
    known = consumer._client.cluster.partitions_for_topic(topic)
    if not known:
        await consumer._client.add_topic(topic)
        known = consumer._client.cluster.partitions_for_topic(topic)
    if not known:
        raise KafkaError(f"topic {topic} is not there: run python -m shared.topics")
    return [TopicPartition(topic, part) for part in sorted(known)]


async def ensure_topics(
    bootstrap: str, wanted: Mapping[str, tuple[int, Mapping[str, str]]], replication_factor: int
) -> list[str]:
    """Make the missing topics, verify the partitions of the others; the names made."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await _start(admin)
        there = set(await admin.list_topics())
        missing = [
            NewTopic(name, partitions, replication_factor, topic_configs=dict(settings))
            for name, (partitions, settings) in wanted.items()
            if name not in there
        ]
        if missing:
            with contextlib.suppress(TopicAlreadyExistsError):
                await admin.create_topics(missing)
        await _verify(admin, wanted)
        return [topic.name for topic in missing]
    finally:
        await admin.close()


async def _verify(admin: AIOKafkaAdminClient, wanted: Mapping[str, tuple[int, Mapping[str, str]]]) -> None:
    for _ in range(50):
        described = {
            topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics(list(wanted))
        }
        if all(described.get(name) for name in wanted):
            break
        await asyncio.sleep(0.1)
    for name, (partitions, _) in wanted.items():
        if described.get(name, 0) != partitions:
            raise TopicMismatch(
                f"topic {name} has {described.get(name, 0)} partitions, this version needs {partitions}: "
                "the number is fixed when a topic is made, changing it is a migration (docs/operating.md)"
            )
