"""Plans and absences in and out of their tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.registry.rules.absence import Absence
from services.registry.rules.plans import Plan, PlanState
from services.registry.rules.spans import Span
from shared.database import Transaction

SAVE_PLAN = """
    INSERT INTO planned_changes (id, state, valid_from, body)
    VALUES (:id, :state, :valid_from, CAST(:body AS jsonb))
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, valid_from = excluded.valid_from, body = excluded.body
"""
ONE_PLAN = "SELECT CAST(body AS text) AS body FROM planned_changes WHERE id = :id"
PLANS_UNTIL = """
    SELECT CAST(body AS text) AS body FROM planned_changes
    WHERE state = 'planned' AND valid_from <= :until ORDER BY valid_from, id
"""
PLANS_WAITING = "SELECT count(*) AS waiting FROM planned_changes WHERE state = 'planned'"
PLAN_PAGE = """
    SELECT CAST(body AS text) AS body FROM planned_changes
    WHERE (CAST(:state AS text) IS NULL OR state = :state)
      AND (CAST(:after_at AS timestamptz) IS NULL OR (valid_from, id) > (:after_at, CAST(:after_id AS uuid)))
    ORDER BY valid_from, id LIMIT :rows_max
"""

SAVE_ABSENCE = """
    INSERT INTO absences (id, person_id, starts_at, ends_at, body)
    VALUES (:id, :person_id, :starts_at, :ends_at, CAST(:body AS jsonb))
    ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at, body = excluded.body
"""
ONE_ABSENCE = "SELECT CAST(body AS text) AS body FROM absences WHERE id = :id"
AWAY = """
    SELECT person_id, starts_at, ends_at FROM absences
    WHERE person_id = ANY(CAST(:person_ids AS text[])) AND ends_at > :after AND starts_at < ends_at
    ORDER BY starts_at
"""
# One's own, and those of whoever holds a role or post at or below one of `own`.
SEEN = """
    WITH RECURSIVE mine AS (
        SELECT id FROM units WHERE id = ANY(CAST(:own AS text[]))
        UNION SELECT units.id FROM units JOIN mine ON units.parent_id = mine.id
    )
    SELECT CAST(absences.body AS text) AS body FROM absences JOIN people ON people.id = absences.person_id
    WHERE (absences.person_id = :reader_id OR EXISTS (
        SELECT FROM jsonb_array_elements((people.body -> 'grants') || (people.body -> 'posts')) AS held
        WHERE held ->> 'unit_id' IN (SELECT id FROM mine)))
"""
ABSENCE_SEEN = f"{SEEN} AND absences.id = :id"
ABSENCE_PAGE = f"""
    {SEEN}
      AND absences.id > CAST(:after_id AS uuid) AND absences.ends_at > :from_ AND absences.starts_at < :until
      AND (CAST(:person_id AS text) IS NULL OR person_id = :person_id)
      AND (CAST(:unit_ids AS text[]) IS NULL OR jsonb_path_query_array(people.body, '$.posts[*].unit_id')
           ?| CAST(:unit_ids AS text[]))
    ORDER BY absences.id LIMIT :rows_max
"""


async def save_plan(tx: Transaction, plan: Plan) -> None:
    await tx.rows(
        SAVE_PLAN,
        id=plan.id,
        state=plan.state,
        valid_from=plan.valid_from,
        body=plan.model_dump_json(),
    )


async def plan(tx: Transaction, id: UUID) -> Plan | None:
    rows = await tx.rows(ONE_PLAN, id=id)
    return Plan.model_validate_json(rows[0]["body"]) if rows else None


async def plans_until(tx: Transaction, until: datetime) -> list[Plan]:
    """What becomes valid up to then, in that order."""
    return [Plan.model_validate_json(row["body"]) for row in await tx.rows(PLANS_UNTIL, until=until)]


async def plans_waiting(tx: Transaction) -> int:
    return int((await tx.rows(PLANS_WAITING))[0]["waiting"])


async def plan_page(
    tx: Transaction, state: PlanState | None, after: tuple[datetime, UUID] | None, rows_max: int
) -> list[Plan]:
    """The next plans, in the order in which they become valid."""
    after_at, after_id = after or (None, None)
    rows = await tx.rows(PLAN_PAGE, state=state, after_at=after_at, after_id=after_id, rows_max=rows_max)
    return [Plan.model_validate_json(row["body"]) for row in rows]


async def save_absence(tx: Transaction, absence: Absence) -> None:
    await tx.rows(
        SAVE_ABSENCE,
        id=absence.id,
        person_id=absence.person_id,
        starts_at=absence.starts_at,
        ends_at=absence.ends_at,
        body=absence.model_dump_json(),
    )


async def absence(tx: Transaction, id: UUID) -> Absence | None:
    rows = await tx.rows(ONE_ABSENCE, id=id)
    return Absence.model_validate_json(rows[0]["body"]) if rows else None


async def away(tx: Transaction, person_ids: Iterable[str], after: datetime) -> dict[str, tuple[Span, ...]]:
    """When these people are away, as far as it ends after `after`."""
    found: dict[str, tuple[Span, ...]] = {}
    for row in await tx.rows(AWAY, person_ids=sorted(set(person_ids)), after=after):
        span = Span(row["starts_at"], row["ends_at"])
        found[row["person_id"]] = (*found.get(row["person_id"], ()), span)
    return found


@dataclass(frozen=True)
class Reader:
    """Who reads absences, and the units for whose staff, and that of all below, they may."""

    person_id: str
    own: tuple[str, ...]


async def absence_seen(tx: Transaction, reader: Reader, id: UUID) -> Absence | None:
    """The absence, if there is one that `reader` may see."""
    rows = await tx.rows(ABSENCE_SEEN, reader_id=reader.person_id, own=list(reader.own), id=id)
    return Absence.model_validate_json(rows[0]["body"]) if rows else None


async def absence_page(
    tx: Transaction,
    reader: Reader,
    after_id: UUID,
    rows_max: int,
    *,
    from_: datetime,
    until: datetime,
    person_id: str | None,
    unit_ids: list[str] | None,
) -> list[Absence]:
    """The next absences that touch the time, of a person, of people with a post in the units, as far as `reader`
    may see them."""
    rows = await tx.rows(
        ABSENCE_PAGE,
        reader_id=reader.person_id,
        own=list(reader.own),
        after_id=after_id,
        rows_max=rows_max,
        from_=from_,
        until=until,
        person_id=person_id,
        unit_ids=unit_ids,
    )
    return [Absence.model_validate_json(row["body"]) for row in rows]
