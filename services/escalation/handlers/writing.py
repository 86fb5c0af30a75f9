"""What people write beside what they do: sealed under the case's key, its digest in the journal."""

from __future__ import annotations

from uuid import UUID

from services.escalation.queries import sealed
from shared.database import Transaction
from shared.sealing import Sealer


class Pen:
    """Writes and reads the texts of one case."""

    def __init__(self, tx: Transaction, sealer: Sealer, case_id: UUID) -> None:
        self._tx, self._sealer, self._case_id = tx, sealer, case_id

    async def digest(self, text: str) -> str:
        return self._sealer.digest(await self._key(), text)

    async def keep(self, text_id: UUID, about: str, text: str) -> None:
        """Seal `text` as that of the thing `text_id`, once the thing itself is saved."""
        closed = self._sealer.seal(await self._key(), text, f"{about}:{text_id}")
        await sealed.keep_text(self._tx, self._case_id, text_id, about, closed)

    async def _key(self) -> bytes:
        """The case's key, made with the first text."""
        wrapped = await sealed.case_key(self._tx, self._case_id)
        if wrapped is not None:
            return self._sealer.unwrap(wrapped)
        key, wrapped = self._sealer.new_case_key()
        await sealed.keep_case_key(self._tx, self._case_id, wrapped)
        return key


async def texts_of(tx: Transaction, sealer: Sealer, case_id: UUID) -> dict[UUID, str]:
    """What was written, by the thing it belongs to; empty when the case's key was destroyed."""
    wrapped = await sealed.case_key(tx, case_id)
    if wrapped is None:
        return {}
    key = sealer.unwrap(wrapped)
    return {
        row["id"]: sealer.unseal(key, row["text_sealed"], f"{row['about']}:{row['id']}")
        for row in await sealed.sealed_texts(tx, case_id)
    }
