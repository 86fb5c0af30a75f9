"""The order of a day's round: a short walk with a time for every stop. What is overdue goes first and what has its
time is met at that time; otherwise the nearest is next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.things import Point

UNKNOWN_WAY = timedelta(minutes=5)
"""From or to a place nobody knows: about what a walk inside a grid takes."""

SecondsBetween = Callable[[Point, Point], int]


@dataclass(frozen=True)
class Call:
    """One stop of today. `at` is the time it is wanted, of this day."""

    key: str
    place: Point | None
    stay: timedelta
    overdue_days: int = 0
    at: datetime | None = None


@dataclass(frozen=True)
class Planned:
    """When somebody who leaves now gets there; early for a stop with a time of its own means waiting for it."""

    call: Call
    arrive_at: datetime
    leave_at: datetime


def day_order(
    calls: Sequence[Call], start: Point | None, now: datetime, seconds: SecondsBetween
) -> list[Planned]:
    """Every call once, in the order of the walk from `start`."""
    left = sorted(calls, key=lambda call: call.key)
    here, clock, planned = start, now, list[Planned]()
    while left:
        call = _next(left, here, clock, seconds)
        left.remove(call)
        there = clock + _way(here, call.place, seconds)
        arrive_at = max(there, call.at) if call.at is not None else there
        planned.append(Planned(call, arrive_at, arrive_at + call.stay))
        here, clock = call.place or here, arrive_at + call.stay
    return planned


def _next(left: Sequence[Call], here: Point | None, clock: datetime, seconds: SecondsBetween) -> Call:
    timed = min((call for call in left if call.at is not None), key=lambda c: (c.at, c.key), default=None)
    free = [call for call in left if call.at is None]
    if not free:
        assert timed is not None
        return timed
    nearest = min(free, key=lambda c: (c.overdue_days == 0, _way(here, c.place, seconds), c.key))
    if timed is None or timed.at is None:
        return nearest
    after = clock + _way(here, nearest.place, seconds) + nearest.stay
    in_time = after + _way(nearest.place or here, timed.place, seconds) <= timed.at
    return nearest if in_time else timed


def _way(here: Point | None, there: Point | None, seconds: SecondsBetween) -> timedelta:
    if here is None or there is None:
        return UNKNOWN_WAY
    return timedelta(seconds=seconds(here, there))
