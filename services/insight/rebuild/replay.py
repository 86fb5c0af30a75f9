"""The topic read again from its first record, and folded into tables of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import ValidationError

from services.insight.handlers.hearing import fold
from shared import codec
from shared.database import Database, Transaction
from shared.event import CASES_TOPIC, Event
from shared.inbox import SEE, Gap
from shared.kafka import Record

SCHEMA = "rebuilt"
FOLDED = dict.fromkeys(("cases", "follow_ups", "rounds", "works", "timeline"), "case_id") | {
    "alarms": "alarm_id",
    "fieldwork": "work_id",
}
"""The tables that are folded, each with the column that says whose story a row belongs to."""
TABLES = (*FOLDED, "seen")

ALONE = "SELECT pg_try_advisory_lock(hashtext('insight rebuild'))"
FRESH = (
    f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE",
    f"CREATE SCHEMA {SCHEMA}",
    *(f"CREATE TABLE {SCHEMA}.{table} (LIKE public.{table} INCLUDING ALL)" for table in TABLES),
)
# Without those set aside, which the inbox asks for as well: here they are refused anew, or fold at last.
SEEN_AGAIN = "SELECT subject_id, source, sequence FROM seen WHERE subject_id = ANY(CAST(:ids AS uuid[]))"
THERE = f"SET LOCAL search_path TO {SCHEMA}, public"


@dataclass
class Folded:
    """`refused` are cases with an event that is missing or cannot be folded; they end before it."""

    events: int = 0
    refused: dict[UUID, str] = field(default_factory=dict)


class AnotherGoesOnError(Exception):
    """Somebody else folds the topic again at this moment."""


@asynccontextmanager
async def fresh_tables(database: Database) -> AsyncIterator[None]:
    """Empty tables to fold into, for nobody else meanwhile; they are gone afterwards. A process that dies lets go of
    the lock, and the next one begins by taking away what it left."""
    keeper = await database.connect()
    try:
        if not await keeper.fetchval(ALONE):
            raise AnotherGoesOnError("the topic is being folded again already; wait until that has ended")
        async with database.transaction() as tx:
            for statement in FRESH:
                await tx.rows(statement)
        try:
            yield
        finally:
            async with database.transaction() as tx:
                await tx.rows(f"DROP SCHEMA {SCHEMA} CASCADE")
    finally:
        await keeper.close()


class Topic:
    """The records of the topic from the beginning, given out up to where the service has come."""

    def __init__(self, records: AsyncIterator[tuple[list[Record], bool]]) -> None:
        self._records = records
        self._ahead: list[Record] = []
        self._read: dict[int, int] = {}

    async def up_to(self, until: Mapping[int, int]) -> AsyncIterator[list[Record]]:
        """Batches of records before these offsets; what was read beyond them waits for the next call."""
        yield self._take(self._ahead, until)
        while any(self._read.get(partition, 0) < offset for partition, offset in until.items()):
            fetched, _ = await anext(self._records)
            for record in fetched:
                self._read[record.partition] = record.offset + 1
            yield self._take(self._ahead + fetched, until)

    def _take(self, records: Iterable[Record], until: Mapping[int, int]) -> list[Record]:
        due: list[Record] = []
        ahead: list[Record] = []
        for record in records:
            (due if record.offset < until.get(record.partition, 0) else ahead).append(record)
        self._ahead = ahead
        return due


async def fold_records(tx: Transaction, records: Sequence[Record], report: Folded) -> None:
    await tx.rows(THERE)
    events = _read(records, report)
    ids = sorted({event.subject for event in events})
    seen = {(row["subject_id"], row["source"]): row["sequence"] for row in await tx.rows(SEEN_AGAIN, ids=ids)}
    fresh = _in_order(events, seen, report)
    try:
        if fresh:
            await fold(tx, fresh, await tx.now())
    except ValueError:
        fresh = await _fold_singly(tx, fresh, report)
    seen |= {(event.subject, event.source): event.sequence for event in fresh}
    if seen:
        subjects, sources = zip(*seen, strict=True)
        await tx.rows(SEE, ids=list(subjects), sources=list(sources), sequences=list(seen.values()))
    report.events += len(fresh)


async def _fold_singly(tx: Transaction, events: Sequence[Event], report: Folded) -> list[Event]:
    """A batch with a bad event: the others go on, its case ends before it. Those that were folded."""
    folded = []
    for event in events:
        if event.subject in report.refused:
            continue
        try:
            await fold(tx, [event], event.at)
            folded.append(event)
        except ValueError as wrong:
            report.refused[event.subject] = repr(wrong)
    return folded


def _read(records: Sequence[Record], report: Folded) -> list[Event]:
    events = []
    for record in records:
        try:
            event = codec.decode(record.headers, record.value)
        except (codec.Foreign, ValidationError, ValueError) as wrong:
            report.refused.setdefault(UUID(record.key), repr(wrong))
            continue
        if event is not None and event.topic == CASES_TOPIC:
            events.append(event)
    return events


def _in_order(events: Sequence[Event], seen: Mapping[tuple[UUID, str], int], report: Folded) -> list[Event]:
    """Those that come next, as the inbox would take them: a repeated one is dropped, a missing one parks the case."""
    coming, fresh = dict(seen), []
    for event in events:
        last = coming.get((event.subject, event.source), 0)
        if event.subject in report.refused or event.sequence <= last:
            continue
        if event.sequence != last + 1:
            report.refused[event.subject] = repr(Gap(f"{event.source}: {event.sequence} came after {last}"))
            continue
        coming[event.subject, event.source] = event.sequence
        fresh.append(event)
    return fresh
