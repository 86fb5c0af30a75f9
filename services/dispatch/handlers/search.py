"""The search: every waiting part gets its next offer, oldest emergency first, as soon as somebody can be asked.

Emergencies somebody goes to are matched street by street (batches). Anything else is chosen for by itself: routine
work, officers, units that were named. A part for which nobody is available is looked at again whenever something was
committed, and when the clock may help.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from asyncpg import IntegrityConstraintViolationError

from services.dispatch import metrics
from services.dispatch.handlers import swaps
from services.dispatch.handlers.batches import Batch, Batches, Crossed
from services.dispatch.handlers.moments import again_at
from services.dispatch.handlers.records import SEARCH_AGAIN, record
from services.dispatch.handlers.roster import Rosters
from services.dispatch.handlers.sending import Turn, send, sendings
from services.dispatch.handlers.sought import count_first, offered, search_in
from services.dispatch.handlers.standing import Standing, responders, standing_of
from services.dispatch.handlers.ways import Ways
from services.dispatch.matching.chain import Choice, Nobody, RemovedBy, Responder, Search, choose
from services.dispatch.matching.policies import policies
from services.dispatch.matching.situation import Policy
from services.dispatch.matching.weights import Weights
from services.dispatch.queries.cases import load, load_all
from services.dispatch.queries.search import HeldPart, WaitingPart, lock_street, waiting
from services.dispatch.rules.facts import Part, PartState, State
from services.dispatch.rules.offers import about
from shared.database import Database, Transaction
from shared.directory import Directory
from shared.events.dispatch import Candidate, NobodyAvailable
from shared.health import Beat
from shared.retry import is_transient
from shared.sealing import Sealer
from shared.simulation import Pending
from shared.timers import Due
from shared.wake import Wake

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 0.5
"""How long the registry's changes may wait to be noticed; commits wake the search at once."""
CROSSED_SECONDS = 0.02
"""Another replica has the street or somebody the case: they are done in milliseconds."""
FAULT_RESTS_SECONDS = 5.0
"""A part whose search fails for a reason of its own is tried again after so long; the others do not wait for it."""

CROSSINGS = (
    "offers_one_live_per_part",
    "offers_one_ask_per_part",
    "offers_one_emergency_per_person",
    "offers_one_swap_per_person",
)
"""The unique indexes by which two replicas or two streets find out that they want the same."""


@dataclass(frozen=True)
class Looked:
    """What one look at everything that waits came to."""

    offered: int = 0
    crossed: bool = False

    @classmethod
    def of(cls, turns: list[Turn]) -> Looked:
        return cls(turns.count(Turn.OFFERED), Turn.CROSSED in turns)


@dataclass
class Matching:
    """The loop, with what it needs besides the database."""

    sealer: Sealer
    rosters: Rosters = field(default_factory=Rosters)
    resting: dict[UUID, float] = field(default_factory=dict)
    woken_by: Wake = field(default_factory=Wake)
    looked_at: tuple[int, int] | None = None
    ways: Ways = field(default_factory=Ways)
    policies: Mapping[str, Policy] = field(default_factory=lambda: policies(Weights()))

    def __post_init__(self) -> None:
        self.batches = Batches(self.sealer, self.rosters, self.ways, policies=self.policies)

    async def run(self, database: Database, beat: Beat) -> None:
        """Search for ever: woken by commits, by a window that closes, and by itself twice a second."""
        self.woken_by = database.committed
        while True:
            world = self._world(database.directory)
            looked = await self.turn(database)
            self.looked_at = None if looked.crossed else world
            beat()
            await database.committed.wait(CROSSED_SECONDS if looked.crossed else await self._rest(database))

    async def _rest(self, database: Database) -> float:
        if self.next_at is None:
            return LOOK_AGAIN_SECONDS
        clock = await database.read_clock()
        return clock.real_seconds_until(self.next_at, at_most=LOOK_AGAIN_SECONDS)

    @property
    def next_at(self) -> datetime | None:
        """When the first street is matched that waits for its window."""
        return min(self.batches.next_at.values(), default=None)

    async def turn(self, database: Database) -> Looked:
        """One look at everything that waits."""
        began = time.perf_counter()
        async with database.transaction() as tx:
            parts = await waiting(tx)
            hopeful = await self.hopeful(tx, parts)
            over = await swaps.over(tx)
        self.resting = {
            part.part_id: self.resting[part.part_id] for part in parts if part.part_id in self.resting
        }
        metrics.WAITING_PARTS.set(len(parts))
        metrics.STARVED_PARTS.set(sum(part.starved for part in parts))
        turns = [await self._guarded(database, part, swaps.take_back(part)) for part in over]
        if await self._may_differ(database, parts):
            turns += await self._match_all(database, [part for part in parts if part.batched])
        turns += [await self.seek(database, part) for part in hopeful]
        if turns:
            metrics.MATCHING_SECONDS.observe(time.perf_counter() - began)
        return Looked.of(turns)

    # ── emergencies, street by street ─────────────────────────────────────────────────────────────────────────────

    async def _may_differ(self, database: Database, parts: list[WaitingPart]) -> bool:
        """Whether anything was told, or a window closed, since the last look: the same moment has the same answer."""
        again = any(part.part_id in self.resting for part in parts)
        if again or self._world(database.directory) != self.looked_at:
            return True
        return self.next_at is not None and self.next_at <= (await database.read_clock()).now

    async def _match_all(self, database: Database, parts: list[WaitingPart]) -> list[Turn]:
        awake = [part for part in parts if self._is_awake(part)]
        streets: dict[str, list[WaitingPart]] = {}
        for part in awake:
            streets.setdefault(part.street_id, []).append(part)
        streets |= {street_id: [] for street_id in await self._news(database, streets)}
        self.batches.keep_windows_of(streets)
        turns: list[Turn] = []
        for street_id, of_street in sorted(streets.items()):
            turns += await self._match(database, street_id, of_street)
        return turns

    async def _news(self, database: Database, waiting_in: Collection[str]) -> list[str]:
        """Streets where nothing waits, but somebody might take over a way from somebody else."""
        try:
            async with database.transaction() as tx:
                return await self.batches.have_news(tx, waiting_in)
        except Exception as wrong:
            if is_transient(wrong):
                raise
            metrics.SEARCH_FAULTS.inc()
            log.error("nobody could be found who might take over a way", exc_info=wrong)
            return []

    async def _match(self, database: Database, street_id: str, parts: list[WaitingPart]) -> list[Turn]:
        """If even the look at a street fails, each of its parts is sought by itself, and only the faulty one rests."""
        try:
            batch = await self.batches.decide(database, street_id, parts)
        except Crossed:
            if not parts:
                self.batches.forget(street_id)
            return [Turn.CROSSED]
        except Exception as wrong:
            if is_transient(wrong):
                raise
            log.warning("street %s could not be matched as a whole", street_id, exc_info=wrong)
            return [await self.seek(database, part) for part in parts]
        return [] if batch is None else await self._send_all(database, street_id, batch, parts)

    async def _send_all(
        self, database: Database, street_id: str, batch: Batch, parts: list[WaitingPart]
    ) -> list[Turn]:
        by_id, turns = {part.part_id: part for part in parts}, list[Turn]()
        served = set()
        for sending in sendings(batch, self.batches.weights):
            put = partial(send, sending=sending, units=batch.moment.units)
            turns.append(await self._guarded(database, by_id.get(sending.part_id) or sending.what, put))
            served.add(sending.part_id)
        for one in batch.moment.seeking:
            part, later = by_id[one.part.id], again_at(batch.moment, one)
            sooner = later is not None and (part.again_at is None or later < part.again_at)
            if one.part.id not in served and (sooner or not part.starved):
                left = partial(self._left, waits=part, later=later)
                turns.append(await self._guarded(database, part, left))
        if {Turn.CROSSED, Turn.FAILED, Turn.NOTHING} & set(turns):
            self.batches.forget(street_id)
        return turns

    async def _left(self, tx: Transaction, waits: WaitingPart, later: datetime | None) -> Turn:
        """Nobody goes to it for now."""
        locked, now = await tx.try_lock([waits.case_id])
        state = await load(tx, waits.case_id) if locked else None
        if state is None or now is None:
            return Turn.CROSSED
        part = state.part(waits.part_id)
        if part.state is not PartState.WAITING:
            return Turn.NOTHING
        if part.nobody_since is not None:
            tx.arm(state.case.id, SEARCH_AGAIN, later or now, part.id)
            return Turn.NOBODY
        search, people = await self.facts(tx, state, part, now)
        candidates = tuple(map(_held_back, choose(search, people, now).candidates))
        await self._wait_on(tx, state, part, Nobody(candidates, later), now)
        return Turn.NOBODY

    # ── anything else, one by one ─────────────────────────────────────────────────────────────────────────────────

    def _is_awake(self, part: WaitingPart) -> bool:
        return time.monotonic() >= self.resting.get(part.part_id, 0.0)

    async def hopeful(self, tx: Transaction, parts: list[WaitingPart]) -> list[WaitingPart]:
        """Of those that are chosen for one by one: those not looked at yet, and those for which somebody may be asked
        by now. If even this look fails, it is all of them: each is then sought by itself, and only the faulty one
        rests."""
        awake = [part for part in parts if not part.batched and self._is_awake(part)]
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
            search, people = await self.facts(tx, state, state.part(part.part_id), now, standing)
            if isinstance(choose(search, people, now), Choice):
                helped.add(part.part_id)
        return helped

    async def seek(self, database: Database, part: WaitingPart) -> Turn:
        """Offer one part."""
        return await self._guarded(database, part, lambda tx: self.offer(tx, part))

    async def _guarded(
        self,
        database: Database,
        part: WaitingPart | HeldPart,
        step: Callable[[Transaction], Awaitable[Turn]],
    ) -> Turn:
        """One step in a transaction of its own. Another street may have just taken the same person: the case is not
        lost, it waits on. A fault in one case is its own: it must not stand before everybody else's search."""
        try:
            async with database.transaction() as tx:
                turn = await step(tx)
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
        search, people = await self.facts(tx, state, part, now)
        chosen = choose(search, people, now)
        if isinstance(chosen, Choice):
            await record(tx, state, [offered(state, part, search, chosen, now)])
            count_first(state, part, now)
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
        search = search_in(tx.directory, state, part)
        unit_id = part.unit_id if search.own_people or not part.goes else state.case.street_id
        roster = self.rosters.of(tx.directory, unit_id)
        shared = standing if standing is not None else {}
        if unit_id not in shared:
            shared[unit_id] = await standing_of(tx, roster, now, self.sealer)
        return search, responders(search, roster, shared[unit_id], now)

    async def look_again(self, tx: Transaction, due: Due, now: datetime) -> None:
        """A shift began, or somebody rested after declining. The commit wakes the loop; if there is still nobody,
        the clock is asked again. A batch asks it by itself."""
        state = await load(tx, due.subject_id)
        part = next((part for part in state.parts if part.id == due.part_id), None) if state else None
        if state is None or part is None or part.state is not PartState.WAITING:
            return
        if state.case.urgent and part.goes and not part.own_people_only:
            return
        search, people = await self.facts(tx, state, part, now)
        chosen = choose(search, people, now)
        if isinstance(chosen, Nobody):
            await self._wait_on(tx, state, part, chosen, now)

    # ── for the simulation ────────────────────────────────────────────────────────────────────────────────────────

    async def pending(self, tx: Transaction) -> Pending:
        """Whether anything was committed, or told by the registry, since the last look at what waits; also before the
        first look; and when the next window closes."""
        looks = int(self._world(tx.directory) != self.looked_at)
        if self.next_at is None:
            return Pending(in_flight=looks)
        closed = self.next_at <= await tx.now()
        return Pending(in_flight=max(looks, int(closed)), next_due_at=None if closed else self.next_at)

    def _world(self, directory: Directory) -> tuple[int, int]:
        return self.woken_by.calls, directory.revision


def _held_back(candidate: Candidate) -> Candidate:
    """Whoever no filter removed could have gone, and the policy sent nobody."""
    if candidate.removed_by is not None:
        return candidate
    return candidate.model_copy(update={"removed_by": RemovedBy.HELD_BACK})
