"""Seconds that were fetched beforehand, from a router; a pair that was not goes by another model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.dispatch.travel.keys import Keys, find
from services.dispatch.travel.model import Codes, Floats, Indices, Places, Travel, Trips
from services.dispatch.travel.straight import SIGMA

DEGREES_TO_UNITS = 1e7
"""Places are told apart to a centimetre."""
UNKNOWN = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Block:
    """What a router said in one answer: `seconds[s, e]` from `starts[s]` to `ends[e]` by this mode; NaN where it knows
    no way."""

    mode: int
    starts: Places
    ends: Places
    seconds: Floats


@dataclass(frozen=True, slots=True)
class Table:
    """A `Travel`. `starts` and `ends` are sorted keys of places; `pairs` are sorted keys of (mode, start, end), and
    `seconds` theirs. Places are known by where they are, not by their row: whoever asks may leave some out."""

    starts: Keys
    ends: Keys
    pairs: Keys
    seconds: Floats
    otherwise: Travel
    sigma: float = SIGMA

    def trips(
        self, starts: Places, modes: Codes, ends: Places, who: Indices, to: Indices, hour: int
    ) -> Trips:
        trips = self.otherwise.trips(starts, modes, ends, who, to, hour)
        start, start_known = find(self.starts, _keys(starts))
        end, end_known = find(self.ends, _keys(ends))
        wanted = _pair(modes[who], start[who], end[to], len(self.starts), len(self.ends))
        pair, known = find(self.pairs, wanted)
        known &= start_known[who] & end_known[to]
        median, sigma = trips.median.copy(), trips.sigma.copy()
        median[known] = self.seconds[pair[known]]
        sigma[known] = self.sigma
        return Trips(median, sigma)


class Nothing:
    """A `Travel` that knows no way: behind a table, only what is in it counts."""

    def trips(
        self, starts: Places, modes: Codes, ends: Places, who: Indices, to: Indices, hour: int
    ) -> Trips:
        return Trips(np.full(len(who), np.inf), np.full(len(who), SIGMA))


def table_of(blocks: Sequence[Block], otherwise: Travel, *, sigma: float = SIGMA) -> Table:
    """A pair that is in two blocks has the seconds of the first."""
    starts = np.unique(_joined([_keys(block.starts) for block in blocks]))
    ends = np.unique(_joined([_keys(block.ends) for block in blocks]))
    pairs, seconds = [], []
    for block in blocks:
        placed = _keys(block.starts) != UNKNOWN
        row, column = np.nonzero(np.isfinite(block.seconds) & placed[:, None])
        start, _ = find(starts, _keys(block.starts))
        end, _ = find(ends, _keys(block.ends))
        mode = np.full(len(row), block.mode, dtype=np.int8)
        pairs.append(_pair(mode, start[row], end[column], len(starts), len(ends)))
        seconds.append(block.seconds[row, column])
    unique, first = np.unique(_joined(pairs), return_index=True)
    known = np.concatenate(seconds)[first] if seconds else np.empty(0)
    return Table(starts, ends, unique, known, otherwise, sigma)


def _joined(parts: Sequence[Keys]) -> Keys:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _keys(places: Places) -> Keys:
    """One number per place, UNKNOWN for NaN."""
    known = np.isfinite(places.lon) & np.isfinite(places.lat)
    lon = np.rint(np.where(known, places.lon, 0) * DEGREES_TO_UNITS).astype(np.int64)
    lat = np.rint(np.where(known, places.lat, 0) * DEGREES_TO_UNITS).astype(np.int64)
    return np.where(known, lon * 4_000_000_000 + lat, UNKNOWN)


def _pair(mode: Codes, start: Indices, end: Indices, starts: int, ends: int) -> Keys:
    return (mode.astype(np.int64) * starts + start) * ends + end
