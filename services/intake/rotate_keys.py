"""`python -m services.intake.rotate_keys`: puts every case's key, and what cases are found by, under the master key in
use, the first line of MASTER_KEY_FILE. Cases may be registered and read meanwhile, and it may be broken off and
started again: a case is under the one key or the other. When it says so, nothing here needs the older lines any more.
"""

from __future__ import annotations

import asyncio
import sys
from uuid import UUID

from services.intake.handlers.registration import context
from services.intake.queries import personal
from services.intake.settings import Settings
from services.intake.upkeep import Indexing
from shared.database import Database, Row
from shared.sealing import Sealer

KEYS_PER_TURN_MAX = 500
BEFORE_ALL = UUID(int=0)


async def rotate(database: Database, sealer: Sealer) -> int:
    """Until nothing is left under an older key; how many keys were moved."""
    moved = 0
    while found := await _pass(database, sealer):
        moved += found
    while await Indexing(sealer).turn(database):
        pass
    return moved


async def _pass(database: Database, sealer: Sealer) -> int:
    """Once through all cases. What is registered behind it by a process that does not know the new key yet is left to
    the next pass."""
    moved, after = 0, BEFORE_ALL
    while True:
        async with database.transaction() as tx:
            rows = await personal.not_current(
                tx, sealer.current_prefix, after=after, rows_max=KEYS_PER_TURN_MAX
            )
            if not rows:
                return moved
            await personal.rewrap(
                tx,
                [row["case_id"] for row in rows],
                [sealer.rewrap(row["wrapped_key"]) for row in rows],
                [_phone_index(sealer, row) for row in rows],
            )
        moved, after = moved + len(rows), rows[-1]["case_id"]


def _phone_index(sealer: Sealer, row: Row) -> bytes | None:
    if row["phone_sealed"] is None:
        return None
    key = sealer.unwrap(row["wrapped_key"])
    return sealer.blind_index(sealer.unseal(key, row["phone_sealed"], context("phone", row["case_id"])))


async def main(settings: Settings) -> None:
    database = Database(settings.database_url, source="intake", pool_size=2)
    try:
        moved = await rotate(database, Sealer(settings.master_keys))
    finally:
        await database.close()
    in_use = settings.master_keys[0].id
    sys.stdout.write(
        f"{moved} keys were put under {in_use}; intake needs no other line of the file any more.\n"
    )


if __name__ == "__main__":
    asyncio.run(main(Settings()))
