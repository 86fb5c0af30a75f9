"""Real ways to emergencies, and the counts that travel times learn from."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.dispatch.queries.sealed import unseal_position
from services.dispatch.travel.learned import Count
from shared.database import Row, Transaction
from shared.going import TravelMode
from shared.sealing import CannotUnsealError, Sealer
from shared.things import Point

log = logging.getLogger(__name__)

ARRIVALS_PER_TURN = 100
TRIPS_KEPT_MAX = 400
"""Per pair of cells, hours and mode: then all its counts are halved, so that what streets were like years ago fades."""
NO_PART = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Progress:
    """The last arrival that was learned from."""

    at: datetime
    part_id: UUID


@dataclass(frozen=True, slots=True)
class RealWay:
    """From where somebody accepted to where they arrived, as proven and not flagged."""

    arrival_id: UUID
    person_id: str
    unit_id: str
    start: Point
    end: Point
    accepted_at: datetime
    ended_at: datetime
    seconds: float


PROGRESS = """
    INSERT INTO travel_progress (model, learned_until, part_id) VALUES (:model, :since, :no_part)
    ON CONFLICT (model) DO UPDATE SET model = excluded.model
    RETURNING learned_until, part_id
"""

WINDOW = """
    SELECT at, part_id FROM arrivals
    WHERE (at, part_id) > (:at, :part_id) AND at < :until
    ORDER BY at, part_id LIMIT :most
"""

# The position at accepting has the acceptance's own time; those on the way have later ones. One clock measures both
# ends: the phone's where it was sent with both, else the server's where it was sent with neither. Whoever was on site
# elsewhere wrapped up first: how long that took nobody says, and it is no part of the way.
_WAYS = """
    SELECT arrivals.id AS arrival_id, offers.person_id, offers.unit_id, offers.accepted_at, cases.place,
           cases.wrapped_key, seen.id, seen.sealed_position, least(arrivals.device_at, arrivals.at) AS ended_at,
           extract(epoch FROM coalesce(arrivals.device_at - seen.device_at, arrivals.at - offers.accepted_at)) AS took
    FROM arrivals
    JOIN cases ON cases.id = arrivals.case_id
    JOIN offers ON offers.part_id = arrivals.part_id AND offers.person_id = arrivals.person_id
        AND offers.arrived_at = arrivals.at
    JOIN whereabouts AS seen ON seen.case_id = arrivals.case_id AND seen.person_id = arrivals.person_id
        AND seen.at = offers.accepted_at
    WHERE offers.emergency AND offers.goes AND arrivals.method <> 'self_declared'
        AND (arrivals.device_at IS NULL) = (seen.device_at IS NULL)
        AND cases.wrapped_key IS NOT NULL AND cases.place ->> 'lon' IS NOT NULL
        AND cases.place ->> 'lat' IS NOT NULL
        AND NOT EXISTS (SELECT FROM flags WHERE flags.entry_id = arrivals.id)
        AND NOT EXISTS (
            SELECT FROM offers AS visit
            WHERE visit.person_id = offers.person_id AND visit.id <> offers.id
                AND visit.offered_at BETWEEN offers.accepted_at - interval '12 hours' AND offers.accepted_at
                AND visit.arrived_at <= offers.accepted_at
                AND coalesce(visit.ended_at, offers.accepted_at) >= offers.accepted_at
        )
"""

REAL_WAYS = (
    _WAYS
    + """
    AND (arrivals.at, arrivals.part_id) > (:at, :part_id) AND (arrivals.at, arrivals.part_id) <= (:last_at, :last_part)
    ORDER BY arrivals.at, arrivals.part_id
"""
)

ENDED_LATELY = (
    _WAYS
    + """
    AND arrivals.at > :since AND arrivals.id <> ALL (CAST(:known AS uuid[]))
    ORDER BY arrivals.at DESC, arrivals.part_id DESC LIMIT :most
"""
)

ADD = """
    INSERT INTO travel_counts (model, mode, band, to_cell, from_cell, bin, trips)
    SELECT :model, mode, band, to_cell, from_cell, bin, count(*)
    FROM unnest(CAST(:modes AS text[]), CAST(:bands AS smallint[]), CAST(:to_cells AS bigint[]),
                CAST(:from_cells AS bigint[]), CAST(:bins AS smallint[]))
        AS way(mode, band, to_cell, from_cell, bin)
    GROUP BY mode, band, to_cell, from_cell, bin
    ON CONFLICT (model, mode, band, to_cell, from_cell, bin) DO UPDATE SET trips = travel_counts.trips + excluded.trips
"""

FADE = """
    WITH full_pairs AS (
        SELECT mode, band, to_cell, from_cell FROM travel_counts WHERE model = :model
        GROUP BY mode, band, to_cell, from_cell HAVING sum(trips) > :most
    ), gone AS (
        DELETE FROM travel_counts USING full_pairs
        WHERE travel_counts.model = :model AND trips < 2 AND travel_counts.mode = full_pairs.mode
            AND travel_counts.band = full_pairs.band AND travel_counts.to_cell = full_pairs.to_cell
            AND travel_counts.from_cell = full_pairs.from_cell
    )
    UPDATE travel_counts SET trips = trips / 2 FROM full_pairs
    WHERE travel_counts.model = :model AND trips > 1 AND travel_counts.mode = full_pairs.mode
        AND travel_counts.band = full_pairs.band AND travel_counts.to_cell = full_pairs.to_cell
        AND travel_counts.from_cell = full_pairs.from_cell
"""


async def progress(tx: Transaction, model: str, since: datetime) -> Progress:
    """How far this model has learned, locked until the commit; `since` if it never did."""
    rows = await tx.rows(PROGRESS, model=model, since=since, no_part=NO_PART)
    return Progress(rows[0]["learned_until"], rows[0]["part_id"])


async def next_arrivals(tx: Transaction, done: Progress, until: datetime) -> Progress | None:
    """The last of the next arrivals to look at; None if there are none."""
    rows = await tx.rows(WINDOW, at=done.at, part_id=done.part_id, until=until, most=ARRIVALS_PER_TURN)
    return Progress(rows[-1]["at"], rows[-1]["part_id"]) if rows else None


async def real_ways(tx: Transaction, done: Progress, last: Progress, sealer: Sealer) -> list[RealWay]:
    """What the arrivals after `done`, up to `last`, say of the way."""
    rows = await tx.rows(REAL_WAYS, at=done.at, part_id=done.part_id, last_at=last.at, last_part=last.part_id)
    return _unsealed(rows, sealer)


async def ended_lately(
    tx: Transaction, since: datetime, known: Collection[UUID], sealer: Sealer, most: int
) -> list[RealWay]:
    """The last ways that ended after `since`, but for the known arrivals'."""
    rows = await tx.rows(ENDED_LATELY, since=since, known=list(known), most=most)
    return _unsealed(rows, sealer)


def _unsealed(rows: Sequence[Row], sealer: Sealer) -> list[RealWay]:
    """A position that cannot be read teaches nothing, and no other way waits for it."""
    found = []
    for row in rows:
        context = f"whereabouts.position:{row['id']}"
        try:
            start = unseal_position(sealer, row["wrapped_key"], row["sealed_position"], context)
        except CannotUnsealError as wrong:
            log.warning("position %s is not learned from: %s", row["id"], wrong)
            continue
        found.append(
            RealWay(
                arrival_id=row["arrival_id"],
                person_id=row["person_id"],
                unit_id=row["unit_id"],
                start=start,
                end=Point(lon=row["place"]["lon"], lat=row["place"]["lat"]),
                accepted_at=row["accepted_at"],
                ended_at=row["ended_at"],
                seconds=float(row["took"]),
            )
        )
    return found


async def add(tx: Transaction, model: str, ways: Sequence[Count], last: Progress) -> None:
    """Count these ways, and remember how far that went."""
    await tx.rows(
        ADD,
        model=model,
        modes=[way.mode.value for way in ways],
        bands=[way.band for way in ways],
        to_cells=[way.to_cell for way in ways],
        from_cells=[way.from_cell for way in ways],
        bins=[way.bin for way in ways],
    )
    await tx.rows(
        "UPDATE travel_progress SET learned_until = :at, part_id = :part_id WHERE model = :model",
        model=model,
        at=last.at,
        part_id=last.part_id,
    )
    await tx.rows(FADE, model=model, most=TRIPS_KEPT_MAX)


async def counts(tx: Transaction, model: str) -> list[Count]:
    rows = await tx.rows(
        "SELECT from_cell, to_cell, band, mode, bin, trips FROM travel_counts WHERE model = :model",
        model=model,
    )
    return [
        Count(
            row["from_cell"], row["to_cell"], row["band"], TravelMode(row["mode"]), row["bin"], row["trips"]
        )
        for row in rows
    ]
