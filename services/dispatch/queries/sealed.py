"""Free text and people's positions: sealed under the key of their case, which is made when first needed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import orjson

from shared.database import Transaction
from shared.ids import uuid7
from shared.sealing import Sealer
from shared.things import Point

DELETED_ROWS_MAX = 1000


async def case_key(tx: Transaction, case_id: UUID, sealer: Sealer) -> bytes:
    """The case's own key. The case must be locked, so that two first notes do not make two keys."""
    rows = await tx.rows("SELECT wrapped_key FROM cases WHERE id = :id", id=case_id)
    wrapped: bytes | None = rows[0]["wrapped_key"]
    if wrapped is not None:
        return sealer.unwrap(wrapped)
    key, wrapped = sealer.new_case_key()
    await tx.rows("UPDATE cases SET wrapped_key = :wrapped WHERE id = :id", wrapped=wrapped, id=case_id)
    return key


DESTROY = (
    "UPDATE notes SET sealed_text = NULL WHERE case_id = :case_id",
    "UPDATE statements SET sealed_text = NULL WHERE case_id = :case_id",
    "UPDATE arrivals SET sealed_reason = NULL WHERE case_id = :case_id",
    "UPDATE evidence SET sealed_position = NULL WHERE case_id = :case_id",
    "DELETE FROM whereabouts WHERE case_id = :case_id",
    "UPDATE cases SET wrapped_key = NULL WHERE id = :case_id",
)


async def destroy_key(tx: Transaction, case_id: UUID) -> None:
    """Nothing sealed for the case can be read again; what is sealed here goes too, since a text written later would
    get a new key that does not open it. Digests stay in the story."""
    for statement in DESTROY:
        await tx.rows(statement, case_id=case_id)


async def keep_position(
    tx: Transaction,
    case_id: UUID,
    person_id: str,
    point: Point,
    now: datetime,
    sealer: Sealer,
    device_at: datetime | None = None,
) -> None:
    """Where somebody was when accepting or arriving, for the next choice of who is nearest."""
    key, row_id = await case_key(tx, case_id, sealer), uuid7()
    await tx.rows(
        "INSERT INTO whereabouts (id, person_id, case_id, at, device_at, sealed_position)"
        " VALUES (:id, :person_id, :case_id, :at, :device_at, :sealed)",
        id=row_id,
        person_id=person_id,
        case_id=case_id,
        at=now,
        device_at=device_at,
        sealed=seal_position(sealer, key, point, f"whereabouts.position:{row_id}"),
    )


async def keep_note(tx: Transaction, note_id: UUID, key: bytes, content: str, sealer: Sealer) -> None:
    sealed = sealer.seal(key, content, f"notes.text:{note_id}")
    await tx.rows("UPDATE notes SET sealed_text = :sealed WHERE id = :id", sealed=sealed, id=note_id)


async def keep_statement(tx: Transaction, statement_id: UUID, key: bytes, text: str, sealer: Sealer) -> None:
    sealed = sealer.seal(key, text, f"statements.text:{statement_id}")
    await tx.rows(
        "UPDATE statements SET sealed_text = :sealed WHERE id = :id", sealed=sealed, id=statement_id
    )


async def keep_reason(
    tx: Transaction, case_id: UUID, part_id: UUID, at: datetime, reason: str, sealer: Sealer
) -> None:
    """Why an arrival was declared without proof."""
    sealed = sealer.seal(await case_key(tx, case_id, sealer), reason, f"arrivals.reason:{part_id}")
    await tx.rows(
        "UPDATE arrivals SET sealed_reason = :sealed WHERE part_id = :part_id AND at = :at",
        sealed=sealed,
        part_id=part_id,
        at=at,
    )


async def keep_evidence_position(
    tx: Transaction, evidence_id: UUID, key: bytes, at: Point, sealer: Sealer
) -> None:
    await tx.rows(
        "UPDATE evidence SET sealed_position = :sealed WHERE id = :id",
        sealed=seal_position(sealer, key, at, f"evidence.position:{evidence_id}"),
        id=evidence_id,
    )


async def delete_positions(tx: Transaction, before: datetime) -> int:
    """Forget where people were before then, some at a time; how many there were."""
    gone = await tx.rows(
        "DELETE FROM whereabouts WHERE id IN"
        " (SELECT id FROM whereabouts WHERE at < :before ORDER BY at LIMIT :most) RETURNING 1",
        before=before,
        most=DELETED_ROWS_MAX,
    )
    blanked = await tx.rows(
        "UPDATE evidence SET sealed_position = NULL WHERE id IN (SELECT id FROM evidence"
        " WHERE sealed_position IS NOT NULL AND at < :before ORDER BY at LIMIT :most) RETURNING 1",
        before=before,
        most=DELETED_ROWS_MAX,
    )
    alarms = await tx.rows(
        "UPDATE alarms SET sealed_position = NULL, wrapped_key = NULL WHERE id IN (SELECT id FROM alarms"
        " WHERE sealed_position IS NOT NULL AND raised_at < :before ORDER BY raised_at LIMIT :most) RETURNING 1",
        before=before,
        most=DELETED_ROWS_MAX,
    )
    return len(gone) + len(blanked) + len(alarms)


def note_content(text: str, measure: str | None) -> str:
    """What is sealed of a note: the words, and the code of the measure beside them."""
    return orjson.dumps({"text": text, "measure": measure}).decode()


def seal_position(sealer: Sealer, key: bytes, point: Point, context: str) -> bytes:
    return sealer.seal(key, f"{point.lon:.6f},{point.lat:.6f}", context)


def unseal_position(sealer: Sealer, wrapped: bytes, sealed: bytes, context: str) -> Point:
    lon, _, lat = sealer.unseal(sealer.unwrap(wrapped), sealed, context).partition(",")
    return Point(lon=float(lon), lat=float(lat))
