"""Where a free person would best wait: the one move that lets most emergencies to be expected be reached in time.

An emergency counts as covered if somebody of those free is there in time, each with their own chance; what others cover
already is worth nothing twice (marginal coverage, after Daskin's maximum expected covering location model, 1983).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.dispatch.matching.costs import chance_late
from services.dispatch.travel.model import MODES, Codes, Flags, Floats, Indices, Places, Travel

IN_TIME_SECONDS = 900.0 - 20.0
"""A quarter of an hour, less the time people take to answer."""
ACCEPTS = 0.88
"""How many offers are accepted, typically."""
WAY_SECONDS_MAX = 900.0
"""Nobody is sent further than this only to wait."""
GAIN_MIN = 0.02
"""A move has to bring so large a share of the expected emergencies into reach."""


@dataclass(frozen=True, slots=True)
class Calm:
    """A moment of a street in which nothing waits. n free people, of whom those who `may` be told something; m cells
    with how many emergencies are to be expected in each; k spots to wait at. `hour` is the local hour of the day."""

    people: Places
    modes: Codes
    may: Flags
    cells: Places
    expected: Floats
    spots: Places
    travel: Travel
    hour: int


@dataclass(frozen=True, slots=True)
class Move:
    """Rows of people and of spots, and which share of the expected emergencies is covered, from 0 to 1."""

    person: int
    spot: int
    covered_before: float
    covered_after: float


def best_move(calm: Calm, gain_min: float = GAIN_MIN) -> Move | None:
    """The move of one person that gains most, if it gains enough; of equal ones the first by rows."""
    total = float(calm.expected.sum())
    if not (calm.may.any() and len(calm.spots.lon) and total > 0):
        return None
    share = calm.expected / total
    reach = _in_time(calm, calm.people, calm.modes)
    missed = 1.0 - ACCEPTS * reach
    nobody = np.prod(missed, axis=0)
    rows = np.flatnonzero(calm.may)
    weight = share * nobody / missed[rows]
    stays = ACCEPTS * (weight * reach[rows]).sum(axis=1)
    gain = _at_spots(calm, rows, weight) - stays[:, None]
    at = int(np.argmax(gain))
    row, spot = divmod(at, gain.shape[1])
    if not gain[row, spot] >= gain_min:
        return None
    before = 1.0 - float(share @ nobody)
    return Move(int(rows[row]), spot, before, before + float(gain[row, spot]))


def _at_spots(calm: Calm, rows: Indices, weight: Floats) -> Floats:
    """(rows, spots): what each of them would cover there; minus infinity where it is too far to go and wait."""
    covers = np.empty((len(rows), len(calm.spots.lon)))
    for mode in range(len(MODES)):
        mine = np.flatnonzero(calm.modes[rows] == mode)
        if len(mine):
            there = _in_time(calm, calm.spots, np.full(len(calm.spots.lon), mode, dtype=np.int8))
            covers[mine] = ACCEPTS * weight[mine] @ there.T
    people = Places(calm.people.lon[rows], calm.people.lat[rows])
    way, _ = _trips(calm, people, calm.modes[rows], calm.spots)
    return np.where(way <= WAY_SECONDS_MAX, covers, -np.inf)


def _in_time(calm: Calm, starts: Places, modes: Codes) -> Floats:
    """(starts, cells): the chance to be there in time."""
    median, sigma = _trips(calm, starts, modes, calm.cells)
    return 1.0 - chance_late(median, sigma, np.full(median.shape, IN_TIME_SECONDS))


def _trips(calm: Calm, starts: Places, modes: Codes, ends: Places) -> tuple[Floats, Floats]:
    """Median seconds and sigma from each start to each end."""
    n, m = len(starts.lon), len(ends.lon)
    who, to = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
    trips = calm.travel.trips(starts, modes, ends, who, to, calm.hour)
    return trips.median.reshape(n, m), trips.sigma.reshape(n, m)
