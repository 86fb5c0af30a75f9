"""A call while the case goes on: `handle` was missed, and the resident is owed word of how it stands; so is everybody
whose case was merged into it."""

from __future__ import annotations

from datetime import datetime

from services.intake.handlers.story import PARENT_LATE, load_known
from services.intake.handlers.telling import settle
from services.intake.queries import families
from services.intake.rules.endings import is_late, progress_call_for
from services.intake.rules.merging import told_of_delay
from shared.database import Transaction
from shared.events.escalation import DeadlineMissed
from shared.ids import uuid7
from shared.timers import Due


async def open_progress_call(tx: Transaction, event: DeadlineMissed, now: datetime) -> None:
    case = await load_known(tx, event.case_id)
    if (opened := progress_call_for(case, event, uuid7(), now)) is not None:
        await settle(tx, case, [opened])
    if is_late(case, event):
        for child_id in await families.open_children(tx, case.case_id):
            tx.arm(child_id, PARENT_LATE, now)


async def parent_late(tx: Transaction, due: Due, now: datetime) -> None:
    """Each part is changed under its own lock (parts.py)."""
    child = await load_known(tx, due.subject_id)
    if child.parent_id is None:
        return
    parent = await load_known(tx, child.parent_id)
    if (opened := told_of_delay(child, parent, uuid7(), now)) is not None:
        await settle(tx, child, [opened])
