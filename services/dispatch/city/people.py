"""Who works in the city: posts, bases, shifts, breaks, skills and how they get about.

A *position* is a post in a grid that somebody holds at any time; a *person* is who holds it in one shift. Positions
change hands at times of their own (drawn), so that never everybody leaves at once. There are as many A holders,
B holders and leaders as people suffice for; a grid without its own is looked after by the nearest one. Where there are
fewer of a post than grids, they are based where the calls come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from services.dispatch.city import ground
from services.dispatch.city.demand import SKILLS, grid_weights
from services.dispatch.city.draws import Draw, Draws
from services.dispatch.city.scenarios import Scenario
from services.dispatch.matching.situation import NOBODY
from services.dispatch.travel.model import MODES, Codes, Flags, Floats, Indices
from shared.going import TravelMode


class Held(IntEnum):
    """The post of a position; the first three are the holders of a grid, in the order of `Cases.holders`."""

    A = 0
    B = 1
    LEADER = 2
    WORKER = 3
    VOLUNTEER = 4


_SHARES = {Held.A: 0.30, Held.B: 0.25, Held.LEADER: 0.10, Held.VOLUNTEER: 0.10}
SHIFT_SECONDS = 8 * 3600.0
SHORTEST_SHIFT_SECONDS = 1800.0
BREAK_SECONDS = 1800.0
BREAK_FROM_SHIFT_SECONDS = 5 * 3600.0
"""Shifts of this length have a break of half an hour around their middle."""
AFTERMATH_SECONDS = 6 * 3600.0
"""The roster goes on after the day's last call, until its cases are dealt with."""
NIGHT_ENDS, NIGHT_BEGINS = 7, 22
SKILL_SHARE = 0.35
GOLDEN_PART = 0.618
"""Shifts the places of one post against those of another."""
NIGHTS_MAX = 10
WALK, E_BIKE = MODES.index(TravelMode.WALK), MODES.index(TravelMode.E_BIKE)


@dataclass(frozen=True, slots=True)
class Roster:
    """n people in shifts; a person's number is their row. Seconds count from the start of the day; shifts may begin
    before it. `break_from` is infinite for who has none. `holders[grid]` are the positions of its A, B and leader,
    NOBODY where the city has none. `nights`: offers at night in the last 30 days."""

    position: Indices
    post: Indices
    grid: Indices
    base_x: Floats
    base_y: Floats
    modes: Codes
    skills: Flags  # (n, SKILLS)
    starts: Floats
    ends: Floats
    break_from: Floats
    nights: Floats
    holders: Indices  # (36, 3)

    def __len__(self) -> int:
        return len(self.position)

    def duty_hours(self, until: float) -> float:
        """Hours of people on duty in so many seconds, breaks included."""
        return (
            float((np.minimum(self.ends, until) - np.maximum(self.starts, 0.0)).clip(min=0.0).sum()) / 3600.0
        )

    def speeds(self, scenario: Scenario) -> Floats:
        """Metres a second over the ground in good weather."""
        result: Floats = np.where(self.modes == E_BIKE, scenario.e_bike_mps, scenario.walk_mps)
        return result


def roster(scenario: Scenario, draws: Draws) -> Roster:
    """The city's people on this day."""
    post, grid = _positions(_peak(scenario))
    number = np.arange(len(post))
    x, y = ground.corner_of(grid)
    base_x = x + ground.GRID_M * draws.uniforms(Draw.BASE_X, number)
    base_y = y + ground.GRID_M * draws.uniforms(Draw.BASE_Y, number)
    holders = _holders(post, base_x, base_y)
    there, rides = _there_and_riding(scenario, len(post), draws)
    shifts = [
        (position, *shift)
        for position in np.flatnonzero(there).tolist()
        for shift in _shifts(scenario, position, draws)
    ]
    position = np.array([shift[0] for shift in shifts], dtype=np.intp)
    starts, ends = np.array([shift[1:] for shift in shifts], dtype=np.float64).reshape(-1, 2).T
    person = np.arange(len(position))
    skilled = draws.uniforms(Draw.SKILLS, person[:, None], np.arange(SKILLS)[None, :]) < SKILL_SHARE
    return Roster(
        position,
        post[position],
        grid[position],
        base_x[position],
        base_y[position],
        np.where(rides[position], E_BIKE, WALK).astype(np.int8),
        skilled,
        starts,
        ends,
        _breaks(scenario, starts, ends, draws.uniforms(Draw.BREAK, person)),
        np.floor(draws.uniforms(Draw.NIGHTS, person) * (NIGHTS_MAX + 1)),
        holders,
    )


# ── positions ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _peak(scenario: Scenario) -> int:
    return max(scenario.people, scenario.people_at_night or 0)


def _always(scenario: Scenario) -> int:
    """The first so many positions are held day and night."""
    return min(scenario.people, scenario.people_at_night or scenario.people)


def _positions(people: int) -> tuple[Indices, Indices]:
    """Post and grid of every position, interleaved so that the first k of n are a fair part of all."""
    counts = {post: min(ground.GRIDS, max(1, round(share * people))) for post, share in _SHARES.items()}
    counts[Held.A] = max(1, min(counts[Held.A], people))
    spare = people - counts[Held.A]
    for post in (Held.B, Held.LEADER, Held.VOLUNTEER):
        counts[post] = min(counts[post], spare)
        spare -= counts[post]
    counts[Held.WORKER] = spare
    rows = [
        ((index + 0.5) / count, post, _grid_for(post, index, count))
        for post, count in sorted(counts.items())
        for index in range(count)
    ]
    rows.sort()
    return (
        np.array([post for _, post, _ in rows], dtype=np.intp),
        np.array([grid for *_, grid in rows], dtype=np.intp),
    )


def _there_and_riding(scenario: Scenario, positions: int, draws: Draws) -> tuple[Flags, Flags]:
    """Which positions are held on this day, and which of them have an e-bike: as many as the scenario says, by day and
    at night, not about as many. A bike belongs to the post and is handed on with it."""
    number = np.arange(positions)
    late, luck = draws.uniforms(Draw.MISSING, number), draws.uniforms(Draw.MODE, number)
    there, rides = np.zeros(positions, dtype=np.bool_), np.zeros(positions, dtype=np.bool_)
    always = _always(scenario)
    for held in (number[:always], number[always:]):
        came = held[np.argsort(late[held])[round(scenario.missing_share * len(held)) :]]
        there[came] = True
        rides[came[np.argsort(luck[came])[: round(scenario.e_bike_share * len(came))]]] = True
    return there, rides


def _grid_for(post: Held, index: int, count: int) -> int:
    """One each where there are as many as grids; fewer are where the calls come from, spread from row to row."""
    if count == ground.GRIDS:
        return index
    busiest = np.cumsum(grid_weights(12))
    return int(np.searchsorted(busiest, (index + (0.5 + post * GOLDEN_PART) % 1.0) / count))


def _holders(post: Indices, x: Floats, y: Floats) -> Indices:
    centre_x, centre_y = ground.centres()
    holders = np.full((ground.GRIDS, 3), NOBODY, dtype=np.intp)
    for held in (Held.A, Held.B, Held.LEADER):
        of = np.flatnonzero(post == held)
        if len(of):
            away = np.hypot(centre_x[:, None] - x[of][None, :], centre_y[:, None] - y[of][None, :])
            own = ground.grid_of(x[of], y[of])[None, :] == np.arange(ground.GRIDS)[:, None]
            holders[:, held] = of[np.argmin(np.where(own, -1.0, away), axis=1)]
    return holders


# ── shifts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _shifts(scenario: Scenario, position: int, draws: Draws) -> list[tuple[float, float]]:
    """When each person of a position works, from before the day's start to after its end."""
    horizon = scenario.seconds + AFTERMATH_SECONDS
    change = (draws.uniform(Draw.CHANGE, position) - 1.0) * SHIFT_SECONDS
    shifts = []
    for begin, end in _windows(scenario, position, horizon):
        at = change + max(0.0, (begin - change) // SHIFT_SECONDS) * SHIFT_SECONDS
        while at < end:
            shifts.append((max(at, begin), min(at + SHIFT_SECONDS, end)))
            at += SHIFT_SECONDS
    return [(begin, end) for begin, end in _joined(shifts) if end > 0.0]


def _joined(shifts: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Nobody comes in for minutes only: what is left of a window at its edge goes to the neighbour."""
    kept: list[tuple[float, float]] = []
    for begin, end in shifts:
        if kept and kept[-1][1] == begin and min(end - begin, begin - kept[-1][0]) < SHORTEST_SHIFT_SECONDS:
            kept[-1] = (kept[-1][0], end)
        else:
            kept.append((begin, end))
    return kept


def _windows(scenario: Scenario, position: int, horizon: float) -> list[tuple[float, float]]:
    """When a position is held: always, or 07–22 h only, or at night only."""
    always = _always(scenario)
    if position < always:
        return [(-SHIFT_SECONDS, horizon)]
    start = scenario.starts_at_hour
    by_day = scenario.people >= always + 1
    first, length = (NIGHT_ENDS, NIGHT_BEGINS - NIGHT_ENDS) if by_day else (NIGHT_BEGINS, 24 - 15)
    midnights = range(-1, int(horizon // 86_400) + 2)
    hours = [day * 24 + first - start for day in midnights]
    return [(hour * 3600.0, (hour + length) * 3600.0) for hour in hours if hour * 3600.0 < horizon]


def _breaks(scenario: Scenario, starts: Floats, ends: Floats, chance: Floats) -> Floats:
    middle = starts + (ends - starts) * (0.4 + 0.2 * chance)
    has = (ends - starts >= BREAK_FROM_SHIFT_SECONDS) & scenario.breaks
    result: Floats = np.where(has, middle, np.inf)
    return result
