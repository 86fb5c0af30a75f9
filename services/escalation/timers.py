"""What time starts: each open deadline has one timer, at its next bell (amber, then due); a case that is overdue where
nobody is above has one for the next day's list. And two regular looks: how many deadlines are open, and whether a
calendar changed."""

from __future__ import annotations

import asyncio

from services.escalation import metrics
from services.escalation.handlers.calendars import sweep_some
from services.escalation.handlers.heard import ring_deadline
from services.escalation.handlers.saving import DAILY_LIST
from services.escalation.queries import lists
from services.escalation.rules.case import Colour
from shared.database import Database
from shared.health import Beat
from shared.timers import TimerHandlers
from shared.vocabulary import DeadlineKind

TIMERS: TimerHandlers = {
    **{kind.value: ring_deadline for kind in DeadlineKind},
    DAILY_LIST: ring_deadline,
}

LOOK_SECONDS = 10
CALENDARS_SECONDS = 2.0


async def look_at_open_deadlines(database: Database, beat: Beat) -> None:
    """Count the open deadlines every LOOK_SECONDS from their index; beats every second in between."""
    while True:
        async with database.transaction() as tx:
            rows = await tx.rows(lists.OPEN_BY_KIND)
        counted = {(row["kind"], row["colour"]): row["open"] for row in rows}
        for kind in DeadlineKind:
            for colour in Colour:
                metrics.DEADLINES_OPEN.labels(kind, colour).set(counted.get((kind, colour), 0))
        for _ in range(LOOK_SECONDS):
            beat()
            await asyncio.sleep(1.0)


async def follow_calendars(database: Database, beat: Beat) -> None:
    """Count running clocks anew when the registry publishes a changed calendar: batch after batch, then look again
    every CALENDARS_SECONDS."""
    while True:
        async with database.transaction() as tx:
            more = await sweep_some(tx)
        beat()
        if not more:
            await asyncio.sleep(CALENDARS_SECONDS)
