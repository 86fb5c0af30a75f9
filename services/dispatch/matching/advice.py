"""Where a free person would best wait: the one move that lets most emergencies to be expected be reached in time.

An emergency counts as covered if somebody of those free is there in time, each with their own chance; what others cover
already is worth nothing twice (marginal coverage, after Daskin's maximum expected covering location model, 1983).
People count where they will wait if nobody tells them anything, not where they are at the moment: whoever has just
finished goes home by and by, and to hear "stay" may be worth as much as to hear "go".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.dispatch.matching.costs import chance_late
from services.dispatch.matching.whereabouts import FOLLOWED
from services.dispatch.travel.model import MODES, Codes, Flags, Floats, Indices, Places, Travel

IN_TIME_SECONDS = 900.0 - 20.0
"""A quarter of an hour, less the time people take to answer."""
ACCEPTS = 0.88
"""How many offers are accepted, typically."""
WAY_SECONDS_MAX = 900.0
"""Nobody is sent further than this only to wait."""
GAIN_MIN = 0.05
"""A move has to bring so large a share of the expected emergencies into reach."""
EVERY_SECONDS = 60.0
"""So often a street is looked at, and at most one suggestion made in it."""
PERSON_RESTS_SECONDS = 1800.0
"""Nobody is told twice within so long."""
DEMAND_DAYS = 28
"""Whole weeks, so that each weekday counts the same."""
HOURS_AROUND = 1
"""The hour of the day and so many before and after it."""
CASES_MIN = 20
"""With fewer emergencies in all these days nothing is known of where the next will be."""


@dataclass(frozen=True, slots=True)
class Calm:
    """A moment of a street in which nothing waits. n free people, of whom those who `may` be told something; m cells
    with how many emergencies are to be expected in each; k spots to wait at. `people` is where they are, as far as is
    known, `waits` where they will wait if nothing is said (None: where they are), and `at` which spot that is, −1 if
    none (None: nobody's is), `told` at which spot they were told to wait and may be, −1 for the others (None: nobody
    was). `hour` is the local hour of the day."""

    people: Places
    modes: Codes
    may: Flags
    cells: Places
    expected: Floats
    spots: Places
    travel: Travel
    hour: int
    waits: Places | None = None
    at: Indices | None = None
    told: Indices | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """Chances to be in time in a cell: `stays` (n, m) of people from where they will wait if nothing is said, `there`
    (modes, k, m) from each spot."""

    stays: Floats
    there: Floats


@dataclass(frozen=True, slots=True)
class Move:
    """Rows of people and of spots, and which share of the expected emergencies is covered, from 0 to 1."""

    person: int
    spot: int
    covered_before: float
    covered_after: float


def best_move(calm: Calm, gain_min: float = GAIN_MIN, reach: Reach | None = None) -> Move | None:
    """The move of one person that gains most, if it gains enough; of equal ones the first by rows. `reach` is what
    `reach_of` would find, for whoever asks again and again about the same places."""
    total = float(calm.expected.sum())
    if not (calm.may.any() and len(calm.spots.lon) and total > 0):
        return None
    share = calm.expected / total
    reach = reach or reach_of(calm)
    missed = 1.0 - ACCEPTS * reach.stays
    nobody = np.prod(missed, axis=0)
    rows = np.flatnonzero(calm.may)
    gain = _gains(reach, calm.modes[rows], rows, share * nobody / missed[rows])
    rows, gain = _near(calm, rows, gain, gain_min)
    if not len(rows) or not gain.max() >= gain_min:
        return None
    row, spot = divmod(int(np.argmax(gain)), gain.shape[1])
    before = 1.0 - float(share @ nobody)
    return Move(int(rows[row]), spot, before, before + float(gain[row, spot]))


def reach_of(calm: Calm) -> Reach:
    waits = calm.people if calm.waits is None else calm.waits
    untold = Reach(in_time(calm, waits, calm.modes), from_spots(calm))
    return untold if calm.told is None else told_reach(untold, calm.modes, calm.told)


def told_reach(untold: Reach, modes: Codes, told: Indices) -> Reach:
    """Whoever was told to wait at a spot counts from there as well, for so far as suggestions are followed."""
    heard = np.flatnonzero(told >= 0)
    stays = untold.stays.copy()
    stays[heard] += FOLLOWED * (untold.there[modes[heard], told[heard]] - stays[heard])
    return Reach(stays, untold.there)


def from_spots(calm: Calm) -> Floats:
    """(modes, k, m): the chance to be in time in each cell from each spot."""
    k = len(calm.spots.lon)
    return np.stack(
        [in_time(calm, calm.spots, np.full(k, mode, dtype=np.int8)) for mode in range(len(MODES))]
    )


def in_time(calm: Calm, starts: Places, modes: Codes) -> Floats:
    """(starts, cells): the chance to be there in time."""
    median, sigma = _trips(calm, starts, modes, calm.cells)
    return 1.0 - chance_late(median, sigma, np.full(median.shape, IN_TIME_SECONDS))


def _gains(reach: Reach, modes: Codes, rows: Indices, weight: Floats) -> Floats:
    """(rows, spots): what more is covered if they wait there; `weight` (rows, cells) is what nobody else covers."""
    gain = np.empty((len(rows), reach.there.shape[1]))
    for mode in range(len(MODES)):
        mine = np.flatnonzero(modes == mode)
        gain[mine] = ACCEPTS * weight[mine] @ reach.there[mode].T
    result: Floats = gain - ACCEPTS * (weight * reach.stays[rows]).sum(axis=1)[:, None]
    return result


def _near(calm: Calm, rows: Indices, gain: Floats, gain_min: float) -> tuple[Indices, Floats]:
    """Those with something to gain, and minus infinity for the spots too far to go to and wait, or theirs anyway."""
    if calm.at is not None:
        has = np.flatnonzero(calm.at[rows] >= 0)
        gain[has, calm.at[rows[has]]] = -np.inf
    worth = np.flatnonzero(gain.max(axis=1) >= gain_min)
    rows, gain = rows[worth], gain[worth]
    people = Places(calm.people.lon[rows], calm.people.lat[rows])
    way, _ = _trips(calm, people, calm.modes[rows], calm.spots)
    return rows, np.where(way <= WAY_SECONDS_MAX, gain, -np.inf)


def _trips(calm: Calm, starts: Places, modes: Codes, ends: Places) -> tuple[Floats, Floats]:
    """Median seconds and sigma from each start to each end."""
    n, m = len(starts.lon), len(ends.lon)
    who, to = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
    trips = calm.travel.trips(starts, modes, ends, who, to, calm.hour)
    return trips.median.reshape(n, m), trips.sigma.reshape(n, m)
