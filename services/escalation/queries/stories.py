"""The journals of many cases at once, for telling their stories again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.codec import decode_body
from shared.database import Transaction
from shared.event import EVENT_TYPES, CaseEvent

REGISTERED = """
    SELECT case_id, number, registered_at FROM cases
    WHERE registered_at >= :from_at AND registered_at < :to_at
      AND (registered_at, case_id) > (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid))
      AND policy ->> 'id' = :policy_id AND ladder -> 0 ->> 'unit_id' = ANY(CAST(:unit_ids AS text[]))
      AND (CAST(:category_code AS text) IS NULL OR category_code = :category_code)
    ORDER BY registered_at, case_id LIMIT :most
"""

STORIES = """
    SELECT subject_id, type, at, event_id, sequence, data FROM journal
    WHERE subject_id = ANY(CAST(:case_ids AS uuid[])) ORDER BY subject_id, seq
"""


async def registered(
    tx: Transaction,
    period: tuple[datetime, datetime],
    policy_id: str,
    unit_ids: Sequence[str],
    category_code: str | None,
    after: tuple[datetime, UUID],
    most: int,
) -> Sequence[Mapping[str, Any]]:
    """Cases registered in the period under the policy in these units, the oldest first, behind `after`."""
    return await tx.rows(
        REGISTERED,
        from_at=period[0],
        to_at=period[1],
        after_at=after[0],
        after_id=after[1],
        policy_id=policy_id,
        unit_ids=list(unit_ids),
        category_code=category_code,
        most=most,
    )


async def stories(tx: Transaction, case_ids: Sequence[UUID]) -> dict[UUID, list[CaseEvent]]:
    """What happened to each case, oldest first."""
    found: defaultdict[UUID, list[CaseEvent]] = defaultdict(list)
    for row in await tx.rows(STORIES, case_ids=list(case_ids)):
        event = decode_body(
            EVENT_TYPES[row["type"]],
            row["data"],
            id=row["event_id"],
            at=row["at"],
            sequence=row["sequence"],
            subject=row["subject_id"],
        )
        assert isinstance(event, CaseEvent)
        found[row["subject_id"]].append(event)
    return found
