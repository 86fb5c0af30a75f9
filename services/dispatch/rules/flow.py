"""Houses to workers at the least way, with a lower and an upper load for each: a balanced min-cost flow, by HiGHS.

A flow may share a house between two workers; whoever has the larger share of it gets it whole. There are fewer shared
houses than workers, and the balance that this costs is made good afterwards, house by house.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, milp
from scipy.sparse import coo_matrix

from services.dispatch.rules.house_walk import Spot

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

HOUSES_MAX = 4_000
"""Beyond it the flow takes longer than a request should: lists are then shared out by count alone."""
EDGES_MAX = 120_000
FLOW_SECONDS_MAX = 10.0
"""Of one flow: whoever opens a task waits for it, and its list is locked meanwhile."""
ROUNDS = 3
"""Lists are made, their middle is taken, and from there they are made again."""
MOVE_COSTS_M = 20_000.0
"""To take a house from somebody's list: farther than anybody walks, so that as few as possible are moved."""
BOUND_COSTS_M = 1_000_000.0
"""One person above or below the bounds: they are kept wherever they can be."""


def nearest_shares(
    *,
    people: Sequence[int],
    spots: Sequence[Spot],
    now: Sequence[int],
    bases: Sequence[Spot | None],
    elsewhere: Sequence[int],
) -> list[int] | None:
    """By house the worker; `None` if there are too many houses or no answer is found in time. `now` is who has it (-1
    nobody), `elsewhere` how many each has besides. The same houses in the same order have the same answer."""
    n, workers = len(people), len(bases)
    if n == 0 or n > HOUSES_MAX:
        return None
    if workers == 1:
        return [0] * n
    weights, at, holder = np.array(people, dtype=float), np.array(spots, dtype=float), np.array(now)
    lower, upper = _bounds(weights, np.array(elsewhere, dtype=float))
    middles, given = _first_middles(weights, at, holder, bases), holder
    for _ in range(ROUNDS):
        cost = np.hypot(*(at[:, None] - middles[None]).transpose(2, 0, 1))
        held = holder >= 0
        cost[held] += MOVE_COSTS_M
        cost[held, holder[held]] = 0.0
        found = _flow(weights, cost, lower, upper)
        if found is None:
            return None
        if (found == given).all():
            break
        given = found
        middles = _middles(weights, at, given, middles)
    return [int(one) for one in given]


def _bounds(people: Floats, elsewhere: Floats) -> tuple[Floats, Floats]:
    """As if poured over those who have least: within half a house of the same level."""
    level, total = 0.0, people.sum()
    ordered = np.sort(elsewhere)
    for filled in range(1, len(ordered) + 1):
        level = (total + ordered[:filled].sum()) / filled
        if filled == len(ordered) or level <= ordered[filled]:
            break
    slack = people.mean() / 2
    lower = np.maximum(0.0, np.floor(level - elsewhere - slack))
    return lower, np.maximum(0.0, np.ceil(level - elsewhere + slack))


def _first_middles(people: Floats, at: Floats, holder: Indices, bases: Sequence[Spot | None]) -> Floats:
    """Of whoever has houses their middle. The free ones are cut into runs of neighbours, as many as there are others,
    and each run goes to who is nearest."""
    middles = np.zeros((len(bases), 2))
    without = [who for who in range(len(bases)) if not (holder == who).any()]
    for who in range(len(bases)):
        if who not in without:
            middles[who] = _middle(people, at, holder == who)
    free = np.flatnonzero(holder < 0)
    if len(free) == 0:
        free = np.arange(len(people))
    if without:
        share = (np.cumsum(people[free]) - people[free] / 2) / people[free].sum()
        runs = np.minimum((share * len(without)).astype(int), len(without) - 1)
        seeds = np.array(
            [
                _middle(people[free], at[free], runs == run) if (runs == run).any() else at[free].mean(axis=0)
                for run in range(len(without))
            ]
        )
        homes = np.array([bases[who] or tuple(seeds.mean(axis=0)) for who in without])
        # One row per worker in order, so the columns are their runs.
        _, runs_of = linear_sum_assignment(np.hypot(*(homes[:, None] - seeds[None]).transpose(2, 0, 1)))
        middles[without] = seeds[runs_of]
    return middles


def _middles(people: Floats, at: Floats, given: Indices, before: Floats) -> Floats:
    return np.array(
        [
            _middle(people, at, given == who) if (given == who).any() else before[who]
            for who in range(len(before))
        ]
    )


def _middle(people: Floats, at: Floats, which: NDArray[np.bool_]) -> Floats:
    middle: Floats = np.average(at[which], axis=0, weights=people[which])
    return middle


def _flow(people: Floats, cost: Floats, lower: Floats, upper: Floats) -> Indices | None:
    """The transport problem with bounds; bounds may be passed at a price, so that there always is an answer."""
    n, workers = cost.shape
    near = min(workers, max(4, EDGES_MAX // n))
    to = np.sort(np.argpartition(cost, near - 1, axis=1)[:, :near], axis=1).ravel()
    house = np.repeat(np.arange(n), near)
    edges, all_ = len(to), len(to) + 2 * workers
    one, each = np.arange(edges), np.arange(workers)
    whole = coo_matrix((np.ones(edges), (house, one)), shape=(n, all_)).tocsr()
    load = coo_matrix((np.ones(edges), (to, one)), shape=(workers, all_))
    over = coo_matrix((np.ones(workers), (each, edges + each)), shape=(workers, all_))
    under = coo_matrix((np.ones(workers), (each, edges + workers + each)), shape=(workers, all_))
    solved = milp(
        np.concatenate([cost[house, to], np.full(2 * workers, BOUND_COSTS_M)]),
        constraints=[
            LinearConstraint(whole, people, people),
            LinearConstraint((load - over + under).tocsr(), lower, upper),
        ],
        bounds=Bounds(0, np.inf),
        options={"time_limit": FLOW_SECONDS_MAX},
    )
    if not solved.success:
        return None
    shares = np.full((n, workers), -1.0)
    shares[house, to] = np.round(solved.x[:edges], 6)
    ranked: Indices = np.lexsort((cost, -shares), axis=1)[:, 0]
    return ranked
