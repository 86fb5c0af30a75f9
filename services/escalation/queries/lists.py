"""What the lists show: open deadlines, supervision orders, the named persons' daily list; each page behind the last row
of the one before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from shared.database import Row, Transaction

DEADLINES = """
    SELECT d.case_id, c.number, c.urgency, d.kind, nullif(d.about, '00000000-0000-0000-0000-000000000000') AS about,
           d.level, d.round, d.unit_id, d.due_at, d.amber_at, d.colour, d.assumed
    FROM deadlines d JOIN cases c USING (case_id)
    WHERE d.ending IS NULL AND d.unit_id = ANY(CAST(:unit_ids AS text[]))
      AND (CAST(:colour AS text) IS NULL OR d.colour = :colour)
      AND (CAST(:wanted AS text) IS NULL OR d.kind = :wanted)
      AND (d.due_at, d.case_id, d.kind, d.about)
          > (CAST(:due_at AS timestamptz), CAST(:case_id AS uuid), CAST(:kind AS text), CAST(:about AS uuid))
    ORDER BY d.due_at, d.case_id, d.kind, d.about LIMIT :most
"""

OPEN_BY_KIND = (
    "SELECT kind, colour, count(*) AS open FROM deadlines WHERE ending IS NULL GROUP BY kind, colour"
)

Place = tuple[datetime, UUID, str, UUID]
"""Where a page of deadlines ended: due time, case, kind, and what it is about."""


async def open_deadlines(
    tx: Transaction,
    unit_ids: Sequence[str],
    colour: str | None,
    kind: str | None,
    after: Place,
    most: int,
) -> list[Row]:
    """Open deadlines of these units, the one due first first, behind `after`."""
    due_at, case_id, last_kind, about = after
    return await tx.rows(
        DEADLINES,
        unit_ids=list(unit_ids),
        colour=colour,
        wanted=kind,
        due_at=due_at,
        case_id=case_id,
        kind=last_kind,
        about=about,
        most=most,
    )


ORDERS = """
    SELECT o.id, o.case_id, c.number, o.at, o.kind, o.level, o.unit_id, o.supervising_unit_id, o.round, o.ordered_by,
           o.answered_at, o.answered_by, d.due_at, d.colour
    FROM supervision_orders o JOIN cases c USING (case_id)
    LEFT JOIN deadlines d ON d.case_id = o.case_id AND d.kind = 'supervision' AND d.about = o.id
                         AND d.ending IS NULL
    WHERE (o.unit_id = ANY(CAST(:unit_ids AS text[])) OR o.supervising_unit_id = ANY(CAST(:unit_ids AS text[])))
      AND (CAST(:answered AS boolean) IS NULL OR (o.answered_at IS NOT NULL) = :answered)
      AND (CAST(:kind AS text) IS NULL OR o.kind = :kind)
      AND (o.at, o.id) > (CAST(:at AS timestamptz), CAST(:id AS uuid))
    ORDER BY o.at, o.id LIMIT :most
"""

LISTED = """
    SELECT l.case_id, c.number, c.urgency, l.at, l.days, l.unit_id, l.supervising_unit_id, l.id,
           ARRAY(SELECT jsonb_array_elements_text(l.person_ids)) AS person_ids,
           ARRAY(SELECT jsonb_array_elements_text(l.missed)) AS missed,
           NOT EXISTS (SELECT FROM deadlines d
                       WHERE d.case_id = l.case_id AND d.ending IS NULL AND d.colour = 'red' AND d.due_at <= l.at
                         AND jsonb_exists(l.missed, d.kind)) AS dealt_with
    FROM listings l JOIN cases c USING (case_id)
    WHERE l.day = :day
      AND (l.unit_id = ANY(CAST(:unit_ids AS text[])) OR l.supervising_unit_id = ANY(CAST(:unit_ids AS text[])))
      AND (l.at, l.id) > (CAST(:at AS timestamptz), CAST(:id AS uuid))
    ORDER BY l.at, l.id LIMIT :most
"""

ORDER_CASE = "SELECT case_id FROM supervision_orders WHERE id = :id"


async def orders(
    tx: Transaction,
    unit_ids: Sequence[str],
    answered: bool | None,
    kind: str | None,
    after: tuple[datetime, UUID],
    most: int,
) -> list[Row]:
    """Orders on these units or by them, the oldest first, behind `after`."""
    at, order_id = after
    return await tx.rows(
        ORDERS, unit_ids=list(unit_ids), answered=answered, kind=kind, at=at, id=order_id, most=most
    )


async def listed(
    tx: Transaction, unit_ids: Sequence[str], day: date, after: tuple[datetime, UUID], most: int
) -> list[Row]:
    """That day's entries of cases that these units have or supervise, the oldest first, behind `after`."""
    at, entry_id = after
    return await tx.rows(LISTED, unit_ids=list(unit_ids), day=day, at=at, id=entry_id, most=most)


async def case_of_order(tx: Transaction, order_id: UUID) -> UUID | None:
    rows = await tx.rows(ORDER_CASE, id=order_id)
    return rows[0]["case_id"] if rows else None
