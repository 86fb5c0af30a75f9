"""The bounds beside the table, on days small enough to try every plan there is."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from services.dispatch.city.bounds import HOME, Foreknown, Limits, at_home, clairvoyant
from tests.dispatch.city_report.days import foreknown

WHOLE_DAY = Limits(ahead_seconds=1e9, cases_max=100, chain_max=5)


def served_in_time(day: Foreknown, who: int, order: tuple[int, ...]) -> bool:
    """Would one person reach these cases in time, in this order?"""
    free, at = -np.inf, HOME
    for case in order:
        if not (day.may_go[case, who] and day.accepts[case, who]):
            return False
        one, to = np.array([who]), np.array([case])
        way = min(day.ways(one, np.array([at]), to)[0], day.ways(one, np.array([HOME]), to)[0])
        arrived = max(float(day.registered[case] + day.answers[case, who]), free) + float(way)
        if arrived > day.due[case]:
            return False
        free, at = arrived + float(day.on_site[case]), case
    return True


def best_of_all_plans(day: Foreknown) -> int:
    """Every way to hand the cases to people or to nobody, every order of each person's cases."""
    cases, people = day.may_go.shape
    best = 0
    for hands in product(range(-1, people), repeat=cases):
        served = cases - hands.count(-1)
        if served <= best:
            continue
        each = [tuple(case for case in range(cases) if hands[case] == who) for who in range(people)]
        if all(any(served_in_time(day, who, o) for o in permutations(c)) for who, c in enumerate(each)):
            best = served
    return best


def a_crowded_street(seed: int) -> Foreknown:
    chance = np.random.default_rng(seed)
    cases, people = int(chance.integers(2, 6)), int(chance.integers(1, 4))
    return foreknown(
        np.sort(chance.uniform(0, 1500, cases)).tolist(),
        chance.uniform(0, 1200, cases).tolist(),
        chance.uniform(0, 1200, people).tolist(),
        on_site=chance.uniform(100, 700, cases).tolist(),
        answer=20.0,
        accepts=(chance.uniform(size=(cases, people)) < 0.8).tolist(),
        noise=np.exp(0.25 * chance.standard_normal((cases, people))),
    )


@pytest.mark.parametrize("seed", range(40))
def test_the_plan_of_one_window_is_the_best_there_is(seed: int) -> None:
    day = a_crowded_street(seed)
    plan = clairvoyant(day, WHOLE_DAY)
    assert int(plan.on_time.sum()) == best_of_all_plans(day)
    assert (plan.windows, plan.cut_windows, plan.gap) == (1, 0, 0.0)


@pytest.mark.parametrize("seed", range(40))
def test_the_plan_of_many_windows_can_be_carried_out(seed: int) -> None:
    """What it says is reached in time is reached in time, in the order it settled; it is never above the best."""
    day = a_crowded_street(seed)
    plan = clairvoyant(day, Limits(ahead_seconds=600.0, cases_max=2))
    assert int(plan.on_time.sum()) <= best_of_all_plans(day)
    for who in range(day.may_go.shape[1]):
        theirs = tuple(np.flatnonzero(plan.who == who).tolist())
        assert any(served_in_time(day, who, order) for order in permutations(theirs))
    assert np.array_equal(plan.on_time, plan.who >= 0)


def test_one_person_takes_the_two_they_can_reach_rather_than_the_first() -> None:
    day = foreknown([0, 10, 20], [800, 0, 50], [0], on_site=100.0)
    assert clairvoyant(day, WHOLE_DAY).on_time.tolist() == [False, True, True]


def test_who_would_decline_is_not_in_the_plan() -> None:
    day = foreknown([0], [0], [0, 500], accepts=[[False, True]])
    assert clairvoyant(day, WHOLE_DAY).who.tolist() == [1]


def test_a_window_with_more_chains_than_are_listed_says_so() -> None:
    day = foreknown([0, 1, 2], [0, 1, 2], [0, 1, 2], on_site=10.0)
    assert clairvoyant(day, Limits(columns_max=4)).cut_windows == 1
    one = foreknown([0, 1], [0, 1], [0], on_site=10.0)
    assert clairvoyant(one, Limits(chain_max=1)).cut_windows == 1


@pytest.mark.parametrize(
    ("bases", "accepts", "expected"),
    [
        ([899], None, True),
        ([901], None, False),
        ([100, 700], [[False, True]], True),
        ([100, 895], [[False, True]], False),  # the no of the nearer one takes ten seconds
        ([100], [[False]], False),
    ],
)
def test_a_case_alone(bases: list[float], accepts: list[list[bool]] | None, expected: bool) -> None:
    day = foreknown([0], [0], bases, answer=10.0 if accepts else 0.0, accepts=accepts)
    assert at_home(day).tolist() == [expected]


def test_cases_alone_do_not_meet() -> None:
    """Three at once for one person: alone each is in time, together one of them."""
    day = foreknown([0, 0, 0], [0, 0, 0], [0], on_site=1000.0)
    assert at_home(day).tolist() == [True, True, True]
    assert int(clairvoyant(day, WHOLE_DAY).on_time.sum()) == 1


def test_the_likeliest_is_asked_not_the_luckiest() -> None:
    """Nobody free at home can know that the nearer one will be held up."""
    day = foreknown([0], [0], [300, 600], noise=np.array([[4.0, 1.0]]))
    assert at_home(day).tolist() == [False]
    assert clairvoyant(day, WHOLE_DAY).who.tolist() == [1]
