"""`python -m services.intake.rotate_keys`: puts every case's key, and what cases are found by, under the master key in
use, the first line of MASTER_KEY_FILE. Cases may be registered and read meanwhile, and it may be broken off and
started again: a case is under the one key or the other. When it says so, nothing here needs the older lines any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.intake.handlers.registration import context
from services.intake.queries import personal
from services.intake.settings import Settings
from services.intake.upkeep import Indexing
from shared import rotation
from shared.database import Database, Row, Transaction
from shared.sealing import Sealer


async def rotate(database: Database, sealer: Sealer) -> int:
    """Until nothing is left under an older key; how many keys were moved."""
    moved = await rotation.rotate(database, sealer, REQUESTERS)
    while await Indexing(sealer).turn(database):
        pass
    return moved


async def _find_again(tx: Transaction, sealer: Sealer, rows: Sequence[Row]) -> None:
    await personal.index_anew(tx, [row["id"] for row in rows], [_phone_index(sealer, row) for row in rows])


def _phone_index(sealer: Sealer, row: Row) -> bytes | None:
    if row["phone_sealed"] is None:
        return None
    key = sealer.unwrap(row["wrapped"])
    return sealer.blind_index(sealer.unseal(key, row["phone_sealed"], context("phone", row["id"])))


REQUESTERS = rotation.Keys("requesters", "case_id", "wrapped_key", also=("phone_sealed",), follow=_find_again)


async def main(settings: Settings) -> None:
    await rotation.command("intake", settings, rotate)


if __name__ == "__main__":
    asyncio.run(main(Settings()))
