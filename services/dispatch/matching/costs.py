"""What a pair costs and what a case is worth, in units of a thousandth of a late arrival."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from services.dispatch.matching.candidates import Pairs, keys
from services.dispatch.matching.situation import Cases, Edges, Situation
from services.dispatch.matching.weights import Weights
from services.dispatch.travel.model import Floats, Indices, Places

A, B = 0, 1
"""Columns of `Cases.holders`."""


def chance_late(median: Floats, sigma: Floats, slack: Floats) -> Floats:
    """That a way of this lognormal distribution takes longer than there is time; 1 where there is none left."""
    in_time = slack > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (np.log(median) - np.log(np.where(in_time, slack, 1.0))) / np.maximum(sigma, 1e-9)
    return np.where(in_time, ndtr(np.nan_to_num(spread, nan=0.0)), 1.0)


def price(situation: Situation, pairs: Pairs, weights: Weights) -> Edges:
    """ETA, chance of being late and cost of each pair."""
    case, person = pairs
    cases, people = situation.cases, situation.people
    before = situation.answer_seconds + people.free_after[person]
    slack = cases.due[case] - before
    way, p_late = _way(situation, people.places, pairs, slack, weights)
    if people.elsewhere is not None and people.elsewhere_chance is not None:
        chance = people.elsewhere_chance[person]
        doubtful = np.flatnonzero(chance > 0)
        of = case[doubtful], person[doubtful]
        other_way, other_late = _way(situation, people.elsewhere, of, slack[doubtful], weights)
        way[doubtful] += chance[doubtful] * (other_way - way[doubtful])
        p_late[doubtful] += chance[doubtful] * (other_late - p_late[doubtful])
    eta = before + way
    felt = np.maximum(eta - head_start(cases, pairs, weights), 0.0)
    cost = weights.late * p_late + weights.per_second * felt + small(situation, pairs, weights)
    cost = cost + weights.a_first * (cases.holders[case, A] != person)
    return Edges(case, person, eta, p_late, cost)


def _way(
    situation: Situation, starts: Places, pairs: Pairs, slack: Floats, weights: Weights
) -> tuple[Floats, Floats]:
    """Seconds under way from there, and the chance that it takes longer than `slack`."""
    case, person = pairs
    modes, ends = situation.people.modes, situation.cases.places
    trips = situation.travel.trips(starts, modes, ends, person, case, situation.hour)
    way = np.minimum(np.nan_to_num(trips.median, nan=np.inf), weights.unknown_way_seconds)
    return way, chance_late(trips.median, trips.sigma, slack)


def head_start(cases: Cases, pairs: Pairs, weights: Weights) -> Floats:
    """Seconds by which the own grid's holders count as nearer."""
    case, person = pairs
    ahead = np.where(cases.holders[case, B] == person, weights.head_start_b_seconds, 0.0)
    return np.where(cases.holders[case, A] == person, weights.head_start_a_seconds, ahead)


def small(situation: Situation, pairs: Pairs, weights: Weights) -> Floats:
    """Load, night work, a skill that is wished for and missing, a swap lost: `weights.small_max` units at most."""
    people, (_, person) = situation.people, pairs
    fair = weights.load_unit * np.minimum(people.load, weights.load_max)
    fair = fair + weights.night_unit * np.minimum(people.nights, weights.nights_max)
    fair = fair + np.where(people.lost_swap, 0.0, weights.lost_swap)
    terms = fair[person]
    if len(situation.lacking[0]):
        n = len(people)
        terms = terms + weights.lacking_skill * np.isin(keys(pairs, n), keys(situation.lacking, n))
    return np.asarray(terms, dtype=np.float64)


def scarce(situation: Situation, rows: Indices, waiting: Indices, weights: Weights) -> bool:
    """Whether these people are too few for the cases that wait while many others are about to be done."""
    return len(rows) <= len(waiting) and situation.engaged >= weights.soon_done_min


def worth(cases: Cases, weights: Weights, *, scarce: bool) -> Floats:
    """(m,): what it costs to ask nobody. Where people are `scarce` it is a late arrival after the longest way the case
    is worth: one that can still be saved goes before all that are late already, and these by age."""
    aged = weights.per_second * weights.patience_per_age * cases.age
    return aged + (weights.late + weights.per_second * weights.patience_seconds if scarce else weights.served)


@dataclass(frozen=True, slots=True)
class Way:
    """What is left of the way of whoever is going: chance of being late and cost, as `price` would say it."""

    p_late: Floats
    cost: Floats


def rest_of_way(situation: Situation, going_cases: Indices, weights: Weights) -> Way:
    """Of the cases somebody is on the way to, if they go on."""
    cases = situation.cases
    left = situation.people.remaining[cases.goer[going_cases]]
    p_late = chance_late(left, np.full(len(left), weights.way_sigma), cases.due[going_cases])
    return Way(p_late, weights.late * p_late + weights.per_second * left)
