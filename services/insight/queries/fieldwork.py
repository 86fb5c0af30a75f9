"""The rows of mass tasks and of days of the rounds, read and written a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from uuid import UUID

from pydantic import TypeAdapter

from services.insight.rules.fieldwork import FieldworkRow
from shared.database import Transaction

ROWS = TypeAdapter(list[FieldworkRow])
COLUMNS = [field.name for field in fields(FieldworkRow)]
LOAD = f"""
    SELECT coalesce(json_agg(row), '[]')::text AS rows
    FROM (SELECT {", ".join(COLUMNS)} FROM fieldwork WHERE work_id = ANY(CAST(:ids AS uuid[]))) AS row
"""
SAVE = f"""
    INSERT INTO fieldwork ({", ".join(COLUMNS)})
    SELECT {", ".join(COLUMNS)} FROM jsonb_populate_recordset(NULL::fieldwork, CAST(:rows AS jsonb))
    ON CONFLICT (work_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])}
"""


async def load(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, FieldworkRow]:
    [found] = await tx.rows(LOAD, ids=list(ids))
    return {row.work_id: row for row in ROWS.validate_json(found["rows"])}


async def save(tx: Transaction, rows: Mapping[UUID, FieldworkRow]) -> None:
    await tx.rows(SAVE, rows=ROWS.dump_json(list(rows.values())).decode())
