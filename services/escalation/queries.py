"""SQL of escalation. A case is read whole in one statement, as JSON that is its dataclass, and saved by difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from services.escalation.rules.case import Case, CaseDeadline
from shared.database import Row, Transaction

CASE = TypeAdapter(Case)

LOAD = """
    SELECT json_build_object(
        'case_id', case_id, 'number', number, 'urgency', urgency, 'policy', policy, 'ladder', ladder,
        'registered_at', registered_at, 'round', round, 'rung', rung, 'handled_at', handled_at,
        'closed_at', closed_at,
        'deadlines', coalesce((SELECT json_agg(d ORDER BY d.round, d.level COLLATE "C", d.kind COLLATE "C")
                               FROM deadlines d WHERE d.case_id = cases.case_id), '[]'),
        'raises', coalesce((SELECT json_agg(r ORDER BY r.place) FROM raises r
                            WHERE r.case_id = cases.case_id), '[]'),
        'orders', coalesce((SELECT json_agg(o ORDER BY o.at, o.id) FROM supervision_orders o
                            WHERE o.case_id = cases.case_id), '[]'),
        'holders', coalesce((SELECT json_agg(h ORDER BY h.part_id) FROM holders h
                             WHERE h.case_id = cases.case_id), '[]'))::text AS whole
    FROM cases WHERE case_id = :case_id
"""

SAVE_CASE = """
    INSERT INTO cases (case_id, number, urgency, policy, ladder, registered_at, round, rung, handled_at, closed_at)
    SELECT case_id, number, urgency, policy, ladder, registered_at, round, rung, handled_at, closed_at
    FROM jsonb_to_record(CAST(:whole AS jsonb)) AS x (
        case_id uuid, number text, urgency text, policy jsonb, ladder jsonb, registered_at timestamptz, round integer,
        rung integer, handled_at timestamptz, closed_at timestamptz)
    ON CONFLICT (case_id) DO UPDATE SET round = excluded.round, rung = excluded.rung,
        handled_at = excluded.handled_at, closed_at = excluded.closed_at
"""

# Those that ended come first: the new one of a kind takes the place of the old in the index of open ones.
SAVE_DEADLINES = """
    INSERT INTO deadlines (case_id, kind, level, round, unit_id, set_at, due_at, amber_at, assumed, colour, ending,
                           ended_at, met)
    SELECT CAST(:case_id AS uuid), kind, level, round, unit_id, set_at, due_at, amber_at, assumed, colour, ending,
           ended_at, met
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (
        kind text, level text, round integer, unit_id text, set_at timestamptz, due_at timestamptz,
        amber_at timestamptz, assumed boolean, colour text, ending text, ended_at timestamptz, met boolean)
    ORDER BY ending IS NULL
    ON CONFLICT (case_id, kind, level, round) DO UPDATE SET colour = excluded.colour, ending = excluded.ending,
        ended_at = excluded.ended_at, met = excluded.met
"""

SAVE_RAISES = """
    INSERT INTO raises (id, case_id, place, at, cause, from_level, to_level, to_unit_id, skipped, counts_from, round,
                        by_person_id, reason, voided)
    SELECT id, CAST(:case_id AS uuid), place, at, cause, from_level, to_level, to_unit_id, skipped, counts_from,
           round, by_person_id, reason, voided
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (
        id uuid, place integer, at timestamptz, cause text, from_level text, to_level text, to_unit_id text,
        skipped jsonb, counts_from timestamptz, round integer, by_person_id text, reason text, voided boolean)
    ON CONFLICT (id) DO UPDATE SET voided = excluded.voided
"""

SAVE_ORDERS = """
    INSERT INTO supervision_orders (id, case_id, at, kind, level, unit_id, supervising_unit_id, round)
    SELECT id, CAST(:case_id AS uuid), at, kind, level, unit_id, supervising_unit_id, round
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (
        id uuid, at timestamptz, kind text, level text, unit_id text, supervising_unit_id text, round integer)
"""

SAVE_HOLDERS = """
    WITH now_held AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (
            part_id uuid, person_id text, part_role text, level text, round integer)
    ), gone AS (
        DELETE FROM holders WHERE case_id = :case_id AND part_id NOT IN (SELECT part_id FROM now_held)
    )
    INSERT INTO holders (case_id, part_id, person_id, part_role, level, round)
    SELECT CAST(:case_id AS uuid), part_id, person_id, part_role, level, round FROM now_held
    ON CONFLICT (case_id, part_id) DO UPDATE SET person_id = excluded.person_id, part_role = excluded.part_role,
        level = excluded.level, round = excluded.round
"""


async def load(tx: Transaction, case_id: UUID) -> Case | None:
    """The case as it stands; lock it first if anything follows from it."""
    rows = await tx.rows(LOAD, case_id=case_id)
    return CASE.validate_json(rows[0]["whole"]) if rows else None


async def save(tx: Transaction, before: Case | None, after: Case) -> None:
    """Write what is different; nothing is ever deleted but a holder who no longer holds."""
    if before is None or _standing(before) != _standing(after):
        await tx.rows(SAVE_CASE, whole=_json(_row(after)))
    known = set(before.deadlines) if before else set()
    if deadlines := [one for one in after.deadlines if one not in known]:
        await tx.rows(
            SAVE_DEADLINES, case_id=after.case_id, rows=_json([_timed(after, one) for one in deadlines])
        )
    raised = set(before.raises) if before else set()
    if raises := [{**asdict(one), "place": n} for n, one in enumerate(after.raises) if one not in raised]:
        await tx.rows(SAVE_RAISES, case_id=after.case_id, rows=_json(raises))
    if orders := after.orders[len(before.orders) if before else 0 :]:
        await tx.rows(SAVE_ORDERS, case_id=after.case_id, rows=_json(orders))
    if after.holders != (before.holders if before else ()):
        await tx.rows(SAVE_HOLDERS, case_id=after.case_id, rows=_json(after.holders))


def _standing(case: Case) -> tuple[object, ...]:
    return case.round, case.rung, case.handled_at, case.closed_at


def _row(case: Case) -> dict[str, Any]:
    whole = {name: getattr(case, name) for name in ("case_id", "number", "urgency", "registered_at")}
    standing = {name: getattr(case, name) for name in ("round", "rung", "handled_at", "closed_at")}
    return whole | standing | {"policy": case.policy, "ladder": case.ladder}


def _timed(case: Case, one: CaseDeadline) -> dict[str, Any]:
    unit_id = next((rung.unit_id for rung in case.ladder if rung.level == one.level), case.unit_id)
    return {**asdict(one), "unit_id": unit_id}


def _json(value: object) -> str:
    return orjson.dumps(value, default=lambda thing: thing.model_dump(mode="json")).decode()


# ── real time ─────────────────────────────────────────────────────────────────────────────────────────────────────

LATENESS = """
    SELECT due_at, real_lateness_ms(due_at, due_at) AS late_ms
    FROM unnest(CAST(:due_ats AS timestamptz[])) AS due_at
"""


async def real_lateness(tx: Transaction, due_ats: Sequence[datetime]) -> dict[datetime, int]:
    """Real milliseconds since each business time."""
    return {row["due_at"]: row["late_ms"] for row in await tx.rows(LATENESS, due_ats=list(due_ats))}


# ── what supervisors look at ──────────────────────────────────────────────────────────────────────────────────────

DEADLINES = """
    SELECT d.case_id, c.number, c.urgency, d.kind, d.level, d.round, d.unit_id, d.due_at, d.amber_at,
           d.colour, d.assumed
    FROM deadlines d JOIN cases c USING (case_id)
    WHERE d.ending IS NULL AND d.unit_id = ANY(CAST(:unit_ids AS text[]))
      AND (CAST(:colour AS text) IS NULL OR d.colour = :colour)
      AND (d.due_at, d.case_id, d.kind) > (CAST(:due_at AS timestamptz), CAST(:case_id AS uuid), CAST(:kind AS text))
    ORDER BY d.due_at, d.case_id, d.kind LIMIT :most
"""

OPEN_BY_KIND = (
    "SELECT kind, colour, count(*) AS open FROM deadlines WHERE ending IS NULL GROUP BY kind, colour"
)


async def open_deadlines(
    tx: Transaction,
    unit_ids: Sequence[str],
    colour: str | None,
    after: tuple[datetime, UUID, str],
    most: int,
) -> list[Row]:
    """Open deadlines of these units, the one due first first, behind `after`."""
    due_at, case_id, kind = after
    return await tx.rows(
        DEADLINES,
        unit_ids=list(unit_ids),
        colour=colour,
        due_at=due_at,
        case_id=case_id,
        kind=kind,
        most=most,
    )


# ── what is sealed ────────────────────────────────────────────────────────────────────────────────────────────────

CASE_KEY = "SELECT wrapped FROM case_keys WHERE case_id = :case_id"
KEEP_CASE_KEY = "INSERT INTO case_keys (case_id, wrapped) VALUES (:case_id, :wrapped)"
KEEP_TEXT = "INSERT INTO raise_texts (raise_id, text_sealed) VALUES (:raise_id, :text_sealed)"
TEXTS = """
    SELECT raise_id, text_sealed FROM raise_texts JOIN raises ON raises.id = raise_id WHERE case_id = :case_id
"""


async def case_key(tx: Transaction, case_id: UUID) -> bytes | None:
    rows = await tx.rows(CASE_KEY, case_id=case_id)
    return rows[0]["wrapped"] if rows else None


async def keep_case_key(tx: Transaction, case_id: UUID, wrapped: bytes) -> None:
    await tx.rows(KEEP_CASE_KEY, case_id=case_id, wrapped=wrapped)


async def keep_text(tx: Transaction, raise_id: UUID, text_sealed: bytes) -> None:
    await tx.rows(KEEP_TEXT, raise_id=raise_id, text_sealed=text_sealed)


async def sealed_texts(tx: Transaction, case_id: UUID) -> dict[UUID, bytes]:
    return {row["raise_id"]: row["text_sealed"] for row in await tx.rows(TEXTS, case_id=case_id)}
