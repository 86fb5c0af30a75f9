"""Rows as they stand in PostgreSQL: what is loaded is what was saved, in two statements for any batch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Any

import pytest
from asyncpg import IntegrityConstraintViolationError

from services.insight import tables
from services.insight.queries import cases, rows
from services.insight.rules.alarms import AlarmRow
from services.insight.rules.facts import CaseRow, FollowUp, Round, Work
from services.insight.rules.standing import Dues, Standing, standing
from services.insight.tables import Case, Table
from shared.database import Database, Row, Transaction
from tests.insight.conftest import Fold
from tests.insight.matters import every_matter
from tests.insight.stories import dissatisfied, every_story, manhole_at_night
from tests.insight.story import Story
from tests.insight.test_fold import folded

OURS = [
    *("cases", "follow_ups", "rounds", "works", "timeline", "alarms"),
    *("snapshots", "snapshot_members", "publications"),
]


def test_the_table_has_a_column_for_every_fact() -> None:
    facts = {field.name for field in fields(CaseRow)} - set(rows.BESIDE)
    assert facts | {field.name for field in fields(Standing)} == set(Case.model_fields)
    for kind, table in ((FollowUp, tables.FollowUp), (Work, tables.Work), (AlarmRow, tables.Alarm)):
        kept = set(table.model_fields) - ({"story"} if table is tables.Alarm else {"case_id"})
        assert {field.name for field in fields(kind)} - {"case_id"} == kept - {"case_id"}
    rounds = {field.name for kind in (Round, Dues) for field in fields(kind)}
    assert rounds | {"case_id"} == set(tables.Round.model_fields)


async def test_what_is_loaded_is_what_was_folded(database: Database, fold: Fold) -> None:
    stories = [*every_story(), *every_matter()]
    await fold(event for story in stories for event in story.events)
    async with database.transaction() as tx:
        stored = await rows.load(tx, [story.case_id for story in stories])
    assert stored == {story.case_id: folded(story.events) for story in stories}


async def test_folding_one_by_one_gives_the_same_as_folding_together(database: Database, fold: Fold) -> None:
    story = dissatisfied(manhole_at_night())
    for event in story.events:
        await fold([event])
    async with database.transaction() as tx:
        assert await rows.load(tx, [story.case_id]) == {story.case_id: folded(story.events)}
        stored = await cases.one(tx, story.case_id)
    stands = standing(folded(story.events))
    assert stored is not None
    assert (stored["state"], stored["holder_id"]) == (stands.state, stands.holder_id)
    assert stored["musts_met"] == list(stands.musts_met)


async def test_the_timeline_has_a_row_per_event_in_order(
    database: Database, fold_stories: Callable[..., Awaitable[None]]
) -> None:
    story = manhole_at_night()
    await fold_stories(story)
    async with database.transaction() as tx:
        timeline = await cases.timeline(tx, story.case_id)
    assert [row["event_id"] for row in timeline] == [event.id for event in story.events]
    assert "candidates" not in timeline[2]["data"]


async def test_an_event_cannot_be_told_twice(database: Database, fold: Fold) -> None:
    story = manhole_at_night()
    await fold(story.events)
    with pytest.raises(IntegrityConstraintViolationError):
        await fold(story.events[-1:])


async def test_a_batch_takes_two_statements_however_large(
    database: Database, fold: Fold, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    rows = Transaction.rows

    async def heard(tx: Transaction, sql: str, **parameters: Any) -> list[Row]:
        statements.append(sql)
        return await rows(tx, sql, **parameters)

    stories = [manhole_at_night(number=f"1000-{n:04}") for n in range(50)]
    await fold(stories[0].events)
    monkeypatch.setattr(Transaction, "rows", heard)
    await fold(event for story in stories[1:] for event in story.events)
    assert len([s for s in statements if "lock_heads" not in s]) == 2


async def test_migrations_make_what_the_tables_say(database: Database) -> None:
    async with database.transaction() as tx:
        found = await tx.rows(
            "SELECT table_name, column_name, is_nullable FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name = ANY(:ours)",
            ours=OURS,
        )
    migrated = {(row["table_name"], row["column_name"], row["is_nullable"] == "YES") for row in found}
    declared = {
        (name, column.name, bool(column.nullable))
        for name in OURS
        for column in Table.metadata.tables[name].columns
    }
    assert migrated == declared


async def test_a_story_without_its_beginning_is_refused_whole(database: Database, fold: Fold) -> None:
    whole, broken = manhole_at_night(), Story()
    broken.registered()
    broken.answered(1)
    with pytest.raises(ValueError, match="before its registration"):
        await fold([*whole.events, broken.events[1]])
    async with database.transaction() as tx:
        assert await rows.load(tx, [whole.case_id, broken.case_id]) == {}
