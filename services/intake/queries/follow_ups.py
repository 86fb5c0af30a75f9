"""The caller's list: oldest due first, without the cases the caller held. What was answered; cards and contests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.intake.rules.facts import Case
from shared.database import Row, Transaction

DUE_FIRST = """
    SELECT f.id AS follow_up_id, f.kind, c.case_id, c.number, c.category_code, c.urgency, c.headline, f.round,
           c.unit_path, c.handled_at, c.handled_outcome, f.due_at, f.link_expires_at,
           (SELECT count(*) FROM follow_up_attempts AS a WHERE a.follow_up_id = f.id) AS attempts,
           c.requester_can_be_asked, r.wrapped_key, r.name_sealed, r.phone_sealed, r.language
    FROM follow_ups AS f JOIN cases AS c ON c.case_id = f.case_id JOIN requesters AS r ON r.case_id = c.case_id
    WHERE f.closed_at IS NULL AND f.due_at <= :due_until AND (f.due_at, f.id) > (:after_due_at, :after_id)
      AND c.requester_can_be_asked = :to_ask AND c.unit_path && CAST(:units AS text[])
      AND NOT EXISTS (
          SELECT 1 FROM case_holders AS h WHERE h.case_id IN (c.case_id, c.parent_id) AND h.person_id = :person_id
      )
    ORDER BY f.due_at, f.id LIMIT :rows_max
"""

OF_CASE = """
    SELECT row_to_json(told) AS story FROM (
        SELECT f.id AS follow_up_id, f.kind, f.round, f.opened_at, f.due_at, f.closed_at, f.link_expires_at,
               f.contacted, f.solved, f.satisfaction, f.coached, (
                   SELECT coalesce(json_agg(a ORDER BY a.number), '[]') FROM (
                       SELECT number, at, channel, reached, person_id FROM follow_up_attempts
                       WHERE follow_up_id = f.id
                   ) AS a
               ) AS attempts
        FROM follow_ups AS f WHERE f.case_id = :case_id AND (f.opened_at, f.id) > (:after_at, :after_id)
        ORDER BY f.opened_at, f.id LIMIT CAST(:rows_max AS int)
    ) AS told
"""

COACHED = """
    SELECT f.id AS follow_up_id, c.case_id, c.number, c.unit_path, c.headline, f.round, f.closed_at AS answered_at,
           f.solved, f.satisfaction,
           (SELECT channel FROM follow_up_attempts AS a WHERE a.follow_up_id = f.id ORDER BY number DESC LIMIT 1)
               AS channel,
           ARRAY(SELECT person_id FROM case_holders AS h WHERE h.case_id = c.case_id ORDER BY 1) AS holders
    FROM follow_ups AS f JOIN cases AS c ON c.case_id = f.case_id
    WHERE f.coached AND (f.closed_at, f.id) < (:before_at, :before_id) AND c.unit_path && CAST(:units AS text[])
    ORDER BY f.closed_at DESC, f.id DESC LIMIT :rows_max
"""
FROM_THE_START = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))
TO_THE_END = (datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))

NUMBERS = "SELECT number, case_id, parent_id FROM cases WHERE number = ANY(CAST(:numbers AS text[]))"
CARD = "SELECT 1 FROM paper_cards WHERE card_number = :card_number"
COUNT_CARD = """
    INSERT INTO paper_cards (card_number, case_id, round, person_id, entered_at)
    VALUES (:card_number, :case_id, :round, :person_id, :now) ON CONFLICT DO NOTHING RETURNING 1
"""
CONTESTED = "INSERT INTO contests (case_id, at, remark_sealed) VALUES (:case_id, :at, :sealed)"


async def due_first(
    tx: Transaction,
    *,
    due_until: datetime,
    to_ask: bool,
    units: Sequence[str],
    person_id: str,
    after: tuple[datetime, UUID],
    rows_max: int,
) -> list[Row]:
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


async def of_case(
    tx: Transaction,
    case_id: UUID,
    *,
    after: tuple[datetime, UUID] = FROM_THE_START,
    rows_max: int | None = None,
) -> list[Row]:
    """The case's follow-ups with their attempts, oldest first; all of them, or the next after `after`."""
    return await tx.rows(OF_CASE, case_id=case_id, after_at=after[0], after_id=after[1], rows_max=rows_max)


async def coached(
    tx: Transaction, *, units: Sequence[str], before: tuple[datetime, UUID] | None, rows_max: int
) -> list[Row]:
    """Answers that somebody else had told the resident to give, newest first."""
    at, follow_up_id = before or TO_THE_END
    return await tx.rows(COACHED, units=list(units), before_at=at, before_id=follow_up_id, rows_max=rows_max)


async def cases_of_numbers(tx: Transaction, numbers: Sequence[str]) -> tuple[dict[str, UUID], set[UUID]]:
    """The cases of these numbers, and those that any of them is part of."""
    rows = await tx.rows(NUMBERS, numbers=list(numbers))
    parents = {row["parent_id"] for row in rows if row["parent_id"]}
    return {row["number"]: row["case_id"] for row in rows}, parents


async def is_counted(tx: Transaction, card_number: str) -> bool:
    return bool(await tx.rows(CARD, card_number=card_number))


async def count_card(tx: Transaction, card_number: str, case: Case, person_id: str, now: datetime) -> bool:
    """Whether the card's number was free until now."""
    given = {"case_id": case.case_id, "round": case.round, "person_id": person_id, "now": now}
    return bool(await tx.rows(COUNT_CARD, card_number=card_number, **given))


async def keep_contest(tx: Transaction, case_id: UUID, at: datetime, sealed: bytes) -> None:
    await tx.rows(CONTESTED, case_id=case_id, at=at, sealed=sealed)
