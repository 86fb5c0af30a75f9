"""SQL of the hot path: the rows of a batch are read by one statement and written by another, however many events
the batch holds, because insight hears every event of the city."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from services.insight.rules.alarms import AlarmRow
from services.insight.rules.facts import CaseRow, FollowUp, Round, Work
from services.insight.rules.standing import Dues, Standing, dues, standing
from shared.database import Transaction
from shared.event import AlarmEvent, CaseEvent

ROWS = TypeAdapter(list[CaseRow])
ROW = TypeAdapter(CaseRow)
STANDING = TypeAdapter(Standing)
DUES = TypeAdapter(Dues)
ALARMS = TypeAdapter(list[AlarmRow])


def _names(*kinds: type) -> list[str]:
    return [field.name for kind in kinds for field in fields(kind)]


@dataclass(frozen=True)
class Beside:
    """A field of CaseRow that has a table of its own: the columns it is loaded from, and those written."""

    key: str
    order: str
    loaded: list[str]
    derived: tuple[str, ...] = ()


BESIDE = {
    "follow_ups": Beside("follow_up_id", "round, follow_up_id", _names(FollowUp)),
    "rounds": Beside("round", "round", _names(Round), tuple(_names(Dues))),
    "works": Beside("person_id", 'person_id COLLATE "C"', _names(Work)),
}
"""By table. Works are kept in the order of their persons as Python sorts them."""

FACTS = [name for name in _names(CaseRow) if name not in BESIDE]
COLUMNS = FACTS + _names(Standing)
HEAVY = {"candidates", "policy"}
"""Fields of events that only dispatch and escalation need; left out of the timeline."""
TEXTS = ("headline", "place")
"""Of whom was erased, no event says these any longer."""
ALARM_COLUMNS = [*_names(AlarmRow), "story"]


def _load(table: str, beside: Beside) -> str:
    return f"""(
        SELECT coalesce(json_agg(b ORDER BY {beside.order}), '[]')
        FROM (SELECT {", ".join(beside.loaded)} FROM {table} AS t WHERE t.case_id = c.case_id) AS b
    ) AS {table}"""


LOAD = f"""
    SELECT coalesce(json_agg(row), '[]')::text AS rows FROM (
        SELECT {", ".join(FACTS)}, {", ".join(_load(table, beside) for table, beside in BESIDE.items())}
        FROM cases AS c WHERE c.case_id = ANY(CAST(:ids AS uuid[]))
    ) AS row
"""
LOAD_ALARMS = f"""
    SELECT coalesce(json_agg(row), '[]')::text AS rows
    FROM (SELECT {", ".join(_names(AlarmRow))} FROM alarms WHERE alarm_id = ANY(CAST(:ids AS uuid[]))) AS row
"""


def _upsert(table: str, beside: Beside) -> str:
    columns = ["case_id", *beside.loaded, *beside.derived]
    changed = [name for name in columns if name not in ("case_id", beside.key)]
    return f"""saved_{table} AS (
        INSERT INTO {table} ({", ".join(columns)})
        SELECT {", ".join(columns)} FROM jsonb_populate_recordset(NULL::{table}, CAST(:{table} AS jsonb))
        ON CONFLICT (case_id, {beside.key}) DO UPDATE SET {", ".join(f"{c} = excluded.{c}" for c in changed)}
    )"""


SAVE = f"""
    WITH saved AS (
        INSERT INTO cases ({", ".join(COLUMNS)})
        SELECT {", ".join(COLUMNS)} FROM jsonb_populate_recordset(NULL::cases, CAST(:rows AS jsonb))
        ON CONFLICT (case_id) DO UPDATE SET {", ".join(f"{c} = excluded.{c}" for c in COLUMNS[1:])}
    ), {", ".join(_upsert(table, beside) for table, beside in BESIDE.items())}, erased AS (
        UPDATE timeline SET data = data - CAST(:texts AS text[]) WHERE case_id = ANY(CAST(:erased AS uuid[]))
    )
    INSERT INTO timeline (case_id, source, sequence, event_id, type, at, actor, channel, data, folded_at)
    SELECT case_id, source, sequence, event_id, type, at, actor, channel, data, CAST(:now AS timestamptz)
    FROM jsonb_populate_recordset(NULL::timeline, CAST(:happenings AS jsonb))
"""
SAVE_ALARMS = f"""
    INSERT INTO alarms ({", ".join(ALARM_COLUMNS)})
    SELECT {", ".join(ALARM_COLUMNS)} FROM jsonb_populate_recordset(NULL::alarms, CAST(:rows AS jsonb))
    ON CONFLICT (alarm_id) DO UPDATE SET
        {", ".join(f"{c} = excluded.{c}" for c in ALARM_COLUMNS[1:-1])}, story = alarms.story || excluded.story
"""


async def load(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, CaseRow]:
    """The rows of these cases; those never registered here are missing."""
    [found] = await tx.rows(LOAD, ids=list(ids))
    return {row.case_id: row for row in ROWS.validate_json(found["rows"])}


async def save(
    tx: Transaction, rows: Mapping[UUID, CaseRow], events: Sequence[CaseEvent], now: datetime
) -> None:
    """Write the rows as they are now and put the events on the timeline."""
    columns: list[Any] = []
    beside: dict[str, list[Any]] = {table: [] for table in BESIDE}
    for row in rows.values():
        facts = ROW.dump_python(row, mode="json")
        for table, lines in beside.items():
            lines += [{**line, "case_id": row.case_id} for line in facts.pop(table)]
        columns.append({**facts, **STANDING.dump_python(standing(row), mode="json")})
    for line in beside["rounds"]:
        line |= DUES.dump_python(dues(rows[line["case_id"]], line["round"]), mode="json")
    erased = {case_id for case_id, row in rows.items() if row.erased_at is not None}
    await tx.rows(
        SAVE,
        rows=_json(columns),
        **{table: _json(lines) for table, lines in beside.items()},
        texts=list(TEXTS),
        erased=list(erased),
        happenings=_json([happening(event, erased=event.case_id in erased) for event in events]),
        now=now,
    )


def happening(event: CaseEvent, *, erased: bool = False) -> dict[str, Any]:
    data = event.model_dump(mode="json", exclude={*HEAVY, "actor", "channel", *(TEXTS if erased else ())})
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


async def load_alarms(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, AlarmRow]:
    [found] = await tx.rows(LOAD_ALARMS, ids=list(ids))
    return {row.alarm_id: row for row in ALARMS.validate_json(found["rows"])}


async def save_alarms(tx: Transaction, rows: Mapping[UUID, AlarmRow], events: Sequence[AlarmEvent]) -> None:
    """Write the alarms as they are now, each with what happened added to its story."""
    stories: dict[UUID, list[Any]] = {alarm_id: [] for alarm_id in rows}
    for event in events:
        stories[event.alarm_id].append(
            {
                "at": event.at,
                "event_id": event.id,
                "type": event.type,
                "data": event.model_dump(mode="json", exclude={"actor", "channel"}),
            }
        )
    saved = ALARMS.dump_python(list(rows.values()), mode="json")
    await tx.rows(
        SAVE_ALARMS, rows=_json([{**row, "story": stories[UUID(row["alarm_id"])]} for row in saved])
    )


def _json(rows: list[Any]) -> str:
    return orjson.dumps(rows).decode()
