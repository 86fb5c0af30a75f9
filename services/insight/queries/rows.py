"""SQL of the hot path: the rows of a batch are read by one statement and written by another, however many events
the batch holds, because insight hears every event of the city."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from services.insight.rules.facts import CaseRow, FollowUp
from services.insight.rules.standing import Standing, standing
from shared.database import Transaction
from shared.event import CaseEvent

ROWS = TypeAdapter(list[CaseRow])
ROW = TypeAdapter(CaseRow)
STANDING = TypeAdapter(Standing)

FACTS = [field.name for field in fields(CaseRow) if field.name != "follow_ups"]
COLUMNS = FACTS + [field.name for field in fields(Standing)]
FOLLOW_UP_COLUMNS = ["case_id", *(field.name for field in fields(FollowUp))]
HEAVY = {"candidates", "policy"}
"""Fields of events that only dispatch and escalation need; left out of the timeline."""

LOAD = f"""
    SELECT coalesce(json_agg(row), '[]')::text AS rows FROM (
        SELECT {", ".join(FACTS)}, (
            SELECT coalesce(json_agg(f ORDER BY f.round, f.follow_up_id), '[]') FROM follow_ups AS f
            WHERE f.case_id = c.case_id
        ) AS follow_ups
        FROM cases AS c WHERE c.case_id = ANY(CAST(:ids AS uuid[]))
    ) AS row
"""

SAVE = f"""
    WITH saved AS (
        INSERT INTO cases ({", ".join(COLUMNS)})
        SELECT {", ".join(COLUMNS)} FROM jsonb_populate_recordset(NULL::cases, CAST(:rows AS jsonb))
        ON CONFLICT (case_id) DO UPDATE SET {", ".join(f"{c} = excluded.{c}" for c in COLUMNS[1:])}
    ), answered AS (
        INSERT INTO follow_ups ({", ".join(FOLLOW_UP_COLUMNS)})
        SELECT {", ".join(FOLLOW_UP_COLUMNS)}
        FROM jsonb_populate_recordset(NULL::follow_ups, CAST(:follow_ups AS jsonb))
        ON CONFLICT (case_id, follow_up_id)
        DO UPDATE SET {", ".join(f"{c} = excluded.{c}" for c in FOLLOW_UP_COLUMNS[2:])}
    )
    INSERT INTO timeline (case_id, source, sequence, event_id, type, at, actor, channel, data)
    SELECT case_id, source, sequence, event_id, type, at, actor, channel, data
    FROM jsonb_populate_recordset(NULL::timeline, CAST(:happenings AS jsonb))
"""


async def load(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, CaseRow]:
    """The rows of these cases; those never registered here are missing."""
    [found] = await tx.rows(LOAD, ids=list(ids))
    return {row.case_id: row for row in ROWS.validate_json(found["rows"])}


async def save(tx: Transaction, rows: Iterable[CaseRow], events: Sequence[CaseEvent]) -> None:
    """Write the rows as they are now and put the events on the timeline."""
    columns, follow_ups = [], []
    for row in rows:
        facts = ROW.dump_python(row, mode="json")
        answers: list[dict[str, Any]] = facts.pop("follow_ups")
        follow_ups += [{**answer, "case_id": row.case_id} for answer in answers]
        columns.append({**facts, **STANDING.dump_python(standing(row), mode="json")})
    await tx.rows(
        SAVE,
        rows=_json(columns),
        follow_ups=_json(follow_ups),
        happenings=_json([happening(event) for event in events]),
    )


def happening(event: CaseEvent) -> dict[str, Any]:
    data = event.model_dump(mode="json", exclude=HEAVY | {"actor", "channel"})
    return {
        "case_id": event.case_id,
        "source": event.source,
        "sequence": event.sequence,
        "event_id": event.id,
        "type": event.type,
        "at": event.at,
        "actor": event.actor.model_dump(mode="json"),
        "channel": event.channel,
        "data": data,
    }


def _json(rows: list[Any]) -> str:
    return orjson.dumps(rows).decode()
