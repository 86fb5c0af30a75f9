"""The engine: the assignment that costs least over all waiting cases at once.

Fixed steps first, then everybody at work, calling people off their way where that saves much, then those on call; at
last whoever is left at work takes over the way of somebody far off, where that saves much.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

import numpy as np
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from services.dispatch.matching.assignment import Box, Clock, Problem, Solver, solve
from services.dispatch.matching.candidates import Neighbourhood, Pairs, keys, weighed
from services.dispatch.matching.closest import closest_pairs
from services.dispatch.matching.costs import price, scarce, worth
from services.dispatch.matching.eligible import at_work, on_call, pinned, waiting
from services.dispatch.matching.situation import Assignment, Edges, Situation, joined
from services.dispatch.matching.swaps import Means, swapped
from services.dispatch.matching.takeovers import taken_over
from services.dispatch.matching.weights import Weights
from services.dispatch.travel.model import Flags, Indices


@dataclass(frozen=True, slots=True)
class Engine:
    """A policy. `clock` is monotonic, in seconds; one that stands still never closes the time box."""

    weights: Weights = field(default_factory=Weights)
    clock: Clock = monotonic
    solver: Solver = min_weight_full_bipartite_matching

    def __call__(self, situation: Situation) -> Assignment:
        round_ = _Round(self, situation)
        round_.pin()
        round_.match(at_work(situation), may_swap=True)
        round_.match(on_call(situation), may_swap=False)
        round_.take_over(at_work(situation))
        return round_.assignment()


class _Round:
    """One matching as it grows: who still waits, who is still to be had, and what was chosen so far."""

    def __init__(self, engine: Engine, situation: Situation) -> None:
        self._engine, self._weights, self._situation = engine, engine.weights, situation
        self._box = Box.of(engine.clock, engine.weights.time_box_seconds)
        self._waiting = waiting(situation)
        self._taken = np.zeros(len(situation.people), dtype=bool)
        self._parts: list[tuple[Edges, Indices, Flags]] = []
        self._fallback: str | None = None
        self._scarce = False

    def pin(self) -> None:
        self._take_all(pinned(self._situation))

    def match(self, rows: Indices, *, may_swap: bool) -> None:
        """Everybody of `rows` who is still to be had, for whoever still waits."""
        rows = rows[~self._taken[rows]]
        if not len(self._waiting) or (not len(rows) and not may_swap):
            return
        self._scarce = scarce(self._situation, rows, self._waiting, self._weights)
        edges, chosen = self._matched(rows)
        better = None
        if may_swap and self._fallback is None:
            better = swapped(self._situation, self._waiting, rows, (edges, chosen), self._means())
        if better is not None:
            self._take(better.edges, better.edge, better.swap)
            self._taken[better.kept] = True
        else:
            self._take(edges, chosen, np.zeros(len(chosen), dtype=bool))
        if self._fallback is not None:
            self._take_all(closest_pairs(self._situation, self._waiting, rows[~self._taken[rows]]))

    def take_over(self, rows: Indices) -> None:
        """Ways of others, by who of `rows` is still to be had; the closest pairs that stand in take nothing over."""
        if self._fallback is not None:
            return
        found = taken_over(self._situation, rows[~self._taken[rows]], self._taken, self._means())
        if found is not None:
            self._take(*found, np.zeros(len(found[1]), dtype=bool))

    def assignment(self) -> Assignment:
        counts = np.cumsum([0, *(len(edges.case) for edges, _, _ in self._parts)])
        edges = joined(*(edges for edges, _, _ in self._parts))
        edge = np.concatenate([e + at for at, (_, e, _) in zip(counts, self._parts, strict=False)])
        swap = np.concatenate([swap for _, _, swap in self._parts])
        order = np.argsort(edges.case[edge], kind="stable")
        return Assignment(edges, edge[order], swap[order], self._fallback)

    def _matched(self, rows: Indices) -> tuple[Edges, Indices]:
        """The nearest first; wider for cases left without anybody while somebody is free."""
        situation, k = self._situation, self._weights.nearest
        near = Neighbourhood.of(situation, rows, self._weights)
        edges = self._price(situation, weighed(situation, self._waiting, near, rows, k))
        chosen = self._solve(edges)
        while self._fallback is None and k < len(rows):
            left = np.setdiff1d(self._waiting, edges.case[chosen])
            idle = np.setdiff1d(rows, edges.person[chosen])
            if not len(left) or not len(idle):
                break
            if self._box.closed:
                self._fallback = "time"
                break
            k *= 2
            more = self._price(situation, self._wider(edges, left, idle, k))
            edges = joined(edges, more)
            chosen = self._solve(edges) if len(more.case) else chosen
        return edges, chosen

    def _wider(self, edges: Edges, left: Indices, idle: Indices, k: int) -> Pairs:
        """The k nearest of those whom nobody asks, for the cases left; not the pairs weighed already."""
        near = Neighbourhood.of(self._situation, idle, self._weights)
        case, person = weighed(self._situation, left, near, idle, k)
        n = len(self._situation.people)
        new = ~np.isin(keys((case, person), n), keys((edges.case, edges.person), n))
        return case[new], person[new]

    def _solve(self, edges: Edges) -> Indices:
        cases = self._situation.cases
        value = worth(cases, self._weights, scarce=self._scarce)
        problem = Problem(edges.case, edges.person, edges.cost, value, cases.due)
        solved = solve(problem, self._box, self._engine.solver)
        self._fallback = self._fallback or solved.fallback
        return solved.edge

    def _means(self) -> Means:
        return Means(self._weights, self._price, self._box, self._engine.solver, self._scarce)

    def _price(self, situation: Situation, pairs: Pairs) -> Edges:
        return price(situation, pairs, self._weights)

    def _take_all(self, pairs: Pairs) -> None:
        edges = self._price(self._situation, pairs)
        self._take(edges, np.arange(len(edges.case)), np.zeros(len(edges.case), dtype=bool))

    def _take(self, edges: Edges, chosen: Indices, swap: Flags) -> None:
        self._parts.append((edges, chosen, swap))
        self._taken[edges.person[chosen]] = True
        self._waiting = np.setdiff1d(self._waiting, edges.case[chosen])
