"""A webhook sender in a process of its own, for a test to kill."""

from __future__ import annotations

import asyncio

from services.notify.handlers.office import Office
from services.notify.rules.ways import Via
from services.notify.settings import Settings
from services.notify.timers.sending import Sending
from shared.database import Database
from shared.health import Beat
from tests.notify.story import a_town


async def main() -> None:
    settings = Settings()
    database = Database(settings.database_url, source="notify", directory=a_town())
    await Sending(Office(settings), [Via.WEBHOOK]).run(database, Beat("send"))


if __name__ == "__main__":
    asyncio.run(main())
