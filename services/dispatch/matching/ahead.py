"""What sending somebody costs the emergencies to come: those whom nobody else could reach in time meanwhile.

A cell counts as covered if somebody of those who could go is there in time, each with their own chance; what others
cover already costs nothing (expected covering, after Daskin 1983). So a rider is kept for the far end of town while a
walker round the corner is safely in time, and nobody is kept where there are plenty.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.dispatch.matching.candidates import Neighbourhood
from services.dispatch.matching.costs import price
from services.dispatch.matching.situation import NOBODY, Cases, Demand, Situation
from services.dispatch.matching.weights import Weights
from services.dispatch.travel.model import Floats, Indices


def missed_without(situation: Situation, rows: Indices, weights: Weights) -> Floats:
    """(n,): units that it costs to send each of these people, the others of `rows` staying; 0 for everybody else."""
    missed = np.zeros(len(situation.people))
    demand = situation.demand
    if demand is None or not len(demand) or not len(rows) or weights.ahead <= 0:
        return missed
    near = Neighbourhood.of(situation, rows, weights)
    pairs = near.pairs(demand.places, np.arange(len(demand)), weights.nearest)
    edges = price(replace(situation, cases=_calls(demand, weights), lacking=_NO_PAIRS), pairs, weights)
    reach = weights.accepts * (1.0 - edges.p_late)
    nobody = np.log1p(-reach)
    others = np.bincount(edges.case, weights=nobody, minlength=len(demand))[edges.case] - nobody
    calls = demand.per_hour[edges.case] * weights.busy_hours
    np.add.at(missed, edges.person, weights.ahead * weights.late * calls * reach * np.exp(others))
    return missed


def _calls(demand: Demand, weights: Weights) -> Cases:
    """One fresh emergency in the middle of every cell."""
    m = len(demand)
    nobody = np.full(m, NOBODY)
    return Cases(
        demand.places,
        np.full(m, weights.in_time_seconds),
        np.zeros(m),
        np.full((m, 3), NOBODY),
        nobody,
        nobody,
    )


_NO_PAIRS = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
