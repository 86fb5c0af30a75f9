"""下班交接: what somebody still holds when their shift ends is offered to the next who is there, by itself.

The holder lets go and the next is asked in one transaction, under the street's and the case's lock; where nobody could
be asked nothing happens. So a part has at every moment a holder or an open offer, and whoever arrives or handles in the
same second either comes first and keeps it, or is told whose it is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.dispatch.handlers.records import agreed, record
from services.dispatch.handlers.search import FAULT_RESTS_SECONDS, Matching
from services.dispatch.handlers.sending import Turn
from services.dispatch.handlers.sought import offered
from services.dispatch.handlers.standing import Standing
from services.dispatch.matching.chain import Choice, choose
from services.dispatch.queries.cases import load, load_all
from services.dispatch.queries.search import HeldPart, held_by, holders, lock_street
from services.dispatch.rules import passing, shift_ends
from services.dispatch.rules.facts import Offer, State
from services.dispatch.rules.story import follow
from services.dispatch.rules.work import Doer
from shared.database import Database, Transaction
from shared.event import Actor, Event
from shared.going import ReassignReason
from shared.health import Beat
from shared.retry import is_transient
from shared.simulation import Pending
from shared.vocabulary import Channel

LOOK_EVERY_SECONDS = 5.0
"""A shift that ended, or was shortened, is noticed within so long."""
NOBODY_RESTS = timedelta(seconds=15)
"""What nobody can be asked for is not looked at again for so long, unless the registry tells something new."""
BEAT_SECONDS = 1.0

BY_ITSELF = Doer(Actor(), Channel.SYSTEM)


@dataclass
class ShiftEnds:
    """The loop. Two replicas may look at once: the locks let one of them through, and the other finds it done."""

    matching: Matching
    grace: timedelta
    resting: dict[UUID, datetime] = field(default_factory=dict)
    seen: tuple[datetime, int] | None = None
    """Until when, and by which revision of the registry, everything was looked at."""
    next_at: datetime | None = None
    """When, as far as is known, a holder's shift ends next, or somebody on the way after theirs is too late."""

    async def run(self, database: Database, beat: Beat) -> None:
        """Every few seconds, and at once when business time has come to the next end: a simulated clock jumps."""
        look_by = 0.0
        while True:
            if time.monotonic() >= look_by or await self._is_due(database):
                await self.look(database)
                look_by = time.monotonic() + LOOK_EVERY_SECONDS
            beat()
            await database.committed.wait(BEAT_SECONDS)

    async def _is_due(self, database: Database) -> bool:
        if self.next_at is None:
            return False
        return (await database.read_clock()).now >= self.next_at

    async def pending(self, tx: Transaction) -> Pending:
        """For the simulation: whether a shift ended that was not looked at yet, and when the next one ends."""
        now, shifts_of = await tx.now(), tx.directory.shifts_of
        people = await holders(tx)
        ends = [at for one in people if (at := shift_ends.next_end(shifts_of(one), now)) is not None]
        overdue = [self.next_at] if self.next_at is not None and self.next_at <= now else []
        if self.seen is not None:
            ended = [at for one in people if (at := self._ended(tx, one, now)) is not None]
            overdue += [at for at in ended if at > self.seen[0]]
        due = [*ends, *([self.next_at] if self.next_at is not None else [])]
        self.next_at = min([*due, *overdue], default=None)
        unseen = self.seen is None or self.seen[1] != tx.directory.revision
        later = min((at for at in due if at > now), default=None)
        return Pending(in_flight=int(unseen or bool(overdue)), next_due_at=later)

    async def look(self, database: Database) -> list[Turn]:
        """What can go on goes on, each part in a transaction of its own; what became of each."""
        revision = database.directory.revision
        async with database.transaction() as tx:
            now = await tx.now()
            same = self.seen is not None and self.seen[1] == revision
            self.resting = {part: until for part, until in self.resting.items() if same and until > now}
            self.next_at = None
            parts = await self._hopeful(tx, now)
        turns = [await self._try(database, part, now) for part in parts]
        if Turn.CROSSED in turns:
            self.next_at = (
                now  # another replica has it, or somebody acts on it: it is looked at again at once
            )
        else:
            self.seen = now, revision
        return turns

    def _again_at(self, at: datetime | None) -> None:
        known = [moment for moment in (self.next_at, at) if moment is not None]
        self.next_at = min(known, default=None)

    async def _hopeful(self, tx: Transaction, now: datetime) -> list[HeldPart]:
        """Those whose holder is gone and for whom somebody else could be asked, as it looks without a lock.
        If even this look fails, it is all of them: each is then tried by itself, and only the faulty one rests."""
        people = await holders(tx)
        for one in people:
            self._again_at(shift_ends.next_end(tx.directory.shifts_of(one), now))
        gone = [one for one in people if self._ended(tx, one, now) is not None]
        held = await held_by(tx, gone) if gone else []
        awake = [part for part in held if part.part_id not in self.resting]
        try:
            return await self._somebody_there(tx, awake, now) if awake else []
        except Exception as wrong:
            if is_transient(wrong):
                raise
            return awake

    async def _somebody_there(self, tx: Transaction, awake: list[HeldPart], now: datetime) -> list[HeldPart]:
        states = await load_all(tx, sorted({part.case_id for part in awake}))
        standing: dict[str, Standing] = {}
        hopeful = []
        for part in awake:
            state = states[part.case_id]
            offer = state.offer(part.offer_id)
            in_time_until = shift_ends.stays_until(state, offer)
            if await self._passed_on(tx, state, offer, now, standing):
                hopeful.append(part)
            elif in_time_until is not None and in_time_until > now:
                self._again_at(in_time_until)
            else:
                self.resting[part.part_id] = now + NOBODY_RESTS
        return hopeful

    async def _try(self, database: Database, part: HeldPart, now: datetime) -> Turn:
        """A fault in one case is its own, as in the search."""
        try:
            async with database.transaction() as tx:
                return await self.hand_over(tx, part)
        except Exception as wrong:
            if is_transient(wrong):
                raise
            turn = self.matching.failed(part, wrong)
            if turn is Turn.FAILED:
                self.resting[part.part_id] = now + timedelta(seconds=FAULT_RESTS_SECONDS)
            return turn

    async def hand_over(self, tx: Transaction, held: HeldPart) -> Turn:
        """Load, decide, save, announce, for one part that somebody held when their shift ended."""
        if not await lock_street(tx, held.street_id):
            return Turn.CROSSED
        locked, now = await tx.try_lock([held.case_id])
        state = await load(tx, held.case_id) if locked else None
        if state is None or now is None:
            return Turn.CROSSED
        events = await self._passed_on(tx, state, state.offer(held.offer_id), now)
        if not events:
            return Turn.NOTHING
        await record(tx, state, events)
        return Turn.OFFERED

    async def _passed_on(
        self,
        tx: Transaction,
        state: State,
        offer: Offer,
        now: datetime,
        standing: dict[str, Standing] | None = None,
    ) -> list[Event]:
        """That the holder lets go, and who is asked instead; nothing where it stays as it is."""
        ended = self._ended(tx, offer.person_id, now)
        if ended is None or not shift_ends.goes_on(state, offer, ended, now):
            return []
        let_go = agreed(
            passing.hand_over(state, offer, BY_ITSELF, now, reason=ReassignReason.SHIFT_ENDED, to=None)
        )
        free = follow(state, let_go)
        part = free.part(offer.part_id)
        search, responders = await self.matching.facts(tx, free, part, now, standing)
        chosen = choose(search, responders, now)
        if not isinstance(chosen, Choice):
            return []
        return [*let_go, offered(free, part, search, chosen, now)]

    def _ended(self, tx: Transaction, person_id: str, now: datetime) -> datetime | None:
        return shift_ends.ended_at(tx.directory.shifts_of(person_id), now, self.grace)
