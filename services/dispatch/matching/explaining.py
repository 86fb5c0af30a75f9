"""Why this one: who was weighed for a case, what each way looked like, what took others out, and one sentence of it.

Independent of the policy that chose: the nearest are priced anew, so that a simple rule is explained like the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from services.dispatch.matching.candidates import Neighbourhood, always, merged
from services.dispatch.matching.costs import price, rest_of_way
from services.dispatch.matching.eligible import at_work, on_call
from services.dispatch.matching.situation import NOBODY, Assignment, Edges, Situation
from services.dispatch.matching.weights import Weights
from services.dispatch.travel.model import Indices

WEIGHED_MAX = 12
"""So many candidates are told, whoever was chosen among them."""
AS_FAST_SECONDS = 5.0
AS_LATE = 0.01
"""Nearer than this in time, or in the chance of being late, nobody can tell two people apart."""


class Because(StrEnum):
    """What decided. The words that chain.ChosenBecause has too mean the same."""

    A_HOLDER = "a_holder"
    B_HOLDER = "b_holder"
    GRID_LEADER = "grid_leader"
    SWAP = "swap"
    TAKEOVER = "takeover"
    ONLY_ONE = "only_one"
    FASTEST = "fastest"
    LEAST_LATE = "least_late"
    BALANCE = "balance"


class Removed(StrEnum):
    """What took somebody out, where the caller knows no better word."""

    BARRED = "barred"
    SENT_ELSEWHERE = "sent_elsewhere"
    ON_CALL = "on_call"
    ON_THE_WAY = "on_the_way"


@dataclass(frozen=True, slots=True)
class Weighed:
    """A row of people for one case. `removed_by` is None for whoever could have gone."""

    person: int
    eta_seconds: int
    p_late: float
    removed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Rows of the situation; `weighed` begins with the person chosen, then whoever they would take over from, then by
    time."""

    case: int
    person: int
    because: Because
    weighed: tuple[Weighed, ...]


def explained(
    situation: Situation,
    assignment: Assignment,
    weights: Weights,
    removed: Mapping[tuple[int, int], str] | None = None,
) -> tuple[Explanation, ...]:
    """One explanation per pair chosen, in the order of the assignment. `removed` says for barred (case, person) rows
    which filter it was."""
    edges = _weighed(situation, assignment, weights)
    sent = dict(zip(assignment.person.tolist(), assignment.case.tolist(), strict=True))
    words = dict.fromkeys(_pairs(*situation.barred), Removed.BARRED.value) | dict(removed or {})
    swaps = assignment.swap.tolist()
    return tuple(
        _explain(situation, edges, case, person, swap, sent, words, weights)
        for case, person, swap in zip(
            assignment.case.tolist(), assignment.person.tolist(), swaps, strict=True
        )
    )


def _weighed(situation: Situation, assignment: Assignment, weights: Weights) -> Edges:
    """The nearest of each case that got somebody, and whom it got; barred ones too."""
    people, cases = len(situation.people), np.unique(assignment.case)
    rows = np.union1d(at_work(situation), on_call(situation))
    near = Neighbourhood.of(situation, rows, weights).pairs(situation.cases.places, cases, WEIGHED_MAX)
    own = always(situation.cases, cases, rows, people)
    case = np.concatenate((near[0], own[0], assignment.case))
    person = np.concatenate((near[1], own[1], assignment.person))
    return price(situation, merged((case, person), people), weights)


def _explain(
    situation: Situation,
    edges: Edges,
    case: int,
    person: int,
    swap: bool,
    sent: Mapping[int, int],
    words: Mapping[tuple[int, int], str],
    weights: Weights,
) -> Explanation:
    mine = np.flatnonzero(edges.case == case)
    mine = mine[np.lexsort((edges.person[mine], edges.eta[mine], edges.person[mine] != person))]
    there = _on_the_way(situation, case, weights)
    mine = _told(situation, case, edges.person[mine], WEIGHED_MAX - len(there), mine)
    called = situation.on_call

    def removed_by(row: int) -> str | None:
        if (case, row) in words:
            return words[case, row]
        if sent.get(row, case) != case:
            return Removed.SENT_ELSEWHERE
        if called is not None and called[row] and not called[person]:
            return Removed.ON_CALL
        return None

    rest = [
        Weighed(
            person=row,
            eta_seconds=round(float(edges.eta[edge])),
            p_late=float(edges.p_late[edge]),
            removed_by=None if row == person else removed_by(row),
        )
        for edge, row in zip(mine.tolist(), edges.person[mine].tolist(), strict=True)
    ]
    weighed = [*rest[:1], *there, *rest[1:]]
    return Explanation(case, person, _because(situation, case, swap, weighed), tuple(weighed))


def _told(situation: Situation, case: int, person: Indices, most: int, mine: Indices) -> Indices:
    """The first, then the nearest; but the grid's own A, B and leader however far off: "why not ours?" is what people
    ask first."""
    away = np.full(len(person), True)
    away[:1] = False
    away &= ~np.isin(person, situation.cases.holders[case])
    kept = np.argsort(away, kind="stable")[:most]
    return np.asarray(mine[np.sort(kept)], dtype=np.intp)


def _on_the_way(situation: Situation, case: int, weights: Weights) -> list[Weighed]:
    """Whoever goes there now, by what is left of their way: nobody is asked, so that no time to answer is counted. It
    is told with that time, like everybody's."""
    goer = int(situation.cases.goer[case])
    if goer == NOBODY:
        return []
    way = rest_of_way(situation, np.asarray([case], dtype=np.intp), weights)
    left = float(situation.people.remaining[goer]) + situation.answer_seconds
    return [Weighed(goer, round(left), float(way.p_late[0]), Removed.ON_THE_WAY)]


def _because(situation: Situation, case: int, swap: bool, weighed: list[Weighed]) -> Because:
    chosen, rest = weighed[0], weighed[1:]
    others = [one for one in rest if one.removed_by is None]
    own = situation.cases.holders[case].tolist()
    if swap:
        return Because.SWAP
    if situation.cases.goer[case] != NOBODY:
        return Because.TAKEOVER
    if chosen.person in own:
        return _OWN[own.index(chosen.person)]
    elsewhere = [one for one in rest if one.removed_by == Removed.SENT_ELSEWHERE]
    if any(one.eta_seconds + AS_FAST_SECONDS < chosen.eta_seconds for one in elsewhere):
        return Because.BALANCE
    if not others:
        return Because.ONLY_ONE
    if all(chosen.eta_seconds <= one.eta_seconds + AS_FAST_SECONDS for one in others):
        return Because.FASTEST
    if all(chosen.p_late <= one.p_late + AS_LATE for one in others):
        return Because.LEAST_LATE
    return Because.BALANCE


_OWN = (Because.A_HOLDER, Because.B_HOLDER, Because.GRID_LEADER)
"""In the order of `Cases.holders`."""


def _pairs(case: Indices, person: Indices) -> list[tuple[int, int]]:
    return list(zip(case.tolist(), person.tolist(), strict=True))
