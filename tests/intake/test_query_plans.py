"""The plans of intake's hot reads: a missing index shows here before it shows on a street of a million cases."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.intake.duplicates import cells_around
from services.intake.queries.cases import LOAD, NUMBERED
from services.intake.queries.duplicates import CANDIDATES, CANDIDATES_MAX, FORGET
from services.intake.queries.families import FAMILIES, OPEN_CHILDREN
from services.intake.queries.follow_ups import COACHED, DUE_FIRST, TO_THE_END
from services.intake.queries.personal import TO_ERASE
from services.intake.queries.requesters import CODE_OF, LINK_OF
from services.intake.tables import Table
from shared.database import Database
from tests.schema import differences

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LIST = {
    "due_until": NOW,
    "after_due_at": NOW,
    "after_id": UUID(int=0),
    "to_ask": True,
    "units": ["street"],
    "person_id": "p-caller-1",
    "rows_max": 51,
}
ANSWERS = {"units": ["street"], "before_at": TO_THE_END[0], "before_id": TO_THE_END[1], "rows_max": 51}
KEPT = {
    "now": NOW,
    "latest": NOW,
    "categories": ["gas"],
    "category_days": [0],
    "urgencies": ["emergency"],
    "urgency_days": [40],
    "rows_max": 100,
}


@pytest.mark.parametrize(
    ("sql", "parameters", "index"),
    [
        (LOAD, {"case_id": UUID(int=1)}, "follow_ups_one_per_round"),
        (LOAD, {"case_id": UUID(int=1)}, "follow_ups_progress"),
        (LOAD, {"case_id": UUID(int=1)}, "questions_of_case"),
        (LOAD, {"case_id": UUID(int=1)}, "attachments_of_case"),
        (COACHED, ANSWERS, "follow_ups_coached"),
        (TO_ERASE, KEPT, "cases_kept"),
        (DUE_FIRST, LIST, "follow_ups_due"),
        (CODE_OF, {"number": "481-2093-5574"}, "cases_number"),
        (LINK_OF, {"link_hash": b"x"}, "follow_ups_link"),
    ],
)
async def test_hot_reads_walk_their_index(
    database: Database, sql: str, parameters: dict[str, object], index: str
) -> None:
    async with database.transaction() as tx:
        # Small tables are read whole whatever indexes there are; the question is whether an index would do.
        for planner in ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin"):
            await tx.rows(f"SET LOCAL {planner} = off")
        plan = "\n".join(str(row["QUERY PLAN"]) for row in await tx.rows(f"EXPLAIN {sql}", **parameters))
    assert index in plan, plan
    assert "Sort" not in plan, plan


AROUND = {
    "category_group": "flooding",
    "cells": cells_around(102.75, 25.05),
    "building": "春和路12号",
    "since": NOW,
    "until": NOW,
    "case_id": UUID(int=0),
    "most": CANDIDATES_MAX,
}


@pytest.mark.parametrize(
    ("sql", "parameters", "indexes"),
    [
        (CANDIDATES, AROUND, {"likenesses_near", "likenesses_building"}),
        (FAMILIES, {"case_ids": [UUID(int=1)]}, {"cases_children"}),
        (OPEN_CHILDREN, {"case_id": UUID(int=1), "after": UUID(int=0), "rows_max": 200}, {"cases_children"}),
        (FORGET, {"before": NOW, "rows_max": 5000}, {"likenesses_by_age", "likenesses_pkey"}),
        (NUMBERED, {"number": "481-2093-5574"}, {"cases_number"}),
    ],
    ids=["candidates", "families", "open children", "marks to forget", "numbered"],
)
async def test_few_rows_are_found_by_their_index(
    database: Database, sql: str, parameters: dict[str, object], indexes: set[str]
) -> None:
    async with database.transaction() as tx:
        for planner in ("enable_seqscan", "enable_bitmapscan"):
            await tx.rows(f"SET LOCAL {planner} = off")
        plan = "\n".join(str(row["QUERY PLAN"]) for row in await tx.rows(f"EXPLAIN {sql}", **parameters))
    assert {index for index in indexes if index in plan} == indexes, plan
    assert "Seq Scan" not in plan, plan


async def test_the_migrations_make_what_the_tables_say(database: Database) -> None:
    assert await differences(database, Table.metadata) == []
