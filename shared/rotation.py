"""Puts every wrapped key of a service under the master key in use, the first line of MASTER_KEY_FILE, for
`python -m services.<name>.rotate_keys`.

People may read and write meanwhile, and it may be broken off and started again: a key is under the one master key or
the other. When it says so, nothing in that service needs the older lines any more.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from shared.database import Database, Row, Transaction
from shared.sealing import Sealer
from shared.settings import ServiceSettings

KEYS_PER_TURN_MAX = 500
BUSY_SECONDS = 0.05
"""How long somebody who holds a key's row is given before it is looked at again."""

Follow = Callable[[Transaction, Sealer, Sequence[Row]], Awaitable[None]]
"""What else of these rows stands under the master key; written in the transaction that moves their keys."""
FIRST = {"uuid": UUID(int=0), "text": ""}


@dataclass(frozen=True)
class Keys:
    """A column of wrapped keys and what its rows are known by: names of this repository, never anybody's input."""

    table: str
    id: str
    wrapped: str
    id_type: Literal["uuid", "text"] = "uuid"
    also: tuple[str, ...] = ()
    follow: Follow | None = None

    @property
    def older(self) -> str:
        prefix = "CAST(:prefix AS bytea)"
        return (
            f"{self.wrapped} IS NOT NULL"
            f" AND substring({self.wrapped} FROM 1 FOR length({prefix})) <> {prefix}"
        )

    @property
    def take(self) -> str:
        """Somebody may hold several cases and wait for another: who waits for nobody can keep nobody waiting."""
        columns = ", ".join((f"{self.id} AS id", f"{self.wrapped} AS wrapped", *self.also))
        return (
            f"SELECT {columns} FROM {self.table} WHERE {self.id} > CAST(:after AS {self.id_type})"
            f" AND {self.older} ORDER BY {self.id} LIMIT :rows_max FOR NO KEY UPDATE SKIP LOCKED"
        )

    @property
    def put(self) -> str:
        return (
            f"UPDATE {self.table} AS kept SET {self.wrapped} = new.wrapped"
            f" FROM unnest(CAST(:ids AS {self.id_type}[]), CAST(:wrapped AS bytea[])) AS new(id, wrapped)"
            f" WHERE kept.{self.id} = new.id"
        )

    @property
    def left(self) -> str:
        return f"SELECT EXISTS (SELECT 1 FROM {self.table} WHERE {self.older}) AS some"


async def rotate(database: Database, sealer: Sealer, *places: Keys) -> int:
    """Until nothing is left under an older key; how many keys were moved."""
    return sum([await _rotate(database, sealer, keys) for keys in places])


async def _rotate(database: Database, sealer: Sealer, keys: Keys) -> int:
    moved = 0
    while await _some_left(database, sealer, keys):
        found = await _pass(database, sealer, keys)
        moved += found
        if not found:
            await asyncio.sleep(BUSY_SECONDS)
    return moved


async def _some_left(database: Database, sealer: Sealer, keys: Keys) -> bool:
    async with database.transaction() as tx:
        rows = await tx.rows(keys.left, prefix=sealer.current_prefix)
        return bool(rows[0]["some"])


async def _pass(database: Database, sealer: Sealer, keys: Keys) -> int:
    """Once through all rows. What is written behind it by a process that does not know the new key yet is left to
    the next pass, and so is what somebody held."""
    moved, after = 0, FIRST[keys.id_type]
    while True:
        async with database.transaction() as tx:
            rows = await tx.rows(
                keys.take, prefix=sealer.current_prefix, after=after, rows_max=KEYS_PER_TURN_MAX
            )
            if not rows:
                return moved
            await _rewrap(tx, sealer, keys, rows)
        moved, after = moved + len(rows), rows[-1]["id"]


async def _rewrap(tx: Transaction, sealer: Sealer, keys: Keys, rows: Sequence[Row]) -> None:
    await tx.rows(
        keys.put, ids=[row["id"] for row in rows], wrapped=[sealer.rewrap(row["wrapped"]) for row in rows]
    )
    if keys.follow is not None:
        await keys.follow(tx, sealer, rows)


async def command(
    service: str, settings: ServiceSettings, rotate_all: Callable[[Database, Sealer], Awaitable[int]]
) -> None:
    """What the command line runs: rotate everything of this service and say so."""
    database = Database(settings.database_url, source=service, pool_size=2)
    try:
        moved = await rotate_all(database, Sealer(settings.master_keys))
    finally:
        await database.close()
    in_use = settings.master_keys[0].id
    sys.stdout.write(
        f"{moved} keys were put under {in_use}; {service} needs no other line of the file any more.\n"
    )
