"""A case is read whole in one statement, as JSON that is its dataclass, and saved by difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from services.escalation.rules.case import NOTHING, Case, CaseDeadline
from services.escalation.rules.limits import Clock, unit_of
from shared.database import Transaction

CASE = TypeAdapter(Case)

OF_REGISTRATION = {
    "case_id": "uuid",
    "number": "text",
    "registered_at": "timestamptz",
    "ends_at_once": "boolean",
}
STANDING = {
    "category_code": "text",
    "urgency": "text",
    "policy": "jsonb",
    "ladder": "jsonb",
    "care": "boolean",
    "appointment": "jsonb",
    "round": "integer",
    "rung": "integer",
    "sent_to": "text",
    "merged_into": "uuid",
    "arrived_at": "timestamptz",
    "contacted_at": "timestamptz",
    "handled_at": "timestamptz",
    "follow_up_from": "timestamptz",
    "closed_at": "timestamptz",
    "handle_until": "timestamptz",
    "listed_on": "date",
}
"""What may change about a case itself, by column."""

AT, ONE_ROUND = "timestamptz", {"level": "text", "round": "integer"}
PARTS_OF_A_CASE: dict[str, tuple[str, dict[str, str]]] = {
    "raises": (
        "id",
        {
            "id": "uuid", "place": "integer", "at": AT, "cause": "text", "from_level": "text", "to_level": "text",
            "to_unit_id": "text", "skipped": "jsonb", "counts_from": AT, "round": "integer", "by_person_id": "text",
            "reason": "text", "voided": "boolean", "replied_at": AT, "replied_by": "text", "reply_id": "uuid",
        },
    ),
    "orders": (
        "id",
        {
            "id": "uuid", "at": AT, "kind": "text", **ONE_ROUND, "unit_id": "text", "supervising_unit_id": "text",
            "ordered_by": "text", "answered_at": AT, "answered_by": "text", "answer_id": "uuid",
        },
    ),
    "returns": (
        "id",
        {
            "id": "uuid", "at": AT, "part_id": "uuid", "part_role": "text", "person_id": "text", "basis": "text",
            "rightful_unit_id": "text", **ONE_ROUND, "supervising_unit_id": "text", "ruling": "text",
            "unanswered": "boolean", "to_unit_id": "text", "ruled_at": AT, "ruled_by": "text", "over": "boolean",
        },
    ),
    "extensions": (
        "id",
        {
            "id": "uuid", "at": AT, "person_id": "text", "due_at": AT, "until": AT, "reason": "text", **ONE_ROUND,
            "approving_unit_id": "text", "state": "text", "unanswered": "boolean", "decided_at": AT,
            "decided_by": "text",
        },
    ),
    "parkings": (
        "id",
        {
            "id": "uuid", "at": AT, "owner_id": "text", "unit_id": "text", "reason": "text", "review_at": AT,
            **ONE_ROUND, "handle_due_at": AT, "ended_at": AT, "ended_because": "text",
        },
    ),
    "listings": (
        "id",
        {
            "id": "uuid", "at": AT, "day": "date", "days": "integer", "round": "integer", "unit_id": "text",
            "supervising_unit_id": "text", "person_ids": "jsonb", "missed": "jsonb",
        },
    ),
    "deadlines": (
        "case_id, kind, about, level, round",
        {
            "kind": "text", "about": "uuid", **ONE_ROUND, "unit_id": "text", "set_at": AT, "due_at": AT,
            "amber_at": AT, "assumed": "boolean", "counts_from": AT, "colour": "text", "ending": "text", "ended_at": AT,
            "met": "boolean",
        },
    ),
}  # fmt: skip
"""The key and the columns of each, besides the case's id."""

TABLES = {"orders": "supervision_orders"}


def _insert(name: str, order_by: str = "") -> str:
    key, columns = PARTS_OF_A_CASE[name]
    names = ", ".join(columns)
    changed = ", ".join(f"{one} = excluded.{one}" for one in columns if one not in key.split(", "))
    typed = ", ".join(f"{one} {sort}" for one, sort in columns.items())
    return f"""
        INSERT INTO {TABLES.get(name, name)} (case_id, {names})
        SELECT CAST(:case_id AS uuid), {names} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x ({typed})
        {order_by} ON CONFLICT ({key}) DO UPDATE SET {changed}
    """


# Those that ended come first: the new one of a kind takes the place of the old in the index of open ones.
SAVE = {
    name: _insert(name, "ORDER BY ending IS NULL" if name == "deadlines" else "") for name in PARTS_OF_A_CASE
}

_COLUMNS = OF_REGISTRATION | STANDING
SAVE_CASE = f"""
    INSERT INTO cases ({", ".join(_COLUMNS)})
    SELECT {", ".join(_COLUMNS)}
    FROM jsonb_to_record(CAST(:whole AS jsonb)) AS x ({", ".join(f"{a} {b}" for a, b in _COLUMNS.items())})
    ON CONFLICT (case_id) DO UPDATE SET {", ".join(f"{one} = excluded.{one}" for one in STANDING)}
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

LOAD = f"""
    SELECT json_build_object(
        {", ".join(f"'{one}', {one}" for one in _COLUMNS)},
        'deadlines', coalesce((
            SELECT json_agg(to_jsonb(d) || jsonb_build_object('about', nullif(d.about, '{NOTHING}'))
                            ORDER BY d.round, d.level COLLATE "C", d.kind COLLATE "C", d.about)
            FROM deadlines d WHERE d.case_id = cases.case_id), '[]'),
        'raises', coalesce((SELECT json_agg(r ORDER BY r.place) FROM raises r
                            WHERE r.case_id = cases.case_id), '[]'),
        'orders', coalesce((SELECT json_agg(o ORDER BY o.at, o.id) FROM supervision_orders o
                            WHERE o.case_id = cases.case_id), '[]'),
        'returns', coalesce((SELECT json_agg(r ORDER BY r.at, r.id) FROM returns r
                             WHERE r.case_id = cases.case_id), '[]'),
        'extensions', coalesce((SELECT json_agg(e ORDER BY e.at, e.id) FROM extensions e
                                WHERE e.case_id = cases.case_id), '[]'),
        'parkings', coalesce((SELECT json_agg(p ORDER BY p.at, p.id) FROM parkings p
                              WHERE p.case_id = cases.case_id), '[]'),
        'listings', coalesce((SELECT json_agg(l ORDER BY l.day) FROM listings l
                              WHERE l.case_id = cases.case_id), '[]'),
        'holders', coalesce((SELECT json_agg(h ORDER BY h.part_id) FROM holders h
                             WHERE h.case_id = cases.case_id), '[]'))::text AS whole
    FROM cases WHERE case_id = :case_id
"""


async def load(tx: Transaction, case_id: UUID) -> Case | None:
    """The case as it stands; lock it first if anything follows from it."""
    rows = await tx.rows(LOAD, case_id=case_id)
    return CASE.validate_json(rows[0]["whole"]) if rows else None


async def save(tx: Transaction, before: Case | None, after: Case) -> None:
    """Write what is different; nothing is ever deleted but a holder who no longer holds."""
    if before is None or _standing(before) != _standing(after):
        await tx.rows(SAVE_CASE, whole=_json(_row(after)))
    for name in ("raises", "orders", "returns", "extensions", "parkings", "listings"):
        facts = [asdict(one) | {"place": place} for place, one in enumerate(getattr(after, name))]
        known = getattr(before, name) if before else ()
        await _save(tx, after, name, [row for row, old in _beside(facts, known) if row != old])
    moved = before is None or (before.ladder, before.sent_to) != (after.ladder, after.sent_to)
    known_clocks = set(before.deadlines) if before else set()
    clocks = [one for one in after.deadlines if one not in known_clocks or (moved and one.ending is None)]
    await _save(tx, after, "deadlines", [_timed(after, one) for one in clocks])
    if after.holders != (before.holders if before else ()):
        await tx.rows(SAVE_HOLDERS, case_id=after.case_id, rows=_json(after.holders))


async def _save(tx: Transaction, case: Case, name: str, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await tx.rows(SAVE[name], case_id=case.case_id, rows=_json(rows))


def _beside(
    facts: Sequence[dict[str, Any]], known: Sequence[Any]
) -> Iterable[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Each fact with what it was: facts are only added, so each keeps its place."""
    for place, fact in enumerate(facts):
        yield fact, asdict(known[place]) | {"place": place} if place < len(known) else None


def _standing(case: Case) -> tuple[object, ...]:
    return tuple(getattr(case, name) for name in STANDING)


def _row(case: Case) -> dict[str, Any]:
    return {name: getattr(case, name) for name in _COLUMNS}


def _timed(case: Case, one: CaseDeadline) -> dict[str, Any]:
    unit_id = unit_of(case, Clock(one.kind, one.level, one.round, one.about))
    return {**asdict(one), "unit_id": unit_id, "about": one.about or NOTHING}


def _json(value: object) -> str:
    return orjson.dumps(value, default=lambda thing: thing.model_dump(mode="json")).decode()


# ── the version of a case, and real time ──────────────────────────────────────────────────────────────────────────

VERSION = "SELECT seq FROM heads WHERE subject_id = :case_id"

REOPENED = """
    SELECT 1 FROM raises
    WHERE case_id = :case_id AND cause = 'reopened' AND counts_from > CAST(:since AS timestamptz)
"""

PARTS_ASKED_AFTER = """
    SELECT case_id FROM cases JOIN deadlines USING (case_id)
    WHERE merged_into = :case_id AND kind = 'follow_up' AND ending IS NULL ORDER BY case_id
"""

LATENESS = """
    SELECT due_at, real_lateness_ms(due_at, due_at) AS late_ms
    FROM unnest(CAST(:due_ats AS timestamptz[])) AS due_at
"""


async def was_reopened(tx: Transaction, case_id: UUID, since: datetime) -> bool:
    """Whether the case was reopened since then; read without its lock, which belongs to its own events."""
    return bool(await tx.rows(REOPENED, case_id=case_id, since=since))


async def parts_asked_after(tx: Transaction, case_id: UUID) -> list[UUID]:
    """Which of the cases merged into this one have a follow-up that is due some time."""
    return [row["case_id"] for row in await tx.rows(PARTS_ASKED_AFTER, case_id=case_id)]


async def version(tx: Transaction, case_id: UUID) -> int:
    """How many lines the case's story has here."""
    rows = await tx.rows(VERSION, case_id=case_id)
    return rows[0]["seq"] if rows else 0


async def real_lateness(tx: Transaction, due_ats: Sequence[datetime]) -> dict[datetime, int]:
    """Real milliseconds since each business time."""
    return {row["due_at"]: row["late_ms"] for row in await tx.rows(LATENESS, due_ats=list(due_ats))}
