"""全员任务: each worker hears once that people are on their list, and that they are not any more."""

from __future__ import annotations

from datetime import datetime

from pydantic_core import to_jsonable_python

from services.notify.handlers.office import Office
from services.notify.handlers.telling import tell
from services.notify.rules import telling
from services.notify.rules.telling.fieldwork import TaskTold, task_tells
from shared.database import Transaction


async def tell_of_task(office: Office, tx: Transaction, event: TaskTold, now: datetime) -> None:
    """Nothing of it is urgent: it may wait for the morning."""
    bodies = [
        (notice, to_jsonable_python(telling.body_of_matter(event.id, event.at, notice)))
        for notice in task_tells(event)
    ]
    await tell(office, tx, event, bodies, now, urgent=False)
