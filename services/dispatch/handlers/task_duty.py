"""换班 in a mass task: somebody left or came, so what is left is split again.

Splitting tens of thousands takes its time, and the timers of emergencies come out of the same loop, many in one
transaction. So the timer only says which task it is, and is set again for soon; the split is done here, each task in a
transaction of its own. A process that dies in between leaves the timer.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.dispatch.handlers.mass_tasks import LOOK_AGAIN, split_task
from services.dispatch.queries import mass_tasks as rows
from services.dispatch.rules.task_story import TaskState
from services.dispatch.rules.work import Doer
from shared.database import Database, Transaction
from shared.event import SYSTEM
from shared.health import Beat
from shared.retry import is_transient
from shared.simulation import Pending
from shared.timers import Due
from shared.vocabulary import Channel

log = logging.getLogger(__name__)

SPLIT_WITHIN = timedelta(minutes=1)
"""Else the timer says it again."""
FAULT_RESTS_SECONDS = 5.0
BEAT_SECONDS = 1.0


@dataclass
class TaskDuty:
    """The loop, and what its timers told it: by task, from when on by the process' clock it may be tried."""

    waiting: dict[UUID, float] = field(default_factory=dict)

    async def note(self, tx: Transaction, due: Due, now: datetime) -> None:
        """The timer: somebody's shift began or ended, or an hour is over."""
        if await _is_open(tx, due.subject_id):
            tx.arm(due.subject_id, LOOK_AGAIN, now + SPLIT_WITHIN)
            self.waiting.setdefault(due.subject_id, 0.0)

    async def run(self, database: Database, beat: Beat) -> None:
        while True:
            for task_id in self.due():
                await self.split(database, task_id)
                beat()
            beat()
            await database.committed.wait(BEAT_SECONDS)

    async def pending(self, tx: Transaction) -> Pending:
        """For the simulation: tasks to be split now."""
        return Pending(in_flight=len(self.due()))

    def due(self) -> list[UUID]:
        return [one for one, rests_until in self.waiting.items() if time.monotonic() >= rests_until]

    async def split(self, database: Database, task_id: UUID) -> None:
        """A fault in one task is its own."""
        try:
            async with database.transaction() as tx:
                await tx.lock(task_id)
                if await _is_open(tx, task_id):
                    await split_task(tx, task_id, Doer(SYSTEM, Channel.SYSTEM))
        except Exception as wrong:
            if is_transient(wrong):
                raise
            log.exception("mass task %s could not be split again; it is tried later", task_id)
            self.waiting[task_id] = time.monotonic() + FAULT_RESTS_SECONDS
        else:
            del self.waiting[task_id]


async def _is_open(tx: Transaction, task_id: UUID) -> bool:
    task = await rows.find(tx, task_id)
    return task is not None and task.state is TaskState.OPEN
