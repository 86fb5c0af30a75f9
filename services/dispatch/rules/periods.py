"""By which days something that comes again is due. Days are fixed by the day the schedule counts from: doing one late
moves none of those that follow."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count, takewhile

from shared.fieldwork import PeriodUnit

TIMES_MAX = {PeriodUnit.DAYS: 365, PeriodUnit.WEEK: 7, PeriodUnit.MONTH: 28}
"""Every so many days at most; so many times a week or a month at most, each on a day of its own."""
WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Period:
    """Every `amount` days, or `amount` times a week or a month."""

    unit: PeriodUnit
    amount: int

    @property
    def possible(self) -> bool:
        return 1 <= self.amount <= TIMES_MAX[self.unit]


def next_due(period: Period, since: date, after: date) -> date:
    """The first day that is due later than `after`."""
    start = _turn_before(period, since, after)
    return next(day for day in _from_turn(period, since, start) if day > after)


def due_between(period: Period, since: date, begin: date, end: date) -> list[date]:
    """The days due from `begin` to `end`, both included."""
    start = _turn_before(period, since, begin - timedelta(days=1))
    return [
        day for day in takewhile(lambda day: day <= end, _from_turn(period, since, start)) if day >= begin
    ]


def _from_turn(period: Period, since: date, turn: int) -> Iterator[date]:
    """The days in order, for ever; several times a week or a month lie evenly within it."""
    times = 1 if period.unit is PeriodUnit.DAYS else period.amount
    for at in count(turn):
        begins, ends = _span(period, since, at), _span(period, since, at + 1)
        for nth in range(times):
            yield begins + timedelta(days=(ends - begins).days * nth // times)


def _turn_before(period: Period, since: date, day: date) -> int:
    """A turn that begins no later than `day`, or the first."""
    if period.unit is PeriodUnit.MONTH:
        return max(0, (day.year - since.year) * 12 + day.month - since.month - 1)
    length = period.amount if period.unit is PeriodUnit.DAYS else WEEK_DAYS
    return max(0, (day - since).days // length)


def _span(period: Period, since: date, turn: int) -> date:
    """The first day of a turn. A month that has no 31st begins on its last day."""
    if period.unit is PeriodUnit.MONTH:
        months = since.year * 12 + since.month - 1 + turn
        year, month = divmod(months, 12)
        return date(year, month + 1, min(since.day, monthrange(year, month + 1)[1]))
    return since + timedelta(days=turn * (period.amount if period.unit is PeriodUnit.DAYS else WEEK_DAYS))
