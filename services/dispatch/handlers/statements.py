"""Words that stand beside what happens: sealed here, and known in the story by their id and digest."""

from __future__ import annotations

from uuid import UUID

from services.dispatch.queries.sealed import case_key, keep_statement
from services.dispatch.rules.passing import Words
from shared.database import Transaction
from shared.ids import uuid7
from shared.sealing import Sealer


async def worded(tx: Transaction, case_id: UUID, text: str, sealer: Sealer) -> Words:
    """What the story will say of these words."""
    return Words(uuid7(), sealer.digest(await case_key(tx, case_id, sealer), text))


async def seal(tx: Transaction, case_id: UUID, words: Words, text: str, sealer: Sealer) -> None:
    """Put the words to their row, which the event made."""
    await keep_statement(tx, words.id, await case_key(tx, case_id, sealer), text, sealer)
