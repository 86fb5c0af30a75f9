"""Who goes, street by street: all emergencies of a street that wait are matched at once with everybody who could go.

The street's policy decides over one moment, read at once; then each pair is written in a short transaction of its own,
under the locks of the street and the case, so that one faulty case stops none. The unique indexes decide races.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import perf_counter
from uuid import UUID

import numpy as np

from services.dispatch import metrics
from services.dispatch.handlers.local_days import midnight, today_in, zone_of
from services.dispatch.handlers.moments import Moment, Posed, Seeking, may_go, pose
from services.dispatch.handlers.news import NOTHING, Decided, Open
from services.dispatch.handlers.roster import Roster, Rosters
from services.dispatch.handlers.sought import search_in, skills_wanted
from services.dispatch.handlers.ways import Ways
from services.dispatch.matching.policies import policies
from services.dispatch.matching.situation import Assignment, People, Policy, Situation
from services.dispatch.matching.weights import Weights
from services.dispatch.queries import advice
from services.dispatch.queries.batches import Trip, lately, nights, standing, trips, under_way
from services.dispatch.queries.cases import load_sought
from services.dispatch.queries.search import WaitingPart, lock_street, seen_at
from services.dispatch.rules.facts import PartState
from services.dispatch.rules.takeovers import may_be_taken_over
from services.dispatch.travel.model import Codes, Places
from shared.database import Database, Transaction
from shared.going import MatchingPolicy
from shared.sealing import Sealer
from shared.things import Person, Point

log = logging.getLogger(__name__)

NIGHTS_DAYS = 30
"""Night work is made even over so long."""
SHIFT_HOURS_MAX = 12
"""Nobody's shift lasts longer, whatever the rota says; load is counted within it."""
ASIDE_PAIRS_MIN = 20_000
"""From so many pairs of cases and people on a matching takes long enough to go beside the loop."""


@dataclass(frozen=True)
class Batch:
    """What a street's policy decided over one moment, and what another would have."""

    moment: Moment
    posed: Posed
    situation: Situation
    assignment: Assignment
    policy: str
    shadow: Assignment | None = None
    shadow_policy: str | None = None


@dataclass
class Batches:
    """Reads and decides; one per process."""

    sealer: Sealer
    rosters: Rosters
    ways: Ways = field(default_factory=Ways)
    weights: Weights = field(default_factory=Weights)
    policies: Mapping[str, Policy] = field(default_factory=lambda: policies(Weights()))
    last: dict[str, Decided] = field(default_factory=dict)
    """What was decided on each street last."""
    next_at: dict[str, datetime] = field(default_factory=dict)
    """When a street that waits for its window, or for somebody at all, is decided on."""
    nights: dict[str, tuple[datetime, dict[str, int]]] = field(default_factory=dict)

    def keep_windows_of(self, streets: Collection[str]) -> None:
        """A street where nothing waits any more waits for no window."""
        self.next_at = {street_id: at for street_id, at in self.next_at.items() if street_id in streets}

    async def decide(self, database: Database, street_id: str, parts: Sequence[WaitingPart]) -> Batch | None:
        """Over all of them at once; nothing where their window is still open, or nothing came since the last decision.
        Raises `Crossed` where another replica has the street."""
        async with database.transaction() as tx:
            if not await lock_street(tx, street_id):
                raise Crossed(street_id)
            moment = await self.look(tx, street_id, parts)
            policy, shadow = _policies_of(tx, street_id)
        posed = pose(moment)
        what, last = Open.of(moment, posed), self.last.setdefault(street_id, Decided())
        due = last.again_at(moment, what)
        if due is None or due > moment.now:
            last.left = what if due is None else last.left
            self._wait_until(street_id, due)
            return None
        self._wait_until(street_id, None)
        batch = await self._decided(moment, posed, policy, shadow)
        last.keep(moment, what, batch.assignment)
        return batch

    def _wait_until(self, street_id: str, due: datetime | None) -> None:
        self.next_at.pop(street_id, None)
        if due is not None:
            self.next_at[street_id] = due

    def forget(self, street_id: str) -> None:
        """What was decided did not come about: everything is news again."""
        self.last.get(street_id, Decided()).left = NOTHING

    async def _decided(self, moment: Moment, posed: Posed, policy: str, shadow: str | None) -> Batch:
        starts, modes = starts_of(posed.people)
        travel = await self.ways.travel_for(starts, modes, posed.cases.places, moment.hour)
        situation, began = posed.situation(travel), perf_counter()
        assignment = await self._answer(policy, situation)
        metrics.SOLVER_SECONDS.observe(perf_counter() - began)
        metrics.BATCH_CASES.observe(len(moment.seeking))
        if assignment.fallback is not None:
            metrics.FALLBACKS.labels(assignment.fallback).inc()
        batch = Batch(moment, posed, situation, assignment, policy)
        if shadow is None:
            return batch
        try:
            other = await self._answer(shadow, situation)
        except Exception:  # nobody waits for a comparison
            log.exception("the policy %s could not be compared", shadow)
            return batch
        return replace(batch, shadow=other, shadow_policy=shadow)

    async def _answer(self, policy: str, situation: Situation) -> Assignment:
        """In the thread of the emergencies where it takes long: the process' others may all plan days."""
        decide = self.policies[policy]
        if len(situation.people) * len(situation.cases) < ASIDE_PAIRS_MIN:
            return decide(situation)
        return await asyncio.get_running_loop().run_in_executor(self.ways.aside, decide, situation)

    # ── worth a look ──────────────────────────────────────────────────────────────────────────────────────────────

    async def have_news(self, tx: Transaction, but: Collection[str]) -> list[str]:
        """Streets other than those, where people are on the way and somebody who might take over became free since the
        last decision, or somebody set out. By two statements, and what is in memory: a look reads a dozen."""
        now, found = await tx.now(), list[str]()
        for street_id, ways in sorted((await under_way(tx)).items()):
            if street_id in but:
                continue
            roster = self.rosters.of(tx.directory, street_id)
            there = [
                one.id
                for one in roster.people
                if may_go(one, roster.units, ()) and roster.on_duty(one.id, now)
            ]
            on_hand = await standing(tx, there)
            had = {
                one for one in there if one not in on_hand or not (on_hand[one].engaged or on_hand[one].going)
            }
            free = {one for one in had if one not in on_hand or not on_hand[one].at_routine}
            last = self.last.setdefault(street_id, Decided())
            if had and last.is_news(had, free, ways):
                found.append(street_id)
        return found

    # ── one moment ────────────────────────────────────────────────────────────────────────────────────────────────

    async def look(self, tx: Transaction, street_id: str, parts: Sequence[WaitingPart]) -> Moment:
        """Everything that bears on these parts, by a few statements over named cases and people."""
        now, directory = await tx.now(), tx.directory
        states = await load_sought(tx, sorted({part.case_id for part in parts}))
        seeking = [
            Seeking(state, part, search_in(directory, state, part))
            for waits in parts
            if (state := states.get(waits.case_id)) is not None
            and (part := state.part(waits.part_id)).state is PartState.WAITING
        ]
        seeking.sort(key=lambda one: (one.state.case.registered_at, one.state.case.id, one.part.id))
        roster = self.rosters.of(directory, street_id)
        grids = {one.part.unit_id for one in seeking}
        going = [person for person in roster.people if may_go(person, roster.units, grids)]
        there = {
            person.id: person
            for person in going
            if roster.on_duty(person.id, now) or roster.on_call(person.id, now)
        }
        begins = (roster.on_duty_from(one.id, now) for one in going if not roster.on_duty(one.id, now))
        moment = await self._moment(tx, street_id, seeking, there, roster, now)
        return replace(moment, next_shift_at=min((at for at in begins if at is not None), default=None))

    async def _moment(
        self,
        tx: Transaction,
        street_id: str,
        seeking: Sequence[Seeking],
        there: Mapping[str, Person],
        roster: Roster,
        now: datetime,
    ) -> Moment:
        on_hand = await standing(tx, list(there))
        people = [
            person for id_, person in sorted(there.items()) if not (id_ in on_hand and on_hand[id_].engaged)
        ]
        names, not_before = [person.id for person in people], now - timedelta(days=NIGHTS_DAYS)
        earliest = now - timedelta(hours=SHIFT_HOURS_MAX)
        going = [one for one in names if one in on_hand and on_hand[one].going]
        zone = zone_of(tx.directory, street_id)
        units = {held.unit_id for person in people for held in person.posts} & tx.directory.units.keys()
        centres = {unit_id: tx.directory.units[unit_id].centre for unit_id in units}
        since = {one: max(roster.on_duty_since(one, now), earliest) for one in names}
        at_work_since = {one: max(roster.at_work_since(one, now), earliest) for one in names}
        ways = await trips(tx, going) if going else []
        handing = await _handing(tx, ways) if len(going) < len(names) else {}
        return Moment(
            now=now,
            hour=now.astimezone(zone).hour,
            seeking=seeking,
            people=people,
            on_call=frozenset(one for one in names if not roster.on_duty(one, now)),
            on_hand=on_hand,
            seen=await seen_at(tx, names, now, self.sealer) if names else {},
            trips=ways,
            handing=handing,
            skills={one.category_code: skills_wanted(tx.directory, one.category_code) for one in ways},
            lately=await lately(tx, at_work_since, not_before) if names else {},
            since=since,
            told=await _told(tx, street_id, {one: since[one] for one in names if roster.on_duty(one, now)}),
            engaged=len(there) - len(people),
            nights=await self._nights_of(tx, street_id, roster, now),
            centres={unit_id: centre for unit_id, centre in centres.items() if centre is not None},
            units=roster.units,
            own={
                unit_id: roster.own(unit_id)
                for unit_id in sorted({one.part.unit_id for one in [*seeking, *handing.values()]})
            },
        )

    async def _nights_of(
        self, tx: Transaction, street_id: str, roster: Roster, now: datetime
    ) -> Mapping[str, int]:
        """Counted once a day, up to midnight: fairness needs no more, and the same day gives the same answer."""
        until = midnight(tx.directory, street_id, today_in(tx.directory, street_id, now))
        known = self.nights.get(street_id)
        if known is None or known[0] != until:
            people, zone = [person.id for person in roster.people], str(zone_of(tx.directory, street_id))
            since = until - timedelta(days=NIGHTS_DAYS)
            self.nights[street_id] = known = until, await nights(tx, people, since, until, zone)
        return known[1]


async def _told(
    tx: Transaction, street_id: str, since: Mapping[str, datetime]
) -> dict[str, tuple[Point, datetime]]:
    """Where each was told to wait, in a street that says so: the middle of the grid, and when. `since`: of those on
    duty, for nobody who is at home within reach waits there."""
    units = tx.directory.units
    if street_id not in units or not units[street_id].advises:
        return {}
    told = await advice.told(tx, since)
    grids = ((person_id, units.get(one.grid_id), one.at) for person_id, one in told.items())
    return {id_: (unit.centre, at) for id_, unit, at in grids if unit is not None and unit.centre is not None}


async def _handing(tx: Transaction, ways: Sequence[Trip]) -> dict[UUID, Seeking]:
    """Of those who may be called off, whose part somebody else might take over, as if it were searched for."""
    may = [trip for trip in ways if trip.swappable]
    states = await load_sought(tx, sorted({trip.case_id for trip in may})) if may else {}
    found = {}
    for trip in may:
        state = states[trip.case_id]
        offer = state.offer(trip.offer_id)
        if may_be_taken_over(state, offer):
            part = state.part(offer.part_id)
            found[trip.offer_id] = Seeking(state, part, search_in(tx.directory, state, part))
    return found


def starts_of(people: People) -> tuple[Places, Codes]:
    """Wherever people may be, with their modes: of whom it is not sure both places, so that a router is asked of
    both."""
    places, elsewhere, chance = people.places, people.elsewhere, people.elsewhere_chance
    if elsewhere is None or chance is None:
        return places, people.modes
    doubt = chance > 0
    lon = np.concatenate((places.lon, elsewhere.lon[doubt]))
    lat = np.concatenate((places.lat, elsewhere.lat[doubt]))
    return Places(lon, lat), np.concatenate((people.modes, people.modes[doubt]))


class Crossed(Exception):
    """Another replica matches this street now."""


def _policies_of(tx: Transaction, street_id: str) -> tuple[str, str | None]:
    """By which policy the street is matched, and which is compared with it."""
    street = tx.directory.units.get(street_id)
    policy = (street.matching_policy if street else None) or MatchingPolicy.ENGINE
    shadow = street.shadow_policy if street else None
    return policy, None if shadow == policy else shadow
