"""The command; see the package."""

from __future__ import annotations

import asyncio
import sys

from services.insight.check.count import Disagreement, check, told
from services.insight.settings import Settings
from shared.database import Database


async def run() -> list[Disagreement]:
    database = Database(Settings().database_url, source="insight", pool_size=2)
    try:
        return await check(database)
    finally:
        await database.close()


def main() -> int:
    found = asyncio.run(run())
    sys.stdout.write(told(found) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
