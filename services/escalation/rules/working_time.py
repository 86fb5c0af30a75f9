"""When a limit ends: the four clock kinds, counted in a unit's opening hours and the official calendar.

Pure: a limit, a start and the facts in, an absolute time out. Everything is counted on the community's local clock
and handed back in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from shared.things import Calendar, Limit, OpeningHours
from shared.vocabulary import ClockKind

FRIDAY = 5
ORDINARY_WEEK = tuple(
    OpeningHours(weekday=weekday, opens=opens, closes=closes)
    for weekday in range(1, FRIDAY + 1)
    for opens, closes in ((time(9), time(12)), (time(14), time(18)))
)
"""Counted for a unit that, like everything above it, opens on no weekday: a limit must always end."""

UNKNOWN_CALENDAR = Calendar(
    id="unknown", time_zone="Asia/Shanghai", holidays=(), workdays=(), known_until=date(1970, 1, 1)
)
"""Stands in for a calendar nobody has sent yet: weekdays, and every answer says it was assumed."""


@dataclass(frozen=True)
class Counted:
    """The end of a limit. `assumed`: it lies past what the calendar knows, so weekdays were taken for workdays."""

    due_at: datetime
    assumed: bool = False


@dataclass(frozen=True)
class WorkingTime:
    """When a unit works: `opening_hours` on official working days; what opens at a weekend is a service, not working
    time. A make-up workday (调休) has the hours of the unit's first weekday, whatever weekday it falls on. An opening
    that closes at or before it opens closes on the next day."""

    opening_hours: tuple[OpeningHours, ...]
    calendar: Calendar

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.calendar.time_zone)

    @cached_property
    def _workdays(self) -> frozenset[date]:
        return frozenset(self.calendar.workdays)

    @cached_property
    def _holidays(self) -> frozenset[date]:
        return frozenset(self.calendar.holidays)

    @cached_property
    def week(self) -> dict[int, tuple[OpeningHours, ...]]:
        """Openings by ISO weekday, Monday to Friday only."""
        days: dict[int, tuple[OpeningHours, ...]] = {}
        for hours in sorted(self.opening_hours, key=lambda hours: hours.opens):
            if hours.weekday <= FRIDAY:
                days[hours.weekday] = (*days.get(hours.weekday, ()), hours)
        return days or WorkingTime(ORDINARY_WEEK, self.calendar).week

    def openings(self, day: date) -> tuple[OpeningHours, ...]:
        """What counts on `day`: nothing on a holiday or an ordinary weekend."""
        if day in self._workdays:
            return self.week.get(day.isoweekday()) or self.week[min(self.week)]
        if day in self._holidays:
            return ()
        return self.week.get(day.isoweekday(), ())

    def moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def stretches(self, first_day: date) -> Iterator[tuple[datetime, datetime]]:
        """Every opening from `first_day` on, oldest first, in UTC."""
        day = first_day
        while True:
            for hours in self.openings(day):
                yield self.moment(day, hours.opens), self.closing(day, hours)
            day += timedelta(days=1)

    def closing(self, day: date, hours: OpeningHours) -> datetime:
        overnight = hours.closes <= hours.opens
        return self.moment(day + timedelta(days=1) if overnight else day, hours.closes)


def count(limit: Limit, start: datetime, working: WorkingTime) -> Counted:
    """The absolute end of `limit` counted from `start`.

    - `minutes`: natural time, day and night.
    - `natural_days`: the same time of the local day, that many days on; "24 h" is one.
    - `working_hours`: only open minutes count. A start outside opening hours waits for the next opening; a limit
      used up exactly at closing time ends at that closing time.
    - `working_days`: the day of the start is not counted, wherever in it the start lies; the limit ends when the
      unit closes for the last time on the last counted working day. So do the Civil Code's terms (民法典 第二百零一条
      and 第二百零三条). Two working days from a Monday, 02:00 or 17:59, end on Wednesday at closing time; from a
      Saturday, on Tuesday. A day the unit does not open is not a working day for it.
    """
    start = start.astimezone(UTC)
    match limit.clock:
        case ClockKind.MINUTES:
            return Counted(start + timedelta(minutes=limit.amount))
        case ClockKind.NATURAL_DAYS:
            local = start.astimezone(working.zone)
            return Counted(
                datetime.combine(local + timedelta(days=limit.amount), local.timetz()).astimezone(UTC)
            )
        case ClockKind.WORKING_HOURS:
            due_at = _after_open_time(timedelta(hours=limit.amount), start, working)
        case ClockKind.WORKING_DAYS:
            due_at = _closing_of_day(limit.amount, start, working)
    return Counted(due_at, assumed=due_at > working.moment(working.calendar.known_until, time.max))


def amber_at(start: datetime, due_at: datetime, percent: int) -> datetime:
    """黄灯: when `percent` of the whole stretch from `start` to `due_at` is used, nights and weekends included."""
    return start + (due_at - start) * percent / 100


def _after_open_time(left: timedelta, start: datetime, working: WorkingTime) -> datetime:
    cursor = start
    # From the day before, because an overnight opening may reach into the day of the start.
    for opens_at, closes_at in working.stretches(start.astimezone(working.zone).date() - timedelta(days=1)):
        cursor = max(cursor, opens_at)
        open_time = closes_at - cursor
        if open_time >= left:
            return cursor + left
        if open_time > timedelta(0):
            left -= open_time
            cursor = closes_at
    raise AssertionError("working time never ends")


def _closing_of_day(days: int, start: datetime, working: WorkingTime) -> datetime:
    day = start.astimezone(working.zone).date()
    while days > 0:
        day += timedelta(days=1)
        days -= 1 if working.openings(day) else 0
    return max((working.closing(day, hours) for hours in working.openings(day)), default=start)
