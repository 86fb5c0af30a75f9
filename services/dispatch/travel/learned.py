"""What real ways taught: a factor on the travel time per (from cell, to cell, hours, mode), hard to lead astray.

Kept are counts: how often a way from cell to cell took so many times what the model said, in bins. Counts forget who
and when, may come in any order and from any replica, and their median does not care how wild an outlier is. Where a
pair of cells has few trips, the ways into the target cell are asked, then all of those hours, then all of the mode.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from services.dispatch.travel.keys import Keys, find
from services.dispatch.travel.model import MODES, Codes, Floats, Indices
from shared.going import TravelMode
from shared.things import Point

CELL_DEGREES = 0.005
"""About half a kilometre: finer than that nothing is kept of anybody's way."""
CELLS_ACROSS = 72_000
CELLS = CELLS_ACROSS * 36_001

BIN_WIDTH = 0.1
BINS = 28
"""Of the logarithm of the ratio, from a quarter to four times; what lies beyond counts in the last one."""
LOWEST = -BIN_WIDTH * BINS / 2

HOURS_FROM = (6, 9, 16, 19, 22)
"""Morning rush, day, evening rush, evening, night (which goes on until six)."""
BANDS = len(HOURS_FROM)

FACTOR_MIN, FACTOR_MAX = 0.5, 2.5
UNHEARD = 2
"""So many trips say nothing yet: their median could be one outlier."""
DOUBT = 8.0
"""With so many trips more, a cell's own median and what is known of its surroundings weigh the same."""
NOMINAL_SECONDS_MIN = 60.0
"""A shorter way is mostly doors and stairs, and says nothing about streets."""
WAY_SECONDS_MAX = 3 * 3600.0
"""Whoever took longer did something else on the way."""


def cell_of(lon: Floats, lat: Floats) -> Keys:
    """The cell of each place; -1 where the place is not known."""
    known = np.isfinite(lon) & np.isfinite(lat)
    column = np.floor((np.where(known, lon, 0) + 180) / CELL_DEGREES).astype(np.int64) % CELLS_ACROSS
    row = np.floor((np.where(known, lat, 0) + 90) / CELL_DEGREES).astype(np.int64)
    return np.where(known, row * CELLS_ACROSS + column, -1)


def band_of(hour: int) -> int:
    """Hours are taken together where streets are alike; `hour` is local, 0 to 23."""
    return (sum(begins <= hour for begins in HOURS_FROM) - 1) % BANDS


def bin_of(seconds: float, nominal_seconds: float) -> int:
    ratio = float(np.log(max(seconds, 1.0) / nominal_seconds))
    return min(BINS - 1, max(0, int((ratio - LOWEST) // BIN_WIDTH)))


@dataclass(frozen=True, slots=True)
class Count:
    """How many trips from cell to cell, in these hours by this mode, fell into a bin."""

    from_cell: int
    to_cell: int
    band: int
    mode: TravelMode
    bin: int
    trips: int


def way_of(
    start: Point, end: Point, hour: int, mode: TravelMode, seconds: float, nominal_seconds: float
) -> Count | None:
    """What one real way adds to the counts; None if it is too short to say anything."""
    if not NOMINAL_SECONDS_MIN <= nominal_seconds < np.inf:
        return None
    cells = cell_of(np.array([start.lon, end.lon]), np.array([start.lat, end.lat]))
    from_cell, to_cell = int(cells[0]), int(cells[1])
    return Count(from_cell, to_cell, band_of(hour), mode, bin_of(seconds, nominal_seconds), 1)


@dataclass(frozen=True, slots=True)
class Corrections:
    """Logarithms of factors, each already leaning on the level above it: `by_mode` (3,), `by_hours` (3 × BANDS,), those
    of target cells and of pairs of cells by their sorted keys."""

    by_mode: Floats
    by_hours: Floats
    targets: Keys
    by_target: Floats
    pairs: Keys
    by_pair: Floats

    @classmethod
    def of(cls, counts: Iterable[Count]) -> Self:
        rows = list(counts)
        mode = np.array([MODES.index(row.mode) for row in rows], dtype=np.int64)
        hours = mode * BANDS + np.array([row.band for row in rows], dtype=np.int64)
        target = hours * CELLS + np.array([row.to_cell for row in rows], dtype=np.int64)
        start = np.array([row.from_cell for row in rows], dtype=np.int64)
        bins = np.array([row.bin for row in rows], dtype=np.intp)
        trips = np.array([row.trips for row in rows], dtype=np.float64)

        by_mode = _leaning(_tally(mode, bins, trips, len(MODES)), np.zeros(len(MODES)))
        above = np.repeat(by_mode, BANDS)
        by_hours = _leaning(_tally(hours, bins, trips, len(above)), above)
        targets, at_target = np.unique(target, return_inverse=True)
        by_target = _leaning(_tally(at_target, bins, trips, len(targets)), by_hours[targets // CELLS])
        pairs, at_pair = np.unique(at_target * CELLS + start, return_inverse=True)
        by_pair = _leaning(_tally(at_pair, bins, trips, len(pairs)), by_target[pairs // CELLS])
        return cls(by_mode, by_hours, targets, by_target, pairs, by_pair)

    def factors(self, from_cell: Keys, to_cell: Keys, modes: Codes, hour: int) -> Floats:
        """By what each trip's time is multiplied; 1 where nothing was learned."""
        hours = modes.astype(np.int64) * BANDS + band_of(hour)
        target, into_known = find(self.targets, hours * CELLS + to_cell)
        into_known &= to_cell >= 0
        pair, pair_known = find(self.pairs, target * CELLS + from_cell)
        pair_known &= into_known & (from_cell >= 0)
        logs: Floats = self.by_hours[hours]
        logs[into_known] = self.by_target[target[into_known]]
        logs[pair_known] = self.by_pair[pair[pair_known]]
        return np.clip(np.exp(logs), FACTOR_MIN, FACTOR_MAX)


def _tally(group: Indices | Keys, bins: Indices, trips: Floats, groups: int) -> Floats:
    """(groups, BINS): trips by bin."""
    tally = np.zeros((groups, BINS))
    np.add.at(tally, (group, bins), trips)
    return tally


def trust(trips: Floats) -> Floats:
    """0 to 1: how much so many trips count against what is known of their surroundings."""
    heard: Floats = np.maximum(0.0, trips - UNHEARD)
    return heard / (heard + DOUBT)


def _leaning(tally: Floats, above: Floats) -> Floats:
    """Each group's median, leaning on what is known one level up: the more trips, the less."""
    weight = trust(tally.sum(axis=1))
    return weight * _medians(tally) + (1 - weight) * above


def _medians(tally: Floats) -> Floats:
    """The median log ratio of each group, inside its bin by how many lie before it; 0 without trips."""
    trips = tally.sum(axis=1)
    before = np.cumsum(tally, axis=1)
    half = trips / 2
    at = np.argmax(before >= half[:, None], axis=1)
    rows = np.arange(len(tally))
    inside = tally[rows, at]
    passed = before[rows, at] - inside
    part = np.divide(half - passed, inside, out=np.full(len(tally), 0.5), where=inside > 0)
    return np.where(trips > 0, LOWEST + BIN_WIDTH * (at + part), 0.0)
