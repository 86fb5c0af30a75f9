"""The cheapest way to give each case somebody of its own: exact, component by component, within a time box.

A dummy stands beside the people for each case: whoever is matched with it waits. Cases that share nobody are solved
apart, so that the box can close between them; whatever is left then, or when the solver fails, is not solved here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from services.dispatch.travel.model import Floats, Indices

BATCH_EDGES = 4000
"""Components are solved together up to so many edges: a call of the solver costs as much as a few hundred of them."""
SHIFT = 16.0
"""Added to every weight: the solver takes an explicit zero for no edge. Each case has one edge, so nothing changes."""

Solver = Callable[[Any], tuple[Any, Any]]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Problem:
    """Edges by row: case, person, cost; `worth[case]` is the cost of leaving it. `due` orders the components."""

    case: Indices
    person: Indices
    cost: Floats
    worth: Floats
    due: Floats


@dataclass(frozen=True, slots=True)
class Solved:
    """Rows of the problem's edges; `open` are the cases not reached, `fallback` says why: 'error' or 'time'."""

    edge: Indices
    open: Indices
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """Open until `closes_at` by the monotonic clock, in seconds."""

    clock: Clock
    closes_at: float

    @classmethod
    def of(cls, clock: Clock, seconds: float) -> Box:
        return cls(clock, clock() + seconds)

    @property
    def closed(self) -> bool:
        return self.clock() > self.closes_at


def solve(problem: Problem, box: Box, solver: Solver = min_weight_full_bipartite_matching) -> Solved:
    """The edges of the least total cost, dummies counted in."""
    if not len(problem.case):
        return Solved(_empty(), _empty())
    plain = _plain(problem)
    if plain is not None:
        return Solved(plain, _empty())
    chosen: list[Indices] = []
    batches = list(_batches(problem))
    for at, edges in enumerate(batches):
        if at and box.closed:
            return _left(problem, chosen, batches[at:], "time")
        try:
            chosen.append(_solve_batch(problem, edges, solver))
        except (ValueError, MemoryError, ArithmeticError):
            return _left(problem, chosen, batches[at:], "error")
    return Solved(np.sort(np.concatenate(chosen)), _empty())


def _plain(problem: Problem) -> Indices | None:
    """Everybody's cheapest, if nobody is the cheapest of two cases: then it is the optimum."""
    order = np.lexsort((problem.person, problem.cost, problem.case))
    case = problem.case[order]
    first = order[np.r_[True, case[1:] != case[:-1]]]
    first = first[problem.cost[first] < problem.worth[problem.case[first]]]
    person = problem.person[first]
    return np.sort(first) if len(np.unique(person)) == len(person) else None


def _batches(problem: Problem) -> Iterator[Indices]:
    """Rows of edges, whole components together, the most pressing first."""
    cases, case = np.unique(problem.case, return_inverse=True)
    people, person = np.unique(problem.person, return_inverse=True)
    size = len(cases) + len(people)
    links = coo_array((np.ones(len(case), dtype=np.int8), (case, person + len(cases))), shape=(size, size))
    count, label = connected_components(links, directed=False)
    pressing = np.full(count, np.inf)
    np.minimum.at(pressing, label[: len(cases)], problem.due[cases])
    rank = np.empty(count, dtype=np.intp)
    rank[np.argsort(pressing, kind="stable")] = np.arange(count)
    of_edge = rank[label[case]]
    order = np.argsort(of_edge, kind="stable")
    ends = np.cumsum(np.bincount(of_edge, minlength=count))
    start, component = 0, 0
    while start < len(order):
        component = max(component + 1, int(np.searchsorted(ends, start + BATCH_EDGES, side="right")))
        end = int(ends[component - 1])
        if end > start:
            yield np.sort(order[start:end])
        start = end


def _solve_batch(problem: Problem, edges: Indices, solver: Solver) -> Indices:
    matrix, order = matrix_of(problem, edges)
    people = matrix.shape[1] - matrix.shape[0]
    row, column = solver(matrix)
    met = column < people
    at = np.searchsorted(_cells(matrix), row[met].astype(np.int64) * matrix.shape[1] + column[met])
    return np.asarray(order[at], dtype=np.intp)


def matrix_of(problem: Problem, edges: Indices) -> tuple[csr_array, Indices]:
    """Cases × (people, then a dummy per case), and the row of `problem` behind each entry, -1 for a dummy."""
    cases, case = np.unique(problem.case[edges], return_inverse=True)
    people, person = np.unique(problem.person[edges], return_inverse=True)
    m, n = len(cases), len(people)
    own = np.arange(m)
    rows, columns = np.concatenate((case, own)), np.concatenate((person, n + own))
    weights = np.concatenate((problem.cost[edges], problem.worth[cases])) + SHIFT
    order = np.lexsort((columns, rows))
    starts = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=m))))
    matrix = csr_array((weights[order], columns[order], starts), shape=(m, n + m))
    return matrix, np.concatenate((edges, np.full(m, -1)))[order].astype(np.intp)


def _cells(matrix: csr_array) -> Indices:
    """One number per entry of the matrix, ascending."""
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return np.asarray(rows * matrix.shape[1] + matrix.indices, dtype=np.intp)


def _left(problem: Problem, chosen: list[Indices], batches: list[Indices], why: str) -> Solved:
    edges = np.sort(np.concatenate(chosen)) if chosen else _empty()
    return Solved(edges, np.unique(problem.case[np.concatenate(batches)]), why)


def _empty() -> Indices:
    return np.empty(0, dtype=np.intp)
