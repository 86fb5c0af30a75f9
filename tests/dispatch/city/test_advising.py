"""Where free people are told to wait in the city: from what dispatch knows, and followed or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from math import inf

import numpy as np
import pytest

from services.dispatch.city import advising, ground
from services.dispatch.city.advising import past_calls
from services.dispatch.city.demand import demand
from services.dispatch.city.draws import Draws, Stream
from services.dispatch.city.scenarios import SCENARIOS, Call, Scenario, Surge, replay_scenario
from services.dispatch.city.simulate import City, nominal_travel, simulate
from services.dispatch.city.world import World
from services.dispatch.matching.advice import EVERY_SECONDS, PERSON_RESTS_SECONDS
from services.dispatch.matching.policies import POLICIES
from services.dispatch.travel.model import Floats
from shared.going import MatchingPolicy
from tests.dispatch.city.test_seen import reachable

FASTEST = POLICIES[MatchingPolicy.FASTEST_FREE]
QUIET = Scenario("quiet", people=8, cases_per_hour=3, hours=6.0, routine_share=0.0, breaks=False)
Told = tuple[float, int, int]
KNOWS = {"Advising", "Seen", "Known", "_Rates", "Lessons", "SetOut", "Roster"}
Past = Callable[[Scenario, Draws], Floats]


def told_in(
    scenario: Scenario, draws: Draws, until: float = inf, past: Past = past_calls
) -> tuple[list[Told], list[float]]:
    """Who was told which grid when, and when something was known to wait."""
    world, travel = World(scenario, draws), nominal_travel(scenario)
    city = City(world, FASTEST, travel, None, advised=True)
    city._advising = advising.Advising(
        city.seen, world.roster, past(scenario, draws), travel, scenario.starts_at_hour
    )
    said: list[Told] = []
    waited: list[float] = []
    really = world.told

    def noted(person: int, now: float, grid: int) -> None:
        said.append((now, person, grid))
        waited.extend([now] * bool(city.seen.waiting))
        really(person, now, grid)

    world.told = noted  # type: ignore[method-assign]
    city.run(until)
    return said, waited


def test_once_a_minute_nobody_twice_in_half_an_hour_and_never_while_somebody_waits() -> None:
    said, waited = told_in(QUIET, Draws.of(1))

    assert len(said) > 10
    assert waited == []
    moments = [at for at, *_ in said]
    assert np.diff(moments).min() >= EVERY_SECONDS
    for person in {person for _, person, _ in said}:
        mine = [at for at, told, _ in said if told == person]
        assert all(later - sooner >= PERSON_RESTS_SECONDS for sooner, later in pairwise(mine))


def test_the_adviser_can_reach_nothing_of_the_city_but_the_notes_and_the_roster() -> None:
    city = City(World(QUIET, Draws.of(1)), FASTEST, nominal_travel(QUIET), None, advised=True)
    city.run(3600.0)

    package = "services.dispatch.city"
    found = {
        type(one).__name__ for one in reachable(city._advising) if type(one).__module__.startswith(package)
    }

    assert found <= KNOWS


def peeking(scenario: Scenario, draws: Draws) -> Floats:
    """What must never be given: the calls of the day itself."""
    calls = demand(scenario, draws)
    counts = np.bincount(advising.cell_of(calls.x, calls.y), minlength=advising.CELLS)
    return np.tile(100.0 * counts, (24, 1))


def foretold(past: Past) -> bool:
    """Whether what is said before the first call differs by calls that nobody has made yet."""
    draws, calm = Draws.of(2), replace(QUIET, cases_per_hour=0.5, e_bike_share=0.0)
    worlds = [draws, *(draws.changed(Stream.DEMAND, seed) for seed in (20, 21))]
    first = min(float(demand(calm, one).registered[0]) for one in worlds)
    said = [told_in(calm, one, first, past)[0] for one in worlds]
    assert any(said)
    return any(one != said[0] for one in said)


def test_what_is_said_does_not_foretell_the_day_and_one_who_peeks_is_caught() -> None:
    assert not foretold(past_calls)
    assert foretold(peeking)


@pytest.mark.parametrize("stream", [Stream.TRAVEL, Stream.SERVICE, Stream.ACCEPTANCE, Stream.DEMAND])
def test_the_weeks_before_are_drawn_for_themselves(stream: Stream) -> None:
    draws = Draws.of(2)

    assert (past_calls(QUIET, draws) == past_calls(QUIET, draws.changed(stream, 99))).all()
    assert (past_calls(QUIET, draws) != past_calls(QUIET, draws.changed(Stream.ADVICE, 99))).any()


def test_the_weeks_before_know_no_surge_and_a_recorded_day_has_none() -> None:
    heating = SCENARIOS["heating"]
    usual = past_calls(replace(heating, surges=()), Draws.of(1))

    assert (past_calls(heating, Draws.of(1)) == usual).all()
    assert usual.sum() == pytest.approx(28 * 25 * 12, rel=0.1)
    assert past_calls(replay_scenario([Call(60.0, 0.5, 0.5)]), Draws.of(1)).sum() == 0
    assert past_calls(replace(heating, surges=(Surge(0, 12, 500),)), Draws.of(1)).sum() == usual.sum()


def at_spot(world: World, person: int, grid: int, now: float) -> bool:
    x, y = world.position(person, now)
    return int(ground.grid_of(np.array([x]), np.array([y]))[0]) == grid


def a_world(**numbers: float) -> World:
    world = World(replace(QUIET, **numbers), Draws.of(1))  # type: ignore[arg-type]
    world.begin_shift(0, 0.0)
    return world


def test_whoever_follows_waits_there_until_something_else_begins() -> None:
    world = a_world(advice_followed=1.0)
    grid = (int(world.roster.grid[0]) + 2) % ground.GRIDS

    world.told(0, 0.0, grid)
    assert at_spot(world, 0, grid, 20_000.0)
    world.drift(0, 20_000.0)
    assert at_spot(world, 0, grid, 40_000.0)
    world.begin_break(0, 40_000.0)
    assert at_spot(world, 0, int(world.roster.grid[0]), 60_000.0)


def test_how_many_follow_is_the_scenarios_and_nobody_leaves_work_for_it() -> None:
    home = int(a_world().roster.grid[0])
    away = (home + 2) % ground.GRIDS
    never, busy = a_world(advice_followed=0.0), a_world(advice_followed=1.0)
    busy.begin_round(0, 0.0)
    before = busy.position(0, 9_000.0)

    never.told(0, 0.0, away)
    busy.told(0, 0.0, away)

    assert at_spot(never, 0, home, 20_000.0)
    assert busy.position(0, 9_000.0) == before
    follows = World(replace(QUIET, advice_followed=0.6), Draws.of(1))
    went = 0
    for person in range(len(follows.roster)):
        follows.begin_shift(person, 0.0)
        for time in range(100):
            before = follows._waits[person]
            follows.told(person, float(time), time % ground.GRIDS)
            went += follows._waits[person] != before
    assert went / (100 * len(follows.roster)) == pytest.approx(0.6, abs=0.05)


def test_a_city_in_which_nobody_follows_is_told_nothing_and_goes_as_without_advice() -> None:
    deaf = replace(QUIET, advice_followed=0.0)

    one, other = (simulate(deaf, 1, FASTEST, name="fastest_free", advised=told) for told in (True, False))

    assert one.suggestions == other.suggestions == 0
    assert (one.arrived == other.arrived).all()
    advised = simulate(QUIET, 1, FASTEST, name="fastest_free", advised=True)
    assert advised.suggestions > 0
    assert advised.duty_hours == pytest.approx(QUIET.people * 6)
