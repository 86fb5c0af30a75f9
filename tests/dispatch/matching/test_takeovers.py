"""When somebody else takes over a way: for much, never for little, and never at the cost of whoever waits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from services.dispatch.matching.candidates import merged, without
from services.dispatch.matching.costs import price, rest_of_way
from services.dispatch.matching.eligible import at_work
from services.dispatch.matching.engine import Engine
from services.dispatch.matching.explaining import Because, explained
from services.dispatch.matching.situation import NOBODY, Assignment, Situation, Standing
from services.dispatch.matching.swaps import callable_off
from services.dispatch.matching.weights import Weights
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

GOES, FREE = Standing.GOING, Standing.FREE


def taken_over(situation: Situation, made: Assignment) -> dict[int, int]:
    """By case, who is asked to take it over."""
    over = situation.cases.goer[made.case] != NOBODY
    return dict(zip(made.case[over].tolist(), made.person[over].tolist(), strict=True))


def on_the_way(
    away_m: float,
    near_m: float = 100.0,
    *,
    due: float = 600.0,
    waits: tuple[float, float] | None = None,
    mode: int = WALK,
    **near: Any,
) -> Situation:
    """Person 0 walks to case 0, which is `away_m` off; person 1 is free, `near_m` from it. Case 1 may wait."""
    cases = [(0.0, 0.0)] + ([waits] if waits else [])
    goer = [0] + ([NOBODY] if waits else [])
    people = people_at(
        [(away_m, 0), (-near_m, 0)],
        [WALK, mode],
        standing=np.asarray([GOES, FREE], dtype=np.int8),
        remaining=[away_m, np.inf],
        swappable=[True, False],
    )
    changed: dict[str, Any] = {
        name: np.asarray([getattr(people, name)[0], value]) for name, value in near.items()
    }
    return a_situation(
        a_case_list(cases, due=[due] + [900.0] * (len(cases) - 1), goer=goer), replace(people, **changed)
    )


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        pytest.param(on_the_way(700), {0: 1}, id="late if they go on, in time by somebody nearer"),
        pytest.param(on_the_way(400), {}, id="in time anyhow: some minutes are too little"),
        pytest.param(on_the_way(1350, due=-60), {0: 1}, id="late either way, but nineteen minutes sooner"),
        pytest.param(on_the_way(1100, due=-60), {}, id="late either way, and only sixteen minutes sooner"),
        pytest.param(on_the_way(700, 550), {}, id="the other one is hardly nearer"),
        pytest.param(on_the_way(2000, 1500, mode=E_BIKE), {0: 1}, id="the other one rides"),
        pytest.param(on_the_way(239, due=100), {}, id="less than four minutes from the door"),
        pytest.param(on_the_way(700, standing=Standing.ROUTINE, free_after=120.0), {0: 1}, id="from a round"),
        pytest.param(on_the_way(700, waits=(-100, 0)), {}, id="the other one is needed by whoever waits"),
    ],
)
def test_a_way_is_taken_over_when_that_saves_much(moment: Situation, expected: dict[int, int]) -> None:
    made = ENGINE(moment)
    assert taken_over(moment, made) == expected
    assert not made.swap.any()


def test_whoever_waits_goes_first() -> None:
    moment = on_the_way(700, waits=(-100, 0))
    made = ENGINE(moment)
    assert (made.case.tolist(), made.person.tolist()) == ([1], [1])


def test_once_a_trip_and_not_by_who_declined() -> None:
    moment = on_the_way(700)
    kept = replace(moment.people, swappable=np.asarray([False, False]))
    assert taken_over(moment, ENGINE(moment))
    assert not len(ENGINE(replace(moment, people=kept)).case)
    assert not len(ENGINE(barring(moment, (0, 1))).case)


def test_whoever_is_on_call_is_not_called_in_for_it() -> None:
    moment = on_the_way(700)
    assert not len(ENGINE(replace(moment, on_call=np.asarray([False, True]))).case)


def test_two_at_once_are_shared_out_so_that_most_is_saved() -> None:
    """Both of those who are free are nearest to the same case; one of them is near enough to the other case."""
    moment = a_situation(
        a_case_list([(0, 0), (500, 0)], due=[600, 600], goer=[0, 1]),
        people_at(
            [(-900, 0), (1400, 0), (10, 0), (100, 0)],
            standing=np.asarray([GOES, GOES, FREE, FREE], dtype=np.int8),
            remaining=[900, 900, np.inf, np.inf],
            swappable=[True, True, False, False],
        ),
    )
    assert taken_over(moment, ENGINE(moment)) == {0: 2, 1: 3}


def test_a_way_somebody_is_called_off_is_not_handed_over_as_well() -> None:
    """They are asked to turn round to the fresh case; who was kept to stand in for them is asked for nothing yet."""
    moment = a_situation(
        a_case_list([(3000, 0), (100, 0)], due=[-60, 600], goer=[0, NOBODY], age=[900, 5]),
        people_at(
            [(0, 0), (2500, 0)],
            [E_BIKE, WALK],
            standing=np.asarray([GOES, FREE], dtype=np.int8),
            remaining=[960.0, np.inf],
            swappable=[True, False],
        ),
    )
    made = ENGINE(moment)
    assert (made.person.tolist(), made.swap.tolist(), taken_over(moment, made)) == ([0], [True], {})


@settings(max_examples=60, deadline=None)
@given(situation=situations())
def test_each_saves_enough_and_no_single_one_more_was_to_be_had(situation: Situation) -> None:
    made = ENGINE(situation)
    going = callable_off(situation, WEIGHTS)
    stays = dict(zip(going.tolist(), rest_of_way(situation, going, WEIGHTS).cost.tolist(), strict=True))
    cost = dict(
        zip(
            zip(made.case.tolist(), made.person.tolist(), strict=True),
            made.edges.cost[made.edge],
            strict=True,
        )
    )
    found = taken_over(situation, made)
    for pair in found.items():
        assert stays[pair[0]] - cost[pair] >= WEIGHTS.swap_saves
    if made.swap.any():
        return
    idle = np.setdiff1d(at_work(situation), made.person)
    left = np.setdiff1d(going, made.case)
    n = len(situation.people)
    pairs = np.repeat(left, len(idle)), np.tile(idle, len(left))
    edges = price(situation, without(merged(pairs, n), situation.barred, n), WEIGHTS)
    saved = np.asarray([stays[case] for case in edges.case.tolist()]) - edges.cost
    assert not (saved > WEIGHTS.swap_saves + 1e-3).any()


def test_the_stand_in_for_the_solver_takes_nothing_over() -> None:
    crowd = a_situation(
        a_case_list([*((i, 0) for i in range(30)), (2000, 300)], due=600, goer=[*[NOBODY] * 30, 0]),
        people_at(
            [(0, 9000), *((i * 40.0, 10) for i in range(60))],
            standing=np.asarray([GOES, *[FREE] * 60], dtype=np.int8),
            remaining=[4000.0, *[np.inf] * 60],
            swappable=[True, *[False] * 60],
        ),
    )
    assert len(taken_over(crowd, ENGINE(crowd))) == 1
    made = Engine(WEIGHTS, running_out(1))(crowd)
    assert made.fallback == "time"
    assert taken_over(crowd, made) == {}


def test_a_solver_that_fails_takes_nothing_over_and_loses_nothing() -> None:
    def breaking(_: Any) -> Any:
        raise ValueError("no full matching exists")

    contested = a_situation(
        a_case_list([(0, 0), (10, 0)], due=600, goer=[0, 1]),
        people_at(
            [(900, 0), (900, 10), (-50, 0)],
            standing=np.asarray([GOES, GOES, FREE], dtype=np.int8),
            remaining=[900, 900, np.inf],
            swappable=[True, True, False],
        ),
    )
    assert len(ENGINE(contested).case) == 1
    made = Engine(WEIGHTS, standing_still, breaking)(contested)
    assert (len(made.case), made.fallback) == (0, None)


def test_a_higher_threshold_turns_fewer_round() -> None:
    dear = Engine(Weights(swap_saves=2000.0), standing_still)
    assert not len(dear(on_the_way(700)).case)


def test_it_is_told_as_what_it_is() -> None:
    moment = on_the_way(700)
    (one,) = explained(moment, ENGINE(moment), WEIGHTS)
    assert (one.because, one.person) == (Because.TAKEOVER, 1)
