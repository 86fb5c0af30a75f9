"""One moment of a street, from its rows to the arrays a policy is given. Pure: what was read comes in, arrays go out.

Only what dispatch would know goes in: positions that were reported, nominal ways, what was asked and answered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

import numpy as np

from services.dispatch.matching.chain import GOING_POSTS, OWN_GRID_POSTS, RemovedBy, Search, leader_is_due
from services.dispatch.matching.situation import NOBODY, Cases, People, Situation, Standing
from services.dispatch.matching.under_way import WRAP_UP_SECONDS, UnderWay, remaining
from services.dispatch.matching.whereabouts import STAYS_SECONDS, Told, Whereabouts, told_whereabouts
from services.dispatch.queries.batches import Lately, OnHand, Trip
from services.dispatch.queries.search import SeenAt
from services.dispatch.rules.facts import Part, State
from services.dispatch.travel.model import MODES, Codes, Flags, Indices, Places, Travel
from shared.things import Person, Point
from shared.vocabulary import Post

ARRIVE_WITHIN = timedelta(minutes=15)
"""Where the policy of a case names no limit in minutes."""
MODE_CODES = {mode: code for code, mode in enumerate(MODES)}
NEVER = Lately(None, 0, False)
NO_ROWS: frozenset[int] = frozenset()
NO_SKILLS: frozenset[str] = frozenset()

Barred = dict[tuple[int, int], RemovedBy | None]


@dataclass(frozen=True)
class Seeking:
    """A part that waits for somebody to go, and what is searched for."""

    state: State
    part: Part
    search: Search


@dataclass(frozen=True)
class Moment:
    """Everything of a street that bears on who goes, at `now`. `people` are those at work or, `on_call`, within reach,
    by id; who is `engaged` is left out of them. `trips` are ways to emergencies that somebody could be called off."""

    now: datetime
    hour: int
    seeking: Sequence[Seeking]
    people: Sequence[Person]
    on_call: Collection[str] = frozenset()
    on_hand: Mapping[str, OnHand] = field(default_factory=dict)
    seen: Mapping[str, SeenAt] = field(default_factory=dict)
    trips: Sequence[Trip] = ()
    handing: Mapping[UUID, Seeking] = field(default_factory=dict)
    """By trip, the part that somebody else might take over, and what would be searched for then."""
    lately: Mapping[str, Lately] = field(default_factory=dict)
    since: Mapping[str, datetime] = field(default_factory=dict)
    """When each one's shift began, or their last break ended."""
    told: Mapping[str, tuple[Point, datetime]] = field(default_factory=dict)
    """Where each was told they would best wait, and when; nothing of whoever began something else since then."""
    engaged: int = 0
    """How many of those at work are left out of `people`."""
    nights: Mapping[str, int] = field(default_factory=dict)
    centres: Mapping[str, Point] = field(default_factory=dict)
    """Of units, for people nobody knows the place of."""
    next_shift_at: datetime | None = None
    """When the next of those who are not there will be."""
    units: Collection[str] = frozenset()
    """Whose people may be sent: the street's."""
    skills: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What the category of a trip's case wishes for."""
    own: Mapping[str, Sequence[tuple[Person, Post]]] = field(default_factory=dict)
    """By grid of a waiting part: its A, B and leader, also those who are not there."""

    @cached_property
    def rows(self) -> dict[str, int]:
        return {person.id: row for row, person in enumerate(self.people)}

    @cached_property
    def to_be_had(self) -> frozenset[int]:
        """Rows of people who are not on the way to an emergency."""
        going = {person_id for person_id, one in self.on_hand.items() if one.going}
        return frozenset(row for person_id, row in self.rows.items() if person_id not in going)

    @cached_property
    def holders(self) -> dict[tuple[Post, str], int]:
        """The row of each grid's A, B and leader; of several the first by id, those under way last: somebody may finish
        an emergency after the next one on their post has begun."""
        found: dict[tuple[Post, str], int] = {}
        for row in sorted(range(len(self.people)), key=lambda row: row not in self.to_be_had):
            for held in self.people[row].posts:
                found.setdefault((held.post, held.unit_id), row)
        return found

    @cached_property
    def leads(self) -> dict[str, frozenset[int]]:
        """By grid, the rows of those who would be asked as its leader: they wait for the fixed step. Whoever goes by
        another post as well is asked like anybody."""
        found: dict[str, set[int]] = {}
        for row, person in enumerate(self.people):
            posts = [(held.post, held.unit_id) for held in person.posts]
            for post, unit in posts:
                if post is Post.LEADER and row in self.only_lead:
                    found.setdefault(unit, set()).add(row)
        return {unit: frozenset(rows) for unit, rows in found.items()}

    @cached_property
    def only_lead(self) -> frozenset[int]:
        """Rows of those who go nowhere but to the grids they lead."""
        return frozenset(
            row
            for row, person in enumerate(self.people)
            if not any(held.post in GOING_POSTS for held in person.posts)
        )


# ── people ────────────────────────────────────────────────────────────────────────────────────────────────────────


def may_go(person: Person, units: Collection[str], grids: Collection[str]) -> bool:
    """Whether somebody could be asked for one of the cases at all: by a post that goes, or as leader of its grid."""
    return person.retired_at is None and any(
        (held.post in GOING_POSTS and held.unit_id in units)
        or (held.post is Post.LEADER and held.unit_id in grids)
        for held in person.posts
    )


def people_of(moment: Moment) -> People:
    """One row per person, in their order; what remains of a way is known once somebody knows ways."""
    trips = {trip.person_id: trip for trip in moment.trips}
    on_hand = [moment.on_hand.get(person.id) for person in moment.people]
    lately = [moment.lately.get(person.id, NEVER) for person in moment.people]
    going = np.asarray([one is not None and one.going for one in on_hand], dtype=bool)
    routine = np.asarray([one is not None and one.at_routine for one in on_hand], dtype=bool) & ~going
    standing = np.select([going, routine], [Standing.GOING, Standing.ROUTINE], Standing.FREE)
    mine = [trips.get(person.id) for person in moment.people]
    departs_in = np.asarray([0.0 if trip is None else _departs_in(moment, trip) for trip in mine])
    modes = np.asarray([MODE_CODES[person.mode] for person in moment.people], dtype=np.int8)
    where = _whereabouts(moment, modes, standing == Standing.FREE)
    return People(
        places=where.places,
        modes=modes,
        standing=standing.astype(np.int8),
        free_after=np.where(routine, WRAP_UP_SECONDS, np.maximum(departs_in, 0.0)),
        asked_ago=np.asarray([_ago(one.asked_at, moment.now) for one in lately], dtype=np.float64),
        load=np.asarray([one.taken for one in lately], dtype=np.float64),
        nights=np.asarray([moment.nights.get(one.id, 0) for one in moment.people], dtype=np.float64),
        remaining=np.zeros(len(mine)),
        swappable=np.asarray([trip is not None and trip.swappable for trip in mine], dtype=bool),
        lost_swap=np.asarray([one.lost_swap for one in lately], dtype=bool),
        elsewhere=where.elsewhere,
        elsewhere_chance=where.chance,
    )


def _whereabouts(moment: Moment, modes: Codes, free: Flags) -> Whereabouts:
    """Whoever is free was last seen somewhere and goes home by and by, or went where they were told; whoever is busy is
    there."""
    bases = [_base(moment, person) for person in moment.people]
    last = [
        moment.seen[person.id].point if person.id in moment.seen else base
        for person, base in zip(moment.people, bases, strict=True)
    ]
    lately = [moment.lately.get(person.id, NEVER) for person in moment.people]
    idle = [_idle_seconds(moment, person) for person in moment.people]
    stays = [STAYS_SECONDS if one.done_urgent else 0.0 for one in lately]
    return told_whereabouts(
        _told(moment, free),
        _places(last),
        _places([base or there for base, there in zip(bases, last, strict=True)]),
        np.where(free, np.asarray(idle, dtype=np.float64), 0.0),
        modes,
        np.asarray(stays, dtype=np.float64),
    )


def _told(moment: Moment, free: Flags) -> Told:
    told = [moment.told.get(person.id, (None, None)) for person in moment.people]
    ago = np.asarray([_ago(at, moment.now) for _, at in told], dtype=np.float64)
    return Told(_places([spot for spot, _ in told]), np.where(free, ago, np.inf))


def _base(moment: Moment, person: Person) -> Point | None:
    """Where they start from, else the middle of where they work."""
    units = [held.unit_id for held in person.posts if held.unit_id in moment.centres]
    return person.base or (moment.centres[units[0]] if units else None)


def _idle_seconds(moment: Moment, person: Person) -> float:
    """Since they finished where they were seen; infinite for whoever was not seen in this shift."""
    seen, done_at = moment.seen.get(person.id), moment.lately.get(person.id, NEVER).done_at
    if seen is None or done_at is None or seen.at < moment.since.get(person.id, seen.at):
        return np.inf
    return _ago(done_at, moment.now)


def _ago(at: datetime | None, now: datetime) -> float:
    return np.inf if at is None else max(0.0, (now - at).total_seconds())


def _departs_in(moment: Moment, trip: Trip) -> float:
    """Seconds until somebody sets out, negative once they have: whoever was called from a visit wraps up first."""
    wraps_up = WRAP_UP_SECONDS if trip.interrupted else 0.0
    return wraps_up - _ago(trip.accepted_at, moment.now)


def under_way(moment: Moment) -> UnderWay:
    """Those who may be called off: since their acceptance, or a position after it."""
    trips = swappable_trips(moment)
    seen = [moment.seen.get(trip.person_id) for trip in trips]
    last = [
        trip.accepted_at if one is None else max(one.at, trip.accepted_at)
        for trip, one in zip(trips, seen, strict=True)
    ]
    return UnderWay(
        person=np.asarray([moment.rows[trip.person_id] for trip in trips], dtype=np.intp),
        case=len(moment.seeking) + np.arange(len(trips)),
        seen_ago=np.asarray([_ago(at, moment.now) for at in last], dtype=np.float64),
        departs_in=np.asarray([_departs_in(moment, trip) for trip in trips], dtype=np.float64),
    )


# ── cases ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def swappable_trips(moment: Moment) -> list[Trip]:
    """Those whose person has a row and may be called off."""
    return [trip for trip in moment.trips if trip.swappable and trip.person_id in moment.rows]


def cases_of(moment: Moment, barred: Barred) -> Cases:
    """The waiting ones first, then those somebody is on the way to."""
    trips = swappable_trips(moment)
    seeking = [
        (one.search.place, one.state.case.registered_at, one.search.arrive_by, one.part.unit_id)
        for one in moment.seeking
    ]
    every = seeking + [
        (_point(one.place.lon, one.place.lat), one.registered_at, one.due_at, one.unit_id) for one in trips
    ]
    due = [(due or since + ARRIVE_WITHIN) - moment.now for _, since, due, _ in every]
    goers = [moment.rows[trip.person_id] for trip in trips]
    pinned = [pinned_row(moment, at, one, barred) for at, one in enumerate(moment.seeking)]
    return Cases(
        places=_places([place for place, _, _, _ in every]),
        due=np.asarray([left.total_seconds() for left in due], dtype=np.float64),
        age=np.asarray([_ago(since, moment.now) for _, since, _, _ in every], dtype=np.float64),
        holders=np.asarray(
            [[moment.holders.get((post, unit), NOBODY) for post in OWN_GRID_POSTS] for *_, unit in every],
            dtype=np.intp,
        ).reshape(-1, len(OWN_GRID_POSTS)),
        goer=np.asarray([NOBODY] * len(seeking) + goers, dtype=np.intp),
        pinned=np.asarray(pinned + [NOBODY] * len(trips), dtype=np.intp),
    )


def pinned_row(moment: Moment, at: int, one: Seeking, barred: Barred) -> int:
    """The leader, when the fixed step is reached, but once: later turns begin with the A holder again."""
    row = moment.holders.get((Post.LEADER, one.part.unit_id), NOBODY)
    if row not in moment.to_be_had or not leader_is_due(one.search, moment.now) or (at, row) in barred:
        return NOBODY
    return NOBODY if moment.people[row].id in one.search.ever_asked else row


# ── who may not be asked for what ─────────────────────────────────────────────────────────────────────────────────


def barred_pairs(moment: Moment) -> Barred:
    """Whom hard filters take out, by (row of the case, row of the person), and which filter it was."""
    found: Barred = {}
    for at, one in enumerate(moment.seeking):
        found |= {(at, row): because for row, because in _barred_for(moment, one).items()}
    for at, trip in enumerate(swappable_trips(moment), start=len(moment.seeking)):
        whose = moment.handing.get(trip.offer_id)
        never = dict.fromkeys(moment.rows.values()) if whose is None else _never(moment, whose)
        found |= {(at, row): because for row, because in never.items()}
        found |= dict.fromkeys(((at, row) for row in _rows(moment, trip.asked)), RemovedBy.ASKED_THIS_TURN)
    return found


def _barred_for(moment: Moment, one: Seeking) -> dict[int, RemovedBy | None]:
    """Never for this case; the leader before their step; and, while others are left, whoever was asked in this turn."""
    search, leader = one.search, moment.leads.get(one.part.unit_id, NO_ROWS)
    out = _never(moment, one)
    free = moment.to_be_had - out.keys()
    if search.leader_at is not None and not leader_is_due(search, moment.now) and free - leader:
        out |= dict.fromkeys(leader & free, RemovedBy.NOT_YET)
        free -= leader
    asked = _rows(moment, search.asked) - out.keys()
    gone = asked if free - asked else asked - moment.to_be_had
    return out | dict.fromkeys(gone, RemovedBy.ASKED_THIS_TURN)


def _never(moment: Moment, one: Seeking) -> dict[int, RemovedBy | None]:
    """For this case, or so shortly after they declined it. `None` is said of other grids' leaders: nobody would think
    of them."""
    search, leader = one.search, moment.leads.get(one.part.unit_id, NO_ROWS)
    resting = {person for person, until in search.resting.items() if moment.now < until}
    filters = (
        (moment.only_lead - leader, None),
        (_rows(moment, resting), RemovedBy.JUST_DECLINED),
        (_rows(moment, search.on_case), RemovedBy.ON_CASE),
        (_rows(moment, search.excluded), RemovedBy.DECLINED),
        (_rows(moment, search.barred), RemovedBy.EXCLUDED),
    )
    return {row: because for rows, because in filters for row in rows}


def _rows(moment: Moment, people: Collection[str]) -> frozenset[int]:
    return frozenset(moment.rows[one] for one in people if one in moment.rows)


def again_at(moment: Moment, one: Seeking) -> datetime | None:
    """When the clock alone may find somebody for it: a shift begins, a rest ends, the leader's step comes."""
    times = [moment.next_shift_at, one.search.leader_at, *one.search.resting.values()]
    return min((time for time in times if time is not None and time > moment.now), default=None)


def leader_waits(moment: Moment, one: Seeking) -> bool:
    """Whether an offer made now ends at the leader's step: somebody leads who could be asked then."""
    search = one.search
    if search.leader_at is None or leader_is_due(search, moment.now):
        return False
    never = _rows(moment, search.barred | search.excluded | search.on_case | search.ever_asked)
    return moment.holders.get((Post.LEADER, one.part.unit_id), NOBODY) in moment.to_be_had - never


def lacking_pairs(moment: Moment) -> list[tuple[int, int]]:
    """Who lacks a skill that the category of a case wishes for."""
    wishes = [one.search.skills for one in moment.seeking]
    wishes += [moment.skills.get(trip.category_code, NO_SKILLS) for trip in swappable_trips(moment)]
    without = {
        skills: [row for row, person in enumerate(moment.people) if not skills <= set(person.skills)]
        for skills in set(wishes)
        if skills
    }
    return [(at, row) for at, skills in enumerate(wishes) for row in without.get(skills, ())]


# ── together ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Posed:
    """The arrays of a moment, all but the ways."""

    cases: Cases
    people: People
    removed: Barred
    lacking: tuple[Indices, Indices]
    on_call: Flags
    hour: int
    engaged: int
    under_way: UnderWay

    def situation(self, travel: Travel) -> Situation:
        people, ends = self.people, self.cases.places
        left = remaining(self.under_way, people.places, people.modes, ends, travel, self.hour)
        return Situation(
            cases=self.cases,
            people=replace(people, remaining=left),
            travel=travel,
            hour=self.hour,
            barred=_pairs(sorted(self.removed)),
            lacking=self.lacking,
            on_call=self.on_call,
            engaged=self.engaged,
        )


def pose(moment: Moment) -> Posed:
    barred = barred_pairs(moment)
    return Posed(
        cases=cases_of(moment, barred),
        people=people_of(moment),
        removed=barred,
        lacking=_pairs(lacking_pairs(moment)),
        on_call=np.asarray([person.id in moment.on_call for person in moment.people], dtype=bool),
        hour=moment.hour,
        engaged=moment.engaged,
        under_way=under_way(moment),
    )


def _pairs(pairs: Sequence[tuple[int, int]]) -> tuple[Indices, Indices]:
    cases, people = np.asarray(pairs, dtype=np.intp).reshape(-1, 2).T
    return cases, people


def _places(points: Sequence[Point | None]) -> Places:
    """NaN where nobody knows."""
    lon = [np.nan if point is None else point.lon for point in points]
    lat = [np.nan if point is None else point.lat for point in points]
    return Places(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))


def _point(lon: float | None, lat: float | None) -> Point | None:
    return None if lon is None or lat is None else Point(lon=lon, lat=lat)
