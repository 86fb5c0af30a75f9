"""How far a changed calendar was followed up: one row, one replica at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.database import Transaction

NOBODY_ELSE = "SELECT pg_try_advisory_xact_lock(hashtext('yike calendar sweep')) AS ours"
SWEEP = """
    SELECT fingerprint, revision, after_case_id, finished,
           noticed_at <= clock_timestamp() - CAST(:settle AS interval) AS settled
    FROM calendar_sweeps WHERE id = 1
"""
BEGIN = """
    INSERT INTO calendar_sweeps (id, fingerprint, revision, noticed_at, after_case_id, finished)
    VALUES (1, :fingerprint, :revision, clock_timestamp(), '00000000-0000-0000-0000-000000000000', false)
    ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, revision = excluded.revision,
        noticed_at = excluded.noticed_at, after_case_id = excluded.after_case_id, finished = false
"""
MOVE_ON = "UPDATE calendar_sweeps SET after_case_id = :after_case_id, finished = :finished WHERE id = 1"
NEXT_CASES = """
    SELECT DISTINCT case_id FROM deadlines
    WHERE ending IS NULL AND colour <> 'red' AND case_id > :after_case_id ORDER BY case_id LIMIT :most
"""


async def nobody_else(tx: Transaction) -> bool:
    """Whether this transaction is the only one that sweeps now."""
    return bool((await tx.rows(NOBODY_ELSE))[0]["ours"])


async def sweep(tx: Transaction, settle_seconds: float) -> Mapping[str, Any] | None:
    rows = await tx.rows(SWEEP, settle=timedelta(seconds=settle_seconds))
    return rows[0] if rows else None


async def begin(tx: Transaction, fingerprint: str, revision: int) -> None:
    await tx.rows(BEGIN, fingerprint=fingerprint, revision=revision)


async def move_on(tx: Transaction, after_case_id: UUID, *, finished: bool) -> None:
    await tx.rows(MOVE_ON, after_case_id=after_case_id, finished=finished)


async def next_cases(tx: Transaction, after_case_id: UUID, most: int) -> list[UUID]:
    rows = await tx.rows(NEXT_CASES, after_case_id=after_case_id, most=most)
    return [row["case_id"] for row in rows]
