"""The model's times as real ways correct them: by what weeks taught, and by how ways go at present."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.dispatch.travel.conditions import Conditions
from services.dispatch.travel.learned import FACTOR_MAX, FACTOR_MIN, Corrections, cell_of
from services.dispatch.travel.model import Codes, Floats, Indices, Places, Travel, Trips


@dataclass(frozen=True, slots=True)
class Corrected:
    """A `Travel`: another one's medians times both factors; together they stay within the bounds of one."""

    inner: Travel
    corrections: Corrections | None = None
    conditions: Conditions | None = None

    def trips(
        self, starts: Places, modes: Codes, ends: Places, who: Indices, to: Indices, hour: int
    ) -> Trips:
        trips = self.inner.trips(starts, modes, ends, who, to, hour)
        factors: Floats = np.ones(len(who))
        if self.corrections is not None:
            start, end = cell_of(starts.lon, starts.lat), cell_of(ends.lon, ends.lat)
            factors = self.corrections.factors(start[who], end[to], modes[who], hour)
        if self.conditions is not None:
            factors = np.clip(factors * self.conditions.factors[modes[who]], FACTOR_MIN, FACTOR_MAX)
        return Trips(trips.median * factors, trips.sigma)
