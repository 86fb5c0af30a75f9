"""Handing somebody's way to another (接替): whoever is left after the matching may be much nearer to where they go.

Whoever is on the way goes on until the other one accepts; then they turn round, and the next case is theirs if nothing
else decides. What they can do instead is not weighed, nor what else the other one could have done: one person is had
for one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.dispatch.matching.assignment import Problem, solve
from services.dispatch.matching.candidates import Neighbourhood, weighed
from services.dispatch.matching.costs import rest_of_way
from services.dispatch.matching.situation import Edges, Situation
from services.dispatch.matching.swaps import STAYING, Means, callable_off
from services.dispatch.travel.model import Flags, Indices


def taken_over(
    situation: Situation, rows: Indices, engaged: Flags, means: Means
) -> tuple[Edges, Indices] | None:
    """What was weighed and which edges of it save most together, `weights.swap_saves` by each at least; None if nothing
    does. `rows` of people are not asked for anything else; whoever is `engaged` is called off already in this matching,
    and their way is no longer one."""
    going = callable_off(situation, means.weights)
    going = going[~engaged[situation.cases.goer[going]]]
    goes_on = np.zeros(len(situation.cases))
    goes_on[going] = rest_of_way(situation, going, means.weights).cost
    going = going[goes_on[going] >= means.weights.swap_saves]
    if not len(going) or not len(rows) or means.box.closed:
        return None
    near = Neighbourhood.of(situation, rows, means.weights)
    edges = means.price(situation, weighed(situation, going, near, rows, means.weights.nearest))
    edges = _saving(edges, goes_on[edges.case] - edges.cost >= means.weights.swap_saves)
    leave = goes_on - means.weights.swap_saves + STAYING
    problem = Problem(edges.case, edges.person, edges.cost, leave, situation.cases.due)
    solved = solve(problem, means.box, means.solver)
    return (edges, solved.edge) if solved.fallback is None and len(solved.edge) else None


def _saving(edges: Edges, enough: Flags) -> Edges:
    return replace(edges, **{name: getattr(edges, name)[enough] for name in Edges.__dataclass_fields__})
