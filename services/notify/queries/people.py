"""SQL of preferences and devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from shared.database import Transaction

COLUMNS = """
    person_id, version, chosen, channels, quiet_from, quiet_until, digest, digest_at, language, wrapped_key,
    sealed_number, devices, changed_at
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A person's row: what they chose (if `chosen`), what is sealed, and how many devices may be pushed to."""

    person_id: str
    version: int
    chosen: bool
    channels: list[str]
    quiet_from: time | None
    quiet_until: time | None
    digest: str
    digest_at: time | None
    language: str | None
    wrapped_key: bytes
    sealed_number: bytes | None
    devices: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that may be pushed to; `sealed` under the person's key."""

    id: UUID
    person_id: str
    sealed: bytes
    wrapped_key: bytes
    name: str
    created_at: datetime


MAKE = """
    INSERT INTO people (person_id, version, wrapped_key) VALUES (:person_id, 0, :wrapped_key)
    ON CONFLICT (person_id) DO NOTHING
"""
LOCK = f"SELECT {COLUMNS} FROM people WHERE person_id = :person_id FOR UPDATE"
ONE = f"SELECT {COLUMNS} FROM people WHERE person_id = :person_id"
CHANGED = f"SELECT {COLUMNS} FROM people WHERE changed_at >= :since"
CHOOSE = """
    UPDATE people SET version = version + 1, chosen = true, channels = CAST(:channels AS text[]),
           quiet_from = :quiet_from, quiet_until = :quiet_until, digest = :digest, digest_at = :digest_at,
           language = :language, sealed_number = :sealed_number, changed_at = clock_timestamp()
    WHERE person_id = :person_id
"""
# Somebody else's browser may have been this person's before: a push must reach whoever is signed in on it now.
ADD_DEVICE = """
    INSERT INTO devices (id, person_id, endpoint_index, sealed, name)
    VALUES (:id, :person_id, :endpoint_index, :sealed, :name)
    ON CONFLICT (endpoint_index) DO UPDATE
    SET person_id = excluded.person_id, sealed = excluded.sealed, name = excluded.name
    RETURNING id
"""
OWNER_OF = "SELECT person_id FROM devices WHERE endpoint_index = :endpoint_index"
COUNT = """
    UPDATE people AS p SET devices = (SELECT count(*) FROM devices AS d WHERE d.person_id = p.person_id),
           changed_at = clock_timestamp()
    WHERE person_id = ANY(CAST(:people AS text[]))
"""
DEVICES = """
    SELECT d.id, d.person_id, d.sealed, p.wrapped_key, d.name, d.created_at
    FROM devices AS d JOIN people AS p USING (person_id)
    WHERE d.person_id = ANY(CAST(:people AS text[])) AND d.id > :after ORDER BY d.id LIMIT :limit
"""
DROP = """
    DELETE FROM devices
    WHERE id = ANY(CAST(:ids AS uuid[])) AND (CAST(:person_id AS text) IS NULL OR person_id = :person_id)
    RETURNING person_id
"""
OWNERS = "SELECT DISTINCT person_id FROM devices WHERE id = ANY(CAST(:ids AS uuid[]))"
LOCK_MANY = """
    SELECT person_id FROM people WHERE person_id = ANY(CAST(:people AS text[])) ORDER BY person_id FOR UPDATE
"""
NOBODY = UUID(int=0)


async def locked(tx: Transaction, person_id: str, wrapped_key: bytes) -> Person:
    """The person's row, locked; made with this key where it is missing."""
    await tx.rows(MAKE, person_id=person_id, wrapped_key=wrapped_key)
    return Person(**(await tx.rows(LOCK, person_id=person_id))[0])


async def person(tx: Transaction, person_id: str) -> Person | None:
    rows = await tx.rows(ONE, person_id=person_id)
    return Person(**rows[0]) if rows else None


async def changed(tx: Transaction, since: datetime) -> list[Person]:
    """Everybody whose row changed since then, by real time."""
    return [Person(**row) for row in await tx.rows(CHANGED, since=since)]


async def choose(tx: Transaction, person_id: str, **chosen: Any) -> None:
    await tx.rows(CHOOSE, person_id=person_id, **chosen)


async def lock_people(tx: Transaction, people: Sequence[str]) -> None:
    """In the order of ids, before their devices are touched."""
    await tx.rows(LOCK_MANY, people=sorted(set(people)))


async def owner_of(tx: Transaction, endpoint_index: bytes) -> str | None:
    rows = await tx.rows(OWNER_OF, endpoint_index=endpoint_index)
    return rows[0]["person_id"] if rows else None


async def add_device(
    tx: Transaction, *, id: UUID, person_id: str, endpoint_index: bytes, sealed: bytes, name: str
) -> UUID:
    """In place of whatever this browser was subscribed as before; its id."""
    rows = await tx.rows(
        ADD_DEVICE, id=id, person_id=person_id, endpoint_index=endpoint_index, sealed=sealed, name=name
    )
    device_id: UUID = rows[0]["id"]
    return device_id


async def count_devices(tx: Transaction, people: Sequence[str]) -> None:
    await tx.rows(COUNT, people=sorted(set(people)))


async def devices(
    tx: Transaction, people: Sequence[str], *, after: UUID = NOBODY, limit: int = 10_000
) -> list[Device]:
    """Of these people, in the order of their ids."""
    if not people:
        return []
    rows = await tx.rows(DEVICES, people=list(people), after=after, limit=limit)
    return [Device(**row) for row in rows]


async def drop_devices(tx: Transaction, ids: Sequence[UUID], person_id: str | None = None) -> int:
    """Forget devices, of one person if named; how many there were."""
    owners = [row["person_id"] for row in await tx.rows(OWNERS, ids=list(ids))]
    await lock_people(tx, owners)
    gone = await tx.rows(DROP, ids=list(ids), person_id=person_id)
    await count_devices(tx, [row["person_id"] for row in gone])
    return len(gone)
