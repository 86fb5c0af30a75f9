"""The engine against every possible matching, its fallback against its definition, and what the costs promise."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.dispatch.matching.assignment import Box, Problem, solve
from services.dispatch.matching.candidates import bases, merged, spots, without
from services.dispatch.matching.closest import closest_pairs
from services.dispatch.matching.costs import price, rest_of_way, scarce, small, worth
from services.dispatch.matching.eligible import at_work, waiting
from services.dispatch.matching.engine import Engine
from services.dispatch.matching.situation import NOBODY, Assignment, Edges, Situation, Standing
from services.dispatch.matching.swaps import callable_off
from services.dispatch.travel.model import Indices, Places
from tests.dispatch.matching.situations import (
    E_BIKE,
    ENGINE,
    WALK,
    WEIGHTS,
    a_case_list,
    a_situation,
    barring,
    people_at,
    running_out,
    situations,
    standing_still,
)

FAR_MORE = 1e15


def plainly(situation: Situation) -> Situation:
    """Without fixed steps and people on call, who make matchings of their own."""
    pinned = np.full(len(situation.cases), NOBODY)
    return replace(situation, on_call=None, cases=replace(situation.cases, pinned=pinned))


def few(situation: Situation) -> bool:
    return scarce(situation, at_work(situation), waiting(situation), WEIGHTS)


def everything(situation: Situation, cases: Indices, people: Indices) -> Edges:
    """All pairs of these cases and people that are not barred, priced."""
    n = len(situation.people)
    grid = np.repeat(cases, len(people)), np.tile(people, len(cases))
    return price(situation, without(merged(grid, n), situation.barred, n), WEIGHTS)


def least(options: list[dict[int, float]], leave: list[float], taken: frozenset[int] = frozenset()) -> float:
    """The least total over every way to give each case one of its people or nobody."""
    if not options:
        return 0.0
    best = leave[0] + least(options[1:], leave[1:], taken)
    for person, cost in options[0].items():
        if person not in taken:
            best = min(best, cost + least(options[1:], leave[1:], taken | {person}))
    return best


def by_case(edges: Edges, case: int, extra: float = 0.0) -> dict[int, float]:
    of = edges.case == case
    return dict(zip(edges.person[of].tolist(), (edges.cost[of] + extra).tolist(), strict=True))


@settings(max_examples=40, deadline=None)
@given(situation=situations(cases_max=4, people_max=5, goers=False), engaged=st.sampled_from([0, 50]))
def test_no_matching_costs_less(situation: Situation, engaged: int) -> None:
    plain = replace(plainly(situation), engaged=engaged)
    every, waits = everything(plain, waiting(plain), at_work(plain)), waiting(plain)
    value = worth(plain.cases, WEIGHTS, scarce=few(plain))
    made = ENGINE(plain)
    left = np.setdiff1d(waits, made.case)
    total = made.edges.cost[made.edge].sum() + value[left].sum()
    best = least([by_case(every, case) for case in waits.tolist()], value[waits].tolist())
    assert total == pytest.approx(best, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(situation=situations(cases_max=4, people_max=5), engaged=st.sampled_from([0, 50]))
def test_no_matching_with_swaps_saves_more(situation: Situation, engaged: int) -> None:
    """Every way to call people off, to send others in their place, and to do neither."""
    plain = replace(plainly(situation), engaged=engaged)
    waits, going = waiting(plain), callable_off(plain, WEIGHTS)
    every = everything(plain, waits, at_work(plain))
    nobody, *somebody = product([False, True], repeat=len(going))
    cheapest = [with_swaps(plain, every, waits, going, called) for called in somebody]
    without = with_swaps(plain, every, waits, going, nobody)
    assert ENGINE(plain).swap.any() == (min(cheapest, default=FAR_MORE) < without - 1e-3)


def with_swaps(
    situation: Situation, every: Edges, waits: Indices, going: Indices, called: tuple[bool, ...]
) -> float:
    """The least total if these and no others are called off. What a case is worth is the same in every comparison."""
    cases = situation.cases
    later = replace(situation, answer_seconds=2 * situation.answer_seconds)
    off = going[np.asarray(called, dtype=bool)]
    away = everything(situation, waits, cases.goer[going])
    again = everything(later, going, at_work(situation))
    stays = np.zeros(len(cases))
    stays[going] = rest_of_way(situation, going, WEIGHTS).cost
    value = np.maximum(worth(cases, WEIGHTS, scarce=few(situation)) - stays, 0.0)
    may = np.isin(away.person, cases.goer[off])
    options = [
        by_case(every, case)
        | {p: c for p, c in by_case(away, case, WEIGHTS.swap_saves).items() if p in away.person[may]}
        for case in waits.tolist()
    ]
    options += [
        {person: max(0.0, cost - stays[case]) for person, cost in by_case(again, case).items()}
        for case in off.tolist()
    ]
    return least(options, [*value[waits].tolist(), *value[off].tolist()])


@settings(max_examples=40, deadline=None)
@given(situation=situations(cases_max=4, goers=False))
def test_somebody_in_no_respect_better_changes_nothing(situation: Situation) -> None:
    """Somebody far beyond the edge of town who is free tomorrow: as long as there are people enough, nobody misses
    them, however many could change places."""
    situation = plainly(situation)
    before = ENGINE(situation)
    assume(len(before.case) == len(waiting(situation)))
    people = situation.people
    far = people_at([(60_000.0, 0.0)], load=[9.0], nights=[9.0], free_after=[100_000.0])
    changed: dict[str, Any] = {
        name: np.append(getattr(people, name), getattr(far, name))
        for name in people.__dataclass_fields__
        if name != "places" and not name.startswith("elsewhere")
    }
    lon = np.append(people.places.lon, far.places.lon)
    lat = np.append(people.places.lat, far.places.lat)
    more = replace(people, places=Places(lon, lat), **changed)
    after = ENGINE(replace(situation, people=more))
    assert before.case.tolist() == after.case.tolist()
    assert before.person.tolist() == after.person.tolist()


def breaking(_: Any) -> Any:
    raise ValueError("no full matching exists")


@settings(max_examples=40, deadline=None)
@given(situation=situations(goers=False))
def test_a_solver_that_fails_leaves_the_closest_pairs(situation: Situation) -> None:
    plain = plainly(situation)
    made = Engine(WEIGHTS, standing_still, breaking)(plain)
    if made.fallback is None:
        assert made.person.tolist() == ENGINE(plain).person.tolist()
        return
    assert made.fallback == "error"
    case, person = closest_pairs(plain, waiting(plain), at_work(plain))
    assert (made.case.tolist(), made.person.tolist()) == (case.tolist(), person.tolist())


@settings(max_examples=40, deadline=None)
@given(situation=situations())
def test_the_closest_pairs_are_what_they_are_called(situation: Situation) -> None:
    """Of all pairs the closest, then of what is left the closest, until nothing is left."""
    chosen, people = waiting(situation), at_work(situation)
    barred = set(zip(*(rows.tolist() for rows in situation.barred), strict=True))
    lon, lat = situation.people.places.lon, situation.cases.places.lon
    assume(np.isfinite(lon).all() and np.isfinite(lat).all())
    left = {(c, p) for c in chosen.tolist() for p in people.tolist()} - barred
    expected = []
    while left:
        closest = min(left, key=lambda pair: (_apart(situation, *pair), pair))
        expected.append(closest)
        left = {(c, p) for c, p in left if c != closest[0] and p != closest[1]}
    made = zip(*(rows.tolist() for rows in closest_pairs(situation, chosen, people)), strict=True)
    assert list(made) == sorted(expected)


@pytest.mark.parametrize("seed", range(12))
def test_of_people_at_one_place_the_first_by_row_is_as_close_as_any(seed: int) -> None:
    """Many more than are looked up at once, at a few posts, for cases of which some are at one place too."""
    draw = np.random.default_rng(seed)
    posts, doors = draw.uniform(-2000, 2000, (4, 2)), draw.uniform(-2000, 2000, (5, 2))
    m, n = int(draw.integers(1, 25)), int(draw.integers(1, 60))
    cases, people = doors[draw.integers(0, 5, m)], posts[draw.integers(0, 4, n)]
    situation = a_situation(
        a_case_list(cases.tolist()), people_at(people.tolist()), barred=_pairs(draw, m, n)
    )
    barred = set(zip(*(rows.tolist() for rows in situation.barred), strict=True))
    at, to = bases(situation.people.places), spots(situation.cases.places)
    metres = np.round(np.linalg.norm(to[:, None] - at[None], axis=2), 6)
    left = sorted((float(metres[c, p]), c, p) for c in range(m) for p in range(n) if (c, p) not in barred)
    expected = []
    while left:
        expected.append(left[0][1:])
        left = [one for one in left if one[1] != expected[-1][0] and one[2] != expected[-1][1]]
    made = closest_pairs(situation, np.arange(m), draw.permutation(n))
    assert list(zip(*(rows.tolist() for rows in made), strict=True)) == sorted(expected)


def _pairs(draw: np.random.Generator, m: int, n: int) -> tuple[Indices, Indices]:
    found = np.argwhere(draw.random((m, n)) < 0.2)
    return found[:, 0], found[:, 1]


def _apart(situation: Situation, case: int, person: int) -> float:
    one, other = situation.cases.places, situation.people.places
    east = (one.lon[case] - other.lon[person]) * np.cos(np.radians(24.8))
    return float(np.hypot(east, one.lat[case] - other.lat[person]))


def two_corners() -> Situation:
    """Two quarters far apart, in each two cases that want the same person; the second quarter is more pressed."""
    cases = a_case_list([(0, 0), (50, 0), (90_000, 0), (90_050, 0)], due=[800, 900, 300, 400])
    return a_situation(cases, people_at([(10, 0), (500, 0), (90_010, 0), (90_500, 0)]))


def test_the_time_box_closes_between_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is pressing was solved, the rest is paired, and the answer says so."""
    monkeypatch.setattr("services.dispatch.matching.assignment.BATCH_EDGES", 1)
    edges = everything(two_corners(), np.arange(4), np.arange(4))
    near = edges.eta < 5000
    situation = two_corners()
    value = worth(situation.cases, WEIGHTS, scarce=False)
    problem = Problem(edges.case[near], edges.person[near], edges.cost[near], value, situation.cases.due)
    solved = solve(problem, Box.of(running_out(1), 0.25))
    assert (solved.fallback, solved.open.tolist()) == ("time", [0, 1])
    assert problem.case[solved.edge].tolist() == [2, 3]


def test_after_the_time_box_whoever_is_left_gets_the_closest() -> None:
    """Thirty cases at one corner, the nearest twenty people are not enough, and no time to look further."""
    situation = a_situation(
        a_case_list([(i, 0) for i in range(30)]), people_at([(i * 40.0, 10) for i in range(60)])
    )
    made = Engine(WEIGHTS, running_out(1))(situation)
    assert made.fallback == "time"
    assert len(made.case) == 30


def test_a_hot_spot_is_looked_at_more_widely_until_everybody_has_somebody() -> None:
    situation = a_situation(
        a_case_list([(i % 5, i // 5) for i in range(90)]), people_at([(i * 40.0, 10) for i in range(120)])
    )
    made = ENGINE(situation)
    assert (len(made.case), made.fallback) == (90, None)


def test_what_can_still_be_saved_goes_before_what_is_late_and_then_by_age() -> None:
    cases = a_case_list(
        [(0, 0), (10, 0), (20, 0), (30, 0)], due=[-600, -300, -900, 600], age=[1500, 1200, 1800, 300]
    )
    for people, expected in ((1, [3]), (2, [2, 3]), (3, [0, 2, 3])):
        situation = a_situation(cases, people_at([(300 + i, 0) for i in range(people)]))
        assert ENGINE(situation).case.tolist() == expected


@pytest.mark.parametrize(
    ("metres", "age", "engaged", "goes"),
    [
        (700, 0, 100, True),
        (2000, 0, 100, False),
        (2000, 0, WEIGHTS.soon_done_min - 1, True),
        (2000, 3600, 100, False),
        (2000, 2 * 3600 + 600, 100, True),
    ],
    ids=["near", "far, others are soon done", "far, nobody is soon done", "old", "older"],
)
def test_nobody_crosses_the_town_where_somebody_nearer_is_soon_done(
    metres: float, age: float, engaged: int, goes: bool
) -> None:
    """One case, one walker (2 km as the crow flies are 45 minutes), and so many who work on emergencies."""
    cases = a_case_list([(0, 0)], due=900 - age, age=[age])
    made = ENGINE(replace(a_situation(cases, people_at([(metres, 0)])), engaged=engaged))
    assert (len(made.case) == 1) == goes


def test_whoever_is_not_sent_across_the_town_serves_a_second_case_nearby() -> None:
    """Two cases, one far and one near, and one person: the near one, also where the far one is older."""
    cases = a_case_list([(2500, 0), (300, 0)], due=[-600, -300], age=[1500, 1200])
    made = ENGINE(replace(a_situation(cases, people_at([(0, 0)])), engaged=50))
    assert made.case.tolist() == [1]


def test_the_own_grid_goes_first_while_it_is_in_time() -> None:
    """Three minutes further off, A is sent; once that could be too late, whoever is nearer."""
    people = people_at([(240, 0), (40, 0)])
    for due, expected in ((900, 0), (330, 1)):
        cases = a_case_list([(0, 0)], due=due, holders=[[0, NOBODY, NOBODY]])
        assert ENGINE(a_situation(cases, people)).person.tolist() == [expected]


def test_b_stands_in_when_a_has_declined() -> None:
    cases = a_case_list([(0, 0)], holders=[[0, 1, NOBODY]])
    situation = a_situation(cases, people_at([(0, 0), (150, 0), (20, 0)]))
    assert ENGINE(situation).person.tolist() == [0]
    assert ENGINE(barring(situation, (0, 0))).person.tolist() == [1]


def test_somebody_on_routine_work_is_interrupted_if_that_is_sooner() -> None:
    standing = np.asarray([Standing.ROUTINE, Standing.FREE], dtype=np.int8)
    people = people_at([(50, 0), (700, 0)], standing=standing, free_after=[120.0, 0.0])
    assert ENGINE(a_situation(a_case_list([(0, 0)]), people)).person.tolist() == [0]


def a_way_off() -> Situation:
    """Somebody rides past a fresh emergency to one that is lost anyway."""
    cases = a_case_list([(3000, 0), (100, 0)], due=[-60, 600], goer=[0, NOBODY], age=[900, 5])
    people = people_at(
        [(0, 0), (2500, 0)],
        [E_BIKE, WALK],
        standing=np.asarray([Standing.GOING, Standing.FREE], dtype=np.int8),
        remaining=[960.0, np.inf],
        swappable=[True, False],
    )
    return a_situation(cases, people)


def test_somebody_is_called_off_when_that_saves_much() -> None:
    made = ENGINE(a_way_off())
    assert (made.case.tolist(), made.person.tolist(), made.swap.tolist()) == ([1], [0], [True])


@pytest.mark.parametrize(
    "change",
    [
        {"swappable": np.asarray([False, False])},
        {"remaining": np.asarray([239.0, np.inf])},
    ],
)
def test_nobody_is_called_off_twice_or_shortly_before_the_door(change: dict[str, Any]) -> None:
    situation = a_way_off()
    made = ENGINE(replace(situation, people=replace(situation.people, **change)))
    assert not made.swap.any()


def test_nobody_is_called_off_for_little() -> None:
    """The same, with a walker at hand who would be in time as well."""
    situation = a_way_off()
    near = people_at([(0, 0), (400, 0)]).places
    made = ENGINE(replace(situation, people=replace(situation.people, places=near)))
    assert made.person.tolist() == [1]
    assert not made.swap.any()


@settings(max_examples=40, deadline=None)
@given(situation=situations(goers=False))
def test_small_terms_never_decide_over_lateness(situation: Situation) -> None:
    """All together they weigh what one point of the chance of being late weighs."""
    edges = everything(situation, waiting(situation), at_work(situation))
    terms = small(situation, (edges.case, edges.person), WEIGHTS)
    assert ((terms >= 0) & (terms <= 0.01 * WEIGHTS.late)).all()
    assert WEIGHTS.small_max <= 0.01 * WEIGHTS.late


def assert_nothing(made: Assignment) -> None:
    assert (len(made.case), len(made.swap), made.fallback) == (0, 0, None)


def test_nobody_there_or_nothing_to_do_is_no_error() -> None:
    assert_nothing(ENGINE(a_situation(a_case_list([]), people_at([(0, 0)]))))
    assert_nothing(ENGINE(a_situation(a_case_list([(0, 0)]), people_at([]))))
    assert_nothing(ENGINE(a_situation(a_case_list([]), people_at([]))))
