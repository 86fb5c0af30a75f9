"""The sealed side of a case, and the codes and links that open a little of it to whoever asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.intake.rules.privacy import Guesses
from shared.database import Row, Transaction

REQUESTER = """
    SELECT case_id, wrapped_key, name_sealed, phone_sealed, description_sealed, beneficiary_sealed, author_sealed,
           answer_sealed, language, pickup_code_sealed, code_shown_to
    FROM requesters WHERE case_id = :case_id
"""

# The row lock makes guesses of one number wait for each other, so that none goes uncounted.
CODE_OF = """
    SELECT c.case_id, r.wrapped_key, r.pickup_code_digest, r.wrong_codes, r.wrong_codes_since,
           clock_timestamp() AS real_now
    FROM cases AS c JOIN requesters AS r ON r.case_id = c.case_id WHERE c.number = :number FOR UPDATE OF r
"""
COUNT_GUESSES = """
    UPDATE requesters SET wrong_codes = :wrong, wrong_codes_since = :since WHERE case_id = :case_id
"""
DESCRIPTION = "UPDATE requesters SET description_sealed = :sealed WHERE case_id = :case_id"
LINK_OF = "SELECT id, case_id FROM follow_ups WHERE link_hash = :link_hash"
LINK = "SELECT link_sealed FROM follow_ups WHERE id = :follow_up_id"
KEEP_LINK = """
    UPDATE follow_ups SET link_hash = :link_hash, link_sealed = :link_sealed WHERE id = :follow_up_id
"""
CASE_OF_FOLLOW_UP = "SELECT case_id FROM follow_ups WHERE id = :follow_up_id"
REMARK = """
    UPDATE follow_up_attempts SET remark_sealed = :sealed WHERE follow_up_id = :follow_up_id AND number = :number
"""
VERIFIED = """
    INSERT INTO verification_remarks (case_id, round, remark_sealed) VALUES (:case_id, :round, :sealed)
"""

REMARKS = """
    SELECT f.round, a.at, a.channel, a.remark_sealed,
           'follow_up_attempts.' || f.id || '.' || a.number AS column
    FROM follow_ups AS f JOIN follow_up_attempts AS a ON a.follow_up_id = f.id
    WHERE f.case_id = :case_id AND a.remark_sealed IS NOT NULL
    UNION ALL
    SELECT 0, at, 'web', remark_sealed, 'contests.remark' FROM contests
    WHERE case_id = :case_id AND remark_sealed IS NOT NULL
    UNION ALL
    SELECT v.round, coalesce(
        (SELECT max(f.closed_at) FROM follow_ups AS f WHERE f.case_id = v.case_id AND f.round = v.round),
        c.registered_at), 'desk', v.remark_sealed, 'verification_remarks.' || v.round
    FROM verification_remarks AS v JOIN cases AS c USING (case_id)
    WHERE v.case_id = :case_id AND v.remark_sealed IS NOT NULL
    ORDER BY at
"""


@dataclass(frozen=True)
class CodeOf:
    """What is needed to check a pickup code; `real_now` because guessing is limited in real time."""

    case_id: UUID
    wrapped_key: bytes | None
    digest: str
    guesses: Guesses
    real_now: datetime


async def requester(tx: Transaction, case_id: UUID) -> Row:
    [row] = await tx.rows(REQUESTER, case_id=case_id)
    return row


async def keep_description(tx: Transaction, case_id: UUID, sealed: bytes | None) -> None:
    await tx.rows(DESCRIPTION, case_id=case_id, sealed=sealed)


async def has_phone(tx: Transaction, case_id: UUID) -> bool:
    return (await requester(tx, case_id))["phone_sealed"] is not None


async def code_of(tx: Transaction, number: str) -> CodeOf | None:
    rows = await tx.rows(CODE_OF, number=number)
    if not rows:
        return None
    row = rows[0]
    guesses = Guesses(row["wrong_codes"], row["wrong_codes_since"])
    return CodeOf(row["case_id"], row["wrapped_key"], row["pickup_code_digest"], guesses, row["real_now"])


async def count_guesses(tx: Transaction, case_id: UUID, guesses: Guesses) -> None:
    await tx.rows(COUNT_GUESSES, case_id=case_id, wrong=guesses.wrong, since=guesses.since)


async def follow_up_of_link(tx: Transaction, link_hash: bytes) -> tuple[UUID, UUID] | None:
    """The follow-up and the case a link belongs to."""
    rows = await tx.rows(LINK_OF, link_hash=link_hash)
    return (rows[0]["id"], rows[0]["case_id"]) if rows else None


async def sealed_link(tx: Transaction, follow_up_id: UUID) -> bytes | None:
    [row] = await tx.rows(LINK, follow_up_id=follow_up_id)
    sealed: bytes | None = row["link_sealed"]
    return sealed


async def keep_link(tx: Transaction, follow_up_id: UUID, link_hash: bytes, link_sealed: bytes | None) -> None:
    await tx.rows(KEEP_LINK, follow_up_id=follow_up_id, link_hash=link_hash, link_sealed=link_sealed)


async def case_of_follow_up(tx: Transaction, follow_up_id: UUID) -> UUID | None:
    rows: list[Row] = await tx.rows(CASE_OF_FOLLOW_UP, follow_up_id=follow_up_id)
    return rows[0]["case_id"] if rows else None


async def remarks(tx: Transaction, case_id: UUID) -> list[Row]:
    """What was written beside answers, contests and verifications; `column` is the context each was sealed in."""
    return await tx.rows(REMARKS, case_id=case_id)


async def keep_remark(tx: Transaction, follow_up_id: UUID, number: int, sealed: bytes) -> None:
    await tx.rows(REMARK, follow_up_id=follow_up_id, number=number, sealed=sealed)


async def keep_verification_remark(tx: Transaction, case_id: UUID, round: int, sealed: bytes) -> None:
    await tx.rows(VERIFIED, case_id=case_id, round=round, sealed=sealed)
