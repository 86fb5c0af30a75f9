"""What rosters are looked at with: units below one, their staff, and the shifts that touch a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from shared.database import Transaction
from shared.things import Person, Shift, Unit

BELOW = """
    WITH RECURSIVE below AS (
        SELECT id FROM units WHERE id = :id
        UNION SELECT units.id FROM units JOIN below ON units.parent_id = below.id
    )
    SELECT CAST(body AS text) AS body FROM units WHERE id IN (SELECT id FROM below) ORDER BY id
"""
STAFF = """
    SELECT CAST(body AS text) AS body FROM people
    WHERE body ->> 'retired_at' IS NULL
      AND (jsonb_path_query_array(body, '$.posts[*].unit_id') ?| CAST(:unit_ids AS text[])
           OR jsonb_path_exists(body, '$.grants[*] ? (@.role == "operator")'))
    ORDER BY id
"""
SHIFTS = """
    SELECT CAST(body AS text) AS body FROM shifts
    WHERE unit_id = ANY(CAST(:unit_ids AS text[])) AND starts_at < :until AND ends_at > :from_
      AND body ->> 'retired_at' IS NULL
    ORDER BY starts_at, id
"""
SHIFTS_OF_PEOPLE = """
    SELECT CAST(body AS text) AS body FROM shifts
    WHERE person_id = ANY(CAST(:person_ids AS text[])) AND starts_at < :until AND ends_at > :from_
      AND body ->> 'retired_at' IS NULL
    ORDER BY starts_at, id
"""


async def units_below(tx: Transaction, unit_id: str) -> list[Unit]:
    """The unit and everything below it."""
    return [Unit.model_validate_json(row["body"]) for row in await tx.rows(BELOW, id=unit_id)]


async def staff_of(tx: Transaction, unit_ids: Iterable[str]) -> list[Person]:
    """Who holds a post in one of the units, and all operators."""
    rows = await tx.rows(STAFF, unit_ids=sorted(unit_ids))
    return [Person.model_validate_json(row["body"]) for row in rows]


async def shifts_in(
    tx: Transaction, unit_ids: Iterable[str], from_: datetime, until: datetime
) -> list[Shift]:
    """The shifts of the units that touch the time."""
    rows = await tx.rows(SHIFTS, unit_ids=sorted(unit_ids), from_=from_, until=until)
    return [Shift.model_validate_json(row["body"]) for row in rows]


async def shifts_of(
    tx: Transaction, person_ids: Iterable[str], from_: datetime, until: datetime
) -> list[Shift]:
    """The shifts of the people that touch the time."""
    rows = await tx.rows(SHIFTS_OF_PEOPLE, person_ids=sorted(person_ids), from_=from_, until=until)
    return [Shift.model_validate_json(row["body"]) for row in rows]
