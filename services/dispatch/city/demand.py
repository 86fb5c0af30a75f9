"""What residents call about: an inhomogeneous Poisson process by grid and hour, with clusters after an outage.

Each source of calls (the day's own, each surge) is a process of its own in a number space of its own: exponential
gaps pushed through the inverse of its cumulative rate, the grid drawn by the weights of that hour. A call may start a
cluster: followers from within 200 m in the next quarter of an hour. What is recognised as known already is merged and
sent to nobody; what is not is a case like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.dispatch.city import ground
from services.dispatch.city.draws import Draw, Draws
from services.dispatch.city.scenarios import Profile, Scenario, Surge
from services.dispatch.travel.model import Floats, Indices

SKILLS = 4
NO_SKILL = -1
SKILL_WISHED_SHARE = 0.25

FOLLOWERS_MEAN = 3.0
FOLLOWERS_MAX = 30
FOLLOWER_RECOGNISED = 0.7
FOLLOWER_WITHIN_SECONDS = 900.0
FOLLOWER_WITHIN_M = 200.0

_OWN = 0
_STEP_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Demand:
    """The cases of a day by registration; a case's number is its row. `skill` is what its category wishes for as it
    was registered, NO_SKILL for none; `callers` counts everybody who rang, `merged` those recognised."""

    registered: Floats
    x: Floats
    y: Floats
    grid: Indices
    skill: Indices
    callers: int
    merged: int

    def __len__(self) -> int:
        return len(self.registered)


@dataclass(frozen=True, slots=True)
class _Calls:
    at: Floats
    x: Floats
    y: Floats
    recognised: np.ndarray[tuple[int], np.dtype[np.bool_]]


def demand(scenario: Scenario, draws: Draws) -> Demand:
    """Everything that is called in, the same under every policy."""
    if scenario.calls is not None:
        spots = np.array([(call.at, call.x, call.y) for call in scenario.calls]).reshape(-1, 3)
        nobody = np.zeros(len(spots), dtype=bool)
        return _cases(
            [_Calls(spots[:, 0], spots[:, 1] * ground.SIDE_M, spots[:, 2] * ground.SIDE_M, nobody)], draws
        )
    own = _own_calls(scenario, draws)
    surges = [
        _surge_calls(scenario, surge, number, draws) for number, surge in enumerate(scenario.surges, start=1)
    ]
    return _cases([*own, *surges], draws)


def _cases(sources: list[_Calls], draws: Draws) -> Demand:
    at, x, y = (np.concatenate([getattr(one, name) for one in sources]) for name in ("at", "x", "y"))
    known = np.concatenate([one.recognised for one in sources])
    order = np.flatnonzero(~known)[np.argsort(at[~known], kind="stable")]
    number = np.arange(len(order))
    wished = draws.uniforms(Draw.SKILL, number) / SKILL_WISHED_SHARE
    skill = np.where(wished < 1.0, np.floor(wished * SKILLS), NO_SKILL).astype(np.intp)
    return Demand(
        at[order], x[order], y[order], ground.grid_of(x[order], y[order]), skill, len(at), int(known.sum())
    )


# ── the day's own calls ───────────────────────────────────────────────────────────────────────────────────────────

_HOURS = {
    Profile.WORKDAY: (6, 5, 5, 4, 4, 5, 6, 8, 9, 10, 10, 10, 10, 10, 10, 10, 11, 11, 11, 10, 9, 9, 8, 7),
    Profile.WEEKEND: (7, 6, 5, 5, 4, 4, 5, 6, 8, 9, 11, 11, 10, 10, 10, 10, 10, 11, 11, 11, 10, 10, 9, 8),
    Profile.FLAT: (1,) * 24,
}


def hour_weights(scenario: Scenario) -> Floats:
    """Share of the mean rate in each step of five minutes; the mean over the day is 1."""
    steps = np.arange(int(np.ceil(scenario.seconds / _STEP_SECONDS)))
    hours = (scenario.starts_at_hour + steps * _STEP_SECONDS / 3600.0).astype(np.intp) % 24
    weights = np.array(_HOURS[scenario.profile], dtype=np.float64)[hours]
    result: Floats = weights / weights.mean()
    return result


def grid_weights(hour: int) -> Floats:
    """Where calls come from: denser around the centre, more so by day; sums to 1."""
    x, y = ground.centres()
    away_km = np.hypot(x - ground.SIDE_M / 2, y - ground.SIDE_M / 2) / 1_000.0
    floor = 0.15 if 8 <= hour < 18 else 0.25
    weights = floor + np.exp(-(away_km**2) / (2 * 1.6**2))
    result: Floats = weights / weights.sum()
    return result


def _own_calls(scenario: Scenario, draws: Draws) -> list[_Calls]:
    unseen = FOLLOWERS_MEAN * (1.0 - FOLLOWER_RECOGNISED)
    rate = scenario.cases_per_hour / 3600.0 / (1.0 + scenario.cluster_share * unseen)
    cumulative = np.concatenate(([0.0], np.cumsum(hour_weights(scenario) * rate * _STEP_SECONDS)))
    edges = np.arange(len(cumulative), dtype=np.float64) * _STEP_SECONDS
    at = _times(_OWN, cumulative, edges, draws)
    at = at[at < scenario.seconds]
    call = np.arange(len(at))
    grid = _grids(scenario, at, draws.uniforms(Draw.PLACE_CELL, _OWN, call))
    x, y = ground.corner_of(grid)
    x = x + draws.uniforms(Draw.PLACE_X, _OWN, call) * ground.GRID_M
    y = y + draws.uniforms(Draw.PLACE_Y, _OWN, call) * ground.GRID_M
    own = _Calls(at, x, y, np.zeros(len(at), dtype=bool))
    return [own, _followers(scenario, own, draws)]


def _times(source: int, cumulative: Floats, edges: Floats, draws: Draws) -> Floats:
    """Times of a Poisson process with this cumulative rate."""
    expected = float(cumulative[-1])
    enough = int(expected + 8.0 * np.sqrt(expected) + 20.0)
    at = np.cumsum(draws.exponentials(Draw.GAP, source, np.arange(enough)))
    result: Floats = np.interp(at[at < expected], cumulative, edges)
    return result


def _grids(scenario: Scenario, at: Floats, chance: Floats) -> Indices:
    hours = (scenario.starts_at_hour + at / 3600.0).astype(np.intp) % 24
    grid = np.zeros(len(at), dtype=np.intp)
    for hour in np.unique(hours):
        then = hours == hour
        grid[then] = np.searchsorted(np.cumsum(grid_weights(int(hour))), chance[then])
    result: Indices = np.minimum(grid, ground.GRIDS - 1)
    return result


def _followers(scenario: Scenario, calls: _Calls, draws: Draws) -> _Calls:
    first = np.flatnonzero(
        draws.uniforms(Draw.CLUSTER, _OWN, np.arange(len(calls.at))) < scenario.cluster_share
    )
    how_many = np.minimum(
        _poisson(FOLLOWERS_MEAN, draws.uniforms(Draw.FOLLOWERS, _OWN, first)), FOLLOWERS_MAX
    )
    call = np.repeat(first, how_many)
    follower = np.concatenate([np.arange(1, count + 1) for count in how_many] or [np.empty(0)]).astype(
        np.intp
    )
    after = draws.uniforms(Draw.FOLLOWER_AFTER, _OWN, call, follower) * FOLLOWER_WITHIN_SECONDS
    east = (2.0 * draws.uniforms(Draw.FOLLOWER_X, _OWN, call, follower) - 1.0) * FOLLOWER_WITHIN_M
    north = (2.0 * draws.uniforms(Draw.FOLLOWER_Y, _OWN, call, follower) - 1.0) * FOLLOWER_WITHIN_M
    in_time = calls.at[call] + after < scenario.seconds
    return _Calls(
        (calls.at[call] + after)[in_time],
        np.clip(calls.x[call] + east, 0, ground.SIDE_M)[in_time],
        np.clip(calls.y[call] + north, 0, ground.SIDE_M)[in_time],
        (draws.uniforms(Draw.RECOGNISED, _OWN, call, follower) < FOLLOWER_RECOGNISED)[in_time],
    )


def _poisson(mean: float, chance: Floats) -> Indices:
    """Quantiles of the Poisson distribution."""
    number = np.arange(FOLLOWERS_MAX)
    steps = np.cumsum(np.log(np.maximum(number, 1)))
    below = np.cumsum(np.exp(number * np.log(mean) - mean - steps))
    result: Indices = np.searchsorted(below, chance).astype(np.intp)
    return result


# ── surges ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _surge_calls(scenario: Scenario, surge: Surge, number: int, draws: Draws) -> _Calls:
    end = min(surge.from_hour + surge.hours, scenario.hours)
    begin = min(surge.from_hour, end)
    calls = surge.cases_per_hour * (end - begin) / (1.0 - surge.recognised)
    at = _times(number, np.array([0.0, calls]), np.array([begin, end]) * 3600.0, draws)
    call = np.arange(len(at))
    if surge.radius_m is None:
        grid = _grids(scenario, at, draws.uniforms(Draw.PLACE_CELL, number, call))
        x, y = ground.corner_of(grid)
        x = x + draws.uniforms(Draw.PLACE_X, number, call) * ground.GRID_M
        y = y + draws.uniforms(Draw.PLACE_Y, number, call) * ground.GRID_M
    else:
        x, y = _around(surge.radius_m, number, call, draws)
    return _Calls(at, x, y, draws.uniforms(Draw.RECOGNISED, number, call, 0) < surge.recognised)


def _around(radius_m: float, surge: int, call: Indices, draws: Draws) -> tuple[Floats, Floats]:
    """Evenly over a disc whose middle is drawn from the city's inner part."""
    middle = (0.15 + 0.7 * draws.uniforms(Draw.HOT_SPOT, surge, np.arange(2))) * ground.SIDE_M
    away = radius_m * np.sqrt(draws.uniforms(Draw.PLACE_X, surge, call))
    angle = 2.0 * np.pi * draws.uniforms(Draw.PLACE_Y, surge, call)
    x = np.clip(middle[0] + away * np.cos(angle), 0, ground.SIDE_M)
    y = np.clip(middle[1] + away * np.sin(angle), 0, ground.SIDE_M)
    return x, y
