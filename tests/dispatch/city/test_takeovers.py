"""Handing a way over, in the city: whoever is on the way goes on until the other one accepts, and is then to be had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.city.behaviour import Reply
from services.dispatch.city.draws import Draws
from services.dispatch.city.scenarios import Call, Scenario, replay_scenario
from services.dispatch.city.seen import NONE, Believed
from services.dispatch.city.simulate import City, nominal_travel
from services.dispatch.city.world import Doing, Trip, World
from services.dispatch.matching.costs import price
from services.dispatch.matching.situation import NOBODY, Assignment, Policy, Situation, Standing
from services.dispatch.matching.weights import Weights

CALL = replay_scenario([Call(60.0, 0.02, 0.02)], name="one call", people=2, people_at_night=2)


def restless(situation: Situation) -> Assignment:
    """Whoever comes first goes, and everybody else is asked to take it over from them."""
    cases, people = situation.cases, situation.people
    barred = set(zip(*(some.tolist() for some in situation.barred), strict=True))
    free = np.flatnonzero(people.standing != Standing.GOING).tolist()
    pairs: list[tuple[int, int]] = []
    for case, goer in enumerate(cases.goer.tolist()):
        able = next((one for one in free if (case, one) not in barred), None)
        if able is not None and (goer == NOBODY or people.swappable[goer]):
            free.remove(able)
            pairs.append((case, able))
    rows, persons = np.asarray(pairs, dtype=np.intp).reshape(-1, 2).T
    edges = price(situation, (rows, persons), Weights())
    return Assignment(edges, np.arange(len(rows)), np.zeros(len(rows), dtype=bool))


class Watched(City):
    """Looks after every step whether anybody is in two places, or a case with two people."""

    def __init__(self, scenario: Scenario, seed: int, policy: Policy = restless) -> None:
        world = World(scenario, Draws.of(seed))
        super().__init__(world, policy, nominal_travel(scenario), None)
        self.asked_over = 0

    def _offer(self, case: int, person: int) -> None:
        assert case not in self._offer_of
        self.asked_over += self.seen.goer(case) != NONE
        super()._offer(case, person)

    def _at(self, when: float, act: Callable[..., None], *about: int) -> None:
        super()._at(when, self._then_look, act, *about)  # type: ignore[arg-type]

    def _then_look(self, act: Callable[..., None], *about: int) -> None:
        act(*about)
        seen = self.seen
        asked = Counter(seen.asked_for[seen.asked_for != NONE].tolist())
        assert set(asked) == set(self._offer_of)
        assert max(asked.values(), default=1) == 1
        going = [person for person in seen.goers() if seen.asked_for[person] == NONE]
        trips = Counter(seen.goer(case) for case in seen.cases if seen.goer(case) != NONE)
        assert max(trips.values(), default=1) == 1
        assert set(trips) >= set(going)
        assert not any(seen.goer(case) != NONE or case in asked for case in seen.waiting)
        for person in trips:
            assert self.world.doing[person] is Doing.EMERGENCY


@settings(max_examples=10, deadline=None)
@given(people=st.integers(5, 25), seed=st.integers(0, 1_000), acceptance=st.sampled_from([0.3, 0.8]))
def test_however_often_ways_are_handed_over_nothing_is_lost(
    people: int, seed: int, acceptance: float
) -> None:
    day = Scenario("any", people=people, cases_per_hour=8, hours=1.0, acceptance=acceptance)
    city = Watched(day, seed)
    city.run()
    run = city.outcome("restless", seed)
    assert np.isfinite(run.arrived).all()
    assert run.taken.sum() == len(run.registered)
    assert run.takeovers.sum() <= city.asked_over <= run.offers.sum()


def test_ways_are_handed_over_by_the_hundred() -> None:
    """So that the property above is about something."""
    city = Watched(Scenario("many", people=40, cases_per_hour=40, hours=2.0), 1)
    city.run()
    assert city.takeovers.sum() > 50
    assert city.asked_over > city.takeovers.sum() + 10


# ── one way, two people ───────────────────────────────────────────────────────────────────────────────────────────


class Two(Watched):
    """`first` sets out at 65 s; `other` is asked to take over as soon as they are on the way, and answers as told."""

    def __init__(self, answer: Reply) -> None:
        super().__init__(CALL, 3)
        asked: list[int] = []

        def reply(case: int, person: int, now: float, load: int) -> Reply:
            asked.append(person)
            return Reply(True, 5.0) if len(asked) == 1 else answer

        self.world.reply = reply  # type: ignore[method-assign]
        self.run(67.0)
        self.first, self.other = asked
        assert (self.seen.goer(0), self.asked_over) == (self.first, 1)
        assert 0 not in self.seen.waiting

    def asked(self) -> bool:
        return int(self.seen.asked_for[self.other]) != NONE

    def trip(self) -> Trip:
        trip = self.world._trip[self.first]
        assert trip is not None
        return trip


@pytest.mark.parametrize(
    ("answer", "taken_over"),
    [
        pytest.param(Reply(True, 30.0), True, id="accepts"),
        pytest.param(Reply(False, 30.0), False, id="declines"),
        pytest.param(Reply(False, float("inf")), False, id="says nothing"),
    ],
)
def test_whoever_is_on_the_way_goes_on_until_the_other_accepts(answer: Reply, taken_over: bool) -> None:
    city = Two(answer)
    city.go_on(126.0)
    assert city.seen.goer(0) == (city.other if taken_over else city.first)
    assert not city.asked()
    assert not city.seen.waiting
    assert city.takeovers.tolist() == [int(taken_over)]
    assert (city.world.doing[city.first] is Doing.EMERGENCY) == (not taken_over)


def test_whoever_was_relieved_is_free_where_they_are_and_the_next_is_theirs() -> None:
    city = Two(Reply(True, 30.0))
    city.go_on(100.0)
    assert city.seen.believed[city.first] == Believed.FREE
    situation, _, people = city.seen.situation(100.0, 180.0)
    row = people.tolist().index(city.first)
    assert situation.people.lost_swap[row]
    assert situation.people.standing[row] == Standing.FREE


@pytest.mark.parametrize("early", [False, True])
def test_whoever_says_first_that_they_are_there_keeps_the_case(early: bool) -> None:
    """Also if it was pressed too early: that is what dispatch hears."""
    city = Two(Reply(True, 50.0))
    arrive = city._pressed_arrived if early else city._arrived
    city.now = 70.0
    arrive(0, city.first, city.trip().number)
    assert (city.asked(), city._offer_of, city.seen.waiting) == (False, {}, set())
    assert city.seen.believed[city.first] == Believed.ON_SITE
    city.go_on(200.0)
    assert city.takeovers.sum() == 0


def test_a_phone_that_is_off_tells_them_later_that_they_need_not_go() -> None:
    """They walk on meanwhile, and stop before the door."""
    city = Two(Reply(True, 30.0))
    city.world._offline[city.first] = [(90.0, 150.0)]
    city.go_on(98.0)
    assert city.seen.goer(0) == city.other
    now, told, later = (city.world.position(city.first, at) for at in (98.0, 150.0, 200.0))
    assert now != told == later


def test_whoever_is_relieved_after_their_shift_goes_home() -> None:
    city = Two(Reply(True, 30.0))
    city.world._ends[city.first] = 80.0
    city.go_on(98.0)
    assert city.world.doing[city.first] is Doing.OFF
    assert city.seen.believed[city.first] == Believed.AWAY
