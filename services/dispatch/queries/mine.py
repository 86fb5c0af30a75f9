"""What somebody had on their hands: for their own eyes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.codec import decode_body
from shared.database import Row, Transaction
from shared.event import EVENT_TYPES, Event

HISTORY = """
    SELECT offers.id AS offer_id, offers.part_id, offers.case_id, cases.number, cases.category_code, cases.urgency,
           cases.headline, cases.state AS case_state, cases.outcome, parts.role, offers.state, offers.offered_at,
           offers.accepted_at, offers.arrived_at, offers.ended_at, offers.declined_because, offers.passed_on
    FROM offers JOIN cases ON cases.id = offers.case_id JOIN parts ON parts.id = offers.part_id
    WHERE offers.person_id = :person_id AND (offers.offered_at, offers.id) < (:before_at, :before_id)
    ORDER BY offers.offered_at DESC, offers.id DESC LIMIT :most
"""
OFFERED = """
    SELECT offers.case_id, cases.number, offers.offered_at, offers.accepted_at, offers.ended_at
    FROM offers JOIN cases ON cases.id = offers.case_id
    WHERE offers.person_id = :person_id AND offers.offered_at >= :since AND offers.offered_at <= :until
    ORDER BY offers.offered_at DESC, offers.id DESC LIMIT :most
"""
ACTS = """
    SELECT subject_id, type, at, event_id, sequence, data FROM journal
    WHERE subject_id = ANY(CAST(:ids AS uuid[])) AND actor = :person_id AND source = 'dispatch'
    ORDER BY subject_id, seq
"""


async def history(tx: Transaction, person_id: str, *, before: tuple[datetime, UUID], most: int) -> list[Row]:
    """Everything somebody was asked, the latest first."""
    return await tx.rows(HISTORY, person_id=person_id, before_at=before[0], before_id=before[1], most=most)


async def offered(tx: Transaction, person_id: str, since: datetime, until: datetime, most: int) -> list[Row]:
    return await tx.rows(OFFERED, person_id=person_id, since=since, until=until, most=most)


async def acts(tx: Transaction, person_id: str, case_ids: Sequence[UUID]) -> list[tuple[UUID, Event]]:
    """What the person did on these cases, from the story."""
    rows = await tx.rows(ACTS, ids=list(case_ids), person_id=person_id)
    return [
        (
            row["subject_id"],
            decode_body(
                EVENT_TYPES[row["type"]],
                row["data"],
                id=row["event_id"],
                at=row["at"],
                sequence=row["sequence"],
                subject=row["subject_id"],
            ),
        )
        for row in rows
        if row["type"] in EVENT_TYPES
    ]
