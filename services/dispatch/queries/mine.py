"""What somebody had on their hands: for their own eyes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.codec import decode_body
from shared.database import Row, Transaction
from shared.event import EVENT_TYPES, Event

HISTORY = """
    SELECT offers.id AS offer_id, offers.part_id, offers.case_id, cases.number, cases.category_code, cases.urgency,
           cases.headline, cases.state AS case_state, cases.outcome, parts.role, offers.state, offers.offered_at,
           offers.accepted_at, offers.arrived_at, offers.ended_at, offers.declined_because, offers.passed_on
    FROM offers JOIN cases ON cases.id = offers.case_id JOIN parts ON parts.id = offers.part_id
    WHERE offers.person_id = :person_id AND (offers.offered_at, offers.id) < (:before_at, :before_id)
    ORDER BY offers.offered_at DESC, offers.id DESC LIMIT :most
"""
# What was entered where nobody is offered anything: a visit's name and place are sealed, and not in one's history.
ON_ROUNDS = """
    SELECT 'round' AS kind, entry.id AS entry_id, entry.stop_id, NULL::uuid AS task_id, NULL::uuid AS listed_id,
           stop.label AS title, stop.grid_id, entry.at, entry.done, entry.reason, entry.undone_at
    FROM round_entries AS entry JOIN round_stops AS stop ON stop.id = entry.stop_id
    WHERE entry.person_id = :person_id AND (entry.at, entry.id) < (:before_at, :before_id)
    ORDER BY entry.at DESC, entry.id DESC LIMIT :most
"""
ON_LISTS = """
    SELECT 'mass_task' AS kind, entry.id AS entry_id, NULL::uuid AS stop_id, entry.task_id, entry.listed_id,
           task.title, listed.grid_id, entry.at, entry.done, entry.reason, entry.undone_at
    FROM mass_task_tries AS entry JOIN mass_tasks AS task ON task.id = entry.task_id
        JOIN mass_task_people AS listed ON listed.id = entry.listed_id
    WHERE entry.person_id = :person_id AND (entry.at, entry.id) < (:before_at, :before_id)
    ORDER BY entry.at DESC, entry.id DESC LIMIT :most
"""
ENTERED = """
    SELECT count(*) AS entries, count(*) FILTER (WHERE NOT done) AS not_done, count(undone_at) AS taken_back
    FROM {table} WHERE person_id = :person_id AND at >= :since AND at <= :until
"""
OFFERED = """
    SELECT offers.case_id, cases.number, offers.offered_at, offers.accepted_at, offers.ended_at
    FROM offers JOIN cases ON cases.id = offers.case_id
    WHERE offers.person_id = :person_id AND offers.offered_at >= :since AND offers.offered_at <= :until
    ORDER BY offers.offered_at DESC, offers.id DESC LIMIT :most
"""
ACTS = """
    SELECT subject_id, type, at, event_id, sequence, data FROM journal
    WHERE subject_id = ANY(CAST(:ids AS uuid[])) AND actor = :person_id AND source = 'dispatch'
    ORDER BY subject_id, seq
"""


async def history(tx: Transaction, person_id: str, *, before: tuple[datetime, UUID], most: int) -> list[Row]:
    """Everything somebody was asked, the latest first."""
    return await tx.rows(HISTORY, person_id=person_id, before_at=before[0], before_id=before[1], most=most)


async def entered(tx: Transaction, person_id: str, *, before: tuple[datetime, UUID], most: int) -> list[Row]:
    """What somebody entered on rounds and on the lists of mass tasks, the latest of each first."""
    given = {"person_id": person_id, "before_at": before[0], "before_id": before[1], "most": most}
    return [*await tx.rows(ON_ROUNDS, **given), *await tx.rows(ON_LISTS, **given)]


async def how_much(tx: Transaction, person_id: str, since: datetime, until: datetime) -> tuple[Row, Row]:
    """How many such entries: on rounds, and on lists."""
    given = {"person_id": person_id, "since": since, "until": until}
    [rounds] = await tx.rows(ENTERED.format(table="round_entries"), **given)
    [lists] = await tx.rows(ENTERED.format(table="mass_task_tries"), **given)
    return rounds, lists


async def offered(tx: Transaction, person_id: str, since: datetime, until: datetime, most: int) -> list[Row]:
    return await tx.rows(OFFERED, person_id=person_id, since=since, until=until, most=most)


async def acts(tx: Transaction, person_id: str, case_ids: Sequence[UUID]) -> list[tuple[UUID, Event]]:
    """What the person did on these cases, from the story."""
    rows = await tx.rows(ACTS, ids=list(case_ids), person_id=person_id)
    return [
        (
            row["subject_id"],
            decode_body(
                EVENT_TYPES[row["type"]],
                row["data"],
                id=row["event_id"],
                at=row["at"],
                sequence=row["sequence"],
                subject=row["subject_id"],
            ),
        )
        for row in rows
        if row["type"] in EVENT_TYPES
    ]
