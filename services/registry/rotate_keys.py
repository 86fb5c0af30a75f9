"""`python -m services.registry.rotate_keys`: puts the key of every account's second step under the master key in use,
the first line of MASTER_KEY_FILE. People may sign in meanwhile, and it may be broken off and started again: a key is
under the one master key or the other. When it says so, nothing here needs the older lines any more.
"""

from __future__ import annotations

import asyncio

from services.registry.settings import Settings
from shared import rotation
from shared.database import Database
from shared.sealing import Sealer

SECOND_STEPS = rotation.Keys("accounts", "id", "codes_key")


async def rotate(database: Database, sealer: Sealer) -> int:
    """Until nothing is left under an older key; how many keys were moved."""
    return await rotation.rotate(database, sealer, SECOND_STEPS)


async def main(settings: Settings) -> None:
    await rotation.command("registry", settings, rotate)


if __name__ == "__main__":
    asyncio.run(main(Settings()))
