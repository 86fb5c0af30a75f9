"""Calling somebody off their way (改派): rarely, and only if everybody together is better off by much.

The case they were going to is matched again in the same problem; what it loses by waiting counts against the swap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from services.dispatch.matching.assignment import Box, Problem, Solver, solve
from services.dispatch.matching.candidates import Neighbourhood, Pairs, weighed
from services.dispatch.matching.costs import rest_of_way, worth
from services.dispatch.matching.situation import Edges, Situation, Standing, joined
from services.dispatch.matching.weights import Weights
from services.dispatch.travel.model import Flags, Indices

STAYING = 1e-6
"""What sending somebody else costs at least, so that of two equal answers whoever is on the way goes on."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the matching without swaps was made with."""

    weights: Weights
    price: Callable[[Situation, Pairs], Edges]
    box: Box
    solver: Solver
    scarce: bool


@dataclass(frozen=True, slots=True)
class Swapped:
    """The whole matching with its swaps. `kept` are people no case may have: a case that is left waits for them."""

    edges: Edges
    edge: Indices
    swap: Flags
    kept: Indices


def callable_off(situation: Situation, weights: Weights) -> Indices:
    """Rows of cases whose goer may be called off, by who it is: at most once per trip, and never shortly before the
    door."""
    goer, people = situation.cases.goer, situation.people
    on_way = np.flatnonzero(goer >= 0)
    who = goer[on_way]
    may = (people.standing[who] == Standing.GOING) & people.swappable[who]
    far = people.remaining[who] > weights.swap_beyond_seconds
    return np.asarray(on_way[may & far], dtype=np.intp)


def swapped(
    situation: Situation,
    waiting: Indices,
    rows: Indices,
    best: tuple[Edges, Indices],
    means: Means,
) -> Swapped | None:
    """The matching that calls people off, if one saves `weights.swap_saves` by each of them over `best`, the edges
    weighed for `waiting` cases and `rows` of people with the rows chosen of them; else None."""
    weights = means.weights
    going = callable_off(situation, weights)
    if not len(going) or _cost(situation, waiting, best, means) < weights.swap_saves or means.box.closed:
        return None
    away = _away(situation, waiting, situation.cases.goer[going], means)
    going = going[np.isin(situation.cases.goer[going], away.person)]
    again = _again(situation, going, rows, means)
    edges = joined(best[0], away, again)
    problem = _problem(situation, going, (best[0], away, again), means)
    solved = solve(problem, means.box, means.solver)
    if solved.fallback is not None:
        return None
    return _read(edges, solved.edge, len(best[0].case), len(away.case))


def _cost(situation: Situation, waiting: Indices, best: tuple[Edges, Indices], means: Means) -> float:
    """Of the matching without swaps: no swap can save more than all of it."""
    edges, chosen = best
    left = np.setdiff1d(waiting, edges.case[chosen])
    return float(
        edges.cost[chosen].sum() + worth(situation.cases, means.weights, scarce=means.scarce)[left].sum()
    )


def _away(situation: Situation, waiting: Indices, movable: Indices, means: Means) -> Edges:
    """People on their way, weighed for the cases that wait."""
    near = Neighbourhood.of(situation, movable, means.weights)
    pairs = weighed(situation, waiting, near, movable, means.weights.nearest)
    return means.price(situation, pairs)


def _again(situation: Situation, going: Indices, rows: Indices, means: Means) -> Edges:
    """Who could go instead; they are asked only after the one called off has answered."""
    later = replace(situation, answer_seconds=2 * situation.answer_seconds)
    near = Neighbourhood.of(situation, rows, means.weights)
    return means.price(later, weighed(situation, going, near, rows, means.weights.nearest))


def _problem(
    situation: Situation, going: Indices, parts: tuple[Edges, Edges, Edges], means: Means
) -> Problem:
    """Everybody's cost; a case somebody is on the way to counts what it loses against their going on, which is a last
    edge of its own that costs nothing; that it is left to wait is never a gain."""
    cases, weights = situation.cases, means.weights
    plain, away, again = parts
    stays = np.zeros(len(cases))
    stays[going] = rest_of_way(situation, going, weights).cost
    loss = np.maximum(again.cost - stays[again.case], 0.0) + STAYING
    cost = np.concatenate((plain.cost, away.cost + weights.swap_saves, loss, np.zeros(len(going))))
    value = np.maximum(worth(cases, weights, scarce=means.scarce) - stays, 0.0)
    case = np.concatenate((plain.case, away.case, again.case, going))
    person = np.concatenate((plain.person, away.person, again.person, cases.goer[going]))
    return Problem(case, person, cost, value, cases.due)


def _read(edges: Edges, chosen: Indices, plain: int, away: int) -> Swapped | None:
    waits = chosen[chosen < plain + away]
    swap = waits >= plain
    if not swap.any():
        return None
    instead = chosen[(chosen >= plain + away) & (chosen < len(edges.case))]
    return Swapped(edges, waits, swap, edges.person[instead])
