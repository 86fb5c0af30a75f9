"""Open cases that may be the same thing, and what they are recognised by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.duplicates import WITHIN, Marks, Sighting, cells_around
from shared.database import Transaction
from shared.vocabulary import CaseState, Urgency

CANDIDATES_MAX = 200
"""Read and compared; the newest first."""

CANDIDATES = """
    SELECT c.case_id, c.number, c.category_code, c.urgency, c.state, c.headline, c.place_label, c.lon, c.lat,
           c.unit_path, l.category_group, l.building, l.signature, l.registered_at
    FROM (
        (SELECT case_id, registered_at FROM likenesses
         WHERE live AND category_group = :category_group AND cell = ANY(CAST(:cells AS bigint[]))
           AND registered_at BETWEEN :since AND :until
         ORDER BY registered_at DESC LIMIT :most)
        UNION
        (SELECT case_id, registered_at FROM likenesses
         WHERE live AND category_group = :category_group AND building = :building
           AND registered_at BETWEEN :since AND :until
         ORDER BY registered_at DESC LIMIT :most)
    ) AS found
    JOIN likenesses AS l USING (case_id) JOIN cases AS c USING (case_id)
    WHERE c.case_id <> :case_id
    ORDER BY l.registered_at DESC LIMIT :most
"""

MARKS = """
    SELECT c.category_code, c.lon, c.lat, c.registered_at, l.category_group, l.cell, l.building, l.signature
    FROM cases AS c JOIN likenesses AS l USING (case_id) WHERE c.case_id = ANY(CAST(:case_ids AS uuid[]))
    ORDER BY c.case_id
"""

MARK_ANEW = """
    UPDATE likenesses SET category_group = :category_group, cell = :cell, building = :building,
        signature = coalesce(:signature, signature)
    WHERE case_id = :case_id
"""

# A case somebody still works on keeps its marks: its officer may look again, however old it is.
FORGET = """
    DELETE FROM likenesses WHERE NOT live AND case_id IN (
        SELECT case_id FROM likenesses WHERE NOT live AND registered_at < CAST(:before AS timestamptz)
        ORDER BY registered_at LIMIT :rows_max FOR UPDATE SKIP LOCKED
    ) RETURNING case_id
"""

NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Found:
    """An open case and how it was reported."""

    case_id: UUID
    number: str
    urgency: Urgency
    state: CaseState
    headline: str
    place_label: str
    unit_path: tuple[str, ...]
    sighting: Sighting


async def candidates(tx: Transaction, sighting: Sighting, besides: UUID = NOBODY) -> list[Found]:
    """Open cases of the category's group near by or in the building, within `WITHIN` of the sighting."""
    marks = sighting.marks
    located = sighting.lon is not None and sighting.lat is not None
    rows = await tx.rows(
        CANDIDATES,
        category_group=marks.category_group,
        cells=cells_around(sighting.lon or 0, sighting.lat or 0) if located else [],
        building=marks.building,
        since=sighting.at - WITHIN,
        until=sighting.at + WITHIN,
        case_id=besides,
        most=CANDIDATES_MAX,
    )
    return [
        Found(
            case_id=row["case_id"],
            number=row["number"],
            urgency=Urgency(row["urgency"]),
            state=CaseState(row["state"]),
            headline=row["headline"],
            place_label=row["place_label"],
            unit_path=tuple(row["unit_path"]),
            sighting=Sighting(
                row["category_code"],
                Marks(row["category_group"], None, row["building"], row["signature"]),
                row["lon"],
                row["lat"],
                row["registered_at"],
            ),
        )
        for row in rows
    ]


async def sightings(tx: Transaction, case_ids: Sequence[UUID]) -> list[Sighting]:
    """How these cases were reported, in the order of their ids; those that ended at once have none."""
    rows = await tx.rows(MARKS, case_ids=list(case_ids))
    return [
        Sighting(
            row["category_code"],
            Marks(row["category_group"], row["cell"], row["building"], row["signature"]),
            row["lon"],
            row["lat"],
            row["registered_at"],
        )
        for row in rows
    ]


async def forget(tx: Transaction, *, rows_max: int) -> int:
    """Drop the marks of ended cases that nothing reported from now on is compared with; how many there were."""
    return len(await tx.rows(FORGET, before=await tx.now() - WITHIN, rows_max=rows_max))


async def mark_anew(tx: Transaction, case_id: UUID, marks: Marks) -> None:
    """After an amendment; without new words the signature stays."""
    await tx.rows(
        MARK_ANEW,
        case_id=case_id,
        category_group=marks.category_group,
        cell=marks.cell,
        building=marks.building,
        signature=marks.signature,
    )
