"""The hot reads stay on their indexes, however large the tables grow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notify.queries import cases, feeds, messages, people
from services.notify.queries.people import NOBODY
from services.notify.tables import Table
from shared.database import Database
from tests.notify.story import NIGHT
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
    INSERT INTO messages (notice_id, key, event_id, case_id, kind, person_id, via, body, state, held_until, digest_id)
    SELECT gen_random_uuid(), n::text, gen_random_uuid(), gen_random_uuid(), 'registered',
           CASE WHEN n % 2 = 0 THEN 'p' || n % 100 END, 'webhook', '{}',
           CASE n % 1000 WHEN 0 THEN 'due' WHEN 1 THEN 'held' WHEN 2 THEN 'held' WHEN 3 THEN 'gathered' ELSE 'sent' END,
           now(), CASE WHEN n % 1000 = 3 THEN gen_random_uuid() END
    FROM generate_series(1, 40000) AS n
"""
FILL_PEOPLE = """
    WITH written AS (
        INSERT INTO people (person_id, version, wrapped_key, changed_at)
        SELECT 'p' || n, 1, 'key', now() - make_interval(hours => n) FROM generate_series(1, 5000) AS n
        RETURNING person_id
    )
    INSERT INTO devices (id, person_id, endpoint_index, sealed, name)
    SELECT gen_random_uuid(), person_id, decode(md5(person_id || n), 'hex'), 'sealed', ''
    FROM written, generate_series(1, 3) AS n
"""
FILL_CASES = """
    INSERT INTO cases (case_id, number, headline, urgency, place, unit_path, ladder, level, unit_id, round,
                       requester_can_be_asked, due, parts, closed)
    SELECT gen_random_uuid(), n::text, '', 'routine', '{}', '{}', '[]', 'grid', 'g', 1, true, '{}', '[]', false
    FROM generate_series(1, 5000) AS n
"""
LARGE = {"feed", "messages", "people", "devices", "cases"}
"""Counters and templates are few: a scan of them is as good."""
SOME = UUID("019c0000-0000-7000-8000-000000000000")


@pytest.fixture
async def filled(database: Database) -> Database:
    async with database.transaction() as tx:
        await tx.rows(FILL)
        for fill in (FILL_MESSAGES, FILL_PEOPLE, FILL_CASES):
            await tx.rows(fill)
    async with database.transaction() as tx:
        for table in (*LARGE, "counters"):
            await tx.rows(f"ANALYZE {table}")
    return database


KNOWN = {"kinds": messages.KINDS, "vias": messages.VIAS}
HOT: list[tuple[str, dict[str, Any], set[str], int]] = [
    (feeds.READ_FEED, {"person_id": "p7", "after": 390, "limit": 200}, {"feed_pkey"}, 20),
    (feeds.NEWS, {"people": ["p7", "p8"]}, set(), 100),
    (feeds.UNREAD, {"person_id": "p7", "up_to": 10}, {"feed_pkey"}, 20),
    (
        messages.CLAIM,
        {"vias": ["webhook", "sms"], "rooms": [16, 16], "kinds": messages.KINDS, "lease_seconds": 1},
        {"messages_next"},
        50,
    ),
    (messages.QUEUE, KNOWN, {"messages_next"}, 50),
    (messages.UNKNOWN, KNOWN, {"messages_next"}, 50),
    (messages.TRIED, {"keys": ["7"], "vias": messages.VIAS}, {"messages_once"}, 10),
    (messages.HELD, {}, {"messages_held"}, 100),
    (messages.DROP_OF_REQUESTER, {"case_id": NOBODY}, {"messages_of_requester"}, 50),
    (messages.FORGET, {"days_kept": 30, "limit": 1000}, {"messages_over"}, 50),
    (feeds.LAST_SEQ, {"person_id": "p7"}, set(), 1),
    (feeds.MOVE_READ, {"person_id": "p7", "up_to": 12, "now": NIGHT}, {"feed_pkey"}, 20),
    (
        feeds.OVERFULL,
        {"after": "", "people_max": 10, "rows_kept": 1000, "older_than": NIGHT},
        {"feed_pkey"},
        20,
    ),
    (
        feeds.FORGET,
        {"people": ["p7"], "rows_kept": 1000, "older_than": NIGHT},
        {"feed_pkey"},
        410,
    ),
    (messages.RELEASABLE, {"now": NIGHT, "limit": 500}, {"messages_held"}, 100),
    (messages.OTHERS_HELD, {"now": NIGHT, "people": ["p2"]}, {"messages_held"}, 100),
    (messages.CASES_GATHERED, {"digest_ids": [SOME]}, {"messages_gathered"}, 10),
    (
        messages.FINISH_GATHERED,
        {"digest_id": SOME, "state": "sent", "because": None},
        {"messages_gathered"},
        10,
    ),
    (
        messages.LADDER,
        {"event_id": SOME, "person_id": "p7", "key": "7"},
        {"feed_once", "messages_once"},
        10,
    ),
    (messages.SENT_AS, {"keys": ["7"], "notice_ids": [SOME]}, {"messages_once", "messages_pkey"}, 10),
    (
        messages.FINISH,
        {"notice_ids": [SOME], "states": ["sent"], "becauses": [None]},
        {"messages_pkey"},
        10,
    ),
    (
        messages.AGAIN,
        {"notice_ids": [SOME], "attempts": [1], "in_seconds": [1.0], "becauses": [""], "given_back": [0]},
        {"messages_pkey"},
        10,
    ),
    (messages.RECEIVED, {"notice_ids": [SOME], "now": NIGHT}, {"messages_pkey"}, 10),
    (messages.NOT_RECEIVED, {"notice_ids": [SOME], "becauses": [""]}, {"messages_pkey"}, 10),
    (cases.LOAD, {"case_id": SOME}, {"cases_pkey"}, 10),
    (people.ONE, {"person_id": "p7"}, {"people_pkey"}, 10),
    (people.CHANGED, {"since": datetime.now(UTC) - timedelta(hours=3)}, {"people_changed_at"}, 10),
    (
        people.DEVICES,
        {"people": ["p7", "p8"], "after": NOBODY, "limit": 100},
        {"devices_of_person", "people_pkey"},
        20,
    ),
    (people.OWNERS_OF, {"indexes": [b"one", b"other"]}, {"devices_endpoint"}, 10),
    (people.BRING_UP, {"endpoint_index": b"new", "older": [b"old"]}, {"devices_endpoint"}, 10),
    (people.INDEX_ANEW, {"ids": [SOME], "indexes": [b"new"]}, {"devices_pkey", "devices_endpoint"}, 10),
    (people.COUNT, {"people": ["p7"]}, {"people_pkey", "devices_of_person"}, 10),
]
"""Statement, parameters, the indexes it has to use, and how many rows of a large table one step may read."""


class RolledBack(Exception):
    """What was looked at is not to be done."""


async def steps_of(database: Database, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    with suppress(RolledBack):
        async with database.transaction() as tx:
            [row] = await tx.rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", **parameters)
            steps = list(_nodes(row["QUERY PLAN"][0]["Plan"]))
            raise RolledBack
    return steps


async def test_what_is_asked_often_reads_only_what_it_gives(filled: Database) -> None:
    """All on one database: filling it takes longer than everything else."""
    faults: list[str] = []
    for sql, parameters, indexes, rows_max in HOT:
        steps = await steps_of(filled, sql, parameters)
        used = {step["Index Name"] for step in steps if "Index Name" in step}
        if missing := indexes - used:
            faults.append(f"{sql}: not by {sorted(missing)} but by {sorted(used)}")
        for step in steps:
            if step.get("Relation Name") not in LARGE:
                continue
            read = (step["Actual Rows"] + step.get("Rows Removed by Filter", 0)) * step["Actual Loops"]
            if step["Node Type"] == "Seq Scan" or read > rows_max:
                faults.append(f"{sql}: {step['Node Type']} of {step['Relation Name']} reads {read:g} rows")
    assert faults == []


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


async def test_the_migration_makes_the_tables_that_are_declared(database: Database) -> None:
    assert await differences(database, Table.metadata) == []
