"""The caller's list: oldest due first, without the cases the caller held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping

from shared.database import Transaction

DUE_FIRST = """
    SELECT f.id AS follow_up_id, c.case_id, c.number, c.category_code, c.urgency, c.headline, f.round,
           c.unit_path, c.handled_at, c.handled_outcome, f.due_at, f.link_expires_at,
           (SELECT count(*) FROM follow_up_attempts AS a WHERE a.follow_up_id = f.id) AS attempts,
           c.requester_can_be_asked, r.wrapped_key, r.name_sealed, r.phone_sealed, r.language
    FROM follow_ups AS f JOIN cases AS c ON c.case_id = f.case_id JOIN requesters AS r ON r.case_id = c.case_id
    WHERE f.closed_at IS NULL AND f.due_at <= :due_until AND (f.due_at, f.id) > (:after_due_at, :after_id)
      AND c.requester_can_be_asked = :to_ask AND c.unit_path && CAST(:units AS text[])
      AND NOT EXISTS (SELECT 1 FROM case_holders AS h WHERE h.case_id = c.case_id AND h.person_id = :person_id)
    ORDER BY f.due_at, f.id LIMIT :rows_max
"""


async def due_first(
    tx: Transaction,
    *,
    due_until: datetime,
    to_ask: bool,
    units: Sequence[str],
    person_id: str,
    after: tuple[datetime, UUID],
    rows_max: int,
) -> Sequence[RowMapping]:
    """Open follow-ups of these units. `to_ask` false gives those to verify, where nobody can be asked."""
    return await tx.rows(
        DUE_FIRST,
        due_until=due_until,
        to_ask=to_ask,
        units=list(units),
        person_id=person_id,
        after_due_at=after[0],
        after_id=after[1],
        rows_max=rows_max,
    )
