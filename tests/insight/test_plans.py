"""The queries that run all day keep using their indexes, however many closed cases a city has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.dialects.postgresql import JSONB

from services.insight.figures.shipped import DEFINITIONS
from services.insight.handlers.hearing import fold
from services.insight.queries import appraisal, board, cases, counts, rows
from services.insight.rules.naming import Dimension
from services.insight.tables import Case, Fieldwork, FollowUp, Round, Work
from shared.database import Database, Transaction
from shared.event import Event
from tests.insight.stories import manhole_at_night, satisfied
from tests.insight.story import CALLED, Story
from tests.insight.test_fieldwork import a_task
from tests.stack import TestStack

MANY = 200_000
# Closed cases of the past, one a minute, made from the one that was folded; their lists are left out, for brevity.
THEN = "CAST(:called AS timestamptz) - n * interval '1 minute'"
MADE = "('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid"
CHANGED: dict[type[Any], dict[str, str]] = {
    Case: {"case_id": MADE, "registered_at": THEN, "closed_at": THEN, "number": "n::text"},
    FollowUp: {"case_id": MADE, "reached_at": THEN, "opened_at": THEN},
    Round: {"case_id": MADE, "handled_at": THEN, "handle_due_at": THEN, "follow_up_due_at": THEN},
    Work: {"case_id": MADE, "first_at": THEN},
    Fieldwork: {"work_id": MADE, "counts_at": THEN},
}


def made(table: type[Any]) -> str:
    """Many rows from the first one there is."""
    columns = {
        column.name: CHANGED[table].get(
            column.name, "'[]'" if isinstance(column.type, JSONB) and not column.nullable else column.name
        )
        for column in table.__table__.columns
    }
    closed = "WHERE state = 'closed'" if table is Case else ""
    return f"""
        INSERT INTO {table.__tablename__} ({", ".join(columns)}) SELECT {", ".join(columns.values())}
        FROM (SELECT * FROM {table.__tablename__} {closed} LIMIT 1) AS first, generate_series(1, {MANY}) AS n
    """


async def fill(url: str) -> None:
    database = Database(url, source="insight", pool_size=1)
    waiting = Story(number="7000-1")
    registered = waiting.registered()
    waiting.clocks(0, registered, acknowledge=6, arrive=15)
    events: list[Event] = [
        event for story in (satisfied(manhole_at_night()), waiting) for event in story.events
    ]
    events += a_task(7387, 7815)
    async with database.transaction() as tx:
        await fold(tx, events, await tx.lock(*{event.subject for event in events}))
    async with database.transaction() as tx:
        for table in CHANGED:
            await tx.rows(made(table), called=CALLED)
        await tx.rows("ANALYZE")
    await database.close()


@pytest.fixture(scope="module")
def filled(stack: TestStack) -> Iterator[str]:
    """One database for all of them: nobody writes."""
    name = f"test_insight_{uuid4().hex[:12]}"
    url = stack.make_database(name, stack.template_for("insight"))
    asyncio.run(fill(url))
    yield url
    stack.drop_database(name)


@pytest.fixture
async def years(filled: str) -> AsyncIterator[Database]:
    database = Database(filled, source="insight", pool_size=1)
    yield database
    await database.close()


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


HOUR = counts.Scope(("street",), CALLED - timedelta(hours=1), CALLED, CALLED)


def asked(name: str, scope: counts.Scope = HOUR) -> dict[str, Any]:
    return {**counts.parameters(DEFINITIONS[name], scope), **vars(scope.narrow)}


@pytest.mark.parametrize("name", DEFINITIONS)
async def test_a_figure_of_an_hour_reads_an_hour(years: Database, name: str) -> None:
    """As a number, split by unit and by how the answer came, and narrowed to a channel."""
    kind = DEFINITIONS[name].counts
    async with years.transaction() as tx:
        for sql in (
            counts.TOTALS[kind],
            counts.NARROWED_TOTALS[kind],
            counts.GROUPED[kind, Dimension.UNIT],
            counts.GROUPED[kind, Dimension.SOURCE],
        ):
            assert "Seq Scan" not in await plan(tx, sql, **asked(name))


async def test_what_people_did_in_an_hour_reads_an_hour(years: Database) -> None:
    """Also the answers of those whose cases were merged into theirs."""
    about = {"unit_ids": ["street"], "starts_at": HOUR.starts_at, "ends_at": HOUR.ends_at, "most": 51}
    async with years.transaction() as tx:
        found = await plan(
            tx, appraisal.PEOPLE, **about, **appraisal.KEPT, within_seconds=appraisal.WITHIN_SECONDS, after=""
        )
        counted = await plan(tx, appraisal.HOW_MANY, **about)
    assert "Seq Scan" not in found + counted


@pytest.mark.parametrize("name", DEFINITIONS)
async def test_a_page_of_a_drill_down_reads_its_period_and_no_more(years: Database, name: str) -> None:
    page = {
        "side": "d",
        "after_at": counts.BEGINNING.at,
        "after_case": counts.BEGINNING.case_id,
        "after_part": counts.BEGINNING.part,
        "most": 101,
    }
    async with years.transaction() as tx:
        found = await plan(tx, counts.PAGES[DEFINITIONS[name].counts], **asked(name), **page)
    assert "Seq Scan" not in found


async def test_the_last_page_of_a_year_does_not_read_the_year(
    years: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export goes on from where the page before ended, and reads nothing before it."""
    year = counts.Scope(("street",), CALLED - timedelta(days=365), CALLED, CALLED)
    place = counts.Place(CALLED - timedelta(hours=1), counts.BEGINNING.case_id, 0)
    async with years.transaction() as tx:
        read, plain = tx.rows, list[str]()

        async def explained(sql: str, **parameters: Any) -> Any:
            plain.append("\n".join(row["QUERY PLAN"] for row in await read(f"EXPLAIN {sql}", **parameters)))
            return await read(sql, **parameters)

        monkeypatch.setattr(tx, "rows", explained)
        found = await counts.members(tx, DEFINITIONS["registered"], year, "d", place, 1000)
    assert len(found) == 60
    assert "Seq Scan" not in plain[0]
