"""Turns, steps and windows of the simulated dispatch, which are those of the real one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf

import numpy as np
import pytest

from services.dispatch.city.behaviour import Reply
from services.dispatch.city.draws import Draws
from services.dispatch.city.people import roster
from services.dispatch.city.scenarios import Call, replay_scenario
from services.dispatch.city.seen import NONE, Known, Seen
from services.dispatch.city.simulate import LEADER_AFTER_SECONDS, City, nominal_travel
from services.dispatch.city.world import World
from services.dispatch.matching.costs import price
from services.dispatch.matching.situation import Assignment, Situation, Standing
from services.dispatch.matching.weights import Weights

DAY = replay_scenario(
    [Call(60.0, 0.1, 0.1), Call(60.0, 0.9, 0.9)], name="two calls", people=4, people_at_night=4
)


def dispatch(*on_duty: int) -> Seen:
    """Its notes, with one case from second 0 on."""
    seen = Seen(roster(DAY, Draws.of(1)), nominal_travel(DAY), 8)
    for person in on_duty:
        seen.on_duty(person)
    seen.registered(0, Known(100.0, 100.0, 0, -1, 0.0, 0.0))
    return seen


def shut(seen: Seen, now: float) -> set[int]:
    """Who is not asked for the case now."""
    situation, _, people = seen.situation(now, LEADER_AFTER_SECONDS)
    return set(people[situation.barred[1]].tolist())


def test_a_turn_begins_when_somebody_is_asked_again_and_not_when_everybody_was() -> None:
    seen = dispatch(0, 1)
    for person, now in ((0, 10.0), (1, 70.0)):
        seen.offered(0, person, now)
        seen.unanswered(0, person)
        assert shut(seen, now) == ({0} if person == 0 else set())

    seen.on_duty(2)
    assert shut(seen, 130.0) == {0, 1}
    seen.off_duty(2)
    seen.offered(0, 0, 140.0)
    seen.declined(0, 0, 150.0)
    assert shut(seen, 151.0) == {0}
    assert seen.cases[0].asked == {0}


def test_a_case_that_loses_whoever_was_on_the_way_is_searched_for_anew() -> None:
    seen = dispatch(0, 1)
    seen.registered(1, Known(200.0, 100.0, 0, -1, 100.0, 100.0))
    for case, person, now in ((0, 1, 0.0), (0, 0, 60.0), (1, 0, 110.0)):
        seen.offered(case, person, now)
        if person == 1:
            seen.unanswered(case, person)
        else:
            seen.at(person, 0.0, 0.0, now)
            seen.accepted(case, person, interrupted=False, now=now)

    assert seen.waiting == {0}
    assert shut(seen, 120.0) == set()
    assert not seen.is_leaders_turn(0, 200.0, LEADER_AFTER_SECONDS)
    assert seen.is_leaders_turn(0, 290.0, LEADER_AFTER_SECONDS)
    assert seen.load(0) == 2


def test_a_position_on_the_way_ages_and_wrapping_up_comes_before_it() -> None:
    seen = dispatch(0)
    seen.offered(0, 0, 0.0)
    seen.at(0, 3_000.0, 100.0, 10.0)
    seen.accepted(0, 0, interrupted=True, now=10.0)

    def left(now: float) -> tuple[float, float]:
        people = seen.situation(now, LEADER_AFTER_SECONDS)[0].people
        return float(people.remaining[0]), float(people.free_after[0])

    whole, wraps_up = left(10.0)
    assert wraps_up == 150.0
    assert left(100.0) == pytest.approx((whole - 90.0, 60.0))
    seen.at(0, 3_000.0, 100.0, 160.0)
    assert left(200.0) == pytest.approx((whole - 190.0, 0.0))


def test_whoever_is_relieved_while_wrapping_up_is_free_at_once() -> None:
    seen = dispatch(0)
    seen.offered(0, 0, 0.0)
    seen.at(0, 3_000.0, 100.0, 10.0)
    seen.accepted(0, 0, interrupted=True, now=10.0)
    seen.taken_over(0, 30.0)

    assert seen.situation(40.0, LEADER_AFTER_SECONDS)[0].people.free_after.tolist() == [0.0]


# ── when ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Planned(City):
    """Asks what it is told to, each pair once, and nobody else; keeps when it was asked to decide."""

    def __init__(self, *pairs: tuple[int, int], replies: Sequence[Reply] = ()) -> None:
        world = World(DAY, Draws.of(1))
        super().__init__(world, self._next, nominal_travel(DAY), None)
        self.pairs, self.decided, self.asks = list(pairs), list[float](), list[tuple[float, int, int]]()
        left = iter(replies)
        world.reply = lambda *_: next(left, Reply(False, inf))  # type: ignore[method-assign]

    def _next(self, situation: Situation) -> Assignment:
        self.decided.append(self.now)
        numbers = sorted([*self.seen.waiting, *self.seen._going_to[self.seen._going_to != NONE].tolist()])
        people = np.flatnonzero(self.seen.asked_for == NONE).tolist()
        rows = [(numbers.index(case), _row(self.seen, person, people)) for case, person in self.pairs[:1]]
        self.pairs = self.pairs[1:]
        case, person = np.asarray(rows, dtype=np.intp).reshape(-1, 2).T
        swap = situation.people.standing[person] == Standing.GOING
        return Assignment(price(situation, (case, person), Weights()), np.arange(len(case)), swap)

    def _offer(self, case: int, person: int) -> None:
        self.asks.append((self.now, case, person))
        super()._offer(case, person)


def _row(seen: Seen, person: int, people: Sequence[int]) -> int:
    here = [one for one in people if seen.believed[one] in (1, 2, 3)]
    return here.index(person)


def test_what_nobody_is_asked_for_is_decided_on_again_after_a_minute() -> None:
    city = Planned()
    city.run(230.0)
    assert [at for at in city.decided if at >= 60.0] == [60.0, 120.0, 180.0]


def test_who_has_arrived_is_not_called_off() -> None:
    first = next(p for p in range(9) if World(DAY, Draws.of(1)).roster.starts[p] <= 0.0)
    city = Planned((0, first), (1, first), replies=[Reply(True, 5.0)])
    city.run(90.0)
    trip = city.world._trip[first]
    assert trip is not None
    assert city.seen.asked_for[first] == 1
    city.seen._swapped[first] = True

    city._reported_there(0, first)

    assert city.seen.asked_for[first] == NONE
    assert 1 in city.seen.waiting
    assert not city.seen._lost_swap[first]


def test_a_leader_who_is_asked_for_another_case_does_not_wait_for_their_step() -> None:
    city = Planned()
    city.run(61.0)
    leader = city.seen.leader_for(0)
    assert leader != NONE
    waits = partial(city._leader_waits, 0)
    assert waits()
    city._chosen = {leader}
    assert not waits()
