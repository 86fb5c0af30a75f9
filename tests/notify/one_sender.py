"""A webhook sender in a process of its own, for a test to kill."""

from __future__ import annotations

import asyncio

from services.notify.rules import Via
from services.notify.settings import current
from services.notify.timers import Sender
from shared.database import Database
from shared.health import Beat
from tests.notify.story import a_town


async def main() -> None:
    settings = current()
    database = Database(settings.database_url, source="notify", directory=a_town())
    await Sender(Via.WEBHOOK, settings).run(database, Beat("send"))


if __name__ == "__main__":
    asyncio.run(main())
