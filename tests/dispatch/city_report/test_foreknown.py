"""What the bounds know beforehand is what the simulator then does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.dispatch.city import behaviour
from services.dispatch.city.bounds import HOME
from services.dispatch.city.demand import demand
from services.dispatch.city.draws import Draws
from services.dispatch.city.foreknown import acceptances, foreknown
from services.dispatch.city.people import roster
from services.dispatch.city.scenarios import SCENARIOS
from services.dispatch.city.simulate import simulate
from services.dispatch.matching.policies import policies
from services.dispatch.matching.weights import Weights

SHORT = replace(SCENARIOS["typhoon"], hours=1.0, people=30, cases_per_hour=20, surges=())
SEED = 11


def test_answers_and_ways_are_the_simulators() -> None:
    draws = Draws.of(SEED)
    day, calls, people = foreknown(SHORT, SEED), demand(SHORT, draws), roster(SHORT, draws)
    some = [(case, person) for case in range(0, len(calls), 3) for person in range(0, len(people), 7)]
    for case, person in some:
        if day.accepts[case, person]:
            expected = behaviour.answer_after(SHORT, draws, case, person, 0)
            assert day.answers[case, person] == pytest.approx(expected)
        metres = np.hypot(calls.x[case] - people.base_x[person], calls.y[case] - people.base_y[person])
        nominal = behaviour.nominal_seconds(metres, people.speeds(SHORT)[person])
        way = day.ways(np.array([person]), np.array([HOME]), np.array([case]))[0]
        assert way == pytest.approx(nominal * behaviour.way_factor(SHORT, draws, case, person))


@pytest.mark.parametrize("hour", [3, 12, 23])
@pytest.mark.parametrize("metres", [0.0, 1500.0, 9000.0])
def test_the_chance_of_a_yes_is_the_simulators(hour: int, metres: float) -> None:
    at = np.array([(hour - SHORT.starts_at_hour) % 24 * 3600.0])
    expected = behaviour.acceptance(SHORT, hour=hour, load=0, metres=metres)
    assert acceptances(SHORT, at, np.array([[metres]]))[0, 0] == pytest.approx(expected)


def test_the_bounds_are_of_the_very_cases_that_are_simulated() -> None:
    run = simulate(SHORT, SEED, policies(Weights())["fastest_free"], name="fastest_free")
    assert np.array_equal(run.registered, foreknown(SHORT, SEED).registered)


def test_only_who_is_on_duty_may_go() -> None:
    people, day = roster(SHORT, Draws.of(SEED)), foreknown(SHORT, SEED)
    on_duty = (people.starts <= day.registered[:, None]) & (day.registered[:, None] < people.ends)
    assert not (day.may_go & ~on_duty).any()
    assert day.may_go.any(axis=1).all()
