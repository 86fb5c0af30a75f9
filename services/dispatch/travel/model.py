"""The one interface of travel time. Whoever asks names pairs; nobody is asked for more than the pairs weighed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.going import TravelMode

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Codes = NDArray[np.int8]
Flags = NDArray[np.bool_]

MODES = (TravelMode.WALK, TravelMode.E_BIKE, TravelMode.CAR)
"""A mode's code is its place here."""


@dataclass(frozen=True, slots=True)
class Places:
    """Points in WGS-84 degrees, one row each."""

    lon: Floats
    lat: Floats


@dataclass(frozen=True, slots=True)
class Trips:
    """A distribution per pair: lognormal with this median in seconds, and sigma of its logarithm."""

    median: Floats
    sigma: Floats


class Travel(Protocol):
    """`who` and `to` are aligned: trip e leads from `starts[who[e]]` by `modes[who[e]]` to `ends[to[e]]`. `hour` is the
    local hour of the day, 0 to 23. An unreachable end has an infinite median."""

    def trips(
        self, starts: Places, modes: Codes, ends: Places, who: Indices, to: Indices, hour: int
    ) -> Trips: ...
