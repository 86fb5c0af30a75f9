"""Applies what others published, each event once in effect.

What one poll brings is one transaction: lock the partitions' positions and give it up if one has moved; lock the
cases; drop what is not newer than `seen`; journal, handle; write `seen` and the positions; COMMIT. Kafka's own
offsets are told afterwards, for monitoring only. If it fails, each partition comes by itself, then each record.

A record that cannot be applied goes to `dead_letters` and parks its case: later events of that case queue behind it
there, other cases go on (dead_letters.py replays). Many in a row stop the loop instead of burying everything.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from pydantic import ValidationError
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared import codec
from shared.database import Database, Transaction
from shared.event import CASES_TOPIC, Event
from shared.events.intake import CaseRegistered
from shared.health import Beat
from shared.kafka import Consumer, Record
from shared.logs import about
from shared.retry import is_transient
from shared.telemetry import continue_trace

log = logging.getLogger(__name__)

FAILURES_IN_A_ROW_MAX = 5
STANDING_SECONDS = 10.0
RECORDS_AT_ONCE_MAX = 100
"""From several partitions in one transaction, which keeps all their cases locked."""

Subscriptions = Mapping[type[Event], Callable[[Transaction, Any, datetime], Awaitable[None]]]
"""What a service listens to, and the handler of each; one `Together` may stand for many."""


class Together:
    """A handler that gets a batch's events at once, in their order: for a listener of everything, for whom a
    statement per event is too many. A failure fails the batch, whose records then come one by one."""

    def __init__(self, handle: Callable[[Transaction, Sequence[Any], datetime], Awaitable[None]]) -> None:
        self._handle = handle
        self._waiting: WeakKeyDictionary[Transaction, list[Event]] = WeakKeyDictionary()

    async def __call__(self, tx: Transaction, event: Event, now: datetime) -> None:
        self._waiting.setdefault(tx, []).append(event)

    async def finish(self, tx: Transaction, now: datetime) -> None:
        """Handle what was heard in this transaction."""
        if events := self._waiting.pop(tx, None):
            await self._handle(tx, events, now)


def inbox_tables(metadata: MetaData) -> None:
    Table(
        "positions",
        metadata,
        Column("topic", Text, primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("next_offset", BigInteger, nullable=False),
    )
    Table(
        "seen",
        metadata,
        Column("subject_id", Uuid, primary_key=True),
        Column("source", Text, primary_key=True),
        Column("sequence", BigInteger, nullable=False),
    )
    letters = Table(
        "dead_letters",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("record_offset", BigInteger, nullable=False),
        Column("subject_id", Uuid, nullable=True),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("error", Text, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    )
    Index("dead_letters_subject_id", letters.c.subject_id, letters.c.id)


class Moved(Exception):
    """Somebody else applied this partition meanwhile: start again from the stored position."""


class Gap(Exception):
    """A published event of a case never came, so its state here would be wrong."""


class TooManyFailures(Exception):
    """Nothing can be applied any more: better to stand still, seen, than to bury the whole topic."""


@dataclass
class Batch:
    """The records of one partition that concern us, read into events; `unreadable` with what was wrong."""

    topic: str
    partition: int
    first_offset: int
    next_offset: int
    events: list[tuple[Record, Event]] = field(default_factory=list)
    unreadable: list[tuple[Record, Exception]] = field(default_factory=list)


@dataclass
class Tally:
    """applied + seen before + skipped + parked + dead-lettered = delivered."""

    applied: int = 0
    seen_before: int = 0
    skipped: int = 0
    parked: int = 0
    dead_lettered: int = 0


CLAIM_POSITIONS = """
    INSERT INTO positions (topic, partition, next_offset)
    SELECT :topic, partition, 0 FROM unnest(CAST(:partitions AS int[])) AS partition ORDER BY partition
    ON CONFLICT (topic, partition) DO UPDATE SET next_offset = positions.next_offset
    RETURNING partition, next_offset
"""
MOVE_POSITIONS = """
    UPDATE positions SET next_offset = moved.next_offset
    FROM unnest(CAST(:partitions AS int[]), CAST(:next_offsets AS bigint[])) AS moved(partition, next_offset)
    WHERE positions.topic = :topic AND positions.partition = moved.partition
"""
POSITIONS = "SELECT partition, next_offset FROM positions WHERE topic = :topic"
SEEN = """
    SELECT subject_id, source, sequence FROM seen WHERE subject_id = ANY(CAST(:ids AS uuid[]))
    UNION ALL SELECT DISTINCT subject_id, NULL, 0 FROM dead_letters WHERE subject_id = ANY(CAST(:ids AS uuid[]))
"""
SEE = """
    INSERT INTO seen (subject_id, source, sequence)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:sources AS text[]), CAST(:sequences AS bigint[]))
    ON CONFLICT (subject_id, source) DO UPDATE SET sequence = excluded.sequence
"""
BURY = """
    INSERT INTO dead_letters (topic, partition, record_offset, subject_id, headers, body, error)
    VALUES (:topic, :partition, :record_offset, :subject_id, CAST(:headers AS jsonb), :body, :error)
"""


class Inbox:
    """One service's ears on `yike.cases`.

    `journal` is false for a listener that owns no truth; `complete` is true for one that hears every type and so can
    tell that a sequence number is missing.
    """

    def __init__(
        self,
        database: Database,
        subscriptions: Subscriptions,
        *,
        bootstrap: str,
        topic_prefix: str = "",
        group: str = "",
        journal: bool = True,
        complete: bool = False,
        tally: Callable[[Tally], None] = lambda tally: None,
    ) -> None:
        self._database = database
        self._subscriptions = subscriptions
        self._types = {event.type for event in subscriptions}
        self._together = {handler for handler in subscriptions.values() if isinstance(handler, Together)}
        self._journal = journal
        self._complete = complete
        self._tally = tally
        self._failures = 0
        self.caught_up = asyncio.Event()
        self._beat: Callable[[], None] = lambda: None
        topic = topic_prefix + CASES_TOPIC
        self.consumer = Consumer(bootstrap, topic, group or f"yike-{database.source}", self.positions)

    async def run(self, beat: Beat) -> None:
        """Apply for ever. The consumer is rebuilt after anything unexpected, because one unknown error can end its
        heartbeat for ever."""
        self._beat = beat
        try:
            await self.consumer.start()
            while True:
                try:
                    fetched = await self.consumer.poll()
                    await self._apply(fetched)
                    if not fetched and self.consumer.has_joined:
                        self.caught_up.set()
                except Moved as moved:
                    log.info("%s", moved)
                    await self.consumer.rewind()
                except TooManyFailures as many:
                    # Ending would have the process started again, to bury the next few each time.
                    log.critical("%s; the first of them is tried again every %g s", many, STANDING_SECONDS)
                    await self._stand_still(beat)
                    continue
                beat()
        finally:
            await self.consumer.close()

    async def _stand_still(self, beat: Beat) -> None:
        for _ in range(int(STANDING_SECONDS)):
            beat(good=False)
            await asyncio.sleep(1)
        await self.consumer.rewind()

    async def positions(self, topic: str, partitions: Sequence[int]) -> Mapping[int, int]:
        """The next offset to apply of each partition that has one stored."""
        async with self._database.transaction() as tx:
            rows = await tx.rows(POSITIONS, topic=topic)
        return {row["partition"]: row["next_offset"] for row in rows if row["partition"] in partitions}

    @property
    def listens(self) -> bool:
        """Whether it is connected now; `behind` can be asked then."""
        return self.consumer.started

    async def behind(self) -> int:
        """Records of the topic that this service has not passed yet, by its own positions."""
        ends = await self.consumer.end_offsets()
        stored = await self.positions(self.consumer.topic, list(ends))
        return sum(end - stored.get(partition, 0) for partition, end in ends.items())

    async def _apply(self, fetched: Mapping[int, list[Record]]) -> None:
        if not fetched:
            return
        async with self.consumer.working:
            await self.apply_all(list(fetched.values()))
        await self.consumer.commit({part: records[-1].offset + 1 for part, records in fetched.items()})

    async def apply_all(self, fetched: Sequence[Sequence[Record]]) -> None:
        """Apply what one poll brought, by partition; raises as `apply` does."""
        if await self._at_once(fetched):
            return
        for records in fetched:
            await self.apply(records)
            self._beat()

    async def _at_once(self, fetched: Sequence[Sequence[Record]]) -> bool:
        """Apply several partitions in one transaction; false if nothing was done: they are too many to hold their
        cases for, or something in them failed."""
        if len(fetched) == 1 or sum(map(len, fetched)) > RECORDS_AT_ONCE_MAX:
            return False
        batches = [self._read(records) for records in fetched]
        for batch in batches:
            await self._wait_for_registry(batch)
        tally = Tally(skipped=sum(map(len, fetched)) - sum(len(batch.events) for batch in batches))
        try:
            await self._apply_together(batches, tally)
        except Exception as wrong:
            if is_transient(wrong) or isinstance(wrong, Moved):
                raise
            log.warning("what one poll brought failed; its partitions come one by one", exc_info=wrong)
            return False
        self._tally(tally)
        return True

    async def apply(self, records: Sequence[Record]) -> Tally:
        """Apply records of one partition, oldest first. Raises Moved, TooManyFailures, or what is transient."""
        batch = self._read(records)
        await self._wait_for_registry(batch)
        tally = Tally(skipped=len(records) - len(batch.events) - len(batch.unreadable))
        try:
            await self._apply_together([batch], tally)
        except Exception as wrong:
            if is_transient(wrong) or isinstance(wrong, Moved):
                raise
            log.exception("a batch failed; applying its records one by one")
            tally = Tally()
            for record in records:
                await self._apply_alone(record, tally)
        self._tally(tally)
        return tally

    async def replay(self, tx: Transaction, records: Sequence[Record], now: datetime) -> None:
        """Apply dead letters of one locked case, oldest first, inside `tx`; raises what is still wrong with them."""
        seen: dict[tuple[UUID, str], int] = {}
        for record in records:
            event = codec.decode(record.headers, record.value)
            if event is None:
                raise codec.Foreign(f"no event type {record.headers.get('ce_type')!r}")
            if not seen:
                rows = await tx.rows(SEEN, ids=[event.subject])
                seen = {(row["subject_id"], row["source"]): row["sequence"] for row in rows if row["source"]}
            await self._apply_one(tx, record, event, seen, now, Tally())
        await self._finish(tx, now)
        await _write_seen(tx, seen)

    def _read(self, records: Sequence[Record]) -> Batch:
        last = records[-1]
        batch = Batch(last.topic, last.partition, records[0].offset, last.offset + 1)
        for record in records:
            if record.headers.get("ce_type", "") not in self._types:
                continue
            try:
                event = codec.decode(record.headers, record.value)
            except (codec.Foreign, ValidationError, ValueError) as wrong:
                batch.unreadable.append((record, wrong))
                continue
            if event is not None:
                batch.events.append((record, event))
        return batch

    async def _wait_for_registry(self, batch: Batch) -> None:
        """A case decided with a registry revision that is not here yet waits, outside any transaction."""
        needed = max(
            (event.registry_revision for _, event in batch.events if isinstance(event, CaseRegistered)),
            default=0,
        )
        while not await self._database.directory.reached(needed, timeout_seconds=1.0):
            self._beat()

    async def _apply_together(self, batches: Sequence[Batch], tally: Tally) -> None:
        for batch in batches:
            if batch.unreadable:
                raise batch.unreadable[0][1]
        delivered = [one for batch in batches for one in batch.events]
        async with self._database.transaction() as tx:
            await self._claim(tx, batches)
            if delivered:
                await self._handle(tx, delivered, tally)
            await self._move(tx, batches)
        self._failures = 0

    async def _handle(self, tx: Transaction, delivered: Sequence[tuple[Record, Event]], tally: Tally) -> None:
        ids = sorted({event.subject for _, event in delivered})
        now = await tx.lock(*ids)
        rows = await tx.rows(SEEN, ids=ids)
        parked = {row["subject_id"] for row in rows if row["source"] is None}
        seen = {(row["subject_id"], row["source"]): row["sequence"] for row in rows if row["source"]}
        for record, event in delivered:
            if event.subject in parked:
                await _bury(tx, record, event.subject, "its case is parked")
                tally.parked += 1
                continue
            await self._apply_one(tx, record, event, seen, now, tally)
        await self._finish(tx, now)
        await _write_seen(tx, seen)

    async def _claim(self, tx: Transaction, batches: Sequence[Batch]) -> None:
        """All batches are of one topic."""
        rows = await tx.rows(
            CLAIM_POSITIONS, topic=batches[0].topic, partitions=sorted(batch.partition for batch in batches)
        )
        stored = {row["partition"]: row["next_offset"] for row in rows}
        for batch in batches:
            if stored[batch.partition] > batch.first_offset:
                raise Moved(f"{batch.topic}/{batch.partition} was applied further by somebody else")

    async def _move(self, tx: Transaction, batches: Sequence[Batch]) -> None:
        await tx.rows(
            MOVE_POSITIONS,
            topic=batches[0].topic,
            partitions=[batch.partition for batch in batches],
            next_offsets=[batch.next_offset for batch in batches],
        )

    async def _apply_one(
        self,
        tx: Transaction,
        record: Record,
        event: Event,
        seen: dict[tuple[UUID, str], int],
        now: datetime,
        tally: Tally,
    ) -> None:
        key = (event.subject, event.source)
        last = seen.get(key, 0)
        if event.sequence <= last:
            tally.seen_before += 1
            return
        if self._complete and event.sequence != last + 1:
            raise Gap(f"{event.source} of {event.subject}: number {event.sequence} came after {last}")
        with (
            about(case_id=event.subject, event_id=event.id),
            continue_trace(record.headers.get("traceparent"), event.type),
        ):
            if self._journal:
                tx.note(event)
            await self._subscriptions[type(event)](tx, event, now)
        seen[key] = event.sequence
        tally.applied += 1

    async def _finish(self, tx: Transaction, now: datetime) -> None:
        for handler in self._together:
            await handler.finish(tx, now)

    async def _apply_alone(self, record: Record, tally: Tally) -> None:
        """The careful way, after a batch failed: each record its own transaction, and a bad one is set aside."""
        batch = self._read([record])
        try:
            await self._apply_together([batch], tally)
            tally.skipped += not batch.events
        except Moved:
            raise
        except Exception as wrong:
            if is_transient(wrong):
                raise
            self._failures += 1
            if self._failures > FAILURES_IN_A_ROW_MAX:
                raise TooManyFailures(f"{self._failures} records in a row could not be applied") from wrong
            log.exception(
                "set aside: %s at %s/%s", record.headers.get("ce_type"), record.partition, record.offset
            )
            async with self._database.transaction() as tx:
                await self._claim(tx, [batch])
                await _bury(tx, record, _subject(record), repr(wrong))
                await self._move(tx, [batch])
            tally.dead_lettered += 1


async def _write_seen(tx: Transaction, seen: Mapping[tuple[UUID, str], int]) -> None:
    if seen:
        subjects, sources = zip(*seen, strict=True)
        await tx.rows(SEE, ids=list(subjects), sources=list(sources), sequences=list(seen.values()))


async def _bury(tx: Transaction, record: Record, subject: UUID | None, error: str) -> None:
    await tx.rows(
        BURY,
        topic=record.topic,
        partition=record.partition,
        record_offset=record.offset,
        subject_id=subject,
        headers=codec.dump_headers(record.headers),
        body=record.value,
        error=error,
    )


def _subject(record: Record) -> UUID | None:
    try:
        return UUID(record.headers.get("ce_subject", record.key))
    except ValueError:
        return None
