"""The queries that run all day keep using their indexes, however many closed cases a city has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from services.insight.figures.shipped import DEFINITIONS
from services.insight.queries import board, cases, counts, rows
from shared.database import Database, Transaction
from tests.insight.stories import manhole_at_night, satisfied
from tests.insight.story import CALLED, Story

FoldStories = Callable[..., Awaitable[None]]

# Closed cases of the past, one a minute, made from the one that was folded.
MANY_CASES = """
    INSERT INTO cases SELECT made.* FROM cases AS c, generate_series(1, 10000) AS n,
    LATERAL jsonb_populate_record(c, jsonb_build_object(
        'case_id', gen_random_uuid(), 'registered_at', c.registered_at - n * interval '1 minute')) AS made
    WHERE c.state = 'closed'
"""
MANY_FOLLOW_UPS = """
    INSERT INTO follow_ups SELECT made.* FROM follow_ups AS f, cases AS c,
    LATERAL jsonb_populate_record(f, jsonb_build_object(
        'case_id', c.case_id, 'follow_up_id', gen_random_uuid(), 'reached_at', c.registered_at,
        'opened_at', c.registered_at)) AS made
"""
MANY_BESIDE = """
    INSERT INTO {table} SELECT made.* FROM {table} AS b, cases AS c,
    LATERAL jsonb_populate_record(b, jsonb_build_object('case_id', c.case_id{more})) AS made
    WHERE b.case_id <> c.case_id AND b.case_id = (SELECT case_id FROM {table} ORDER BY case_id LIMIT 1)
    ON CONFLICT DO NOTHING
"""
THEN = (
    ", 'handled_at', c.registered_at, 'handle_due_at', c.registered_at, 'follow_up_due_at', c.registered_at"
)


@pytest.fixture
async def years(database: Database, fold_stories: FoldStories) -> Database:
    waiting = Story(number="7000-1")
    registered = waiting.registered()
    waiting.clocks(0, registered, acknowledge=6, arrive=15)
    await fold_stories(satisfied(manhole_at_night()), waiting)
    async with database.transaction() as tx:
        await tx.rows(MANY_CASES)
        await tx.rows(MANY_FOLLOW_UPS)
        await tx.rows(MANY_BESIDE.format(table="rounds", more=THEN))
        await tx.rows(MANY_BESIDE.format(table="works", more=", 'first_at', c.registered_at"))
        await tx.rows("ANALYZE")
    return database


async def plan(tx: Transaction, sql: str, **parameters: Any) -> str:
    return "\n".join(row["QUERY PLAN"] for row in await tx.rows(f"EXPLAIN {sql}", **parameters))


async def test_the_board_reads_open_cases_only(years: Database) -> None:
    async with years.transaction() as tx:
        found = await plan(tx, board.PICTURE, unit_ids=["street"], now=CALLED, most=50)
    assert "cases_open" in found
    assert "Seq Scan on cases" not in found


async def test_a_batch_finds_its_rows_by_their_keys(years: Database) -> None:
    async with years.transaction() as tx:
        some = [row["case_id"] for row in await tx.rows("SELECT case_id FROM cases LIMIT 100")]
        found = await plan(tx, rows.LOAD, ids=some)
    assert "Seq Scan" not in found


async def test_a_list_reads_its_page_and_no_more(years: Database) -> None:
    async with years.transaction() as tx:
        found = await plan(
            tx,
            cases.PAGE,
            **{**vars(cases.Wanted(())), "unit_ids": ["street"]},
            now=CALLED,
            before_at=cases.LATEST,
            before_case="00000000-0000-0000-0000-000000000000",
            most=51,
        )
    assert "cases_registered" in found


@pytest.mark.parametrize(
    "name",
    [
        *(
            "on_time_arrival",
            "solution_rate",
            "follow_ups_reached",
            "emergency_success",
            "registered",
            "resolved",
        ),
        *(
            "handled_in_time",
            "closed_in_time",
            "reopened_within_30_days",
            "without_follow_up",
            "burden_commands",
        ),
    ],
)
async def test_a_figure_of_an_hour_reads_an_hour(years: Database, name: str) -> None:
    definition = DEFINITIONS[name]
    hour = counts.Scope(("street",), CALLED - timedelta(hours=1), CALLED, CALLED)
    async with years.transaction() as tx:
        found = await plan(tx, counts.TOTALS[definition.counts], **counts.parameters(definition, hour))
    assert "Seq Scan" not in found
