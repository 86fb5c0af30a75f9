"""What a grid's rounds came to on a day is told when the day ends or nothing owed on it is left, and again where an
entry changes it later: a stop owed on Monday that is done on Wednesday, an entry taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.dispatch.handlers.local_days import midnight, today_in
from services.dispatch.queries import round_days as days
from services.dispatch.queries import rounds as stops
from services.dispatch.rules import round_days
from services.dispatch.rules.round_days import RoundDay, day_id
from services.dispatch.rules.round_story import Stop
from shared.database import Transaction
from shared.event import Event
from shared.timers import Due

DAY_ENDS = "round_day_ends"
"""The timer of a grid's day."""
ONE_DAY = timedelta(days=1)


async def follow(tx: Transaction, before: Stop | None, after: Stop, event: Event) -> None:
    """After an event of a stop, which is saved: the days it touches are counted again. They are locked after the stop,
    so whoever counts last sees what the others entered."""
    grid_id = after.grid_id
    touched = round_days.touched(before, after, event, today_in(tx.directory, grid_id, event.at))
    if not touched:
        return
    ids = {day_id(grid_id, day): day for day in sorted(touched)}
    now = await tx.lock(*ids)
    await _tell(tx, await days.begin(tx, grid_id, ids), now)


async def end_day(tx: Transaction, due: Due, now: datetime) -> None:
    """The grid's midnight: the day is told as it is, and the next one is waited for while the grid has stops."""
    [day] = await days.find(tx, [due.subject_id])
    await _tell(tx, [day], now)
    if _ends_at(tx, day) <= now and await days.has_stops(tx, day.grid_id):
        following = day.day + ONE_DAY
        [next_day] = await days.begin(tx, day.grid_id, {day_id(day.grid_id, following): following})
        tx.arm(next_day.id, DAY_ENDS, _ends_at(tx, next_day))


async def _tell(tx: Transaction, told: Sequence[RoundDay], now: datetime) -> None:
    """Days of one grid, which are locked."""
    grid_id, dates = told[0].grid_id, [day.day for day in told]
    settled = await days.settled(tx, grid_id, dates)
    counts = round_days.count(dates, settled, await stops.owing(tx, grid_id, max(dates)))
    path = tuple(unit.id for unit in tx.directory.path(grid_id))
    for day in told:
        ends_at = _ends_at(tx, day)
        if now < ends_at:
            tx.arm(day.id, DAY_ENDS, ends_at)
        begins_at = midnight(tx.directory, grid_id, day.day)
        event = round_days.tell(
            day, counts[day.day], over=ends_at <= now, unit_path=path, begins_at=begins_at, now=now
        )
        if event is not None:
            after = round_days.apply(day, event)
            assert after is not None
            await days.save(tx, after)
            tx.announce(event)


def _ends_at(tx: Transaction, day: RoundDay) -> datetime:
    return midnight(tx.directory, day.grid_id, day.day + ONE_DAY)
