"""The migrations make what the tables declare, and the past of one thing is found without reading everybody's."""

from __future__ import annotations

from services.registry.queries.history import HISTORY
from services.registry.tables import Table
from shared.database import Database
from shared.events.things import REGISTRY_SUBJECT
from tests.schema import differences


async def test_the_migrations_make_what_is_declared(town: Database) -> None:
    assert await differences(town, Table.metadata) == []


async def test_the_past_of_a_thing_is_found_by_its_index(town: Database) -> None:
    async with town.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        rows = await tx.rows(
            f"EXPLAIN {HISTORY}",
            subject_id=REGISTRY_SUBJECT,
            type="yike.unit.changed",
            id="grid-x1",
            before=None,
            rows_max=10,
        )
    plan = "\n".join(row["QUERY PLAN"] for row in rows)
    assert "journal_of_things" in plan
    assert "Sort" not in plan
