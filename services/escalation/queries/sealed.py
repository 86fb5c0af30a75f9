"""What is sealed: the case's key, and what people wrote beside the things they did."""

from __future__ import annotations

from uuid import UUID

from shared.database import Row, Transaction

CASE_KEY = "SELECT wrapped FROM case_keys WHERE case_id = :case_id"
KEEP_CASE_KEY = "INSERT INTO case_keys (case_id, wrapped) VALUES (:case_id, :wrapped)"
KEEP_TEXT = """
    INSERT INTO texts (id, case_id, about, text_sealed) VALUES (:id, :case_id, :about, :text_sealed)
"""
TEXTS = "SELECT id, about, text_sealed FROM texts WHERE case_id = :case_id"
DESTROY_TEXTS = "DELETE FROM texts WHERE case_id = :case_id"
DESTROY_KEY = "DELETE FROM case_keys WHERE case_id = :case_id"


async def case_key(tx: Transaction, case_id: UUID) -> bytes | None:
    rows = await tx.rows(CASE_KEY, case_id=case_id)
    return rows[0]["wrapped"] if rows else None


async def keep_case_key(tx: Transaction, case_id: UUID, wrapped: bytes) -> None:
    await tx.rows(KEEP_CASE_KEY, case_id=case_id, wrapped=wrapped)


async def keep_text(tx: Transaction, case_id: UUID, text_id: UUID, about: str, text_sealed: bytes) -> None:
    await tx.rows(KEEP_TEXT, id=text_id, case_id=case_id, about=about, text_sealed=text_sealed)


async def sealed_texts(tx: Transaction, case_id: UUID) -> list[Row]:
    return list(await tx.rows(TEXTS, case_id=case_id))


async def destroy(tx: Transaction, case_id: UUID) -> None:
    """The key and everything under it; the digests in the journal stay and mean nothing."""
    await tx.rows(DESTROY_TEXTS, case_id=case_id)
    await tx.rows(DESTROY_KEY, case_id=case_id)
