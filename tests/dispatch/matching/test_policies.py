"""What holds for every policy, whatever moment of whatever street it is given; and what each of them is."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.matching.eligible import pinned, tiers
from services.dispatch.matching.situation import NOBODY, Assignment, Situation, Standing
from shared.going import MatchingPolicy
from tests.dispatch.matching.situations import (
    E_BIKE,
    POLICIES,
    WALK,
    a_case_list,
    a_situation,
    barring,
    people_at,
    rows,
    situations,
)

every_policy = pytest.mark.parametrize("name", list(MatchingPolicy))


def pairs(assignment: Assignment) -> list[tuple[int, int]]:
    return list(zip(assignment.case.tolist(), assignment.person.tolist(), strict=True))


def barred_in(situation: Situation) -> set[tuple[int, int]]:
    return set(zip(*(some.tolist() for some in situation.barred), strict=True))


def test_there_is_a_policy_for_every_word() -> None:
    assert set(POLICIES) == set(MatchingPolicy)


@every_policy
@settings(max_examples=30, deadline=None)
@given(situation=situations())
def test_nobody_gets_two_cases_and_no_case_two_people(name: str, situation: Situation) -> None:
    made = pairs(POLICIES[name](situation))
    assert len({case for case, _ in made}) == len(made) == len({person for _, person in made})


@every_policy
@settings(max_examples=30, deadline=None)
@given(situation=situations())
def test_only_who_may_be_asked_is_asked(name: str, situation: Situation) -> None:
    """Somebody on the way only by a swap; for a case that somebody goes to only by a takeover; never shortly before
    the door, and never the same trip by both."""
    assignment = POLICIES[name](situation)
    barred = barred_in(situation)
    assert not barred & set(pairs(assignment))
    goer = situation.cases.goer[assignment.case]
    relieved = goer[goer != NOBODY]
    assert situation.people.swappable[relieved].all()
    assert (situation.people.remaining[relieved] > 240).all()
    assert not np.isin(relieved, assignment.person).any()
    assert not assignment.swap[goer != NOBODY].any()
    on_way = situation.people.standing[assignment.person] == Standing.GOING
    assert (on_way == assignment.swap).all()
    called_off = assignment.person[assignment.swap]
    assert situation.people.swappable[called_off].all()
    assert (situation.people.remaining[called_off] > 240).all()
    if name != MatchingPolicy.ENGINE:
        assert not assignment.swap.any()
        assert not len(relieved)


@every_policy
@settings(max_examples=30, deadline=None)
@given(situation=situations())
def test_the_fixed_step_goes_before_everything(name: str, situation: Situation) -> None:
    assert set(zip(*(some.tolist() for some in pinned(situation)), strict=True)) <= set(
        pairs(POLICIES[name](situation))
    )


@every_policy
@settings(max_examples=30, deadline=None)
@given(situation=situations(goers=False))
def test_nobody_waits_while_somebody_free_could_go(name: str, situation: Situation) -> None:
    made = pairs(POLICIES[name](situation))
    barred = barred_in(situation)
    waits = set(range(len(situation.cases))) - {case for case, _ in made}
    idle = set(range(len(situation.people))) - {person for _, person in made}
    if name == MatchingPolicy.OWN_GRID:
        holders = situation.cases.holders
        assert not any(holder in idle and (c, holder) not in barred for c in waits for holder in holders[c])
    else:
        assert all((case, person) in barred for case in waits for person in idle)


@every_policy
@settings(max_examples=30, deadline=None)
@given(situation=situations(goers=False))
def test_people_on_call_are_called_in_when_nobody_at_work_is_left(name: str, situation: Situation) -> None:
    called, nobody = situation.on_call, (rows(), rows())
    if name == MatchingPolicy.OWN_GRID or called is None:
        return
    open_to_all = replace(situation, barred=nobody)
    asked = POLICIES[name](open_to_all).person
    called_in = np.setdiff1d(asked[called[asked]], pinned(open_to_all)[1])
    assert not len(called_in) or set(np.flatnonzero(~called)) <= set(asked.tolist())


@every_policy
@settings(max_examples=30, deadline=None)
@given(situation=situations())
def test_the_same_moment_gives_the_same_answer(name: str, situation: Situation) -> None:
    once, again = POLICIES[name](situation), POLICIES[name](situation)
    assert pairs(once) == pairs(again)
    assert once.fallback is None
    for field in fields(once.edges):
        assert np.array_equal(getattr(once.edges, field.name), getattr(again.edges, field.name))


@settings(max_examples=30, deadline=None)
@given(situation=situations(goers=False), seed=st.integers(0, 2**32 - 1))
def test_in_which_order_people_are_named_changes_no_pair(situation: Situation, seed: int) -> None:
    """Random places make no ties, but for places nobody knows, which are left out here."""
    known = np.isfinite(situation.people.places.lon).all() and np.isfinite(situation.cases.places.lon).all()
    if not known or len(pinned(situation)[0]):
        return
    new_row = np.random.default_rng(seed).permutation(len(situation.people))
    turned = permuted(situation, new_row)
    for name in MatchingPolicy:
        before, after = POLICIES[name](situation), POLICIES[name](turned)
        assert [(case, int(new_row[person])) for case, person in pairs(before)] == pairs(after)


PLACED = ("places", "elsewhere", "elsewhere_chance")


def permuted(situation: Situation, new_row: np.ndarray) -> Situation:
    """The same moment with person r in row `new_row[r]`."""
    old = np.argsort(new_row)
    people, cases = situation.people, situation.cases

    def renamed(rows: np.ndarray) -> np.ndarray:
        return np.where(rows >= 0, np.append(new_row, NOBODY)[rows], NOBODY)

    moved = {f.name: getattr(people, f.name)[old] for f in fields(people) if f.name not in PLACED}
    where = replace(people.places, lon=people.places.lon[old], lat=people.places.lat[old])
    return replace(
        situation,
        people=replace(people, places=where, **moved),
        cases=replace(cases, holders=renamed(cases.holders), pinned=renamed(cases.pinned)),
        barred=(situation.barred[0], new_row[situation.barred[1]]),
        lacking=(situation.lacking[0], new_row[situation.lacking[1]]),
        on_call=None if situation.on_call is None else situation.on_call[old],
    )


CROSSING = a_situation(
    a_case_list([(0, 0), (1000, 0)], age=[600.0, 60.0], holders=[[NOBODY, 3, 2], [NOBODY, NOBODY, 2]]),
    people_at(
        [(300, 0), (1100, 0), (2000, 0), (4000, 0)],
        [WALK, WALK, E_BIKE, E_BIKE],
        asked_ago=[10.0, 20.0, np.inf, 30.0],
    ),
)
"""Two cases a kilometre apart; two walkers close by, two riders further off, who hold the grids."""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("own_grid", [(0, 3), (1, 2)]),
        ("round_robin", [(0, 2), (1, 3)]),
        ("nearest_free", [(0, 0), (1, 1)]),
        ("fastest_free", [(0, 0), (1, 1)]),
        ("greedy_pair", [(0, 0), (1, 1)]),
        ("engine", [(0, 0), (1, 1)]),
    ],
)
def test_each_rule_is_what_it_is_called(name: str, expected: list[tuple[int, int]]) -> None:
    assert pairs(POLICIES[name](CROSSING)) == expected


def test_the_nearest_is_not_the_fastest() -> None:
    situation = a_situation(a_case_list([(0, 0)]), people_at([(900, 0), (1500, 0)], [WALK, E_BIKE]))
    assert pairs(POLICIES["nearest_free"](situation)) == [(0, 0)]
    assert pairs(POLICIES["fastest_free"](situation)) == [(0, 1)]


def test_case_by_case_takes_from_the_next_what_the_pairs_leave_it() -> None:
    """The older case takes the nearest in its turn; the closest pair of all is somebody else's."""
    situation = a_situation(a_case_list([(0, 0), (500, 0)]), people_at([(400, 0), (-2000, 0)]))
    assert pairs(POLICIES["nearest_free"](situation)) == [(0, 0), (1, 1)]
    assert pairs(POLICIES["greedy_pair"](situation)) == [(0, 1), (1, 0)]


def test_a_simple_rule_interrupts_routine_work_only_when_nobody_is_free() -> None:
    people = people_at([(100, 0), (900, 0)], standing=np.asarray([Standing.ROUTINE, Standing.FREE]))
    assert pairs(POLICIES["nearest_free"](a_situation(a_case_list([(0, 0)]), people))) == [(0, 1)]
    two = a_situation(a_case_list([(0, 0), (50, 0)]), people)
    assert pairs(POLICIES["nearest_free"](two)) == [(0, 1), (1, 0)]


def test_own_grid_goes_from_a_to_b_to_the_leader() -> None:
    situation = a_situation(
        a_case_list([(0, 0)], holders=[[2, 1, 0]]), people_at([(10, 0), (20, 0), (30, 0), (1, 0)])
    )
    assert pairs(POLICIES["own_grid"](situation)) == [(0, 2)]
    assert pairs(POLICIES["own_grid"](barring(situation, (0, 2)))) == [(0, 1)]
    assert pairs(POLICIES["own_grid"](barring(situation, (0, 2), (0, 1)))) == [(0, 0)]
    assert pairs(POLICIES["own_grid"](barring(situation, (0, 2), (0, 1), (0, 0)))) == []


@settings(max_examples=30, deadline=None)
@given(situation=situations())
def test_everybody_who_may_be_asked_is_in_one_tier(situation: Situation) -> None:
    every = np.concatenate(tiers(situation))
    assert sorted(every) == np.flatnonzero(situation.people.standing != Standing.GOING).tolist()
