"""What a grid's rounds come to on one day: how many of the stops owed on it are done, and why the others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import reduce
from uuid import UUID, uuid5

from services.dispatch.rules.round_story import Due, Stop, StopCorrected, settled_by
from services.dispatch.rules.rounds import owed
from shared.event import Event
from shared.events.fieldwork import NotDoneCount, RoundDayClosed
from shared.fieldwork import NotDoneReason

DAYS = UUID("9d5f4a52-6f5c-4f0e-9a3b-6e1c5b7a2d10")
"""A day of a grid has the same id wherever it is asked for, so that it can be locked before there is a row of it."""


def day_id(grid_id: str, day: date) -> UUID:
    return uuid5(DAYS, f"{grid_id} {day}")


@dataclass(frozen=True, slots=True)
class RoundDay:
    """As it was told last; nothing was told yet while there is no `told_at`."""

    id: UUID
    grid_id: str
    day: date
    owed: int = 0
    done: int = 0
    not_done: Mapping[str, int] = field(default_factory=dict)
    told_at: datetime | None = None


@dataclass
class Count:
    """As it is: what is `open` may still be done, and is not done for the reason given last."""

    done: int = 0
    open: int = 0
    not_done: Counter[NotDoneReason] = field(default_factory=Counter)

    @property
    def owed(self) -> int:
        return self.done + self.not_done.total()

    def add(self, due: Due, times: int = 1) -> None:
        if due.done:
            self.done += times
        else:
            self.not_done[due.reason or NotDoneReason.NOT_REACHED] += times


def count(
    days: Iterable[date], settled: Iterable[tuple[Due, int]], stops: Iterable[Stop]
) -> dict[date, Count]:
    """What these days come to, from what is settled of them and from the stops of which something is owed."""
    counts = {day: Count() for day in days}
    for due, times in settled:
        counts[due.due_on].add(due, times)
    for stop in stops:
        for due in _open(stop, max(counts)):
            if due.due_on in counts:
                counts[due.due_on].add(due)
                counts[due.due_on].open += 1
    return counts


def touched(before: Stop | None, after: Stop, event: Event, today: date) -> set[date]:
    """The days up to today that may come to something else by an event; with them today, whose end is waited for."""
    was = set(_open(before, today)) if before is not None else set()
    days = {due.due_on for due in was ^ set(_open(after, today))}
    if before is not None:
        days |= {due.due_on for due in settled_by(before, event)}
    if isinstance(event, StopCorrected):
        days |= {*event.reopened}
    changed = {day for day in days if day <= today}
    return changed | {today} if changed or before is None else set()


def _open(stop: Stop, until: date) -> list[Due]:
    return [Due(day, False, stop.reason) for day in owed(stop, until)]


def tell(
    day: RoundDay, found: Count, *, over: bool, unit_path: tuple[str, ...], begins_at: datetime, now: datetime
) -> RoundDayClosed | None:
    """The day's result once it is over or nothing owed on it is open, and again where it is another than was told.
    Of a day on which nothing is owed there is nothing to tell."""
    reasons = {reason.value: n for reason, n in sorted(found.not_done.items())}
    if (found.owed, found.done, reasons) == (day.owed, day.done, day.not_done):
        return None
    if found.open and not over and day.told_at is None:
        return None
    return RoundDayClosed(
        day_id=day.id,
        at=now,
        grid_id=day.grid_id,
        unit_path=unit_path,
        day=day.day,
        begins_at=begins_at,
        owed=found.owed,
        done=found.done,
        not_done=tuple(NotDoneCount(reason=NotDoneReason(reason), count=n) for reason, n in reasons.items()),
    )


def fold(events: Iterable[Event]) -> RoundDay | None:
    return reduce(lambda day, event: apply(day, event), events, None)


def apply(day: RoundDay | None, event: Event) -> RoundDay | None:
    """The day after `event`: what is told last stands."""
    if not isinstance(event, RoundDayClosed):
        return day
    told = day or RoundDay(event.day_id, event.grid_id, event.day)
    reasons = {one.reason.value: one.count for one in event.not_done}
    return replace(told, owed=event.owed, done=event.done, not_done=reasons, told_at=event.at)
