"""`python -m services.notify.rotate_keys`: puts everybody's key, and what their devices are found by, under the master
key in use, the first line of MASTER_KEY_FILE. People may choose and subscribe meanwhile, and it may be broken off and
started again: a key is under the one master key or the other. When it says so, nothing here needs the older lines any
more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.notify.handlers.sending import opened
from services.notify.queries import people
from services.notify.settings import Settings
from shared import rotation
from shared.database import Database, Row, Transaction
from shared.sealing import Sealer

DEVICES_PER_TURN_MAX = 1000


async def rotate(database: Database, sealer: Sealer) -> int:
    """Until nothing is left under an older key; how many keys were moved."""
    return await rotation.rotate(database, sealer, PEOPLE)


async def _find_again(tx: Transaction, sealer: Sealer, rows: Sequence[Row]) -> None:
    """The people's rows are locked, so none of their devices comes, goes or moves meanwhile."""
    owners, after = [row["id"] for row in rows], people.NOBODY
    while devices := await people.devices(tx, owners, after=after, limit=DEVICES_PER_TURN_MAX):
        found_by = {device.id: _index(sealer, device) for device in devices}
        await people.index_anew(tx, found_by)
        after = devices[-1].id


def _index(sealer: Sealer, device: people.Device) -> bytes:
    return sealer.blind_index(opened(sealer, device).endpoint)


PEOPLE = rotation.Keys("people", "person_id", "wrapped_key", id_type="text", follow=_find_again)


async def main(settings: Settings) -> None:
    await rotation.command("notify", settings, rotate)


if __name__ == "__main__":
    asyncio.run(main(Settings()))
