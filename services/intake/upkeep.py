"""Work that goes on beside the requests: writing what cases are found by."""

from __future__ import annotations

from services.intake.handlers.indexing import index_stale
from shared.database import Database
from shared.health import Beat
from shared.sealing import Sealer

LOOK_EVERY_SECONDS = 1.0


class Indexing:
    """Cases are found by what they say about a second after they are registered."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def run(self, database: Database, beat: Beat) -> None:
        while True:
            written = await self.turn(database)
            beat()
            if not written:
                await database.committed.wait(LOOK_EVERY_SECONDS)

    async def turn(self, database: Database) -> int:
        async with database.transaction() as tx:
            return await index_stale(tx, self._sealer)
