"""Work that goes on beside the requests: writing what cases are found by, and forgetting who asked in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.intake.handlers.attachments import delete_files
from services.intake.handlers.erasing import erase_kept_long_enough
from services.intake.handlers.indexing import index_stale
from services.intake.queries import duplicates
from services.intake.rules.retention import Retention
from shared.database import Database
from shared.files import Files
from shared.health import Beat
from shared.sealing import Sealer

LOOK_EVERY_SECONDS = 1.0
FORGET_EVERY_SECONDS = 600
MARKS_FORGOTTEN_PER_TURN_MAX = 5000


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


class Forgetting:
    """Whose retention is over is forgotten within minutes. Looked for in the cases and not set as timers: a changed
    setting then holds for those that are closed already. What an ended case was recognised by goes after 72 h."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention

    async def run(self, database: Database, beat: Beat) -> None:
        while True:
            done = await self.turn(database) + await self.marks(database)
            beat()
            for _ in range(0 if done else FORGET_EVERY_SECONDS):
                await asyncio.sleep(1)
                beat()

    async def turn(self, database: Database) -> int:
        async with database.transaction() as tx:
            return await erase_kept_long_enough(tx, self._retention)

    async def marks(self, database: Database) -> int:
        async with database.transaction() as tx:
            return await duplicates.forget(tx, rows_max=MARKS_FORGOTTEN_PER_TURN_MAX)


class Discarding:
    """The files of requesters who were erased go from the store; what a broken run left is taken up again."""

    def __init__(self, files: Callable[[], Files]) -> None:
        self._files = files

    async def run(self, database: Database, beat: Beat) -> None:
        while True:
            done = await delete_files(database, self._files())
            beat()
            if not done:
                await database.committed.wait(LOOK_EVERY_SECONDS)
