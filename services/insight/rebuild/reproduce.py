"""A snapshot counted again from the topic: fold up to where insight had read when it was taken, and count by the
version it was counted by."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID

from services.insight.figures.definition import printed
from services.insight.queries import counts, snapshots
from services.insight.rebuild.replay import THERE, Folded, Topic, fold_records, fresh_tables
from shared.database import Database, Transaction
from shared.event import CASES_TOPIC
from shared.kafka import tail


@dataclass
class Again(Folded):
    """`lines` has one per figure; `different` names those that came out otherwise."""

    lines: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    set_aside: int = 0

    @property
    def same(self) -> bool:
        return bool(self.lines) and not self.different


async def reproduce(
    database: Database, bootstrap: str, snapshot_id: UUID, *, topic_prefix: str = ""
) -> Again:
    """What stands is not touched."""
    again = Again()
    async with database.transaction() as tx:
        taken = await snapshots.one(tx, snapshot_id)
    if not taken:
        return again
    again.set_aside = taken[0].set_aside
    async with fresh_tables(database):
        async with aclosing(tail(bootstrap, topic_prefix + CASES_TOPIC)) as records:
            async for batch in Topic(records).up_to(taken[0].positions):
                async with database.transaction() as tx:
                    await fold_records(tx, batch, again)
        async with database.transaction() as tx:
            await tx.rows(THERE)
            for kept in taken:
                await _count_again(tx, kept, again)
    return again


async def _count_again(tx: Transaction, kept: snapshots.Taken, again: Again) -> None:
    value = await counts.value(tx, kept.definition, kept.scope)
    moved = await snapshots.difference(tx, kept, kept.scope, most=1)
    name = f"{kept.definition.name} v{kept.definition.version}"
    again.lines.append(f"{name}: {printed(kept.value)}, counted again {printed(value)}")
    if moved or value != kept.value:
        again.different.append(name)


def told(again: Again) -> str:
    """What a person reads at the end."""
    if not again.lines:
        return "there is no such snapshot"
    lines = [f"{again.events} events folded again", *again.lines]
    lines += [f"parked: {case_id}: {why}" for case_id, why in again.refused.items()]
    if again.set_aside:
        lines.append(f"{again.set_aside} cases stood still when it was taken; they may have gone on since")
    same = "the snapshot is the same" if again.same else f"otherwise: {', '.join(again.different)}"
    return "\n".join([*lines, same])
