"""A list that begins with the newest: a page of it behind a cursor, or all of it as a file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.insight.api import sheets
from services.insight.api.cursors import cursor as cursor_of
from services.insight.api.cursors import parts
from shared.database import Transaction

Place = tuple[datetime, UUID]
Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class NewestFirst:
    """Rows in the order of two columns, a time and an id: `read(tx, before, at most)` gives those after that place,
    `count(tx, at most)` says how many there are in all."""

    by: tuple[str, str]
    read: Callable[[Transaction, Place | None, int], Awaitable[Rows]]
    count: Callable[[Transaction, int], Awaitable[int]]

    async def page(self, tx: Transaction, cursor: str | None, limit: int) -> tuple[Rows, str | None]:
        """One page and the cursor of the next, None on the last."""
        given = parts(cursor, 2)
        before = (datetime.fromisoformat(given[0]), UUID(given[1])) if given else None
        rows = await self.read(tx, before, limit + 1)
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], cursor_of(*self._place(rows[limit - 1]))

    def whole(self) -> sheets.Whole:
        async def go_on(tx: Transaction, last: sheets.Row | None, most: int) -> Rows:
            return await self.read(tx, self._place(last) if last else None, most)

        return sheets.Whole(self.count, go_on)

    def _place(self, row: sheets.Row) -> Place:
        time, id = self.by
        return row[time], row[id]
