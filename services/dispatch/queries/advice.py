"""What advice on where to wait reads and keeps: where emergencies were lately, and who was told or wants none.

The demand is counts per cell of half a kilometre: nobody's call and nobody's address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.database import Transaction

CELL_DEGREES = 0.005
"""About half a kilometre."""
CELLS_MAX = 400
KEPT = timedelta(days=1)

# A duplicate asks nobody to go anywhere a second time.
DEMAND = """
    SELECT floor(CAST(place ->> 'lon' AS float8) / :cell) AS x, floor(CAST(place ->> 'lat' AS float8) / :cell) AS y,
        count(*) AS cases
    FROM cases
    WHERE street_id = :street_id AND urgency = 'emergency' AND registered_at >= :since AND registered_at < :until
        AND merged_into IS NULL AND place ->> 'lon' IS NOT NULL AND place ->> 'lat' IS NOT NULL
        AND extract(hour FROM registered_at AT TIME ZONE :zone) = ANY(CAST(:hours AS int[]))
    GROUP BY x, y ORDER BY cases DESC, x, y LIMIT :most
"""
WAITING = """
    SELECT 1 FROM parts JOIN cases ON cases.id = parts.case_id
    WHERE parts.state = 'waiting' AND parts.goes AND cases.street_id = :street_id
        AND (cases.urgency = 'emergency' OR cases.care)
    LIMIT 1
"""
LAST_IN_STREET = "SELECT max(at) AS at FROM advice_given WHERE street_id = :street_id"
LEFT_ALONE = """
    SELECT person_id FROM advice_given WHERE person_id = ANY(CAST(:people AS text[])) AND at > :since
    UNION SELECT person_id FROM advice_unwanted WHERE person_id = ANY(CAST(:people AS text[]))
"""
KEEP = """
    INSERT INTO advice_given (person_id, at, street_id, grid_id) VALUES (:person_id, :at, :street_id, :grid_id)
"""
# Whoever began something since then waits there no more: a case, a visit, their round.
TOLD = """
    SELECT DISTINCT ON (said.person_id) said.person_id, said.grid_id, said.at
    FROM unnest(CAST(:people AS text[]), CAST(:since AS timestamptz[])) AS one(person_id, since)
    JOIN advice_given AS said ON said.person_id = one.person_id AND said.at >= one.since AND said.grid_id IS NOT NULL
    WHERE NOT EXISTS (
        SELECT 1 FROM offers
        WHERE offers.person_id = said.person_id AND offers.offered_at >= one.since
            AND offers.accepted_at >= said.at
    ) AND NOT EXISTS (
        SELECT 1 FROM round_entries WHERE round_entries.person_id = said.person_id AND round_entries.at >= said.at
    )
    ORDER BY said.person_id, said.at DESC
"""
FORGET = "DELETE FROM advice_given WHERE at < :before"
UNWANTED = "SELECT 1 FROM advice_unwanted WHERE person_id = :person_id"
REFUSE = """
    INSERT INTO advice_unwanted (person_id, since) VALUES (:person_id, :now) ON CONFLICT (person_id) DO NOTHING
"""
WANT = "DELETE FROM advice_unwanted WHERE person_id = :person_id"


@dataclass(frozen=True, slots=True)
class Cell:
    """The middle of a cell, WGS-84 degrees, and how many emergencies there were in it."""

    lon: float
    lat: float
    cases: int


@dataclass(frozen=True, slots=True)
class Told:
    """In which grid somebody was told they would best wait, and when."""

    grid_id: str
    at: datetime


async def demand(
    tx: Transaction, street_id: str, since: datetime, until: datetime, hours: Sequence[int], zone: ZoneInfo
) -> list[Cell]:
    """The street's emergencies of these hours of the day by the clock on the wall, the busiest cells first."""
    rows = await tx.rows(
        DEMAND,
        street_id=street_id,
        since=since,
        until=until,
        hours=list(hours),
        zone=zone.key,
        cell=CELL_DEGREES,
        most=CELLS_MAX,
    )
    return [
        Cell((row["x"] + 0.5) * CELL_DEGREES, (row["y"] + 0.5) * CELL_DEGREES, row["cases"]) for row in rows
    ]


async def somebody_waits(tx: Transaction, street_id: str) -> bool:
    """Whether an emergency of the street waits for somebody to go."""
    return bool(await tx.rows(WAITING, street_id=street_id))


async def last_in_street(tx: Transaction, street_id: str) -> datetime | None:
    at: datetime | None = (await tx.rows(LAST_IN_STREET, street_id=street_id))[0]["at"]
    return at


async def left_alone(tx: Transaction, people: Sequence[str], since: datetime) -> set[str]:
    """Those who were told something since then, and those who want no advice."""
    rows = await tx.rows(LEFT_ALONE, people=list(people), since=since)
    return {row["person_id"] for row in rows}


async def keep(tx: Transaction, street_id: str, person_id: str, grid_id: str, at: datetime) -> None:
    """What was said, and nothing of where they are."""
    await tx.rows(KEEP, person_id=person_id, at=at, street_id=street_id, grid_id=grid_id)


async def told(tx: Transaction, since: Mapping[str, datetime]) -> dict[str, Told]:
    """What was said last to those who may still go by it. `since`: by person, when their shift began or their last
    break ended."""
    rows = await tx.rows(TOLD, people=list(since), since=list(since.values())) if since else []
    return {row["person_id"]: Told(row["grid_id"], row["at"]) for row in rows}


async def forget(tx: Transaction, now: datetime) -> None:
    """To whom it was said longer than a day ago."""
    await tx.rows(FORGET, before=now - KEPT)


async def is_wanted(tx: Transaction, person_id: str) -> bool:
    return not await tx.rows(UNWANTED, person_id=person_id)


async def choose(tx: Transaction, person_id: str, now: datetime, *, wanted: bool) -> None:
    """Whether somebody wants advice, from now on."""
    if wanted:
        await tx.rows(WANT, person_id=person_id)
    else:
        await tx.rows(REFUSE, person_id=person_id, now=now)
