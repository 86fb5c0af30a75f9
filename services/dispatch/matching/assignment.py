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
SHIFT = 1024.0
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
    order = np.lexsort((problem.person, problem.case))
    case, person, cost = problem.case[order], problem.person[order], problem.cost[order]
    ordered = Problem(case, person, cost, problem.worth, problem.due)
    plain = _plain(ordered)
    solved = Solved(plain, _empty()) if plain is not None else _by_batches(ordered, box, solver)
    return Solved(np.sort(order[solved.edge]), solved.open, solved.fallback)


def _by_batches(problem: Problem, box: Box, solver: Solver) -> Solved:
    chosen: list[Indices] = []
    batches = list(_batches(problem))
    for at, edges in enumerate(batches):
        if at and box.closed:
            return _left(problem, chosen, batches[at:], "time")
        try:
            chosen.append(_solve_batch(problem, edges, solver))
        except (ValueError, MemoryError, ArithmeticError):
            return _left(problem, chosen, batches[at:], "error")
    return Solved(np.concatenate(chosen), _empty())


def _plain(problem: Problem) -> Indices | None:
    """Everybody's cheapest, if nobody is the cheapest of two cases: then it is the optimum."""
    starts = np.flatnonzero(np.r_[True, problem.case[1:] != problem.case[:-1]])
    least = np.minimum.reduceat(problem.cost, starts)
    size = np.diff(np.append(starts, len(problem.case)))
    cheapest = np.flatnonzero(problem.cost == np.repeat(least, size))
    first = cheapest[np.r_[True, problem.case[cheapest[1:]] != problem.case[cheapest[:-1]]]]
    first = first[problem.cost[first] < problem.worth[problem.case[first]]]
    person = np.sort(problem.person[first])
    return None if (person[1:] == person[:-1]).any() else first


def _numbered(rows: Indices) -> tuple[Indices, Indices]:
    """The rows that occur, ascending, and for each entry which of them it is."""
    used = np.zeros(int(rows.max()) + 1, dtype=bool)
    used[rows] = True
    return np.flatnonzero(used), (np.cumsum(used) - 1)[rows]


def _batches(problem: Problem) -> Iterator[Indices]:
    """Rows of edges, whole components together, the most pressing first."""
    cases, case = _numbered(problem.case)
    people, person = _numbered(problem.person)
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
    matrix, row_of = matrix_of(problem, edges)
    people = matrix.shape[1] - matrix.shape[0]
    row, column = solver(matrix)
    met = column < people
    at = np.searchsorted(_cells(matrix), row[met].astype(np.int64) * matrix.shape[1] + column[met])
    return np.asarray(row_of[at], dtype=np.intp)


def matrix_of(problem: Problem, edges: Indices) -> tuple[csr_array, Indices]:
    """Cases × (people, then a dummy per case), and the row of `problem` behind each entry, -1 for a dummy. The edges
    come in order of case, then person."""
    cases, case = _numbered(problem.case[edges])
    people, person = _numbered(problem.person[edges])
    m, n = len(cases), len(people)
    ends = np.cumsum(np.bincount(case, minlength=m) + 1)
    real, dummy = np.arange(len(edges)) + case, ends - 1
    weight, column, row_of = np.empty(ends[-1]), np.empty(ends[-1], dtype=np.intp), np.full(ends[-1], -1)
    weight[real], column[real], row_of[real] = problem.cost[edges], person, edges
    weight[dummy], column[dummy] = problem.worth[cases], n + np.arange(m)
    matrix = csr_array((weight + SHIFT, column, np.append(0, ends)), shape=(m, n + m))
    return matrix, row_of


def _cells(matrix: csr_array) -> Indices:
    """One number per entry of the matrix, ascending."""
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return np.asarray(rows * matrix.shape[1] + matrix.indices, dtype=np.intp)


def _left(problem: Problem, chosen: list[Indices], batches: list[Indices], why: str) -> Solved:
    edges = np.concatenate(chosen) if chosen else _empty()
    return Solved(edges, np.unique(problem.case[np.concatenate(batches)]), why)


def _empty() -> Indices:
    return np.empty(0, dtype=np.intp)
