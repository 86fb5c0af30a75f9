"""`python -m services.escalation.rotate_keys`: puts the key of every case with a text under the master key in use, the
first line of MASTER_KEY_FILE. People may write and read meanwhile, and it may be broken off and started again: a key
is under the one master key or the other. When it says so, nothing here needs the older lines any more.
"""

from __future__ import annotations

import asyncio

from services.escalation.settings import Settings
from shared import rotation
from shared.database import Database
from shared.sealing import Sealer

CASES = rotation.Keys("case_keys", "case_id", "wrapped")


async def rotate(database: Database, sealer: Sealer) -> int:
    """Until nothing is left under an older key; how many keys were moved."""
    return await rotation.rotate(database, sealer, CASES)


async def main(settings: Settings) -> None:
    await rotation.command("escalation", settings, rotate)


if __name__ == "__main__":
    asyncio.run(main(Settings()))
