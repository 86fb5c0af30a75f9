"""What dispatch learns of ways during a simulated day, from what is reported to it: accepted here, arrived there.

As the real service with years of fair weather behind it: the nominal speeds are what all its counts say, and what the
day is like it only knows from the ways that ended lately.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from services.dispatch.travel.conditions import (
    LASTS_SECONDS,
    LOOKS_EVERY_SECONDS,
    WAYS_MAX,
    Conditions,
    Ended,
    ended,
)
from services.dispatch.travel.corrected import Corrected
from services.dispatch.travel.model import Places, Travel
from shared.things import Point


@dataclass(frozen=True, slots=True)
class SetOut:
    """A way that has begun."""

    start: Point
    end: Point
    mode: int
    at: float


class Lessons:
    """The travel model as ways go at present."""

    def __init__(self, travel: Travel) -> None:
        self._travel, self._nominal = travel, travel
        self._ways: list[Ended] = []
        self._looked_at = -inf

    def travel(self, now: float) -> Travel:
        if self._ways and now >= self._looked_at + LOOKS_EVERY_SECONDS:
            self._travel, self._looked_at = (
                Corrected(self._nominal, None, Conditions.of(self._ways, now)),
                now,
            )
        return self._travel

    def arrived(self, trip: SetOut, hour: int, now: float) -> None:
        """Pressed on the phone, true or not; one wild way among many does no harm."""
        way = ended(now, trip.mode, now - trip.at, self._seconds(trip, hour))
        if way is not None:
            self._ways = [one for one in self._ways if now - one.at < LASTS_SECONDS][-WAYS_MAX + 1 :] + [way]

    def _seconds(self, trip: SetOut, hour: int) -> float:
        """What the model says in fair weather."""
        start, end = _place(trip.start), _place(trip.end)
        row = np.zeros(1, dtype=np.intp)
        modes = np.array([trip.mode], dtype=np.int8)
        return float(self._nominal.trips(start, modes, end, row, row, hour).median[0])


def _place(point: Point) -> Places:
    return Places(np.array([point.lon]), np.array([point.lat]))
