"""One picture for several queries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.database import Database, Transaction

ONE_PICTURE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"


@asynccontextmanager
async def one_picture(database: Database, *, writes: bool = False) -> AsyncIterator[Transaction]:
    """A transaction whose queries all see what its first one saw, however long they take and whatever is folded
    meanwhile; so a figure and its groups add up, and so do figures that stand beside each other."""
    async with database.transaction() as tx:
        tx.read_only = not writes
        await tx.rows(ONE_PICTURE)
        yield tx
