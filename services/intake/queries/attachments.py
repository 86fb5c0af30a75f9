"""Which case an attachment belongs to, and which files are to be deleted."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shared.database import Transaction

CASE_OF = "SELECT case_id FROM attachments WHERE id = :attachment_id"
TO_DELETE = "SELECT path FROM files_to_delete ORDER BY path LIMIT :rows_max FOR UPDATE SKIP LOCKED"
DELETED = "DELETE FROM files_to_delete WHERE path = ANY(CAST(:paths AS text[]))"


async def case_of(tx: Transaction, attachment_id: UUID) -> UUID | None:
    rows = await tx.rows(CASE_OF, attachment_id=attachment_id)
    return rows[0]["case_id"] if rows else None


async def to_delete(tx: Transaction, rows_max: int) -> list[str]:
    return [row["path"] for row in await tx.rows(TO_DELETE, rows_max=rows_max)]


async def deleted(tx: Transaction, paths: Sequence[str]) -> None:
    await tx.rows(DELETED, paths=list(paths))
