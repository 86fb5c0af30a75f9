"""Questions nobody has answered yet, the oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.database import Row, Transaction

OPEN = """
    SELECT q.id AS question_id, q.asked_at, q.asked_by, c.case_id, c.number, c.category_code, c.urgency, c.headline,
           c.unit_path, c.state
    FROM questions AS q JOIN cases AS c ON c.case_id = q.case_id
    WHERE q.ended_at IS NULL AND c.state <> 'closed' AND (q.asked_at, q.id) > (:after_at, :after_id)
      AND (c.unit_path && CAST(:units AS text[]) OR q.asked_by = :person_id)
    ORDER BY q.asked_at, q.id LIMIT :rows_max
"""


async def oldest_first(
    tx: Transaction, *, units: Sequence[str], person_id: str, after: tuple[datetime, UUID], rows_max: int
) -> Sequence[Row]:
    """Of these units, or asked by this person."""
    return await tx.rows(
        OPEN,
        units=list(units),
        person_id=person_id,
        after_at=after[0],
        after_id=after[1],
        rows_max=rows_max,
    )
