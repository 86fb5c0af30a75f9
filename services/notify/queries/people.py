"""SQL of preferences and devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
ONE = f"SELECT {COLUMNS} FROM people WHERE person_id = :person_id"
CHANGED = f"SELECT {COLUMNS} FROM people WHERE changed_at >= :since"
CHOOSE = """
    UPDATE people SET version = version + 1, chosen = true, channels = CAST(:channels AS text[]),
           quiet_from = :quiet_from, quiet_until = :quiet_until, digest = :digest, digest_at = :digest_at,
           language = :language, sealed_number = :sealed_number, changed_at = clock_timestamp()
    WHERE person_id = :person_id
"""
# One browser is one device, under whichever master key it was taken in.
BRING_UP = """
    UPDATE devices SET endpoint_index = :endpoint_index
    WHERE endpoint_index = ANY(CAST(:older AS bytea[]))
      AND NOT EXISTS (SELECT 1 FROM devices WHERE endpoint_index = :endpoint_index)
"""
# Somebody else's browser may have been this person's before: a push must reach whoever is signed in on it now.
ADD_DEVICE = """
    INSERT INTO devices (id, person_id, endpoint_index, sealed, name)
    VALUES (:id, :person_id, :endpoint_index, :sealed, :name)
    ON CONFLICT (endpoint_index) DO UPDATE
    SET person_id = excluded.person_id, sealed = excluded.sealed, name = excluded.name
    RETURNING id
"""
OWNERS_OF = "SELECT DISTINCT person_id FROM devices WHERE endpoint_index = ANY(CAST(:indexes AS bytea[]))"
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
# What a process that did not know the key yet took in a second time gives way to what was found before.
INDEX_ANEW = """
    WITH new AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:indexes AS bytea[])) AS new(id, endpoint_index)
    ), doubled AS (
        DELETE FROM devices AS d USING new
        WHERE d.id = new.id AND d.endpoint_index <> new.endpoint_index AND (
            EXISTS (SELECT 1 FROM devices AS o WHERE o.endpoint_index = new.endpoint_index)
            OR EXISTS (SELECT 1 FROM new AS n WHERE n.endpoint_index = new.endpoint_index AND n.id < d.id)
        ) RETURNING d.id, d.person_id
    ), moved AS (
        UPDATE devices AS d SET endpoint_index = new.endpoint_index FROM new
        WHERE d.id = new.id AND d.endpoint_index <> new.endpoint_index
          AND NOT EXISTS (SELECT 1 FROM doubled WHERE doubled.id = d.id)
    )
    SELECT person_id FROM doubled
"""
OWNERS = "SELECT DISTINCT person_id FROM devices WHERE id = ANY(CAST(:ids AS uuid[]))"
LOCK_MANY = """
    SELECT person_id FROM people WHERE person_id = ANY(CAST(:people AS text[])) ORDER BY person_id FOR UPDATE
"""
NOBODY = UUID(int=0)


async def locked(tx: Transaction, person_id: str, wrapped_key: bytes, *others: str) -> Person:
    """The person's row, locked together with those of others; made with this key where it is missing."""
    await tx.rows(MAKE, person_id=person_id, wrapped_key=wrapped_key)
    await lock_people(tx, [person_id, *others])
    return Person(**(await tx.rows(ONE, person_id=person_id))[0])


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


async def owners_of(tx: Transaction, indexes: Sequence[bytes]) -> list[str]:
    """Whose the browser was until now, found under every master key."""
    return [row["person_id"] for row in await tx.rows(OWNERS_OF, indexes=list(indexes))]


async def add_device(
    tx: Transaction, *, id: UUID, person_id: str, indexes: Sequence[bytes], sealed: bytes, name: str
) -> UUID:
    """In place of whatever this browser was subscribed as before; its id. `indexes` with the one in use first."""
    current, *older = indexes
    if older:
        await tx.rows(BRING_UP, endpoint_index=current, older=older)
    rows = await tx.rows(
        ADD_DEVICE, id=id, person_id=person_id, endpoint_index=current, sealed=sealed, name=name
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


async def index_anew(tx: Transaction, indexes: Mapping[UUID, bytes]) -> None:
    """Devices of people whose rows are locked are found by these from now on."""
    doubled = await tx.rows(INDEX_ANEW, ids=list(indexes), indexes=list(indexes.values()))
    await count_devices(tx, [row["person_id"] for row in doubled])
