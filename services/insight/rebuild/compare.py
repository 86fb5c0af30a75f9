"""What was folded again beside what stands."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID

from services.insight.rebuild.replay import (
    FOLDED,
    SCHEMA,
    TABLES,
    Folded,
    Topic,
    fold_records,
    fresh_tables,
)
from shared.database import Database, Transaction
from shared.event import CASES_TOPIC
from shared.kafka import tail

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
# When an event was folded first is no result of folding it.
FIRST_FOLDED = f"""
    UPDATE {SCHEMA}.timeline AS again SET folded_at = stands.folded_at FROM public.timeline AS stands
    WHERE (stands.case_id, stands.source, stands.sequence) = (again.case_id, again.source, again.sequence)
"""
# Whoever is swapped in with the end of their story missing must stand still, or later events would be folded without.
GOING_ON = """
    SELECT subject_id FROM unnest(CAST(:refused AS uuid[])) AS subject_id
    EXCEPT SELECT subject_id FROM public.dead_letters ORDER BY 1
"""
UNPARK = "DELETE FROM public.dead_letters WHERE subject_id <> ALL(CAST(:refused AS uuid[]))"


@dataclass
class Report(Folded):
    """A refused case ends before what is wrong with it in both; those `going_on` are refused here only, and keep the
    rows that stand from being swapped."""

    cases: int = 0
    going_on: list[UUID] = field(default_factory=list)
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
    async with fresh_tables(database), aclosing(tail(bootstrap, topic)) as records:
        story = Topic(records)
        async with database.transaction() as tx:
            until = await _positions(tx, POSITIONS, topic)
        async for batch in story.up_to(until):
            async with database.transaction() as tx:
                await fold_records(tx, batch, report)
        async with database.transaction() as tx:
            until = await _positions(tx, LOCK_POSITIONS, topic)
            async for batch in story.up_to(until):
                await fold_records(tx, batch, report)
            await _finish(tx, report, swap=swap)
    return report


async def _positions(tx: Transaction, sql: str, topic: str) -> dict[int, int]:
    return {row["partition"]: row["next_offset"] for row in await tx.rows(sql, topic=topic)}


async def _finish(tx: Transaction, report: Report, *, swap: bool) -> None:
    await tx.rows(FIRST_FOLDED)
    for table, subject in FOLDED.items():
        rows = await tx.rows(DIFFERENCES.format(table=table, schema=SCHEMA, subject=subject))
        report.different[table] = [row["subject_id"] for row in rows]
    report.cases = (await tx.rows(f"SELECT count(*) AS n FROM {SCHEMA}.cases"))[0]["n"]
    refused = list(report.refused)
    report.going_on = [row["subject_id"] for row in await tx.rows(GOING_ON, refused=refused)]
    if swap and not report.going_on:
        for statement in SWAP:
            await tx.rows(statement)
        await tx.rows(UNPARK, refused=refused)
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
    if report.going_on:
        some = ", ".join(str(case_id) for case_id in report.going_on[:20])
        lines.append(
            f"{len(report.going_on)} parked here go on in what stands, which is kept for their sake: {some}"
        )
    if report.swapped:
        lines.append("the rebuilt rows stand now")
    return "\n".join(lines)
