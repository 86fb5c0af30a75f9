"""Lists of alarms, and the story of one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from services.insight.queries.cases import LATEST
from shared.database import Transaction

# Newest first; the cursor is (raised_at, alarm_id) of the last row.
PAGE = """
    SELECT alarm_id, person_id, unit_path, case_id, raised_at, answered_at, answered_by, ended_at, by_mistake
    FROM alarms
    WHERE unit_path && CAST(:unit_ids AS text[])
      AND (CAST(:open AS boolean) IS NULL OR (ended_at IS NULL) = :open)
      AND (raised_at, alarm_id) < (CAST(:before_at AS timestamptz), CAST(:before_alarm AS uuid))
    ORDER BY raised_at DESC, alarm_id DESC LIMIT :most
"""
HOW_MANY = f"SELECT count(*) AS many FROM ({PAGE}) AS found"
ONE = """
    SELECT alarm_id, person_id, unit_path, case_id, raised_at, answered_at, answered_by, ended_at, by_mistake, story
    FROM alarms WHERE alarm_id = :alarm_id
"""


async def page(
    tx: Transaction,
    unit_ids: tuple[str, ...],
    open_: bool | None,
    before: tuple[datetime, UUID] | None,
    most: int,
) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(PAGE, **_before(unit_ids, open_, before, most))]


async def how_many(tx: Transaction, unit_ids: tuple[str, ...], open_: bool | None, most: int) -> int:
    """How long the list is, counted up to `most`."""
    [row] = await tx.rows(HOW_MANY, **_before(unit_ids, open_, None, most))
    return int(row["many"])


def _before(
    unit_ids: tuple[str, ...], open_: bool | None, before: tuple[datetime, UUID] | None, most: int
) -> dict[str, Any]:
    before_at, before_alarm = before or (LATEST, UUID(int=0))
    return {
        "unit_ids": list(unit_ids),
        "open": open_,
        "before_at": before_at,
        "before_alarm": before_alarm,
        "most": most,
    }


async def one(tx: Transaction, alarm_id: UUID) -> dict[str, Any] | None:
    rows = await tx.rows(ONE, alarm_id=alarm_id)
    return dict(rows[0]) if rows else None
