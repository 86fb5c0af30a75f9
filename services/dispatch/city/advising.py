"""待命建议 in the city: what the service says to free people about where to wait, from what dispatch knows here.

Once a minute at most, and only while nothing waits, one free person at most is told in which grid they would best wait
(matching.advice). Dispatch knows of the demand what the service would know: the calls of the last weeks by hour and by
cell of half a kilometre. These are usual days of the same kind, drawn for themselves: no surge, no weather, nothing of
the day that is being played but the calls it has brought so far. A recorded day has no weeks before it.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np

from services.dispatch.city import ground
from services.dispatch.city.demand import demand
from services.dispatch.city.draws import Draw, Draws, Stream
from services.dispatch.city.people import Roster
from services.dispatch.city.scenarios import Scenario
from services.dispatch.city.seen import NONE, Seen
from services.dispatch.matching import advice
from services.dispatch.matching.advice import Calm, Reach, best_move, told_reach
from services.dispatch.travel.model import Floats, Indices, Places, Travel

CELL_M = 500.0
CELLS_ACROSS = int(ground.SIDE_M / CELL_M)
CELLS = CELLS_ACROSS * CELLS_ACROSS
SEED_BITS = 53


def cell_of(x: Floats, y: Floats) -> Indices:
    column = np.clip(np.asarray(x) // CELL_M, 0, CELLS_ACROSS - 1)
    row = np.clip(np.asarray(y) // CELL_M, 0, CELLS_ACROSS - 1)
    result: Indices = (row * CELLS_ACROSS + column).astype(np.intp)
    return result


def cells() -> Places:
    """Their middles."""
    row, column = np.divmod(np.arange(CELLS), CELLS_ACROSS)
    return ground.places((column + 0.5) * CELL_M, (row + 0.5) * CELL_M)


def past_calls(scenario: Scenario, draws: Draws) -> Floats:
    """(24, CELLS): how many emergencies there were in the weeks before, by hour of the day."""
    counts = np.zeros((24, CELLS))
    if scenario.calls is not None:
        return counts
    usual = replace(scenario, surges=())
    for day in range(advice.DEMAND_DAYS):
        seed = int(draws.uniform(Draw.PAST_DAY, day) * 2**SEED_BITS)
        calls = demand(usual, draws.changed(Stream.DEMAND, seed))
        hours = _hours(scenario.starts_at_hour, calls.registered)
        np.add.at(counts, (hours, cell_of(calls.x, calls.y)), 1.0)
    return counts


class Advising:
    """Asked once a minute. Knows the roster, dispatch's notes and the weeks before; nothing of the city itself."""

    def __init__(self, seen: Seen, roster: Roster, past: Floats, travel: Travel, starts_at_hour: int) -> None:
        self._seen, self._roster, self._past, self._starts_at_hour = seen, roster, past, starts_at_hour
        self._bases = ground.places(roster.base_x, roster.base_y)
        self._base_grid = ground.grid_of(roster.base_x, roster.base_y)
        self._told_at = np.full(len(roster), -inf)
        everybody = Calm(
            people=self._bases,
            modes=roster.modes,
            may=np.ones(len(roster), dtype=bool),
            cells=cells(),
            expected=np.zeros(CELLS),
            spots=ground.places(*ground.centres()),
            travel=travel,
            hour=starts_at_hour,
        )
        self._calm, self._reach = everybody, advice.reach_of(everybody)
        self._hour, self._expected = NONE, everybody.expected

    def suggest(self, now: float) -> tuple[int, int] | None:
        """Whom to tell, and which grid; the notes hold afterwards that it was said."""
        expected = self._demand(now)
        if self._seen.waiting or expected.sum() < advice.CASES_MIN:
            return None
        people, places = self._seen.idle(now)
        told = self._seen.told_where(people)
        calm = replace(
            self._calm,
            people=places,
            modes=self._roster.modes[people],
            may=now - self._told_at[people] >= advice.PERSON_RESTS_SECONDS,
            expected=expected,
            at=np.where(told == NONE, self._base_grid[people], told),
        )
        untold = Reach(self._reach.stays[people], self._reach.there)
        move = best_move(calm, reach=told_reach(untold, calm.modes, told))
        if move is None:
            return None
        person, grid = int(people[move.person]), move.spot
        self._told_at[person] = now
        self._seen.told(person, grid, now)
        return person, grid

    def _demand(self, now: float) -> Floats:
        """(CELLS,): looked up once an hour, today's calls so far among them."""
        hour = int(_hours(self._starts_at_hour, np.asarray(now)))
        if hour != self._hour:
            around = [(hour + step) % 24 for step in range(-advice.HOURS_AROUND, advice.HOURS_AROUND + 1)]
            self._hour, self._expected = hour, self._past[around].sum(axis=0)
            today = list(self._seen.cases.values())
            at = np.array([one.registered for one in today], dtype=np.float64)
            then = np.isin(_hours(self._starts_at_hour, at), around)
            of = cell_of(np.array([one.x for one in today]), np.array([one.y for one in today]))
            self._expected += np.bincount(of[then], minlength=CELLS)
        return self._expected


def _hours(starts_at_hour: int, at: Floats) -> Indices:
    result: Indices = (starts_at_hour + np.asarray(at) / 3600.0).astype(np.intp) % 24
    return result
