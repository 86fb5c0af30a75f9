"""What was flagged, for the units somebody supervises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.database import Row, Transaction

PAGE = """
    SELECT flags.entry_id, flags.case_id, cases.number, flags.part_id, flags.person_id, flags.at, flags.entry,
           flags.flags
    FROM flags JOIN cases ON cases.id = flags.case_id
    WHERE cases.unit_path && CAST(:units AS text[])
        AND NOT EXISTS (
            SELECT FROM offers
            WHERE offers.case_id = flags.case_id AND offers.person_id = :reader AND offers.accepted_at IS NOT NULL)
        AND (flags.at, flags.entry_id) < (:before_at, :before_id)
    ORDER BY flags.at DESC, flags.entry_id DESC LIMIT :most
"""


async def page(
    tx: Transaction, *, units: Sequence[str], reader: str, before: tuple[datetime, UUID], most: int
) -> list[Row]:
    """The latest first. A unit covers the cases whose path goes through it; but for those the reader had a part of."""
    return await tx.rows(
        PAGE, units=list(units), reader=reader, before_at=before[0], before_id=before[1], most=most
    )
