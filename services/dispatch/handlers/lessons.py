"""Travel times learn from real ways: what they took, against what the model said, counted per pair of cells.

Beside the arrivals and not in their transactions: a model may take its time to say what it would have said, and no
arrival waits for that. Each arrival counts once, whichever replica looks; one that was committed while no process was
there is found later. A model that is new learns from the positions that are still there, thirty days at most.

How ways go at present each replica sees for itself, from the arrivals of the last hour and a half; nothing of it is
kept but in memory, and a process that begins reads them again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np

from services.dispatch import metrics
from services.dispatch.handlers.local_days import zone_of
from services.dispatch.handlers.ways import ModelAway, Ways
from services.dispatch.queries import travel_counts
from services.dispatch.queries.travel_counts import Progress, RealWay
from services.dispatch.travel.conditions import (
    LASTS_SECONDS,
    LOOKS_EVERY_SECONDS,
    WAYS_MAX,
    Conditions,
    Ended,
    ended,
)
from services.dispatch.travel.learned import WAY_SECONDS_MAX, Corrections, Count, way_of
from services.dispatch.travel.model import MODES, Places
from shared.database import Database
from shared.directory import Directory
from shared.health import Beat
from shared.retry import forever, is_transient
from shared.sealing import Sealer
from shared.things import Point

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
LESSON_EVERY_SECONDS = 5.0
FILE_EVERY_SECONDS = 30.0
FAULT_RESTS_SECONDS = 60.0
SETTLED_AFTER = timedelta(minutes=1)
"""Arrivals commit in any order; after so long none comes in before one that was looked at."""
POSITIONS_LAST = timedelta(days=30)
LATELY = timedelta(seconds=LASTS_SECONDS)
LATELY_KEPT_MAX = 2 * WAYS_MAX


@dataclass(frozen=True, slots=True)
class Weighed:
    """A real way beside what the model alone says of it. `ended_at` in seconds, `hour` local."""

    ended_at: float
    hour: int
    count: Count
    seconds: float
    nominal_seconds: float


@dataclass
class Lessons:
    """The loop: it reads the street map, learns, and rests. In a simulated day ways are made up, so that there is
    nothing to learn from them."""

    ways: Ways
    sealer: Sealer
    next_look: float = 0.0
    next_lesson: float = 0.0
    taken_up: Progress | None = None
    """How far the corrections of this process have learned, by whichever replica."""
    next_conditions: float = 0.0
    lately: dict[UUID, Weighed | None] = field(default_factory=dict)
    """By arrival, so that each position is read once; None where it says nothing."""
    read_until: datetime | None = None

    async def run(self, database: Database, beat: Beat) -> None:
        async def turn() -> None:
            await self.turn(database, beat)
            await asyncio.sleep(BEAT_SECONDS)

        try:
            await forever(turn, beat)
        finally:
            await self.ways.close()

    async def turn(self, database: Database, beat: Beat) -> None:
        """What is due. A fault in it is its own: whatever is wrong with a map or a lesson, the search goes on."""
        if time.monotonic() >= self.next_look:
            good = await _tried(self.ways.look_at_file(), beat)
            self.next_look = time.monotonic() + (FILE_EVERY_SECONDS if good else FAULT_RESTS_SECONDS)
        if not self.ways.simulated and time.monotonic() >= self.next_lesson:
            good = await _tried(self.learn(database), beat)
            self.next_lesson = time.monotonic() + (LESSON_EVERY_SECONDS if good else FAULT_RESTS_SECONDS)
        if not self.ways.simulated and time.monotonic() >= self.next_conditions:
            good = await _tried(self.see_conditions(database), beat)
            self.next_conditions = time.monotonic() + (LOOKS_EVERY_SECONDS if good else FAULT_RESTS_SECONDS)
            if not good:
                self.ways.conditions = None

    async def learn(self, database: Database) -> int:
        """Count what the next arrivals say of their ways, and take up what all counts say; how many ways that were.
        What a router or a map that is not there now would have said cannot be known: the lesson waits for them."""
        model = self.ways.model
        async with database.transaction() as tx:
            now = await tx.now()
            done = await travel_counts.progress(tx, model, now - POSITIONS_LAST)
            last = await travel_counts.next_arrivals(tx, done, now - SETTLED_AFTER)
            found = [] if last is None else await travel_counts.real_ways(tx, done, last, self.sealer)
        if last is None and self.ways.corrections is not None and done == self.taken_up:
            return 0
        try:
            weighed = [await self._against_model(way, database.directory) for way in found]
        except ModelAway:
            last, weighed = None, []
        heard = [way.count for way in weighed if way is not None]
        learned = 0
        async with database.transaction() as tx:
            reached = await travel_counts.progress(tx, model, done.at)
            # Another replica may have held the same lesson meanwhile; then its counts are there already.
            if last is not None and reached == done:
                await travel_counts.add(tx, model, heard, last)
                learned, reached = len(heard), last
            counts = await travel_counts.counts(tx, model)
        metrics.TRAVEL_LEARNED.inc(learned)
        self.ways.corrections, self.taken_up = await asyncio.to_thread(Corrections.of, counts), reached
        return learned

    async def see_conditions(self, database: Database) -> None:
        """Read what arrivals came since the last look, and hand over how ways go at present."""
        async with database.transaction() as tx:
            now = await tx.now()
            since = max(now - LATELY, (self.read_until or now - LATELY) - SETTLED_AFTER)
            found = await travel_counts.ended_lately(tx, since, self.lately.keys(), self.sealer, WAYS_MAX)
        try:
            for way in reversed(found):
                self.lately[way.arrival_id] = await self._against_model(way, database.directory)
        except ModelAway:
            pass
        else:
            self.read_until = now
        for arrival_id in list(self.lately)[:-LATELY_KEPT_MAX]:
            del self.lately[arrival_id]
        conditions = await asyncio.to_thread(self._conditions, now)
        for mode, factor in zip(MODES, conditions.factors.tolist(), strict=True):
            metrics.TRAVEL_CONDITIONS.labels(mode.value).set(factor)
        self.ways.conditions = conditions

    def _conditions(self, now: datetime) -> Conditions:
        """Against what is learned by now: what the counts took up is no longer a matter of the present."""
        found = list[Ended | None]()
        for way in self.lately.values():
            if way is not None:
                factor = _learned(self.ways.corrections, way.count, way.hour)
                mode = MODES.index(way.count.mode)
                found.append(ended(way.ended_at, mode, way.seconds, way.nominal_seconds, factor))
        return Conditions.of([way for way in found if way is not None], now.timestamp())

    async def _against_model(self, way: RealWay, directory: Directory) -> Weighed | None:
        """None where the way says nothing. Raises ModelAway."""
        person = directory.people.get(way.person_id)
        if person is None or not 0 < way.seconds <= WAY_SECONDS_MAX:
            return None
        nominal = await self.ways.nominal(_place(way.start), person.mode, _place(way.end))
        hour = way.accepted_at.astimezone(zone_of(directory, way.unit_id)).hour
        count = way_of(way.start, way.end, hour, person.mode, way.seconds, nominal)
        if count is None:
            return None
        return Weighed(way.ended_at.timestamp(), hour, count, way.seconds, nominal)


def _learned(corrections: Corrections | None, way: Count, hour: int) -> float:
    if corrections is None:
        return 1.0
    mode = np.array([MODES.index(way.mode)], dtype=np.int8)
    return float(corrections.factors(np.array([way.from_cell]), np.array([way.to_cell]), mode, hour)[0])


def _place(point: Point) -> Places:
    return Places(np.array([point.lon]), np.array([point.lat]))


async def _tried(work: Coroutine[Any, Any, object], beat: Beat) -> bool:
    """Whether it went well."""
    try:
        await _beating(work, beat)
    except Exception as wrong:
        if is_transient(wrong):
            raise
        log.exception("travel times go on without what was to be learned")
        return False
    return True


async def _beating(work: Coroutine[Any, Any, object], beat: Beat) -> None:
    """A large map takes seconds to read: the loop is alive meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=BEAT_SECONDS))[0]:
            beat()
    finally:
        task.cancel()
    await task
