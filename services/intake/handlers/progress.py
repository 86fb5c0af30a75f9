"""A call while the case goes on: `handle` was missed, and the resident is owed word of how it stands."""

from __future__ import annotations

from datetime import datetime

from services.intake.handlers.story import load_known
from services.intake.queries import cases
from services.intake.rules.cases import apply
from services.intake.rules.endings import progress_call_for
from shared.database import Transaction
from shared.events.escalation import DeadlineMissed
from shared.ids import uuid7


async def open_progress_call(tx: Transaction, event: DeadlineMissed, now: datetime) -> None:
    case = await load_known(tx, event.case_id)
    opened = progress_call_for(case, event, uuid7(), now)
    if opened is None:
        return
    await cases.save(tx, apply(case, opened))
    tx.announce(opened)
