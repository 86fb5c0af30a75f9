"""What dispatch knows of the city: what was reported to it, and nothing else.

Every method is a report that the real service gets as well. `situation` makes of them what a policy is given: arrays
of its own, read-only, that refer to nothing of the city. Positions are reported at accept, at arrival and on the way
to an emergency; from these and the time since dispatch reckons where somebody is (matching.whereabouts). Speeds,
wrap-up and answer times are the nominal ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from math import inf
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.dispatch.city import ground
from services.dispatch.city.demand import NO_SKILL, SKILLS
from services.dispatch.city.lessons import Lessons, SetOut
from services.dispatch.city.people import Roster
from services.dispatch.city.run import ON_TIME_SECONDS
from services.dispatch.matching.chain import STEP_REACH
from services.dispatch.matching.situation import NOBODY, Cases, People, Situation, Standing
from services.dispatch.matching.under_way import WRAP_UP_SECONDS, UnderWay, remaining
from services.dispatch.matching.whereabouts import STAYS_SECONDS, Told, Whereabouts, told_whereabouts
from services.dispatch.travel.model import Flags, Floats, Indices, Places, Travel
from shared.things import Point

DECLINED_RESTS_SECONDS = 60.0
"""Whoever declined a case is not asked for it again so soon, even in a new turn."""

LONG_WAY_SECONDS, MAY_BE_LATE_FROM = 600.0, 0.7
"""A way that is shorter than this, and than this part of the time there is, needs nobody else."""

_T = TypeVar("_T", bound=np.generic)


class Believed(IntEnum):
    """What somebody is doing, as far as dispatch knows. The middle three are the rows of a `Situation`."""

    AWAY = 0
    FREE = 1
    ROUTINE = 2
    GOING = 3
    ON_SITE = 4


_STANDING = np.array([-1, Standing.FREE, Standing.ROUTINE, Standing.GOING, -1], dtype=np.int8)
NONE = -1


@dataclass(slots=True)
class Known:
    """One case as registered, `searched` for since then or since whoever was on the way left for another. `asked` are
    those asked in this turn, `ever` in any; `resting` until when; `goer` is on the way, also while somebody else is
    asked to take over. A case waits while nobody is being asked for it and nobody has it."""

    x: float
    y: float
    grid: int
    skill: int
    registered: float
    searched: float
    asked: set[int] = field(default_factory=set)
    ever: set[int] = field(default_factory=set)
    resting: dict[int, float] = field(default_factory=dict)
    goer: int = NONE


class Seen:
    """Dispatch's own notes. People and cases by their numbers in the city."""

    def __init__(self, roster: Roster, travel: Travel, starts_at_hour: int) -> None:
        n = len(roster)
        self._roster, self._lessons, self._starts_at_hour = roster, Lessons(travel), starts_at_hour
        self._set_out: dict[int, SetOut] = {}
        self.believed = np.full(n, Believed.AWAY, dtype=np.int8)
        self.asked_for = np.full(n, NONE, dtype=np.intp)
        self._x, self._y = roster.base_x.copy(), roster.base_y.copy()
        self._x_at = np.full(n, -inf)
        self._idle_since, self._stays = np.full(n, -inf), np.zeros(n)
        self._asked_at = np.full(n, -inf)
        self._told_grid, self._told_at = np.zeros(n, dtype=np.intp), np.full(n, -inf)
        self._wrapped_up = np.full(n, -inf)
        self._load, self._nights = np.zeros(n), roster.nights.copy()
        self._going_to = np.full(n, NONE, dtype=np.intp)
        self._swapped, self._lost_swap = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        self._holding = np.full(int(roster.position.max(initial=-1)) + 1, NONE, dtype=np.intp)
        self._holders = np.where(roster.holders < len(self._holding), roster.holders, NONE)
        self.cases: dict[int, Known] = {}
        self.waiting: set[int] = set()

    # ── reports ───────────────────────────────────────────────────────────────────────────────────────────────────

    def registered(self, case: int, known: Known) -> None:
        self.cases[case] = known
        self.waiting.add(case)

    def on_duty(self, person: int) -> None:
        self._holding[self._roster.position[person]] = person
        self.believed[person] = Believed.FREE

    def off_duty(self, person: int) -> None:
        """Also for a break, which is announced."""
        self.believed[person], self._told_at[person] = Believed.AWAY, -inf

    def shift_ended(self, person: int) -> None:
        if self._holding[self._roster.position[person]] == person:
            self._holding[self._roster.position[person]] = NONE

    def on_round(self, person: int) -> None:
        self.believed[person], self._told_at[person] = Believed.ROUTINE, -inf

    def free(self, person: int, since: float, *, stays_seconds: float = STAYS_SECONDS) -> None:
        """Done where they were at `since`; they stay there for about so long."""
        self.believed[person] = Believed.FREE
        self._idle_since[person], self._stays[person] = since, stays_seconds

    def at(self, person: int, x: float, y: float, now: float) -> None:
        """A position that the phone sent."""
        self._x[person], self._y[person], self._x_at[person] = x, y, now

    def told(self, person: int, grid: int, now: float) -> None:
        """Where they would best wait; whether they go, nobody reports."""
        self._told_grid[person], self._told_at[person] = grid, now

    def offered(self, case: int, person: int, now: float) -> None:
        """Asking somebody a second time begins a new turn."""
        known = self.cases[case]
        known.asked = {person} if person in known.asked else known.asked | {person}
        known.ever.add(person)
        self.waiting.discard(case)
        self.asked_for[person], self._asked_at[person] = case, now
        self._swapped[person] |= self.believed[person] == Believed.GOING
        self._lost_swap[person] = False

    def declined(self, case: int, person: int, now: float) -> None:
        self.cases[case].resting[person] = now + DECLINED_RESTS_SECONDS
        self.unanswered(case, person)

    def unanswered(self, case: int, person: int) -> None:
        """Lapsed. Whoever is on the way goes on."""
        self.asked_for[person] = NONE
        if self.cases[case].goer == NONE:
            self.waiting.add(case)

    def withdrawn(self, case: int, person: int) -> None:
        """Taken back, at a fixed step or because whoever is on the way was sooner; who would have been called off their
        way for it is owed the next case."""
        self._lost_swap[person] = self.believed[person] == Believed.GOING
        self.unanswered(case, person)

    def taken_over(self, person: int, now: float) -> None:
        """Somebody else goes; they turn home at once, and are owed the next case."""
        self.cases[int(self._going_to[person])].goer = NONE
        self._going_to[person] = NONE
        self._set_out.pop(person)
        self._lost_swap[person], self._wrapped_up[person] = True, -inf
        self.free(person, now, stays_seconds=0.0)

    def accepted(self, case: int, person: int, *, interrupted: bool, now: float) -> int:
        """Returns the case that loses its goer to this one, NONE if none does."""
        left, self.asked_for[person] = int(self._going_to[person]), NONE
        if left != NONE:
            again = self.cases[left]
            again.goer, again.asked, again.searched = NONE, set(), now
            self.waiting.add(left)
        self.cases[case].goer = person
        self.believed[person], self._told_at[person] = Believed.GOING, -inf
        self._going_to[person], self._swapped[person] = case, left != NONE
        self._wrapped_up[person] = now + WRAP_UP_SECONDS if interrupted else -inf
        self._load[person] += 1
        known, mode = self.cases[case], int(self._roster.modes[person])
        start, end = _point(float(self._x[person]), float(self._y[person])), _point(known.x, known.y)
        self._set_out[person] = SetOut(start, end, mode, max(now, float(self._wrapped_up[person])))
        return left

    def arrived(self, case: int, person: int, now: float) -> None:
        """As pressed on the phone, true or not."""
        if self.cases[case].goer == person:
            self._lessons.arrived(self._set_out.pop(person), self._hour(now), now)
            self.cases[case].goer = NONE
            self._going_to[person] = NONE
            self.believed[person] = Believed.ON_SITE

    # ── the view ──────────────────────────────────────────────────────────────────────────────────────────────────

    def goer(self, case: int) -> int:
        """Who is on the way to it, NONE if nobody is."""
        return self.cases[case].goer

    def asked_over(self, case: int) -> int:
        """Who is being asked for it, NONE if nobody is."""
        found = np.flatnonzero(self.asked_for == case)
        return int(found[0]) if len(found) else NONE

    def may_be_taken_over(self, now: float) -> bool:
        """Whether anybody who could be relieved has a way left that is long, or may end too late."""
        people = np.flatnonzero(self.believed == Believed.GOING)
        people = people[self._swappable(people)]
        if not len(people):
            return False
        left = self._remaining(people, _places(self._x[people], self._y[people]), now)
        registered = np.array([self.cases[number].registered for number in self._going_to[people].tolist()])
        slack = registered + ON_TIME_SECONDS - now
        return bool(((left > LONG_WAY_SECONDS) | (left > MAY_BE_LATE_FROM * slack)).any())

    def _swappable(self, people: Indices) -> Flags:
        going_to = self._going_to[people]
        asked = np.isin(going_to, self.asked_for[self.asked_for != NONE])
        going = (self.believed[people] == Believed.GOING) & (self.asked_for[people] == NONE)
        return np.asarray(going & ~self._swapped[people] & ~asked)

    def goers(self) -> list[int]:
        """Who is on the way to an emergency: their phones send positions."""
        found: list[int] = np.flatnonzero(self.believed == Believed.GOING).tolist()
        return found

    def available(self) -> Indices:
        """People who could be asked without calling them off their way."""
        idle = (self.believed == Believed.FREE) | (self.believed == Believed.ROUTINE)
        return np.flatnonzero(idle & (self.asked_for == NONE))

    def idle(self, now: float) -> tuple[Indices, Places]:
        """Who has nothing on hand, not even a question, and where they probably are."""
        free = np.flatnonzero((self.believed == Believed.FREE) & (self.asked_for == NONE))
        return free, self._whereabouts(free, now).places

    def told_where(self, people: Indices) -> Indices:
        """The grid in which each was told to wait and may be waiting, NONE for the others."""
        return np.where(np.isfinite(self._told_at[people]), self._told_grid[people], NONE)

    def load(self, person: int) -> int:
        return int(self._load[person])

    def leader_for(self, case: int) -> int:
        """The leader whom the fixed step names, NONE if there is nobody to name now, or they were asked before."""
        known = self.cases[case]
        leader = self._on_post(known.grid)[2]
        idle = leader != NONE and self.believed[leader] in (Believed.FREE, Believed.ROUTINE)
        fresh = idle and self.asked_for[leader] == NONE and leader not in known.ever
        return leader if fresh else NONE

    def is_leaders_turn(self, case: int, now: float, leader_after: float) -> bool:
        """From shortly before the step on: no offer is made for seconds only."""
        return now + STEP_REACH.total_seconds() >= self.cases[case].searched + leader_after

    def situation(self, now: float, leader_after: float) -> tuple[Situation, Indices, Indices]:
        """The moment as a policy sees it, and which cases and people its rows are."""
        asked = self.asked_for != NONE
        people = np.flatnonzero((_STANDING[self.believed] >= 0) & ~asked)
        going = self._going_to[people]
        numbers = np.array(sorted([*self.waiting, *going[going != NONE].tolist()]), dtype=np.intp)
        row_of = np.full(len(self.believed) + 1, NOBODY, dtype=np.intp)
        row_of[people] = np.arange(len(people))
        cases = self._cases(numbers, row_of, now, leader_after)
        folk = self._people(people, now)
        barred, lacking = self._barred(numbers, row_of, now), self._lacking(numbers, people)
        hour = self._hour(now)
        busy = asked | (self.believed == Believed.ON_SITE)
        engaged = int(np.count_nonzero(busy & (self.believed != Believed.AWAY)))
        moment = Situation(cases, folk, self._lessons.travel(now), hour, barred, lacking, engaged=engaged)
        return moment, numbers, people

    def _hour(self, now: float) -> int:
        return int(self._starts_at_hour + now / 3600.0) % 24

    def _cases(self, numbers: Indices, row_of: Indices, now: float, leader_after: float) -> Cases:
        known = [self.cases[number] for number in numbers.tolist()]
        registered = np.array([one.registered for one in known], dtype=np.float64)
        holders = np.array([self._on_post(one.grid) for one in known], dtype=np.intp).reshape(-1, 3)
        pinned = [
            self.leader_for(number)
            if one.goer == NONE and self.is_leaders_turn(number, now, leader_after)
            else NONE
            for number, one in zip(numbers.tolist(), known, strict=True)
        ]
        return Cases(
            _places([one.x for one in known], [one.y for one in known]),
            _sealed(registered + ON_TIME_SECONDS - now),
            _sealed(now - registered),
            _sealed(row_of[holders]),
            _sealed(row_of[np.array([one.goer for one in known], dtype=np.intp)]),
            _sealed(row_of[np.array(pinned, dtype=np.intp)]),
        )

    def _people(self, people: Indices, now: float) -> People:
        found = self._whereabouts(people, now)
        places = _own(found.places)
        standing = _STANDING[self.believed[people]]
        wraps_up = np.where(standing == Standing.ROUTINE, WRAP_UP_SECONDS, self._wrapped_up[people] - now)
        free_after = np.maximum(wraps_up, 0.0)
        return People(
            places,
            _sealed(self._roster.modes[people]),
            _sealed(standing),
            _sealed(free_after),
            _sealed(now - self._asked_at[people]),
            _sealed(self._load[people]),
            _sealed(self._nights[people]),
            _sealed(self._remaining(people, places, now)),
            _sealed(self._swappable(people)),
            _sealed(self._lost_swap[people]),
            _own(found.elsewhere),
            _sealed(found.chance),
        )

    def _whereabouts(self, people: Indices, now: float) -> Whereabouts:
        idle = np.where(self.believed[people] == Believed.FREE, now - self._idle_since[people], 0.0)
        x, y = ground.centres()
        grid = self._told_grid[people]
        return told_whereabouts(
            Told(_places(x[grid], y[grid]), now - self._told_at[people]),
            _places(self._x[people], self._y[people]),
            _places(self._roster.base_x[people], self._roster.base_y[people]),
            np.where(np.isfinite(self._x_at[people]), idle, inf),
            self._roster.modes[people],
            self._stays[people],
        )

    def _remaining(self, people: Indices, places: Places, now: float) -> Floats:
        """Seconds to the door of those on the way, from where their phones said they were."""
        who = np.flatnonzero(self._going_to[people] != NONE)
        ends = [self.cases[number] for number in self._going_to[people[who]].tolist()]
        way = UnderWay(
            who, np.arange(len(who)), now - self._x_at[people[who]], self._wrapped_up[people[who]] - now
        )
        to = _places([one.x for one in ends], [one.y for one in ends])
        modes, travel = self._roster.modes[people], self._lessons.travel(now)
        return remaining(way, places, modes, to, travel, self._hour(now))

    def _barred(self, numbers: Indices, row_of: Indices, now: float) -> tuple[Indices, Indices]:
        able = set(self.available().tolist())
        pairs = [
            (row, int(row_of[person]))
            for row, number in enumerate(numbers.tolist())
            for known in [self.cases[number]]
            for person in sorted(_not_now(known, able, now))
            if row_of[person] != NOBODY and person != known.goer
        ]
        both = np.array(pairs, dtype=np.intp).reshape(-1, 2)
        return _sealed(both[:, 0]), _sealed(both[:, 1])

    def _lacking(self, numbers: Indices, people: Indices) -> tuple[Indices, Indices]:
        wished = np.array([self.cases[number].skill for number in numbers.tolist()], dtype=np.intp)
        without = ~self._roster.skills[people].reshape(-1, SKILLS)[:, np.maximum(wished, 0)]
        person, case = np.nonzero(without & (wished != NO_SKILL)[None, :])
        order = np.argsort(case, kind="stable")
        return _sealed(case[order]), _sealed(person[order])

    def _on_post(self, grid: int) -> list[int]:
        """A, B and leader of a grid who are on duty now."""
        return [
            int(self._holding[position]) if position != NONE else NONE
            for position in self._holders[grid].tolist()
        ]


def _not_now(known: Known, able: set[int], now: float) -> set[int]:
    """Who is not asked for a case: whoever rests and, while any of those who are `able` is left, whoever was asked in
    this turn. Once everybody was, the next turn may begin with any of them."""
    rests = {person for person, until in known.resting.items() if until > now}
    fresh = able - rests - known.asked
    return rests | (known.asked if fresh or known.goer != NONE else known.asked - able)


def _point(x: float, y: float) -> Point:
    there = ground.places(np.array([x]), np.array([y]))
    return Point(lon=float(there.lon[0]), lat=float(there.lat[0]))


def _places(x: Floats | list[float], y: Floats | list[float]) -> Places:
    there = ground.places(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
    return _own(there)


def _own(of: Places) -> Places:
    return Places(_sealed(of.lon), _sealed(of.lat))


def _sealed(array: NDArray[_T]) -> NDArray[_T]:
    """A read-only array that shares memory with nothing of the city."""
    own = np.array(array, copy=True)
    own.flags.writeable = False
    return own
