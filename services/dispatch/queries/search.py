"""What the search reads and claims: waiting parts, busy people, where they were last, and the street's lock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.dispatch.queries.sealed import unseal_position
from shared.database import Transaction
from shared.sealing import Sealer
from shared.things import Point

STREET_LOCKS = 7301
"""The advisory locks of this class belong to the search, one per street."""

POSITION_GOOD_FOR = timedelta(hours=2)
"""An older position says nothing about where somebody is now; the base does."""

# Oldest emergency first. Few parts wait at any time, so all of them are read: a limit would hide the oldest.
WAITING = """
    SELECT parts.id AS part_id, parts.case_id, cases.street_id, parts.nobody_since IS NOT NULL AS starved,
        parts.goes AND NOT parts.own_people_only AND (cases.urgency = 'emergency' OR cases.care) AS batched,
        timers.due_at AS again_at
    FROM parts JOIN cases ON cases.id = parts.case_id
    LEFT JOIN timers ON timers.subject_id = parts.case_id AND timers.part_id = parts.id
        AND timers.kind = 'search_again'
    WHERE parts.state = 'waiting'
    ORDER BY cases.urgency <> 'emergency', cases.registered_at, parts.id
"""

BUSY = """
    SELECT person_id, bool_or(emergency AND goes) AS on_emergency, count(*) AS load
    FROM offers
    WHERE state IN ('offered', 'accepted', 'arrived') AND person_id = ANY(CAST(:people AS text[]))
    GROUP BY person_id
"""

HOLDERS = "SELECT DISTINCT person_id FROM offers WHERE state IN ('accepted', 'arrived')"

# What a parked case waits for is its review, and an emergency keeps whoever has come to it.
HELD_BY = """
    SELECT offers.part_id, offers.case_id, cases.street_id, offers.id AS offer_id
    FROM offers JOIN cases ON cases.id = offers.case_id
    WHERE offers.person_id = ANY(CAST(:people AS text[])) AND offers.state IN ('accepted', 'arrived')
        AND cases.state = 'open' AND cases.review_at IS NULL
        AND NOT (offers.arrived_at IS NOT NULL AND (cases.urgency = 'emergency' OR cases.care))
    ORDER BY cases.urgency <> 'emergency', cases.registered_at, offers.id
"""

LAST_SEEN = """
    SELECT seen.id, seen.person_id, seen.at, seen.sealed_position, cases.wrapped_key
    FROM unnest(CAST(:people AS text[])) AS asked(person_id)
    CROSS JOIN LATERAL (
        SELECT id, person_id, case_id, at, sealed_position FROM whereabouts
        WHERE whereabouts.person_id = asked.person_id AND whereabouts.at > :since
        ORDER BY whereabouts.at DESC LIMIT 1
    ) AS seen
    JOIN cases ON cases.id = seen.case_id
    WHERE cases.wrapped_key IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class WaitingPart:
    """`batched`: an emergency that somebody goes to, matched with the others of its street. `again_at`: when the clock
    will wake its search."""

    part_id: UUID
    case_id: UUID
    street_id: str
    starved: bool
    batched: bool = False
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeldPart:
    """A part, and the offer by which somebody holds it."""

    part_id: UUID
    case_id: UUID
    street_id: str
    offer_id: UUID


@dataclass(frozen=True, slots=True)
class Burden:
    on_emergency: bool
    load: int


@dataclass(frozen=True, slots=True)
class SeenAt:
    """Where somebody was, by the server's receipt and by the phone's own clock."""

    point: Point
    at: datetime
    device_at: datetime | None = None


LAST_PLACE = """
    SELECT whereabouts.id, at, device_at, sealed_position, cases.wrapped_key
    FROM whereabouts JOIN cases ON cases.id = whereabouts.case_id
    WHERE person_id = :person_id AND at > :since AND cases.wrapped_key IS NOT NULL
    ORDER BY at DESC LIMIT 1
"""


async def last_place(tx: Transaction, person_id: str, now: datetime, sealer: Sealer) -> SeenAt | None:
    """The last position of one person, unless it is too old to say anything."""
    rows = await tx.rows(LAST_PLACE, person_id=person_id, since=now - POSITION_GOOD_FOR)
    for row in rows:
        context = f"whereabouts.position:{row['id']}"
        point = unseal_position(sealer, row["wrapped_key"], row["sealed_position"], context)
        return SeenAt(point, row["at"], row["device_at"])
    return None


async def lock_streets(tx: Transaction, street_ids: Collection[str]) -> None:
    """Wait for the searches of these streets, in one order, and keep them waiting until the commit."""
    for street_id in sorted(street_ids):
        await tx.rows(
            "SELECT pg_advisory_xact_lock(:locks, hashtext(:street))", locks=STREET_LOCKS, street=street_id
        )


async def waiting(tx: Transaction) -> list[WaitingPart]:
    return [WaitingPart(**row) for row in await tx.rows(WAITING)]


async def holders(tx: Transaction) -> list[str]:
    """Everybody who works on something now."""
    return [row["person_id"] for row in await tx.rows(HOLDERS)]


async def held_by(tx: Transaction, people: Collection[str]) -> list[HeldPart]:
    """What these people hold, oldest emergency first, but for what stays with them anyway."""
    return [HeldPart(**row) for row in await tx.rows(HELD_BY, people=list(people))]


async def lock_street(tx: Transaction, street_id: str) -> bool:
    """One search per street at a time across all replicas; false if another has it now."""
    rows = await tx.rows(
        "SELECT pg_try_advisory_xact_lock(:locks, hashtext(:street)) AS ours",
        locks=STREET_LOCKS,
        street=street_id,
    )
    return bool(rows[0]["ours"])


async def burdens(tx: Transaction, people: Collection[str]) -> dict[str, Burden]:
    """Who has something on hand, and whether it is an emergency they go to."""
    rows = await tx.rows(BUSY, people=list(people))
    return {row["person_id"]: Burden(row["on_emergency"], row["load"]) for row in rows}


async def last_seen(
    tx: Transaction, people: Sequence[str], now: datetime, sealer: Sealer
) -> dict[str, Point]:
    """Where people were last, unless that was too long ago."""
    seen = await seen_at(tx, people, now, sealer)
    return {person_id: one.point for person_id, one in seen.items()}


async def seen_at(tx: Transaction, people: Sequence[str], now: datetime, sealer: Sealer) -> dict[str, SeenAt]:
    """`last_seen`, and when that was."""
    rows = await tx.rows(LAST_SEEN, people=list(people), since=now - POSITION_GOOD_FOR)
    return {
        row["person_id"]: SeenAt(
            unseal_position(
                sealer, row["wrapped_key"], row["sealed_position"], f"whereabouts.position:{row['id']}"
            ),
            row["at"],
        )
        for row in rows
    }
