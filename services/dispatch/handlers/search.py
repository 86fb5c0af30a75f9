"""The search: every waiting part gets its next offer, oldest emergency first, as soon as somebody can be asked.

matching/ chooses; here its facts are gathered under the street's lock and its choice becomes an event. A part for
which nobody is available is looked at again whenever something was committed, and when the clock may help.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from asyncpg import IntegrityConstraintViolationError

from services.dispatch import metrics
from services.dispatch.handlers.records import SEARCH_AGAIN, record
from services.dispatch.handlers.roster import Roster, Rosters
from services.dispatch.matching.chain import (
    HELPING_POSTS,
    OWNING_POSTS,
    Choice,
    Nobody,
    Responder,
    Search,
    choose,
    eligible,
)
from services.dispatch.queries.cases import load, load_all
from services.dispatch.queries.search import (
    Burden,
    HeldPart,
    WaitingPart,
    burdens,
    last_seen,
    lock_street,
    waiting,
)
from services.dispatch.rules import musts
from services.dispatch.rules.facts import OfferState, Part, PartState, State
from services.dispatch.rules.offers import about
from services.dispatch.rules.passing import on_case, unfit
from services.dispatch.rules.told import REASSIGNED
from shared.database import Database, Transaction
from shared.directory import Directory
from shared.events.dispatch import CaseOffered, NobodyAvailable
from shared.health import Beat
from shared.ids import uuid7
from shared.retry import is_transient
from shared.sealing import Sealer
from shared.simulation import Pending
from shared.things import Point
from shared.timers import Due
from shared.wake import Wake

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 0.5
"""How long the registry's changes may wait to be noticed; commits wake the search at once."""
CROSSED_SECONDS = 0.02
"""Another replica has the street or somebody the case: they are done in milliseconds."""
FAULT_RESTS_SECONDS = 5.0
"""A part whose search fails for a reason of its own is tried again after so long; the others do not wait for it."""

CROSSINGS = ("offers_one_live_per_part", "offers_one_emergency_per_person")
"""The unique indexes by which two replicas or two streets find out that they want the same."""

HAND_OVER_RESTS = timedelta(hours=8)
"""A shift's length."""


class Turn(Enum):
    OFFERED = "offered"
    NOBODY = "nobody"
    CROSSED = "crossed"
    FAILED = "failed"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Standing:
    """Who of a street or unit is on duty or within reach, what they are on, and where they were last seen."""

    on_duty: Set[str] = frozenset()
    on_call: Set[str] = frozenset()
    busy: Mapping[str, Burden] = field(default_factory=dict)
    seen: Mapping[str, Point] = field(default_factory=dict)


@dataclass
class Matching:
    """The loop, with what it needs besides the database."""

    sealer: Sealer
    rosters: Rosters = field(default_factory=Rosters)
    resting: dict[UUID, float] = field(default_factory=dict)
    woken_by: Wake = field(default_factory=Wake)
    looked_at: tuple[int, int] | None = None

    async def run(self, database: Database, beat: Beat) -> None:
        """Search for ever: woken by commits, and by itself twice a second."""
        self.woken_by = database.committed
        while True:
            world = self._world(database.directory)
            crossed = await self.turn(database)
            self.looked_at = None if crossed else world
            beat()
            await database.committed.wait(CROSSED_SECONDS if crossed else LOOK_AGAIN_SECONDS)

    async def turn(self, database: Database) -> bool:
        """One look at everything that waits; whether something has to be looked at again at once."""
        began = time.perf_counter()
        async with database.transaction() as tx:
            parts = await waiting(tx)
            hopeful = await self.hopeful(tx, parts)
        self.resting = {
            part.part_id: self.resting[part.part_id] for part in parts if part.part_id in self.resting
        }
        metrics.WAITING_PARTS.set(len(parts))
        metrics.STARVED_PARTS.set(len(parts) - len(hopeful))
        crossed = False
        for part in hopeful:
            crossed |= await self.seek(database, part) is Turn.CROSSED
        if hopeful:
            metrics.MATCHING_SECONDS.observe(time.perf_counter() - began)
        return crossed

    async def hopeful(self, tx: Transaction, parts: list[WaitingPart]) -> list[WaitingPart]:
        """Those not looked at yet, and those for which somebody may be asked by now. If even this look fails, it is
        all of them: each is then sought by itself, and only the faulty one rests."""
        awake = [part for part in parts if time.monotonic() >= self.resting.get(part.part_id, 0.0)]
        starved = [part for part in awake if part.starved]
        try:
            helped = await self._helped(tx, starved) if starved else set()
        except Exception as wrong:
            if is_transient(wrong):
                raise
            return awake
        return [part for part in awake if not part.starved or part.part_id in helped]

    async def _helped(self, tx: Transaction, starved: list[WaitingPart]) -> set[UUID]:
        now = await tx.now()
        states = await load_all(tx, sorted({part.case_id for part in starved}))
        helped: set[UUID] = set()
        standing: dict[str, Standing] = {}
        for part in starved:
            state = states[part.case_id]
            search, responders = await self.facts(tx, state, state.part(part.part_id), now, standing)
            if isinstance(choose(search, responders, now), Choice):
                helped.add(part.part_id)
        return helped

    async def seek(self, database: Database, part: WaitingPart) -> Turn:
        """Offer one part. Another street may have just taken the same person: the case is not lost, it waits on. A
        fault in one case is its own: it must not stand before everybody else's search."""
        try:
            async with database.transaction() as tx:
                turn = await self.offer(tx, part)
        except Exception as wrong:
            if is_transient(wrong):
                raise
            return self.failed(part, wrong)
        self.resting.pop(part.part_id, None)
        return turn

    def failed(self, part: WaitingPart | HeldPart, wrong: Exception) -> Turn:
        """Whether others were faster, or something is wrong with this case."""
        of_case = {"case_id": str(part.case_id)}
        if isinstance(wrong, IntegrityConstraintViolationError) and any(
            index in str(wrong) for index in CROSSINGS
        ):
            metrics.MATCHING_COLLISIONS.inc()
            log.info("another replica was faster: %s", wrong, extra=of_case)
            return Turn.CROSSED
        metrics.SEARCH_FAULTS.inc()
        log.error("the search for a case failed and goes on with the others", exc_info=wrong, extra=of_case)
        self.resting[part.part_id] = time.monotonic() + FAULT_RESTS_SECONDS
        return Turn.FAILED

    async def offer(self, tx: Transaction, waits: WaitingPart) -> Turn:
        """Load, decide, save, announce, for one waiting part."""
        if not await lock_street(tx, waits.street_id):
            return Turn.CROSSED
        locked, now = await tx.try_lock([waits.case_id])
        state = await load(tx, waits.case_id) if locked else None
        if state is None or now is None:
            return Turn.CROSSED
        part = state.part(waits.part_id)
        if part.state is not PartState.WAITING:
            return Turn.NOTHING
        search, responders = await self.facts(tx, state, part, now)
        chosen = choose(search, responders, now)
        if isinstance(chosen, Choice):
            await record(tx, state, [offered(state, part, search, chosen, now)])
            _count_first(state, part, now)
            return Turn.OFFERED
        await self._wait_on(tx, state, part, chosen, now)
        return Turn.NOBODY

    async def _wait_on(
        self, tx: Transaction, state: State, part: Part, nobody: Nobody, now: datetime
    ) -> None:
        """Said once per dry spell; the clock is asked to wake the search when a shift starts or a rest ends."""
        if part.nobody_since is None:
            common = about(state, part.id, now)
            told = NobodyAvailable(**common, unit_id=part.unit_id, candidates=nobody.candidates)
            await record(tx, state, [told])
        if nobody.again_at is not None:
            tx.arm(state.case.id, SEARCH_AGAIN, nobody.again_at, part.id)

    async def facts(
        self,
        tx: Transaction,
        state: State,
        part: Part,
        now: datetime,
        standing: dict[str, Standing] | None = None,
    ) -> tuple[Search, list[Responder]]:
        """What the choice is made from: the search, and everybody who may be asked, as they stand now. Looks of one
        moment share `standing`, by street or unit; what is decided is decided from a fresh one."""
        category = tx.directory.categories.get(state.case.category_code)
        wished = frozenset(category.skills_wanted) if category else frozenset[str]()
        search = search_for(state, part, _centre(tx, state), wished)
        unit_id = part.unit_id if search.own_people or not part.goes else state.case.street_id
        roster = self.rosters.of(tx.directory, unit_id)
        shared = standing if standing is not None else {}
        if unit_id not in shared:
            shared[unit_id] = await self._standing(tx, roster, now)
        stand = shared[unit_id]
        return search, [
            Responder(
                person_id=person.id,
                post=post,
                unit_id=unit_id,
                mode=person.mode,
                start=stand.seen.get(person.id, person.base) if part.goes else person.base,
                on_duty=person.id in stand.on_duty,
                on_call=person.id in stand.on_call,
                on_duty_from=None if person.id in stand.on_duty else roster.on_duty_from(person.id, now),
                on_emergency=person.id in stand.busy and stand.busy[person.id].on_emergency,
                load=stand.busy[person.id].load if person.id in stand.busy else 0,
                skills=frozenset(person.skills),
            )
            for person, post, unit_id in eligible(search, roster.people, roster.units)
        ]

    async def _standing(self, tx: Transaction, roster: Roster, now: datetime) -> Standing:
        on_duty = {person.id for person in roster.people if roster.on_duty(person.id, now)}
        on_call = {person.id for person in roster.people if roster.on_call(person.id, now)}
        there = on_duty | on_call
        if not there:
            return Standing()
        seen = await last_seen(tx, sorted(there), now, self.sealer)
        return Standing(on_duty, on_call, await burdens(tx, there), seen)

    async def look_again(self, tx: Transaction, due: Due, now: datetime) -> None:
        """A shift began, or somebody rested after declining. The commit wakes the loop; if there is still nobody,
        the clock is asked again."""
        state = await load(tx, due.subject_id)
        part = next((part for part in state.parts if part.id == due.part_id), None) if state else None
        if state is None or part is None or part.state is not PartState.WAITING:
            return
        search, responders = await self.facts(tx, state, part, now)
        chosen = choose(search, responders, now)
        if isinstance(chosen, Nobody):
            await self._wait_on(tx, state, part, chosen, now)

    async def pending(self, tx: Transaction) -> Pending:
        """For the simulation: whether anything was committed, or told by the registry, since the last look at what
        waits; also before the first look."""
        return Pending(in_flight=int(self._world(tx.directory) != self.looked_at))

    def _world(self, directory: Directory) -> tuple[int, int]:
        return self.woken_by.calls, directory.revision


def search_for(
    state: State, part: Part, centre: Point | None, skills: frozenset[str] = frozenset()
) -> Search:
    """What is searched for, from the facts of the case; `skills` are those its category wishes for."""
    case = state.case
    rest = timedelta(seconds=case.offer_seconds)
    declined = [offer for offer in state.offers if offer.state is OfferState.DECLINED and offer.ended_at]
    own_people = part.own_people_only
    leader_after = case.leader_after_seconds if case.urgent and part.goes and not own_people else None
    return Search(
        unit_id=part.unit_id,
        emergency=case.urgent,
        goes=part.goes,
        place=_place(state) or centre,
        started_at=part.searched_from,
        expires_after=rest,
        leader_after=None if leader_after is None else timedelta(seconds=leader_after),
        asked=frozenset(state.asked(part)),
        ever_asked=frozenset(offer.person_id for offer in state.offers if offer.part_id == part.id),
        excluded=unfit(state),
        resting={offer.person_id: offer.ended_at + rest for offer in declined if offer.ended_at}
        | _gave_away(state, part),
        own_people=() if not own_people else HELPING_POSTS if part.asked_for else OWNING_POSTS,
        barred=frozenset(case.excluded),
        on_case=frozenset(on_case(state, but=part.id)),
        skills=skills,
        arrive_by=musts.arrive_by(case) if case.urgent else None,
    )


def _gave_away(state: State, part: Part) -> dict[str, datetime]:
    """Who handed this part over is not asked at once to take it back, though the shift may last minutes more."""
    return {
        offer.person_id: offer.ended_at + HAND_OVER_RESTS
        for offer in state.offers
        if offer.part_id == part.id and offer.passed_on == REASSIGNED and offer.ended_at
    }


def _place(state: State) -> Point | None:
    place = state.case.place
    return None if place.lon is None or place.lat is None else Point(lon=place.lon, lat=place.lat)


def _centre(tx: Transaction, state: State) -> Point | None:
    """Where the place is not known, the middle of the lowest unit known has to do."""
    known = [tx.directory.units[unit_id] for unit_id in state.case.unit_path if unit_id in tx.directory.units]
    return next((unit.centre for unit in reversed(known) if unit.centre is not None), None)


def offered(state: State, part: Part, search: Search, chosen: Choice, now: datetime) -> CaseOffered:
    return CaseOffered(
        **about(state, part.id, now),
        offer_id=uuid7(),
        person_id=chosen.responder.person_id,
        unit_id=chosen.responder.unit_id,
        post=chosen.responder.post,
        emergency=search.emergency,
        goes=search.goes,
        expires_at=chosen.expires_at,
        eta_seconds=chosen.eta_seconds,
        chosen_because=chosen.because,
        candidates=chosen.candidates,
    )


def _count_first(state: State, part: Part, now: datetime) -> None:
    if not any(offer.part_id == part.id for offer in state.offers):
        waited = (now - part.opened_at).total_seconds()
        metrics.OFFERED_AFTER.labels(state.case.urgency).observe(max(0.0, waited))
