"""Changing single days of a calendar, and watching how far calendars reach."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo

from services.registry import metrics
from services.registry.commands import ChangeDays
from services.registry.handlers.things import change_things, hold_still
from services.registry.queries import things as stored
from services.registry.rules import calendars as rules
from services.registry.rules.calendars import CalendarWarning
from shared.database import Database, Transaction
from shared.health import Beat
from shared.identity import SignedIn
from shared.problems import not_found
from shared.things import Calendar
from shared.vocabulary import Channel

LOOK_EVERY_SECONDS = 60


async def change_days(tx: Transaction, id: str, command: ChangeDays, who: SignedIn) -> int:
    """The revision after it; everybody who counts by the calendar hears of it."""
    await hold_still(tx)
    found = await stored.one(tx, Calendar, id)
    if found is None or found[0].retired_at is not None:
        raise not_found()
    changed = rules.with_days(
        found[0], command.holidays, command.workdays, command.ordinary, command.known_until
    )
    return await change_things(tx, [changed], who, Channel.DESK)


async def warnings(tx: Transaction) -> list[CalendarWarning]:
    """The calendars that units count by and that do not reach far enough, by the days of their own zones."""
    now = await tx.now()
    found = []
    for calendar, units in await stored.calendars_in_use(tx):
        today = now.astimezone(ZoneInfo(calendar.time_zone)).date()
        if (warning := rules.warning_of(calendar, units, today)) is not None:
            found.append(warning)
    return found


async def keep_watching(database: Database, beat: Beat) -> None:
    """How many days each calendar in use still knows, for the board and its alarm."""
    turn = 0
    while True:
        if turn % LOOK_EVERY_SECONDS == 0:
            async with database.transaction() as tx:
                await measure(tx)
        turn += 1
        beat()
        await asyncio.sleep(1)


async def measure(tx: Transaction) -> None:
    """Set the series anew; a calendar nobody uses any more leaves it."""
    now = await tx.now()
    metrics.CALENDAR_DAYS_LEFT.clear()
    for calendar, _ in await stored.calendars_in_use(tx):
        today = now.astimezone(ZoneInfo(calendar.time_zone)).date()
        metrics.CALENDAR_DAYS_LEFT.labels(calendar=calendar.id).set(rules.days_left(calendar, today))
