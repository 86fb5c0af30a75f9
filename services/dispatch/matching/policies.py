"""The ways to choose who is asked, all of one type: what streets used to do, simple rules, the engine.

Every rule asks whom a fixed step names first, nobody who is barred, people on call once nobody at work is left.
The simple rules use up the free before those on routine work, go through the cases by age, and call nobody off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from time import monotonic

import numpy as np

from services.dispatch.matching.assignment import Clock
from services.dispatch.matching.candidates import bases, spots
from services.dispatch.matching.closest import closest_pairs
from services.dispatch.matching.costs import price
from services.dispatch.matching.eligible import pinned, tiers, waiting
from services.dispatch.matching.engine import Engine
from services.dispatch.matching.situation import NOBODY, Assignment, Policy, Situation
from services.dispatch.matching.weights import Weights
from services.dispatch.travel.model import Floats, Indices
from shared.going import MatchingPolicy

Score = Callable[[int, Indices], Floats]
"""(case, people) → how good each of these people is; the least is asked, infinity never."""

Rule = Callable[[Situation, Indices, Indices], Iterable[tuple[int, int]]]
"""(situation, cases that wait, people to be had) → pairs."""


def policies(weights: Weights, clock: Clock = monotonic) -> Mapping[str, Policy]:
    """All of them by name; `clock` is for the engine's time box."""
    by_case: dict[str, Callable[[Situation], Score]] = {
        MatchingPolicy.ROUND_ROBIN: longest_not_asked,
        MatchingPolicy.NEAREST_FREE: metres,
        MatchingPolicy.FASTEST_FREE: seconds,
    }
    return {
        MatchingPolicy.OWN_GRID: partial(_simple, own_grid, weights),
        **{name: partial(_simple, partial(_by_case, pick), weights) for name, pick in by_case.items()},
        MatchingPolicy.GREEDY_PAIR: partial(_simple, _greedy, weights),
        MatchingPolicy.ENGINE: Engine(weights, clock),
    }


def _simple(rule: Rule, weights: Weights, situation: Situation) -> Assignment:
    """The pairs of a rule, tier by tier of people, as an assignment."""
    made = [(int(case), int(person)) for case, person in zip(*pinned(situation), strict=True)]
    for tier in tiers(situation):
        left = np.setdiff1d(waiting(situation), [case for case, _ in made])
        if len(left):
            made += rule(situation, left, np.setdiff1d(tier, [person for _, person in made]))
    case, person = np.asarray(sorted(made), dtype=np.intp).reshape(-1, 2).T
    edges = price(situation, (case, person), weights)
    return Assignment(edges, np.arange(len(case)), np.zeros(len(case), dtype=bool))


def _by_case(
    scores: Callable[[Situation], Score], situation: Situation, left: Indices, people: Indices
) -> Iterable[tuple[int, int]]:
    """One case after another takes its best of those who are still to be had; ties go to the first row."""
    barred, score_of = _barred(situation), scores(situation)
    for case in left.tolist():
        if not len(people):
            return
        score = score_of(case, people)
        score = np.where(np.isin(people, barred.get(case, ())), np.inf, score)
        best = int(np.argmin(score))
        if np.isfinite(score[best]):
            yield case, int(people[best])
            people = np.delete(people, best)


def longest_not_asked(situation: Situation) -> Score:
    """Round robin: whoever was asked longest ago, those never asked before all."""
    ago = -np.nan_to_num(situation.people.asked_ago, posinf=1e12)
    return lambda case, people: np.asarray(ago[people])


def metres(situation: Situation) -> Score:
    """The straight line, whoever walks or rides; a place that is not known is very far."""
    where, to = bases(situation.people.places), spots(situation.cases.places)
    return lambda case, people: np.asarray(np.linalg.norm(where[people] - to[case], axis=1))


def seconds(situation: Situation) -> Score:
    """Until they are at the door; a way nobody can tell is very long."""
    at, cases, travel, hour = situation.people, situation.cases, situation.travel, situation.hour

    def score(case: int, people: Indices) -> Floats:
        trips = travel.trips(
            at.places, at.modes, cases.places, people, np.full(len(people), case, dtype=np.intp), hour
        )
        return at.free_after[people] + np.nan_to_num(trips.median, nan=1e12, posinf=1e12)

    return score


def own_grid(situation: Situation, left: Indices, people: Indices) -> Iterable[tuple[int, int]]:
    """The grid's A holder, then B, then its leader; nobody else, however long it takes."""
    barred, free = _barred(situation), set(people.tolist())
    for case in left.tolist():
        holders = situation.cases.holders[case].tolist()
        own = (one for one in holders if one != NOBODY and one in free and one not in barred.get(case, ()))
        chosen = next(own, None)
        if chosen is not None:
            free.discard(chosen)
            yield case, chosen


def _greedy(situation: Situation, left: Indices, people: Indices) -> Iterable[tuple[int, int]]:
    case, person = closest_pairs(situation, left, people)
    return zip(case.tolist(), person.tolist(), strict=True)


def _barred(situation: Situation) -> Mapping[int, list[int]]:
    barred: dict[int, list[int]] = {}
    for case, person in zip(*(rows.tolist() for rows in situation.barred), strict=True):
        barred.setdefault(case, []).append(person)
    return barred


POLICIES: Mapping[str, Policy] = policies(Weights())
