"""A day of the city on a virtual clock: events in a heap, one after another; no input, no output, no real time.

The world (World, world.py) knows the truth; dispatch's notes (Seen) hold what was reported. A policy is given a view
made of the notes and nothing of the world. What dispatch does here it does in the service too: offers one at a time,
turns, the leader's fixed step, matchings when `when.match_at` says.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from math import inf
from time import perf_counter
from typing import Protocol

import numpy as np

from services.dispatch.city import ground
from services.dispatch.city.advising import Advising, past_calls
from services.dispatch.city.draws import Draws
from services.dispatch.city.people import AFTERMATH_SECONDS
from services.dispatch.city.run import Run
from services.dispatch.city.scenarios import Scenario
from services.dispatch.city.seen import DECLINED_RESTS_SECONDS, NONE, Known, Seen
from services.dispatch.city.world import Doing, Trip, World
from services.dispatch.matching import advice
from services.dispatch.matching.situation import Assignment, Policy, Situation
from services.dispatch.matching.when import LOOKS_AGAIN, match_at
from services.dispatch.travel.model import MODES, Indices, Travel
from services.dispatch.travel.straight import METRES_PER_SECOND, StraightLine
from shared.going import TravelMode

LEADER_AFTER_SECONDS = 180.0
LEVELS_AFTER_SECONDS = (360.0, 960.0, 1860.0)
"""6 min at grid level, then 10 and 15 more: community, street, civil affairs (product.md §3)."""
BUSY_WITH_OFFER_SECONDS = 60.0
"""Whoever is being asked, or on an emergency, puts rounds and breaks off by so much."""

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


class Watch(Protocol):
    """Somebody who looks on: told of every matching, as the policy saw it and decided."""

    def __call__(self, now: float, situation: Situation, assignment: Assignment) -> None: ...


def nominal_travel(scenario: Scenario) -> Travel:
    """What dispatch holds ways to take: the speeds of good weather, whatever the weather."""
    by_mode = {
        **METRES_PER_SECOND,
        TravelMode.WALK: scenario.walk_mps,
        TravelMode.E_BIKE: scenario.e_bike_mps,
    }
    return StraightLine(speeds=tuple(by_mode[mode] for mode in MODES), sigma=scenario.travel_sigma)


def simulate(
    scenario: Scenario,
    seed: int,
    policy: Policy,
    *,
    name: str,
    travel: Travel | None = None,
    draws: Draws | None = None,
    watch: Watch | None = None,
    advised: bool = False,
) -> Run:
    """One day under one policy; `name` is the policy's in the `Run`. The same arguments give the same run, but for the
    solver's real seconds (a policy with a time box may give up early on a slow machine). `travel` is what dispatch
    believes of ways, `draws` another world than the seed's own; `advised`: free people are told where to wait."""
    world = World(scenario, draws or Draws.of(seed))
    city = City(world, policy, travel or nominal_travel(scenario), watch, advised=advised)
    city.run()
    return city.outcome(name, seed)


class City:
    """The day as it goes on. `simulate` is the way in; whoever wants to look at the world itself builds this."""

    def __init__(
        self, world: World, policy: Policy, travel: Travel, watch: Watch | None, *, advised: bool = False
    ) -> None:
        self.world, self._policy, self._watch = world, policy, watch
        self.seen = Seen(world.roster, travel, world.scenario.starts_at_hour)
        self._advising = self._adviser(travel) if advised and world.scenario.advice_followed > 0 else None
        self._heap: list[tuple[float, int, Callable[..., None], tuple[int, ...]]] = []
        self._order = count()
        self.now = 0.0
        self._asked_at: float | None = None
        self._matchings, self._chosen = 0, set[int]()
        self._match_due, self._changed, self._freed = inf, False, False
        self._offer_of: dict[int, tuple[int, int]] = {}
        self._offers_made = 0
        m = len(world.demand)
        self._open = m
        self.arrived, self.acknowledged = np.full(m, inf), np.full(m, inf)
        self.offers, self.swaps, self.takeovers, self.interruptions = (
            np.zeros(m, dtype=np.intp) for _ in range(4)
        )
        self.taken = np.zeros(len(world.roster), dtype=np.intp)
        self.solver_seconds: list[float] = []
        self.fallbacks = 0
        self.suggestions = 0

    # ── the clock ─────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, until: float = inf) -> None:
        """To the end of its cases, or to this second."""
        self._plan_people()
        demand = self.world.demand
        for case, at in enumerate(demand.registered.tolist()):
            self._at(at + self.world.corrected_after(case), self._registered, case)
        if self._advising is not None:
            self._at(advice.EVERY_SECONDS, self._advise)
        self.go_on(until)

    def go_on(self, until: float) -> None:
        """A day that was begun, to this second."""
        end = min(until, self.world.scenario.seconds + AFTERMATH_SECONDS)
        while self._heap and self._open and self._heap[0][0] < end:
            self.now, _, act, about = heappop(self._heap)
            act(*about)
            if self._changed or self._freed:
                self._plan_matching()

    def _at(self, when: float, act: Callable[..., None], *about: int) -> None:
        heappush(self._heap, (when, next(self._order), act, about))

    def _up(self, when: float) -> float:
        """When dispatch does what it would do now: at once, or when it is back."""
        scenario = self.world.scenario
        down = scenario.down_at_hour * 3600.0
        back = down + scenario.down_minutes * 60.0
        return back if down <= when < back else when

    # ── matching ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _plan_matching(self) -> None:
        """Also if nobody waits: whoever became free may be much nearer than somebody who is on the way."""
        freed, self._changed, self._freed = self._freed, False, False
        waiting = len(self.seen.waiting)
        if not waiting and not (freed and self._may_be_taken_over()):
            return
        free = len(self.seen.available())
        if not free and not self.seen.goers():
            return
        last = None if self._asked_at is None else _EPOCH + timedelta(seconds=self._asked_at)
        due = match_at(_EPOCH + timedelta(seconds=self.now), waiting, free, last)
        when = self._up(max(self.now, (due - _EPOCH).total_seconds()))
        if when < self._match_due:
            self._match_due = when
            self._at(when, self._match)

    def _match(self) -> None:
        if self.now != self._match_due:
            return
        self._match_due = inf
        if not self.seen.waiting and not self._may_be_taken_over():
            return
        self._positions_on_the_way()
        situation, cases, people = self.seen.situation(self.now, LEADER_AFTER_SECONDS)
        began = perf_counter()
        answer = self._policy(situation)
        self.solver_seconds.append(perf_counter() - began)
        self.fallbacks += answer.fallback is not None
        if self._watch is not None:
            self._watch(self.now, situation, answer)
        self._ask(list(zip(cases[answer.case].tolist(), people[answer.person].tolist(), strict=True)))
        self._matchings += 1
        if self.seen.waiting:
            self._at(self.now + LOOKS_AGAIN.total_seconds(), self._look_on, self._matchings)

    def _ask(self, pairs: list[tuple[int, int]]) -> None:
        self._chosen = {person for _, person in pairs}
        for case, person in pairs:
            self._offer(case, person)
        if pairs:
            self._asked_at = self.now

    def _look_on(self, matchings: int) -> None:
        """Though nothing came since that matching: ways go on meanwhile."""
        self._changed = self._changed or matchings == self._matchings

    def _look_again(self) -> None:
        self._changed = True

    def _may_be_taken_over(self) -> bool:
        self._positions_on_the_way()
        return self.seen.may_be_taken_over(self.now)

    def _positions_on_the_way(self) -> None:
        for person in self.seen.goers():
            self._where_their_phone_was(person)

    def _where_their_phone_was(self, person: int) -> None:
        fix = self.world.fix(person, self.now)
        if fix is not None:
            self.seen.at(person, *fix)

    # ── cases and offers ──────────────────────────────────────────────────────────────────────────────────────────

    def _registered(self, case: int) -> None:
        demand = self.world.demand
        at = float(demand.registered[case])
        known = Known(
            float(demand.x[case]),
            float(demand.y[case]),
            int(demand.grid[case]),
            int(demand.skill[case]),
            at,
            at,
        )
        self.seen.registered(case, known)
        self._at(max(self.now, at + LEADER_AFTER_SECONDS), self._leader_step, case)
        self._changed = True

    def _leader_step(self, case: int) -> None:
        """Where nobody is asked at the moment."""
        if self._up(self.now) > self.now:
            self._at(self._up(self.now), self._leader_step, case)
        elif case in self.seen.waiting:
            self._changed = True

    def _leader_waits(self, case: int) -> bool:
        """Whether an offer made now ends at the leader's step: they could be asked, and are asked for nothing now."""
        if self.seen.goer(case) != NONE or self.seen.is_leaders_turn(case, self.now, LEADER_AFTER_SECONDS):
            return False
        return self.seen.leader_for(case) not in {NONE, *self._chosen}

    def _offer(self, case: int, person: int) -> None:
        self._offers_made += 1
        number = self._offers_made
        self._offer_of[case] = (number, person)
        self.offers[case] += 1
        leader_waits = self._leader_waits(case)
        reply = self.world.reply(case, person, self.now, self.seen.load(person))
        self.seen.offered(case, person, self.now)
        lapses = self.now + self.world.scenario.offer_seconds
        answers = self.now + reply.after
        step = self.seen.cases[case].searched + LEADER_AFTER_SECONDS
        if leader_waits and step < min(answers, lapses):
            self._at(self._up(step), self._withdrawn, case, person, number)
        elif answers >= lapses:
            self._at(self._up(lapses), self._lapsed, case, person, number)
        else:
            act = self._accepted if reply.accepted else self._declined
            self._at(self._up(answers), act, case, person, number)

    def _live(self, case: int, number: int) -> bool:
        if self._offer_of.get(case, (0, 0))[0] != number:
            return False
        del self._offer_of[case]
        self._changed = self._freed = True
        return True

    def _lapsed(self, case: int, person: int, number: int) -> None:
        if self._live(case, number):
            self.seen.unanswered(case, person)

    def _withdrawn(self, case: int, person: int, number: int) -> None:
        """The offer was cut short for the leader's step."""
        if self._live(case, number):
            self.seen.withdrawn(case, person)

    def _declined(self, case: int, person: int, number: int) -> None:
        if self._live(case, number):
            self._declines(case, person)

    def _declines(self, case: int, person: int) -> None:
        """Once they have rested it may be their turn again."""
        self.seen.declined(case, person, self.now)
        self._at(self.now + DECLINED_RESTS_SECONDS, self._look_again)

    def _accepted(self, case: int, person: int, number: int) -> None:
        if not self._live(case, number):
            return
        if not self.world.may_set_out(person, self.now):
            self._declines(case, person)
            return
        self.seen.at(person, *self.world.position(person, self.now), self.now)
        if self.seen.goer(case) != NONE:
            self._taken_over(case)
        trip = self.world.set_out(case, person, self.now)
        left = self.seen.accepted(case, person, interrupted=trip.interrupted, now=self.now)
        self.acknowledged[case] = min(self.acknowledged[case], self.now)
        self.interruptions[case] += trip.interrupted
        self.taken[person] += left == NONE
        if left != NONE:
            self.swaps[left] += 1
            self._at(self.now + LEADER_AFTER_SECONDS, self._leader_step, left)
            self._nobody_takes_over(left)
        self._plan_trip(case, person, trip)

    def _taken_over(self, case: int) -> None:
        """Whoever was on the way turns round, and is to be had."""
        person = self.seen.goer(case)
        self._where_their_phone_was(person)
        self.seen.taken_over(person, self.now)
        self.world.turn_round(person, self.now)
        self.takeovers[case] += 1
        self.taken[person] -= 1
        self._is_idle(person, 0.0)

    def _nobody_takes_over(self, case: int) -> None:
        """Whoever was on the way has arrived, or has left for something else first."""
        person = self.seen.asked_over(case)
        if person != NONE:
            self._withdrawn(case, person, self._offer_of[case][0])

    def _plan_trip(self, case: int, person: int, trip: Trip) -> None:
        self._at(trip.arrives, self._arrived, case, person, trip.number)
        if trip.pressed_early is not None:
            self._at(trip.pressed_early, self._pressed_arrived, case, person, trip.number)

    def _pressed_arrived(self, case: int, person: int, number: int) -> None:
        """Wrongly, and dispatch believes it."""
        if self.world.on_trip(person, number):
            self.seen.at(person, *self.world.position(person, self.now), self.now)
            self._reported_there(case, person)

    def _reported_there(self, case: int, person: int) -> None:
        if self.seen.goer(case) == person:
            self._nobody_takes_over(case)
            self.seen.arrived(case, person, self.now)
            self._stays(person)

    def _stays(self, person: int) -> None:
        """Nobody is called off a way that is over."""
        case = int(self.seen.asked_for[person])
        if case != NONE:
            self._withdrawn(case, person, self._offer_of[case][0])

    def _arrived(self, case: int, person: int, number: int) -> None:
        if not self.world.on_trip(person, number):
            return
        self.arrived[case] = self.now
        self._open -= 1
        self._reported_there(case, person)
        ends = self.world.arrive(case, person, self.now)
        self.seen.at(person, *self.world.position(person, self.now), self.now)
        self._at(ends, self._handled, person)

    # ── people ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _plan_people(self) -> None:
        everybody = self.world.roster
        for person in range(len(everybody)):
            self._at(max(0.0, float(everybody.starts[person])), self._on_duty, person)
            self._at(float(everybody.ends[person]), self._shift_ends, person)
            if 0.0 <= everybody.break_from[person] < inf:
                self._at(float(everybody.break_from[person]), self._break_begins, person)

    def _on_duty(self, person: int) -> None:
        self.seen.on_duty(person)
        self._changed = self._freed = True
        if self.world.begin_shift(person, self.now):
            self._round_begins(person, self.world.era[person])
        else:
            self._plan_round(person, self.now)

    def _shift_ends(self, person: int) -> None:
        """Whoever is on an emergency finishes it; whoever is being asked may not accept any more."""
        self.seen.shift_ended(person)
        if self.world.doing[person] is not Doing.EMERGENCY:
            self.world.end_shift(person)
            self.seen.off_duty(person)

    def _handled(self, person: int) -> None:
        stays = self.world.finish(person)
        self.seen.free(person, self.now)
        self._is_idle(person, stays)

    def _is_idle(self, person: int, stays: float) -> None:
        """Where an emergency was, or on the way to one; after `stays` seconds they go back to their base."""
        if not self.world.at_work(person, self.now):
            self.world.end_shift(person)
            self.seen.off_duty(person)
            return
        self._changed = self._freed = True
        if self.world.scenario.mass_task:
            self._plan_round(person, self.now)
        else:
            self._at(self.now + stays, self._drifts, person, self.world.era[person])

    def _drifts(self, person: int, era: int) -> None:
        if self.world.era[person] == era:
            self._plan_round(person, self.world.drift(person, self.now))

    def _plan_round(self, person: int, at_base: float) -> None:
        begins = at_base + self.world.next_round(person)
        if begins < inf:
            self._at(begins, self._round_begins, person, self.world.era[person])

    def _round_begins(self, person: int, era: int) -> None:
        if self.world.era[person] != era:
            return
        if self.seen.asked_for[person] != NONE:
            self._at(self.now + BUSY_WITH_OFFER_SECONDS, self._round_begins, person, era)
            return
        there, ends = self.world.begin_round(person, self.now)
        if self.world.scenario.mass_task:
            self.seen.on_round(person)
        self._at(there, self._visits, person, self.world.era[person])
        self._at(ends, self._round_ends, person, self.world.era[person])

    def _visits(self, person: int, era: int) -> None:
        """Arrived at a visit, which is reported like any arrival; on the way there dispatch holds them to be free, but
        for a mass task, which is one long list."""
        if self.world.era[person] == era:
            self.seen.on_round(person)
            self.seen.at(person, *self.world.position(person, self.now), self.now)

    def _round_ends(self, person: int, era: int) -> None:
        if self.world.era[person] == era:
            self.world.end_round(person, self.now)
            self.seen.free(person, self.now, stays_seconds=0.0)
            self._freed = True
            self._plan_round(person, self.now)

    def _break_begins(self, person: int) -> None:
        """Later, if an emergency or an offer is in the way."""
        doing = self.world.doing[person]
        if not self.world.at_work(person, self.now) or doing is Doing.OFF:
            return
        if doing is Doing.EMERGENCY or self.seen.asked_for[person] != NONE:
            self._at(self.now + BUSY_WITH_OFFER_SECONDS, self._break_begins, person)
            return
        ends = self.world.begin_break(person, self.now)
        self.seen.off_duty(person)
        self._at(ends, self._break_ends, person, self.world.era[person])

    def _break_ends(self, person: int, era: int) -> None:
        if self.world.era[person] == era:
            self.world.end_break(person)
            self.seen.free(person, -inf, stays_seconds=0.0)
            self._changed = self._freed = True
            self._plan_round(person, self.now)

    # ── where to wait ─────────────────────────────────────────────────────────────────────────────────────────────

    def _adviser(self, travel: Travel) -> Advising:
        world, hour = self.world, self.world.scenario.starts_at_hour
        return Advising(self.seen, world.roster, past_calls(world.scenario, world.draws), travel, hour)

    def _advise(self) -> None:
        """One suggestion at most."""
        self._at(self.now + advice.EVERY_SECONDS, self._advise)
        if self._advising is None or self._up(self.now) > self.now:
            return
        said = self._advising.suggest(self.now)
        if said is not None:
            person, grid = said
            self.suggestions += 1
            self.world.told(person, self.now, grid)

    # ── what is left behind ───────────────────────────────────────────────────────────────────────────────────────

    def outcome(self, name: str, seed: int) -> Run:
        demand = self.world.demand
        there = ground.places(demand.x, demand.y)
        waited = self.acknowledged - demand.registered
        return Run(
            scenario=self.world.scenario.name,
            policy=name,
            seed=seed,
            registered=demand.registered,
            arrived=self.arrived,
            lon=there.lon,
            lat=there.lat,
            grid=demand.grid,
            offers=self.offers,
            swaps=self.swaps,
            takeovers=self.takeovers,
            interruptions=self.interruptions,
            level=np.searchsorted(LEVELS_AFTER_SECONDS, waited),
            taken=self._taken_by_post(),
            solver_seconds=np.array(self.solver_seconds),
            fallbacks=self.fallbacks,
            suggestions=self.suggestions,
            duty_hours=self.world.roster.duty_hours(self.world.scenario.seconds),
        )

    def _taken_by_post(self) -> Indices:
        """Whoever holds the post: its people change with the shift."""
        position = self.world.roster.position
        counts = np.bincount(position, weights=self.taken, minlength=0)
        result: Indices = counts[np.unique(position)].astype(np.intp)
        return result
