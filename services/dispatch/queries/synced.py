"""What phones' queued commands were answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.database import Transaction

DELETED_ROWS_MAX = 1000


async def answered(tx: Transaction, person_id: str, command_id: UUID) -> dict[str, Any] | None:
    """What was answered to this command of this person before."""
    rows = await tx.rows(
        "SELECT answer FROM synced_commands WHERE person_id = :person_id AND id = :id",
        person_id=person_id,
        id=command_id,
    )
    return rows[0]["answer"] if rows else None


async def keep_answer(
    tx: Transaction, person_id: str, command_id: UUID, part_id: UUID, answer: dict[str, Any], now: datetime
) -> None:
    """With the effect, in one transaction. The primary key refuses the same command a second time."""
    await tx.rows(
        "INSERT INTO synced_commands (person_id, id, part_id, answer, answered_at)"
        " VALUES (:person_id, :id, :part_id, CAST(:answer AS jsonb), :now)",
        person_id=person_id,
        id=command_id,
        part_id=part_id,
        answer=orjson.dumps(answer).decode(),
        now=now,
    )


async def forget_answers(tx: Transaction, before: datetime) -> int:
    """Delete some of the answers from before then; no phone sends its queue again that late."""
    gone = await tx.rows(
        "DELETE FROM synced_commands WHERE (person_id, id) IN (SELECT person_id, id FROM synced_commands"
        " WHERE answered_at < :before ORDER BY answered_at LIMIT :most) RETURNING 1",
        before=before,
        most=DELETED_ROWS_MAX,
    )
    return len(gone)
