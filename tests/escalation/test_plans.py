"""Hot queries stay on their indexes, however many cases there were before."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.escalation.queries import cases as queries
from services.escalation.queries import lists, sweeps
from shared.database import Database
from shared.ids import uuid7
from tests.escalation.story import START

FILL = (
    """
    INSERT INTO cases (case_id, number, category_code, urgency, policy, ladder, registered_at, round, rung, care,
                       ends_at_once)
    SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, n::text, 'noise', 'routine', '{}', '[{}]',
           CAST(:start AS timestamptz), 1, 0, false, false FROM generate_series(1, 20000) AS n
    """,
    """
    INSERT INTO deadlines (case_id, kind, about, level, round, unit_id, set_at, due_at, amber_at, assumed, colour,
                           ending, ended_at)
    SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, kind,
           '00000000-0000-0000-0000-000000000000', 'grid', 1, 'grid-a' || n % 500,
           CAST(:start AS timestamptz), CAST(:start AS timestamptz) + n * interval '1 s', CAST(:start AS timestamptz),
           false, 'running', CASE WHEN n % 20 > 0 THEN 'cleared' END,
           CASE WHEN n % 20 > 0 THEN CAST(:start AS timestamptz) END
    FROM generate_series(1, 20000) AS n, unnest(ARRAY['handle', 'contact', 'follow_up']) AS kind
    """,
    """
    INSERT INTO supervision_orders (id, case_id, at, kind, level, unit_id, supervising_unit_id, round)
    SELECT gen_random_uuid(), ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
           CAST(:start AS timestamptz) + n * interval '1 s', 'ordinary', 'grid', 'grid-a' || n % 500,
           'community-' || n % 50, 1 FROM generate_series(1, 20000) AS n
    """,
    """
    INSERT INTO listings (id, case_id, at, day, days, round, unit_id, supervising_unit_id, person_ids, missed)
    SELECT gen_random_uuid(), ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
           CAST(:start AS timestamptz) + n * interval '1 s', DATE '2026-03-02' + n % 400, 1, 1,
           'civil-affairs', 'civil-affairs', '["p-s1"]', '["handle"]' FROM generate_series(1, 20000) AS n
    """,
    """
    UPDATE cases SET merged_into = '00000000-0000-7000-8000-000000000001'
    WHERE case_id < '00000000-0000-7000-8000-000000000041' AND case_id > '00000000-0000-7000-8000-000000000001'
    """,
)


@pytest.fixture
async def full(database: Database) -> Database:
    async with database.transaction() as tx:
        for statement in FILL:
            await tx.rows(statement, start=START)
    async with database.transaction() as tx:
        await tx.rows("ANALYZE")
    return database


async def plan(database: Database, sql: str, **parameters: Any) -> str:
    async with database.transaction() as tx:
        return "\n".join(row["QUERY PLAN"] for row in await tx.rows(f"EXPLAIN {sql}", **parameters))


async def test_a_case_is_loaded_by_its_key(full: Database) -> None:
    steps = await plan(full, queries.LOAD, case_id=uuid7())
    assert "Seq Scan on cases" not in steps
    assert "Seq Scan on deadlines" not in steps


async def test_open_deadlines_are_read_in_order_and_not_by_walking_the_old_ones(full: Database) -> None:
    page: dict[str, Any] = {
        "colour": None,
        "wanted": None,
        "about": uuid7(),
        "due_at": START,
        "case_id": uuid7(),
        "kind": "",
        "most": 50,
    }
    units = [f"grid-a{n}" for n in range(500)]
    steps = await plan(full, lists.DEADLINES, unit_ids=units, **page)
    assert "deadlines_open" in steps
    assert "Seq Scan on deadlines" not in steps
    steps = await plan(full, lists.DEADLINES, unit_ids=["grid-a20"], **page)
    assert "Index" in steps
    assert "Seq Scan on deadlines" not in steps


async def test_open_deadlines_are_counted_from_their_index(full: Database) -> None:
    assert "Seq Scan" not in await plan(full, lists.OPEN_BY_KIND)


ORDERS_PAGE: dict[str, Any] = {"answered": None, "kind": None, "at": START, "id": uuid7(), "most": 50}


@pytest.mark.parametrize(
    "units", [["grid-a20"], ["community-7", "grid-a20", "grid-a21"]], ids=["one", "some"]
)
async def test_the_orders_of_units_are_found_by_their_units(full: Database, units: list[str]) -> None:
    steps = await plan(full, lists.ORDERS, unit_ids=units, **ORDERS_PAGE)
    assert "supervision_orders_of_unit" in steps
    assert "supervision_orders_of_supervised" in steps
    assert "Seq Scan on supervision_orders" not in steps
    assert "Seq Scan on deadlines" not in steps


async def test_a_days_list_is_found_by_its_day(full: Database) -> None:
    page: dict[str, Any] = {"day": date(2026, 3, 5), "at": START, "id": uuid7(), "most": 50}
    steps = await plan(full, lists.LISTED, unit_ids=["civil-affairs"], **page)
    assert "listings_of_day" in steps
    assert "Seq Scan" not in steps


async def test_who_was_merged_into_a_case_is_found_by_that(full: Database) -> None:
    steps = await plan(full, queries.PARTS_ASKED_AFTER, case_id=UUID("00000000-0000-7000-8000-000000000001"))
    assert "cases_merged_into" in steps
    assert "Seq Scan" not in steps


async def test_a_calendar_is_followed_up_case_by_case_from_the_index_of_open_clocks(full: Database) -> None:
    steps = await plan(full, sweeps.NEXT_CASES, after_case_id=uuid7(), most=100)
    assert "deadlines_open_of_case" in steps
    assert "Seq Scan" not in steps
    assert "Sort" not in steps
