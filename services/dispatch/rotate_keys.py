"""`python -m services.dispatch.rotate_keys`: puts the key of every case, alarm, stop of a round and mass task under the
master key in use, the first line of MASTER_KEY_FILE. People may work meanwhile, and it may be broken off and started
again: a key is under the one master key or the other. When it says so, nothing here needs the older lines any more.
"""

from __future__ import annotations

import asyncio

from services.dispatch.settings import Settings
from shared import rotation
from shared.database import Database
from shared.sealing import Sealer

CASES = rotation.Keys("cases", "id", "wrapped_key")
ALARMS = rotation.Keys("alarms", "id", "wrapped_key")
STOPS = rotation.Keys("round_stops", "id", "wrapped_key")
MASS_TASKS = rotation.Keys("mass_tasks", "id", "wrapped_key")


async def rotate(database: Database, sealer: Sealer) -> int:
    """Until nothing is left under an older key; how many keys were moved."""
    return await rotation.rotate(database, sealer, CASES, ALARMS, STOPS, MASS_TASKS)


async def main(settings: Settings) -> None:
    await rotation.command("dispatch", settings, rotate)


if __name__ == "__main__":
    asyncio.run(main(Settings()))
