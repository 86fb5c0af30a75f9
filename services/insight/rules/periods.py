"""The days, weeks and months a figure is split into: local ones, so that midnight is where people live."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.insight.rules.naming import Dimension

PERIODS_MAX = 400
"""Groups of one figure: a year by day, eight by week."""
FORMS = {Dimension.DAY: "%Y-%m-%d", Dimension.WEEK: "%G-W%V", Dimension.MONTH: "%Y-%m"}
"""As the database writes them (queries.counts); a week is an ISO week and belongs to the year of its Thursday."""


def periods(by: Dimension, starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> list[str]:
    """Every one that the span touches, also those in which nothing happened, oldest first."""
    first = starts_at.astimezone(zone).date()
    last = (ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return list(dict.fromkeys(_named(day, by) for day in days))


def _named(day: date, by: Dimension) -> str:
    return day.strftime(FORMS[by])
