"""全员任务: each worker hears once that people are on their list, and that they are not any more. 待命建议: one free
person hears where they might wait."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic_core import to_jsonable_python

from services.notify.handlers.office import Office
from services.notify.handlers.telling import tell
from services.notify.rules import telling
from services.notify.rules.telling.fieldwork import TaskTold, advice, task_tells
from shared.database import Transaction
from shared.events.fieldwork import PlaceAdvised

ADVICE_HOLDS = timedelta(minutes=10)
"""Heard later, after an outage, it is told no more: they may be anywhere by then."""


async def tell_of_task(office: Office, tx: Transaction, event: TaskTold, now: datetime) -> None:
    """Nothing of it is urgent: it may wait for the morning."""
    bodies = [
        (notice, to_jsonable_python(telling.body_of_matter(event.id, event.at, notice)))
        for notice in task_tells(event)
    ]
    await tell(office, tx, event, bodies, now, urgent=False)


async def tell_advice(office: Office, tx: Transaction, event: PlaceAdvised, now: datetime) -> None:
    """For the feed: it rings nobody."""
    if now - event.at > ADVICE_HOLDS:
        return
    notice = advice(event)
    body = to_jsonable_python(telling.body_of_matter(event.id, event.at, notice))
    await tell(office, tx, event, [(notice, body)], now, urgent=False)
