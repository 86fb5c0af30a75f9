"""A day on the virtual clock: nothing is lost, nobody is in two places, and every policy meets the same world."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.city import behaviour
from services.dispatch.city.behaviour import Reply, Wrong
from services.dispatch.city.draws import Draws
from services.dispatch.city.run import Run
from services.dispatch.city.scenarios import SCENARIOS, Scenario, Surge
from services.dispatch.city.simulate import LEVELS_AFTER_SECONDS, City, nominal_travel, simulate
from services.dispatch.city.world import Trip, World
from services.dispatch.matching.engine import Engine
from services.dispatch.matching.policies import POLICIES
from services.dispatch.matching.situation import Assignment, Policy, Situation, Standing
from services.dispatch.matching.weights import Weights
from shared.going import MatchingPolicy

FASTEST = POLICIES[MatchingPolicy.FASTEST_FREE]
ENGINE = Engine(Weights(), clock=lambda: 0.0)
MORNING = Scenario("morning", hours=2.0)
BUSY = Scenario("busy", people=15, cases_per_hour=20, hours=0.75, wrong_category_share=0.25, acceptance=0.7)


class Acted(NamedTuple):
    what: str
    at: float
    person: int
    case: int = -1


class Recorded(World):
    """The truth, written down."""

    def __init__(self, scenario: Scenario, draws: Draws) -> None:
        super().__init__(scenario, draws)
        self.acts: list[Acted] = []
        self.replies: list[tuple[float, int, Reply]] = []
        self.trips: list[tuple[int, Trip]] = []

    def reply(self, case: int, person: int, now: float, load: int) -> Reply:
        reply = super().reply(case, person, now, load)
        self.replies.append((now, person, reply))
        return reply

    def set_out(self, case: int, person: int, now: float) -> Trip:
        trip = super().set_out(case, person, now)
        self.acts.append(Acted("sets out", now, person, case))
        self.trips.append((person, trip))
        return trip

    def turn_round(self, person: int, now: float) -> None:
        self.acts.append(Acted("turns round", now, person))
        super().turn_round(person, now)

    def arrive(self, case: int, person: int, now: float) -> float:
        self.acts.append(Acted("arrives", now, person, case))
        return super().arrive(case, person, now)


def lived(scenario: Scenario, seed: int, policy: Policy) -> tuple[Recorded, Run]:
    world = Recorded(scenario, Draws.of(seed))
    city = City(world, policy, nominal_travel(scenario), None)
    city.run()
    return world, city.outcome("tried", seed)


def same(one: Run, other: Run, *, but: tuple[str, ...] = ("solver_seconds",)) -> bool:
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        for field in fields(Run)
        if field.name not in but
    )


# ── what holds on every day ───────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=8, deadline=None)
@given(
    people=st.integers(3, 20),
    rate=st.floats(1, 25),
    acceptance=st.floats(0.3, 0.95),
    routine=st.sampled_from([0.0, 0.4, 1.0]),
    seed=st.integers(0, 1_000),
    policy=st.sampled_from([FASTEST, ENGINE, POLICIES[MatchingPolicy.GREEDY_PAIR]]),
)
def test_whatever_the_day_every_case_ends_and_nobody_is_in_two_places(
    people: int, rate: float, acceptance: float, routine: float, seed: int, policy: Policy
) -> None:
    scenario = Scenario(
        "any", people=people, cases_per_hour=rate, hours=1.0, acceptance=acceptance, routine_share=routine
    )
    world, run = lived(scenario, seed, policy)

    assert np.isfinite(run.arrived).all()
    assert (run.arrived > run.registered).all()
    assert sum(act.what == "arrives" for act in world.acts) == len(run.registered)
    assert run.taken.sum() == len(run.registered)
    assert (run.offers > 0).all()
    on_the_way: dict[int, int] = {}
    for act in sorted(world.acts, key=lambda act: act.at):
        if act.what == "sets out":
            on_the_way[act.person] = act.case
        elif act.what == "turns round":
            del on_the_way[act.person]
        else:
            assert on_the_way.pop(act.person) == act.case
    assert not on_the_way


def test_nobody_sets_out_off_shift_or_on_a_break() -> None:
    world, _ = lived(Scenario("long", people=20, cases_per_hour=12, hours=9.0), 4, FASTEST)
    staff = world.roster

    assert world.trips
    for person, trip in world.trips:
        assert staff.starts[person] <= trip.departs
    for act in world.acts:
        assert act.what != "sets out" or act.at < staff.ends[act.person]


def test_nobody_is_offered_a_second_emergency_while_on_one() -> None:
    """Between setting out and the end of the work there is no offer, but for a swap on the way."""
    world, run = lived(BUSY, 2, FASTEST)
    ends: dict[int, list[tuple[float, float]]] = {act.person: [] for act in world.acts}
    begun: dict[int, float] = {}
    for act in world.acts:
        assert act.what != "turns round"
        if act.what == "sets out":
            begun[act.person] = act.at
        else:
            ends[act.person].append((begun.pop(act.person), act.at))

    assert run.swaps.sum() == 0
    for at, person, _ in world.replies:
        assert not any(sets_out < at < arrives for sets_out, arrives in ends.get(person, []))


def test_the_same_seed_is_the_same_day_and_another_is_not() -> None:
    one, again, other = (simulate(BUSY, seed, ENGINE, name="engine") for seed in (5, 5, 6))

    assert same(one, again)
    assert not same(one, other)


def test_every_policy_meets_the_same_world() -> None:
    """The same calls; and whoever goes to the same case needs as many times the nominal time for the way."""
    worlds = [lived(MORNING, 4, policy) for policy in (FASTEST, POLICIES[MatchingPolicy.ROUND_ROBIN])]

    assert same(
        worlds[0][1],
        worlds[1][1],
        but=("arrived", "offers", "interruptions", "taken", "solver_seconds", "level", "swaps", "takeovers"),
    )
    factors = [
        {
            (trip.case, person): behaviour.way_factor(MORNING, world.draws, trip.case, person)
            for person, trip in world.trips
        }
        for world, _ in worlds
    ]
    shared = factors[0].keys() & factors[1].keys()
    assert len(shared) >= 2
    assert all(factors[0][pair] == factors[1][pair] for pair in shared)


# ── what was asked for is what happens ────────────────────────────────────────────────────────────────────────────


def test_offers_are_accepted_as_often_as_the_scenario_says() -> None:
    for acceptance in (0.88, 0.60):
        scenario = replace(SCENARIOS["day"], acceptance=acceptance, hours=3.0, cases_per_hour=80)
        replies = [
            reply.accepted and reply.after < 60
            for seed in range(2)
            for *_, reply in lived(scenario, seed, FASTEST)[0].replies
        ]
        assert np.mean(replies) == pytest.approx(acceptance, abs=0.03)


def test_answers_and_work_take_what_they_should() -> None:
    draws, scenario = Draws.of(1), SCENARIOS["day"]
    answers = [behaviour.answer_after(scenario, draws, case, 0, 0) for case in range(2_000)]
    work = [behaviour.service(scenario, draws, case, lacking=False) for case in range(2_000)]

    assert np.median(answers) == pytest.approx(20, abs=1.2)
    assert max(answers) < 60
    assert np.median(work) / 60 == pytest.approx(22, abs=0.8)
    assert np.std(np.log(work)) == pytest.approx(0.4, abs=0.02)


def test_ways_scatter_around_the_nominal_time_of_the_weather() -> None:
    draws = Draws.of(1)
    for name, speed_factor in (("day", 1.0), ("storm", 0.75), ("typhoon", 0.5)):
        logs = np.log([behaviour.way_factor(SCENARIOS[name], draws, case, 1) for case in range(2_000)])
        assert np.exp(np.median(logs)) == pytest.approx(1 / speed_factor, rel=0.02)
        assert np.std(logs) == pytest.approx(0.25, abs=0.01)


def test_bad_weather_makes_ways_longer_on_the_whole_day() -> None:
    took = [
        np.median(simulate(replace(MORNING, speed_factor=f), 1, FASTEST, name="f").took) for f in (1.0, 0.5)
    ]

    assert took[1] > 1.5 * took[0]


def test_while_dispatch_is_down_nothing_is_offered_and_nothing_is_answered() -> None:
    scenario = replace(SCENARIOS["dispatcher_down"], hours=2.0, down_at_hour=1.0)
    down, back = 3600.0, 3600.0 + 300.0
    matched: list[float] = []

    def watch(now: float, situation: Situation, assignment: Assignment) -> None:
        matched.append(now)

    run = simulate(scenario, 1, FASTEST, name="f", watch=watch)
    then = (run.registered > down) & (run.registered < back)

    assert then.any()
    assert not any(down <= at < back for at in matched)
    assert (run.arrived[then] > back).all()
    assert any(at < down for at in matched)
    assert any(at == pytest.approx(back) for at in matched)


def test_a_case_nobody_takes_rises_by_the_clock() -> None:
    nobody = Scenario("nobody", people=1, cases_per_hour=6, hours=1.0, acceptance=0.05)
    run = simulate(nobody, 1, FASTEST, name="f")

    assert run.level.max() == len(LEVELS_AFTER_SECONDS)


def test_mass_testing_leaves_nobody_idle_and_everybody_to_be_interrupted() -> None:
    standings: list[float] = []

    def watch(now: float, situation: Situation, assignment: Assignment) -> None:
        idle = situation.people.standing != Standing.GOING
        standings.append(float(np.mean(situation.people.standing[idle] == Standing.ROUTINE)))

    run = simulate(replace(SCENARIOS["mass_testing"], hours=2.0), 1, FASTEST, name="f", watch=watch)

    assert np.mean(standings) > 0.8
    assert run.interruptions.mean() > 0.5


def test_a_wrong_category_costs_time_on_site_a_second_trip_or_minutes_at_the_start() -> None:
    draws, scenario = Draws.of(1), SCENARIOS["wrong_category"]
    kinds = [behaviour.wrong(scenario, draws, case) for case in range(4_000)]

    assert np.mean([kind is not None for kind in kinds]) == pytest.approx(0.25, abs=0.02)
    assert np.mean([kind is Wrong.SKILL for kind in kinds]) == pytest.approx(0.125, abs=0.02)
    case = kinds.index(Wrong.SKILL)
    plain = behaviour.service(SCENARIOS["day"], draws, case, lacking=False)
    assert behaviour.service(scenario, draws, case, lacking=False) == pytest.approx(1.5 * plain)
    assert behaviour.corrected_after(scenario, draws, kinds.index(Wrong.URGENCY)) > 0
    assert behaviour.corrected_after(scenario, draws, kinds.index(None)) == 0


def test_a_surge_outside_the_day_is_no_surge() -> None:
    late = replace(MORNING, surges=(Surge(10, 1, 100),))

    assert same(simulate(late, 1, FASTEST, name="f"), simulate(MORNING, 1, FASTEST, name="f"))


def test_a_wrong_arrival_counts_for_nothing() -> None:
    """Dispatch believes it; the figure counts the true one."""
    world, run = lived(Scenario("pressed", people=60, cases_per_hour=60, hours=3.0), 1, FASTEST)
    early = [(trip.case, trip) for _, trip in world.trips if trip.pressed_early is not None]

    assert early
    for case, trip in early:
        assert trip.pressed_early is not None
        assert trip.pressed_early < trip.arrives == run.arrived[case]
