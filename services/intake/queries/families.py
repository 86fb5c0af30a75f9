"""Which cases are part of which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.database import Transaction

FAMILIES = """
    WITH roots AS (
        SELECT coalesce(parent_id, case_id) AS case_id FROM cases WHERE case_id = ANY(CAST(:case_ids AS uuid[]))
    )
    SELECT case_id, parent_id, registered_at FROM cases WHERE case_id IN (SELECT case_id FROM roots)
    UNION
    SELECT case_id, parent_id, registered_at FROM cases WHERE parent_id IN (SELECT case_id FROM roots)
"""

OPEN_CHILDREN = """
    SELECT case_id FROM cases WHERE parent_id = :case_id AND state = 'merged' AND case_id > :after
    ORDER BY case_id LIMIT CAST(:rows_max AS int)
"""
FROM_THE_FIRST = UUID(int=0)


@dataclass(frozen=True)
class Member:
    """A case, and the one it is part of: itself, if it is part of none."""

    case_id: UUID
    root_id: UUID
    registered_at: datetime

    @property
    def age(self) -> tuple[datetime, UUID]:
        return self.registered_at, self.case_id


async def families(tx: Transaction, case_ids: Sequence[UUID]) -> dict[UUID, Member]:
    """These cases, and everything that shares a root with one of them."""
    rows = await tx.rows(FAMILIES, case_ids=list(case_ids))
    return {
        row["case_id"]: Member(row["case_id"], row["parent_id"] or row["case_id"], row["registered_at"])
        for row in rows
    }


async def open_children(
    tx: Transaction, case_id: UUID, *, after: UUID = FROM_THE_FIRST, rows_max: int | None = None
) -> list[UUID]:
    """What is part of the case, by id; all of it, or the next after `after`."""
    rows = await tx.rows(OPEN_CHILDREN, case_id=case_id, after=after, rows_max=rows_max)
    return [row["case_id"] for row in rows]
