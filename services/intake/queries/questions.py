"""The sealed words of questions to requesters and of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.database import Transaction

KEEP_TEXT = "UPDATE questions SET text_sealed = :sealed WHERE id = :question_id"
KEEP_ANSWER = "UPDATE questions SET answer_sealed = :sealed WHERE id = :question_id"
OF_CASE = """
    SELECT id, asked_at, asked_by, ended_at, text_sealed, answer_sealed FROM questions
    WHERE case_id = :case_id ORDER BY asked_at, id
"""


async def keep_text(tx: Transaction, question_id: UUID, sealed: bytes) -> None:
    await tx.rows(KEEP_TEXT, question_id=question_id, sealed=sealed)


async def keep_answer(tx: Transaction, question_id: UUID, sealed: bytes) -> None:
    await tx.rows(KEEP_ANSWER, question_id=question_id, sealed=sealed)


async def of_case(tx: Transaction, case_id: UUID) -> Sequence[Any]:
    return await tx.rows(OF_CASE, case_id=case_id)
