"""Alarms in and out; where the worker was is sealed under a key of the alarm's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from services.dispatch.queries.sealed import seal_position, unseal_position
from services.dispatch.rules.alarms import Alarm
from shared.database import Row, Transaction
from shared.sealing import Sealer
from shared.things import Point

COLUMNS = """
    id, person_id, unit_path, case_id, raised_at, answered_by, answered_at, ended_by, ended_at, by_mistake
"""
# The newest first, of the units asked for; who belongs to no unit is helped by everybody who may help at all.
PAGE = f"""
    SELECT {COLUMNS} FROM alarms
    WHERE (unit_path && CAST(:units AS text[]) OR (cardinality(unit_path) = 0 AND :helps) OR person_id = :person_id)
        AND (NOT :open OR ended_at IS NULL)
        AND (raised_at, id) < (:before_at, :before_id)
    ORDER BY raised_at DESC, id DESC LIMIT :most
"""
SAVE = """
    INSERT INTO alarms (id, person_id, unit_path, case_id, raised_at, by_mistake)
    VALUES (:id, :person_id, CAST(:unit_path AS text[]), :case_id, :raised_at, :by_mistake)
    ON CONFLICT (id) DO UPDATE SET answered_by = :answered_by, answered_at = :answered_at, ended_by = :ended_by,
        ended_at = :ended_at, by_mistake = :by_mistake
"""


async def find(tx: Transaction, alarm_id: UUID) -> Alarm | None:
    rows = await tx.rows(f"SELECT {COLUMNS} FROM alarms WHERE id = :id", id=alarm_id)
    return _alarm(rows[0]) if rows else None


async def open_of(tx: Transaction, person_id: str) -> Alarm | None:
    """The one call for help of somebody that has not ended."""
    rows = await tx.rows(
        f"SELECT {COLUMNS} FROM alarms WHERE person_id = :person_id AND ended_at IS NULL", person_id=person_id
    )
    return _alarm(rows[0]) if rows else None


async def page(
    tx: Transaction,
    *,
    units: Sequence[str],
    person_id: str,
    open_only: bool,
    before: tuple[datetime, UUID],
    most: int,
) -> list[Alarm]:
    rows = await tx.rows(
        PAGE,
        units=list(units),
        helps=bool(units),
        person_id=person_id,
        open=open_only,
        before_at=before[0],
        before_id=before[1],
        most=most,
    )
    return [_alarm(row) for row in rows]


async def save(tx: Transaction, alarm: Alarm) -> None:
    await tx.rows(SAVE, **{**asdict(alarm), "unit_path": list(alarm.unit_path)})


async def keep_place(tx: Transaction, alarm_id: UUID, point: Point, sealer: Sealer) -> None:
    """The newest place counts; its key is made anew with it."""
    key, wrapped = sealer.new_case_key()
    await tx.rows(
        "UPDATE alarms SET wrapped_key = :wrapped, sealed_position = :sealed WHERE id = :id",
        id=alarm_id,
        wrapped=wrapped,
        sealed=seal_position(sealer, key, point, f"alarms.position:{alarm_id}"),
    )


async def place_of(tx: Transaction, alarm_id: UUID, sealer: Sealer) -> Point | None:
    rows = await tx.rows(
        "SELECT wrapped_key, sealed_position FROM alarms WHERE id = :id AND sealed_position IS NOT NULL",
        id=alarm_id,
    )
    if not rows:
        return None
    context = f"alarms.position:{alarm_id}"
    return unseal_position(sealer, rows[0]["wrapped_key"], rows[0]["sealed_position"], context)


def _alarm(row: Row) -> Alarm:
    return Alarm(**{**row, "unit_path": tuple(row["unit_path"])})
