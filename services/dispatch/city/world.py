"""The truth of the city: where everybody really is, what they really do, how long everything really takes.

No policy and nothing dispatch notes down ever refers to this.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from math import hypot

import numpy as np

from services.dispatch.city import behaviour, ground
from services.dispatch.city.behaviour import Reply, Wrong
from services.dispatch.city.demand import NO_SKILL, demand
from services.dispatch.city.draws import Draw, Draws
from services.dispatch.city.people import AFTERMATH_SECONDS, BREAK_SECONDS, roster
from services.dispatch.city.scenarios import Scenario

FIX_EVERY_SECONDS = 30.0
"""So often a phone on the way to an emergency sends where it is."""


class Doing(IntEnum):
    OFF = 0
    IDLE = 1
    ROUND = 2
    BREAK = 3
    EMERGENCY = 4


@dataclass(frozen=True, slots=True)
class Trip:
    """The way to a case. `number` tells trips of a person apart; `pressed_early`: when "arrived" is pressed wrongly."""

    case: int
    number: int
    departs: float
    arrives: float
    pressed_early: float | None
    interrupted: bool


@dataclass(slots=True)
class _Move:
    """From one point to another in a straight line of time; before and after it they stand still."""

    x: float
    y: float
    to_x: float
    to_y: float
    begins: float = 0.0
    ends: float = 0.0

    def at(self, now: float) -> tuple[float, float]:
        if now >= self.ends:
            return self.to_x, self.to_y
        part = max(0.0, now - self.begins) / (self.ends - self.begins)
        return self.x + part * (self.to_x - self.x), self.y + part * (self.to_y - self.y)


class World:
    """One city on one day. `era` of a person changes whenever they begin something else: what was planned for an
    earlier one is void."""

    def __init__(self, scenario: Scenario, draws: Draws) -> None:
        self.scenario, self.draws = scenario, draws
        self.roster, self.demand = roster(scenario, draws), demand(scenario, draws)
        people = self.roster
        n = len(people)
        self.doing, self.era = [Doing.OFF] * n, [0] * n
        self._base = list(zip(people.base_x.tolist(), people.base_y.tolist(), strict=True))
        self._move = [_Move(*base, *base) for base in self._base]
        self._waits, self._told = [*self._base], [0] * n
        self._speed = people.speeds(scenario).tolist()
        self._ends: list[float] = people.ends.tolist()
        self._skills = people.skills.tolist()
        self._trip: list[Trip | None] = [None] * n
        self._rounds, self._emergencies = [1] * n, [0] * n
        self._attempts: dict[tuple[int, int], int] = {}
        until = scenario.seconds + AFTERMATH_SECONDS
        self._offline = [behaviour.offline(draws, person, until) for person in range(n)]

    # ── where they are ────────────────────────────────────────────────────────────────────────────────────────────

    def position(self, person: int, now: float) -> tuple[float, float]:
        return self._move[person].at(now)

    def fix(self, person: int, now: float) -> tuple[float, float, float] | None:
        """What the phone of somebody on the way sent last: where and when; None if it could not."""
        trip = self._trip[person]
        if trip is None or now < trip.departs:
            return None
        at = trip.departs + (now - trip.departs) // FIX_EVERY_SECONDS * FIX_EVERY_SECONDS
        return None if self.back_online(person, at) > at else (*self.position(person, at), at)

    def back_online(self, person: int, now: float) -> float:
        """`now`, or when their phone can be reached again."""
        return next((back for gone, back in self._offline[person] if gone <= now < back), now)

    def _go(self, person: int, now: float, to: tuple[float, float], factor: float = 1.0) -> float:
        """Sets out for a point; returns when they are there."""
        x, y = self.position(person, now)
        way = behaviour.nominal_seconds(hypot(to[0] - x, to[1] - y), self._speed[person]) * factor
        self._move[person] = _Move(x, y, *to, now, now + way)
        return now + way

    # ── emergencies ───────────────────────────────────────────────────────────────────────────────────────────────

    def corrected_after(self, case: int) -> float:
        return behaviour.corrected_after(self.scenario, self.draws, case)

    def reply(self, case: int, person: int, now: float, load: int) -> Reply:
        """To an offer made now; a phone that is off shows it when it is back."""
        attempt = self._attempts.get((case, person), 0)
        self._attempts[case, person] = attempt + 1
        x, y = self.position(person, now)
        metres = hypot(float(self.demand.x[case]) - x, float(self.demand.y[case]) - y)
        hour = int(self.scenario.starts_at_hour + now / 3600.0) % 24
        reply = behaviour.reply(
            self.scenario, self.draws, case, person, attempt, hour=hour, load=load, metres=metres
        )
        return Reply(reply.accepted, reply.after + self.back_online(person, now) - now)

    def may_set_out(self, person: int, now: float) -> bool:
        """Whoever accepts must still be at work, and not have arrived elsewhere meanwhile."""
        doing = self.doing[person]
        if doing is Doing.EMERGENCY:
            return self._trip[person] is not None
        return now < self._ends[person] and doing in (Doing.IDLE, Doing.ROUND)

    def set_out(self, case: int, person: int, now: float) -> Trip:
        """Accepted: leaves what is being done, routine work after wrapping up, another way at once."""
        at_visit = self.scenario.mass_task or now >= self._move[person].ends
        interrupted = self.doing[person] is Doing.ROUND and at_visit
        before = self._trip[person]
        departs = now if before is None else max(now, before.departs)
        if interrupted:
            departs += behaviour.wrap_up(self.draws, case, person)
        factor = behaviour.way_factor(self.scenario, self.draws, case, person)
        here = self.position(person, now)
        there = float(self.demand.x[case]), float(self.demand.y[case])
        self._move[person] = _Move(*here, *here)
        arrives = self._go(person, departs, there, factor)
        part = behaviour.wrong_arrived_at(self.draws, case, person)
        early = None if part is None else departs + part * (arrives - departs)
        self._begin(person, Doing.EMERGENCY)
        trip = Trip(case, self.era[person], departs, arrives, early, interrupted)
        self._trip[person] = trip
        return trip

    def on_trip(self, person: int, number: int) -> bool:
        trip = self._trip[person]
        return trip is not None and trip.number == number

    def turn_round(self, person: int, now: float) -> None:
        """Somebody else goes: they stand where they are as soon as their phone tells them, and are idle."""
        told, move = self.back_online(person, now), self._move[person]
        self._move[person] = _Move(*move.at(now), *move.at(told), now, told)
        self._trip[person] = None
        self._begin(person, Doing.IDLE)

    def arrive(self, case: int, person: int, now: float) -> float:
        """Returns when the work there is over."""
        self._trip[person] = None
        skill = int(self.demand.skill[case])
        lacking = skill != NO_SKILL and not self._skills[person][skill]
        seconds = behaviour.service(self.scenario, self.draws, case, lacking=lacking)
        if behaviour.wrong(self.scenario, self.draws, case) is Wrong.SECOND_TRIP:
            x, y = self._base[person]
            metres = hypot(float(self.demand.x[case]) - x, float(self.demand.y[case]) - y)
            way = behaviour.nominal_seconds(metres, self._speed[person])
            seconds += seconds + 2 * way * behaviour.way_factor(self.scenario, self.draws, case, person)
        self._emergencies[person] += 1
        return now + seconds

    def finish(self, person: int) -> float:
        """Handled; returns for how long they stay there."""
        self._begin(person, Doing.IDLE)
        return behaviour.stays(self.draws, person, self._emergencies[person])

    # ── the rest of the day ───────────────────────────────────────────────────────────────────────────────────────

    def begin_shift(self, person: int, now: float) -> bool:
        """At their base; true if the day finds them on a round already."""
        self._begin(person, Doing.IDLE)
        chance = self.draws.uniform(Draw.ROUND_AFTER, person, 0)
        return now == 0.0 and chance < self.scenario.routine_share

    def end_shift(self, person: int) -> None:
        self._begin(person, Doing.OFF)

    def drift(self, person: int, now: float) -> float:
        """To where they wait: their base, or where they were told and went; returns when they are there."""
        return self._go(person, now, self._waits[person], 1.0 / self.scenario.speed_factor)

    def told(self, person: int, now: float, grid: int) -> None:
        """Where they would best wait. Whoever follows goes at once, and waits there until something else begins."""
        number = self._told[person]
        self._told[person] += 1
        followed = self.draws.uniform(Draw.FOLLOWED, person, number) < self.scenario.advice_followed
        if self.doing[person] is Doing.IDLE and followed:
            x, y = ground.corner_of(np.asarray(grid))
            self._waits[person] = (
                float(x) + ground.GRID_M * self.draws.uniform(Draw.SPOT_X, person, number),
                float(y) + ground.GRID_M * self.draws.uniform(Draw.SPOT_Y, person, number),
            )
            self.drift(person, now)

    def next_round(self, person: int) -> float:
        """Seconds at the base before the next routine round."""
        number = self._rounds[person]
        self._rounds[person] += 1
        return behaviour.round_after(self.scenario, self.draws, person, number)

    def begin_round(self, person: int, now: float) -> tuple[float, float]:
        """To a visit somewhere in their own grid; returns when they are there and when it is over."""
        number = self._rounds[person]
        x, y = ground.corner_of(self.roster.grid[person])
        to_x = float(x) + ground.GRID_M * self.draws.uniform(Draw.ROUND_X, person, number)
        to_y = float(y) + ground.GRID_M * self.draws.uniform(Draw.ROUND_Y, person, number)
        self._begin(person, Doing.ROUND)
        there = self._go(person, now, (to_x, to_y), 1.0 / self.scenario.speed_factor)
        return there, there + behaviour.round_lasts(self.draws, person, number)

    def end_round(self, person: int, now: float) -> None:
        self._begin(person, Doing.IDLE)
        self.drift(person, now)

    def begin_break(self, person: int, now: float) -> float:
        """Returns when it is over."""
        self._begin(person, Doing.BREAK)
        self.drift(person, now)
        return now + BREAK_SECONDS

    def end_break(self, person: int) -> None:
        self._begin(person, Doing.IDLE)

    def at_work(self, person: int, now: float) -> bool:
        return now < self._ends[person]

    def _begin(self, person: int, doing: Doing) -> None:
        self.doing[person] = doing
        self.era[person] += 1
        self._waits[person] = self._base[person]
