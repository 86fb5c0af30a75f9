"""What of a mass task is on somebody's list, door by door but without whom it is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.dispatch.rules.listed_people import TRIED_AGAIN
from shared.database import Transaction

TASKS_MAX = 20
"""Of one person at a time, the next deadline first."""
DOORS = """
    SELECT task.id AS task_id, task.title, task.due_at, listed.grid_id, count(*) AS doors
    FROM mass_task_people AS listed JOIN mass_tasks AS task ON task.id = listed.task_id
    WHERE listed.worker_id = :person_id AND task.state = 'open'
        AND (listed.state = 'open' OR listed.reason = ANY(CAST(:again AS text[])))
    GROUP BY task.id, task.title, task.due_at, listed.grid_id
    ORDER BY task.due_at, task.id, listed.grid_id LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Doors:
    """So many people of one task left on somebody's list in one grid."""

    task_id: UUID
    title: str
    due_at: datetime
    grid_id: str
    doors: int


async def doors_of(tx: Transaction, person_id: str) -> list[Doors]:
    rows = await tx.rows(DOORS, person_id=person_id, again=list(TRIED_AGAIN), most=TASKS_MAX)
    return [Doors(**row) for row in rows]
