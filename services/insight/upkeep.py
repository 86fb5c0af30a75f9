"""Work that goes on beside the requests: publishing the months that are over."""

from __future__ import annotations

import asyncio

from services.insight.handlers.publishing import publish_due
from services.insight.queries.picture import one_picture
from shared.database import Database
from shared.health import Beat

LOOK_EVERY_SECONDS = 60


class Publishing:
    """A month's figures are published once it has been over for `after_days`."""

    def __init__(self, after_days: int) -> None:
        self._after_days = after_days

    async def run(self, database: Database, beat: Beat) -> None:
        while True:
            more = await self.turn(database)
            beat()
            for _ in range(0 if more else LOOK_EVERY_SECONDS):
                await asyncio.sleep(1)
                beat()

    async def turn(self, database: Database) -> bool:
        """Publish one month; whether more are due."""
        async with one_picture(database, writes=True) as tx:
            return bool(await publish_due(tx, self._after_days))
