"""Keys move under another master key while people read and write, however often it is broken off."""

from __future__ import annotations

import asyncio

import pytest

from shared import rotation
from shared.database import Database
from shared.keys import Secret
from shared.rotation import Keys, rotate
from shared.sealing import CannotUnsealError, Sealer
from tests.shared.plumbing.conftest import Plumbed

OLD, NEW = Secret("key-old", b"o" * 32), Secret("key-new", b"n" * 32)
BOXES = Keys("boxes", "name", "wrapped", id_type="text")


async def boxes(plumbed: Plumbed, *names: str) -> Database:
    """Boxes of these names with a word in each, under the old key; one that was emptied has none."""
    database = await plumbed()
    async with database.transaction() as tx:
        await tx.rows("CREATE TABLE boxes (name TEXT PRIMARY KEY, wrapped BYTEA, sealed BYTEA)")
        await tx.rows("INSERT INTO boxes (name) VALUES ('emptied')")
    for name in names:
        await put(database, Sealer([OLD]), name)
    return database


async def put(database: Database, sealer: Sealer, name: str) -> None:
    key, wrapped = sealer.new_case_key()
    async with database.transaction() as tx:
        await tx.rows(
            "INSERT INTO boxes (name, wrapped, sealed) VALUES (:name, :wrapped, :sealed)",
            name=name,
            wrapped=wrapped,
            sealed=sealer.seal(key, f"in {name}", name),
        )


async def read(database: Database, sealer: Sealer) -> dict[str, str]:
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT * FROM boxes WHERE wrapped IS NOT NULL ORDER BY name")
    return {
        row["name"]: sealer.unseal(sealer.unwrap(row["wrapped"]), row["sealed"], row["name"]) for row in rows
    }


async def test_readable_in_the_middle_broken_off_and_run_again(
    plumbed: Plumbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, both = await boxes(plumbed, "a", "b", "c"), Sealer([NEW, OLD])
    monkeypatch.setattr(rotation, "KEYS_PER_TURN_MAX", 1)
    real, seen = Sealer.rewrap, 0

    def tired(sealer: Sealer, wrapped: bytes) -> bytes:
        nonlocal seen
        seen += 1
        if seen == 2:
            raise KeyboardInterrupt
        return real(sealer, wrapped)

    monkeypatch.setattr(Sealer, "rewrap", tired)
    with pytest.raises(KeyboardInterrupt):
        await rotate(database, both, BOXES)
    assert await read(database, both) == {name: f"in {name}" for name in "abc"}
    with pytest.raises(CannotUnsealError):
        await read(database, Sealer([NEW]))

    monkeypatch.setattr(Sealer, "rewrap", real)
    await put(database, Sealer([OLD]), "0")
    assert await rotate(database, both, BOXES) == 3, (
        "what was written by who knows the old key only comes too"
    )
    assert await rotate(database, both, BOXES) == 0
    assert await read(database, Sealer([NEW])) == {name: f"in {name}" for name in "0abc"}


async def test_it_waits_for_nobody_and_leaves_nothing_behind(plumbed: Plumbed) -> None:
    """Somebody holds b and wants a: rotation, which holds a, must not want b."""
    database, both = await boxes(plumbed, "a", "b"), Sealer([NEW, OLD])
    async with database.transaction() as tx:
        await tx.rows("UPDATE boxes SET sealed = sealed WHERE name = 'b'")
        moving = asyncio.create_task(rotate(database, both, BOXES))
        while "a" not in await under(database, both):
            await asyncio.sleep(0)
        await tx.rows("UPDATE boxes SET sealed = sealed WHERE name = 'a'")
        assert not moving.done()
    assert await moving == 2
    assert await under(database, both) == {"a", "b"}


async def under(database: Database, sealer: Sealer) -> set[str]:
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT name, wrapped FROM boxes WHERE wrapped IS NOT NULL")
    return {row["name"] for row in rows if sealer.is_current(row["wrapped"])}
