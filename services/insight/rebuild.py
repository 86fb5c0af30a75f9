"""Fold the topic again, from its first record, into fresh tables, and compare them with what stands.

    python -m services.insight.rebuild            compare; exit code 1 where they differ
    python -m services.insight.rebuild --swap     put the rebuilt rows in the place of those that stand

The running service goes on meanwhile. Only at the end are its positions locked, the rest folded up to exactly there,
compared and swapped, so that nothing is folded twice or missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import ValidationError

from services.insight.handlers.hearing import fold
from services.insight.settings import Settings
from shared import codec
from shared.database import Database, Transaction
from shared.event import CASES_TOPIC, AlarmEvent, CaseEvent
from shared.inbox import SEE, SEEN, Gap
from shared.kafka import Record, tail

Told = CaseEvent | AlarmEvent
SCHEMA = "rebuilt"
FOLDED = dict.fromkeys(("cases", "follow_ups", "rounds", "works", "timeline"), "case_id") | {
    "alarms": "alarm_id"
}
"""The tables that are folded, each with the column that says whose story a row belongs to."""
TABLES = (*FOLDED, "seen")

FRESH = (
    f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE",
    f"CREATE SCHEMA {SCHEMA}",
    *(f"CREATE TABLE {SCHEMA}.{table} (LIKE public.{table} INCLUDING ALL)" for table in TABLES),
)
THERE = f"SET LOCAL search_path TO {SCHEMA}, public"
POSITIONS = "SELECT partition, next_offset FROM public.positions WHERE topic = :topic ORDER BY partition"
LOCK_POSITIONS = f"{POSITIONS} FOR UPDATE"
DIFFERENCES = """
    SELECT DISTINCT {subject} AS subject_id FROM (
        (SELECT * FROM public.{table} EXCEPT ALL SELECT * FROM {schema}.{table})
        UNION ALL (SELECT * FROM {schema}.{table} EXCEPT ALL SELECT * FROM public.{table})
    ) AS different ORDER BY 1
"""
SWAP = tuple(
    statement
    for table in TABLES
    for statement in (
        f"TRUNCATE public.{table}",
        f"INSERT INTO public.{table} SELECT * FROM {SCHEMA}.{table}",
    )
)
UNPARK = "DELETE FROM public.dead_letters WHERE subject_id <> ALL(CAST(:refused AS uuid[]))"


@dataclass
class Report:
    """`refused` are cases with an event that is missing or cannot be folded; they end before it, in both."""

    events: int = 0
    cases: int = 0
    refused: dict[UUID, str] = field(default_factory=dict)
    different: dict[str, list[UUID]] = field(default_factory=dict)
    swapped: bool = False

    @property
    def same(self) -> bool:
        return not any(self.different.values())


async def rebuild(
    database: Database, bootstrap: str, *, topic_prefix: str = "", swap: bool = False
) -> Report:
    """Fold everything the service has passed, compare, and swap if asked to."""
    topic = topic_prefix + CASES_TOPIC
    report = Report()
    async with database.transaction() as tx:
        for statement in FRESH:
            await tx.rows(statement)
        until = await _positions(tx, POSITIONS, topic)
    async with aclosing(tail(bootstrap, topic)) as records:
        story = _Topic(records)
        async for batch in story.up_to(until):
            async with database.transaction() as tx:
                await _fold(tx, batch, report)
        async with database.transaction() as tx:
            until = await _positions(tx, LOCK_POSITIONS, topic)
            async for batch in story.up_to(until):
                await _fold(tx, batch, report)
            await _finish(tx, report, swap=swap)
    async with database.transaction() as tx:
        await tx.rows(f"DROP SCHEMA {SCHEMA} CASCADE")
    return report


async def _positions(tx: Transaction, sql: str, topic: str) -> dict[int, int]:
    return {row["partition"]: row["next_offset"] for row in await tx.rows(sql, topic=topic)}


class _Topic:
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


async def _fold(tx: Transaction, records: Sequence[Record], report: Report) -> None:
    await tx.rows(THERE)
    events = _read(records, report)
    ids = sorted({event.subject for event in events})
    seen = {(row["subject_id"], row["source"]): row["sequence"] for row in await tx.rows(SEEN, ids=ids)}
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


async def _fold_singly(tx: Transaction, events: Sequence[Told], report: Report) -> list[Told]:
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


def _read(records: Sequence[Record], report: Report) -> list[Told]:
    events = []
    for record in records:
        try:
            event = codec.decode(record.headers, record.value)
        except (codec.Foreign, ValidationError, ValueError) as wrong:
            report.refused.setdefault(UUID(record.key), repr(wrong))
            continue
        if isinstance(event, (CaseEvent, AlarmEvent)):
            events.append(event)
    return events


def _in_order(events: Sequence[Told], seen: Mapping[tuple[UUID, str], int], report: Report) -> list[Told]:
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


async def _finish(tx: Transaction, report: Report, *, swap: bool) -> None:
    for table, subject in FOLDED.items():
        rows = await tx.rows(DIFFERENCES.format(table=table, schema=SCHEMA, subject=subject))
        report.different[table] = [row["subject_id"] for row in rows]
    report.cases = (await tx.rows(f"SELECT count(*) AS n FROM {SCHEMA}.cases"))[0]["n"]
    if swap:
        for statement in SWAP:
            await tx.rows(statement)
        await tx.rows(UNPARK, refused=list(report.refused))
        report.swapped = True


def told(report: Report) -> str:
    """What a person reads at the end."""
    lines = [f"{report.events} events of {report.cases} cases folded again"]
    lines += [f"parked: {case_id}: {why}" for case_id, why in report.refused.items()]
    for table, cases in report.different.items():
        if cases:
            some = ", ".join(str(case_id) for case_id in cases[:20])
            lines.append(f"{table} differs for {len(cases)} cases: {some}")
    lines.append("the rebuilt rows are the same" if report.same else "the rebuilt rows differ")
    if report.swapped:
        lines.append("the rebuilt rows stand now")
    return "\n".join(lines)


async def run(*, swap: bool) -> Report:
    settings = Settings()
    database = Database(settings.database_url, source="insight", pool_size=2)
    try:
        return await rebuild(
            database, settings.kafka_bootstrap, topic_prefix=settings.topic_prefix, swap=swap
        )
    finally:
        await database.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Fold the topic again and compare with what stands.")
    parser.add_argument("--swap", action="store_true", help="put the rebuilt rows in place")
    report = asyncio.run(run(swap=parser.parse_args().swap))
    sys.stdout.write(told(report) + "\n")
    return 0 if report.same or report.swapped else 1


if __name__ == "__main__":
    sys.exit(main())
