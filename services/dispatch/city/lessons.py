"""What dispatch learns of ways during a simulated day, from what is reported to it: accepted here, arrived there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.dispatch.travel.learned import Corrected, Corrections, Count, way_of
from services.dispatch.travel.model import MODES, Places, Travel
from shared.things import Point

LOOKS_AGAIN_EVERY = 10
"""Real ways between two looks at all of them."""
WAYS_KEPT = 400
"""The weather changes: older ways are forgotten."""


@dataclass(frozen=True, slots=True)
class SetOut:
    """A way that has begun."""

    start: Point
    end: Point
    mode: int
    at: float


class Lessons:
    """The travel model as corrected by the day so far."""

    def __init__(self, travel: Travel) -> None:
        self.travel, self._nominal = travel, travel
        self._ways: list[Count] = []
        self._heard = 0

    def arrived(self, trip: SetOut, hour: int, now: float) -> None:
        """Pressed on the phone, true or not; one wild way among many does no harm."""
        count = way_of(trip.start, trip.end, hour, MODES[trip.mode], now - trip.at, self._seconds(trip, hour))
        if count is None:
            return
        self._ways = [*self._ways[-WAYS_KEPT + 1 :], count]
        self._heard += 1
        if self._heard % LOOKS_AGAIN_EVERY == 0:
            self.travel = Corrected(self._nominal, Corrections.of(self._ways))

    def _seconds(self, trip: SetOut, hour: int) -> float:
        """What the model said before anything was learned."""
        start, end = _place(trip.start), _place(trip.end)
        row = np.zeros(1, dtype=np.intp)
        modes = np.array([trip.mode], dtype=np.int8)
        return float(self._nominal.trips(start, modes, end, row, row, hour).median[0])


def _place(point: Point) -> Places:
    return Places(np.array([point.lon]), np.array([point.lat]))
