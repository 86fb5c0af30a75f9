"""The hot reads stay on their indexes, however large the tables grow."""

from __future__ import annotations

from typing import Any

import pytest

from services.notify.queries import feeds, messages
from services.notify.queries.people import NOBODY
from services.notify.tables import Table
from shared.database import Database
from tests.schema import differences

FILL = """
    WITH people AS (
        INSERT INTO counters (person_id, last_seq) SELECT 'p' || n, 400 FROM generate_series(1, 100) AS n
        RETURNING person_id
    )
    INSERT INTO feed (person_id, seq, notice_id, event_id, case_id, kind, body, created_at)
    SELECT person_id, seq, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'offer', '{}', now()
    FROM people, generate_series(1, 400) AS seq
"""
FILL_MESSAGES = """
    INSERT INTO messages (notice_id, key, event_id, case_id, kind, via, body, state, held_until)
    SELECT gen_random_uuid(), n::text, gen_random_uuid(), gen_random_uuid(), 'registered', 'webhook', '{}',
           CASE WHEN n % 1000 = 0 THEN 'due' WHEN n % 1000 = 1 THEN 'held' ELSE 'sent' END, now()
    FROM generate_series(1, 40000) AS n
"""


@pytest.fixture
async def filled(database: Database) -> Database:
    async with database.transaction() as tx:
        await tx.rows(FILL)
        await tx.rows(FILL_MESSAGES)
    async with database.transaction() as tx:
        await tx.rows("ANALYZE feed")
        await tx.rows("ANALYZE counters")
        await tx.rows("ANALYZE messages")
    return database


@pytest.mark.parametrize(
    ("sql", "parameters", "indexes", "rows_max"),
    [
        (feeds.READ_FEED, {"person_id": "p7", "after": 390, "limit": 200}, {"feed_pkey"}, 20),
        (feeds.NEWS, {"people": ["p7", "p8"]}, set(), 100),
        (feeds.UNREAD, {"person_id": "p7", "up_to": 10}, {"feed_pkey"}, 20),
        (
            messages.CLAIM,
            {"vias": ["webhook", "sms"], "rooms": [16, 16], "lease_seconds": 1},
            {"messages_next"},
            50,
        ),
        (messages.QUEUE, {}, {"messages_next"}, 50),
        (messages.HELD, {}, {"messages_held"}, 50),
        (messages.DROP_OF_REQUESTER, {"case_id": NOBODY}, {"messages_of_requester"}, 50),
        (messages.FORGET, {"days_kept": 30, "limit": 1000}, {"messages_over"}, 50),
    ],
)
async def test_reads_only_what_it_gives(
    sql: str, parameters: dict[str, Any], indexes: set[str], rows_max: int, filled: Database
) -> None:
    async with filled.transaction() as tx:
        [row] = await tx.rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", **parameters)
    nodes = list(_nodes(row["QUERY PLAN"][0]["Plan"]))
    assert indexes <= {node["Index Name"] for node in nodes if "Index Name" in node}
    for node in nodes:
        if node.get("Relation Name") in {"feed", "messages"}:  # people are few, a scan of counters is as good
            assert node["Node Type"] != "Seq Scan", node
            read = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            assert read <= rows_max, node


def _nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


async def test_the_migration_makes_the_tables_that_are_declared(database: Database) -> None:
    assert await differences(database, Table.metadata) == []
