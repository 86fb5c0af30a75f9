"""Which months are over and have to be published."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS_BACK_MAX = 24


def next_month(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def begins(month: date, zone: ZoneInfo) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=zone)


def due(
    first_at: datetime | None,
    published: Collection[date],
    now: datetime,
    zone: ZoneInfo,
    after_days: int,
) -> list[date]:
    """Every whole month since the first case that ended at least `after_days` ago and is not published, oldest
    first; those of the last two years."""
    if first_at is None:
        return []
    month = first_at.astimezone(zone).date().replace(day=1)
    found = []
    while begins(next_month(month), zone) + timedelta(days=after_days) <= now:
        found.append(month)
        month = next_month(month)
    return [month for month in found[-MONTHS_BACK_MAX:] if month not in published]
