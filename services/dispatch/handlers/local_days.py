"""Which day it is where somebody walks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from shared.directory import Directory


def zone_of(directory: Directory, unit_id: str) -> ZoneInfo:
    """Which clock hangs on the wall there: by the calendar of the unit, or of what is above it."""
    for unit in reversed(directory.path(unit_id)):
        if unit.calendar_id in directory.calendars:
            return ZoneInfo(directory.calendars[unit.calendar_id].time_zone)
    return ZoneInfo("Asia/Shanghai")


def today_in(directory: Directory, unit_id: str, now: datetime) -> date:
    return now.astimezone(zone_of(directory, unit_id)).date()


def midnight(directory: Directory, unit_id: str, day: date) -> datetime:
    """When the day begins there."""
    return datetime.combine(day, time.min, zone_of(directory, unit_id)).astimezone(UTC)
