"""The days of the grids' rounds in and out, as they were told last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import orjson

from services.dispatch.rules.round_days import RoundDay
from services.dispatch.rules.round_story import Due
from shared.database import Row, Transaction
from shared.fieldwork import NotDoneReason

COLUMNS = "id, grid_id, day, owed, done, not_done, told_at"
BEGIN = """
    INSERT INTO round_days (id, grid_id, day, owed, done, not_done)
    SELECT new.id, :grid_id, new.day, 0, 0, '{}'
    FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[])) AS new(id, day)
    ON CONFLICT (id) DO NOTHING
"""
FIND = f"SELECT {COLUMNS} FROM round_days WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY day"
SAVE = """
    UPDATE round_days SET owed = :owed, done = :done, not_done = CAST(:not_done AS jsonb), told_at = :told_at
    WHERE id = :id
"""
SETTLED = """
    SELECT due_on, done, reason, count(*) AS n FROM round_dues
    WHERE grid_id = :grid_id AND due_on = ANY(CAST(:days AS date[])) GROUP BY due_on, done, reason
"""
STANDS = "SELECT 1 FROM round_stops WHERE grid_id = :grid_id AND ended_at IS NULL LIMIT 1"


async def begin(tx: Transaction, grid_id: str, days: Mapping[UUID, date]) -> list[RoundDay]:
    """These days, made where they are not there yet, the oldest first."""
    await tx.rows(BEGIN, grid_id=grid_id, ids=list(days), days=list(days.values()))
    return await find(tx, list(days))


async def find(tx: Transaction, ids: Sequence[UUID]) -> list[RoundDay]:
    return [_day(row) for row in await tx.rows(FIND, ids=list(ids))]


async def save(tx: Transaction, day: RoundDay) -> None:
    await tx.rows(
        SAVE,
        id=day.id,
        owed=day.owed,
        done=day.done,
        not_done=orjson.dumps(day.not_done).decode(),
        told_at=day.told_at,
    )


async def settled(tx: Transaction, grid_id: str, days: Sequence[date]) -> list[tuple[Due, int]]:
    """What is settled of these days, each with how often."""
    return [
        (Due(row["due_on"], row["done"], NotDoneReason(row["reason"]) if row["reason"] else None), row["n"])
        for row in await tx.rows(SETTLED, grid_id=grid_id, days=list(days))
    ]


async def has_stops(tx: Transaction, grid_id: str) -> bool:
    return bool(await tx.rows(STANDS, grid_id=grid_id))


def _day(row: Row) -> RoundDay:
    return RoundDay(**row)
