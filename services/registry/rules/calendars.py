"""Calendars: single days changed by hand, and a word in time when the coming year is missing.

The notice for the next year comes in November; whoever counts working days past `known_until` only knows weekends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from enum import StrEnum

from shared.things import Calendar, Value

NOTICE_MONTH = 11
RUNS_OUT_DAYS = 60


class CalendarFlaw(StrEnum):
    """Rising in urgency: the coming year is not there, it ends within 60 days, it is over."""

    YEAR_MISSING = "year_missing"
    RUNS_OUT = "runs_out"
    OVER = "over"


class CalendarWarning(Value):
    calendar_id: str
    code: CalendarFlaw
    known_until: date
    days_left: int
    units: int
    text: str


def days_left(calendar: Calendar, today: date) -> int:
    """Days from today that the calendar still knows; negative when it is over."""
    return (calendar.known_until - today).days


def flaw_of(calendar: Calendar, today: date) -> CalendarFlaw | None:
    if calendar.known_until < today:
        return CalendarFlaw.OVER
    if days_left(calendar, today) < RUNS_OUT_DAYS and today.month < NOTICE_MONTH:
        return CalendarFlaw.RUNS_OUT
    if today.month >= NOTICE_MONTH and calendar.known_until < date(today.year + 1, 12, 31):
        return CalendarFlaw.YEAR_MISSING
    return None


def warning_of(calendar: Calendar, units: int, today: date) -> CalendarWarning | None:
    """What is wrong with a calendar that `units` units count by; nothing if none does."""
    flaw = flaw_of(calendar, today) if units and calendar.retired_at is None else None
    if flaw is None:
        return None
    until = calendar.known_until.isoformat()
    year = calendar.known_until.year + 1
    return CalendarWarning(
        calendar_id=calendar.id,
        code=flaw,
        known_until=calendar.known_until,
        days_left=days_left(calendar, today),
        units=units,
        text=f"日历只到 {until}，请录入 {year} 年放假调休 / It is known until {until}: enter the holidays of {year}",
    )


def with_days(
    calendar: Calendar,
    holidays: Collection[date],
    workdays: Collection[date],
    ordinary: Iterable[date],
    known_until: date | None,
) -> Calendar:
    """The calendar with these days made holidays, working days, or ordinary ones again."""
    off = (set(calendar.holidays) - set(workdays) - set(ordinary)) | set(holidays)
    on = (set(calendar.workdays) - set(holidays) - set(ordinary)) | set(workdays)
    return calendar.model_copy(
        update={
            "holidays": tuple(sorted(off)),
            "workdays": tuple(sorted(on)),
            "known_until": known_until or calendar.known_until,
        }
    )
