"""待命建议: once a minute, in streets that want it, one free person at most hears in which grid they would best wait.

A suggestion and no more. Where people are is read and forgotten, whether anybody follows is not looked at, and while an
emergency waits nobody is told anything: whoever is free is needed for it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import numpy as np

from services.dispatch import metrics
from services.dispatch.handlers.local_days import zone_of
from services.dispatch.handlers.roster import Roster, Rosters
from services.dispatch.matching.advice import (
    CASES_MIN,
    DEMAND_DAYS,
    EVERY_SECONDS,
    HOURS_AROUND,
    PERSON_RESTS_SECONDS,
    Calm,
    best_move,
)
from services.dispatch.matching.chain import GOING_POSTS
from services.dispatch.matching.situation import NOBODY
from services.dispatch.queries import advice
from services.dispatch.queries.advice import Cell
from services.dispatch.queries.search import burdens, last_seen
from services.dispatch.travel.model import MODES, Places
from services.dispatch.travel.straight import StraightLine
from shared.database import Database, Transaction
from shared.directory import Directory
from shared.events.fieldwork import PlaceAdvised
from shared.health import Beat
from shared.retry import is_transient
from shared.sealing import Sealer
from shared.simulation import Pending
from shared.things import Person, Point, Unit
from shared.vocabulary import Level

log = logging.getLogger(__name__)

STREET_EVERY = timedelta(seconds=EVERY_SECONDS)
PERSON_RESTS = timedelta(seconds=PERSON_RESTS_SECONDS)
BEAT_SECONDS = 1.0
ADVICE = UUID("5b0f3c1e-8a7d-4a55-9c61-2f0e7d1b6a34")
"""All advice of a street is one story, whose id follows from the street's."""


@dataclass(frozen=True)
class Free:
    """Somebody free and on duty, where they are as far as is known, and where they wait if nobody says anything.
    `told`: the grid in which they were told to wait before this, and may be waiting."""

    person: Person
    at: Point
    base: Point
    told: str | None = None


@dataclass
class Advising:
    """The loop. Two replicas may look at once: the story's lock lets one through, and the other finds it done."""

    sealer: Sealer
    rosters: Rosters = field(default_factory=Rosters)
    looked_at: dict[str, datetime] = field(default_factory=dict)
    demand: dict[str, tuple[datetime, list[Cell]]] = field(default_factory=dict)
    """By street, for the hour that began then."""

    async def run(self, database: Database, beat: Beat) -> None:
        while True:
            await self.turn(database)
            beat()
            await database.committed.wait(BEAT_SECONDS)

    async def pending(self, tx: Transaction) -> Pending:
        """For the simulation: streets to be looked at now, and when the next one is."""
        now, streets = await tx.now(), streets_that_advise(tx.directory)
        due = [self._due_at(street_id, now) for street_id in streets]
        return Pending(
            in_flight=sum(at <= now for at in due),
            next_due_at=min((at for at in due if at > now), default=None),
        )

    def _due_at(self, street_id: str, now: datetime) -> datetime:
        last = self.looked_at.get(street_id)
        return now if last is None else last + STREET_EVERY

    async def turn(self, database: Database) -> None:
        """Each street whose minute is over, in a transaction of its own: a fault in one is its own."""
        streets = streets_that_advise(database.directory)
        if not streets:
            return
        now = (await database.read_clock()).now
        for street_id in streets:
            if self._due_at(street_id, now) > now:
                continue
            self.looked_at[street_id] = now
            try:
                async with database.transaction() as tx:
                    await self.advise(tx, street_id)
            except Exception as wrong:
                if is_transient(wrong):
                    raise
                log.exception("nobody in %s could be told where to wait", street_id)

    async def advise(self, tx: Transaction, street_id: str) -> PlaceAdvised | None:
        """Load, decide, save, announce: what was said, if anything was."""
        advice_id = uuid5(ADVICE, street_id)
        now = await tx.lock(advice_id)
        last = await advice.last_in_street(tx, street_id)
        if (last is not None and now - last < STREET_EVERY) or await advice.somebody_waits(tx, street_id):
            return None
        free = await self._free(tx, self.rosters.of(tx.directory, street_id), now)
        cells = await self._demand(tx, street_id, now) if free else []
        if sum(cell.cases for cell in cells) < CASES_MIN:
            return None
        alone = await advice.left_alone(tx, [one.person.id for one in free], now - PERSON_RESTS)
        grids = grids_of(tx.directory, street_id)
        hour = now.astimezone(zone_of(tx.directory, street_id)).hour
        move = best_move(calm_of(tx.directory, free, alone, cells, grids, hour))
        if move is None:
            return None
        person, grid = free[move.person].person, grids[move.spot]
        await advice.keep(tx, street_id, person.id, grid.id, now)
        event = PlaceAdvised(
            at=now,
            advice_id=advice_id,
            street_id=street_id,
            unit_path=tuple(unit.id for unit in tx.directory.path(grid.id)),
            person_id=person.id,
            grid_id=grid.id,
            covered_before=round(move.covered_before, 4),
            covered_after=round(move.covered_after, 4),
        )
        tx.announce(event)
        metrics.ADVICE.inc()
        return event

    async def _free(self, tx: Transaction, roster: Roster, now: datetime) -> list[Free]:
        """Who is on duty, may be sent, and has nothing on hand: not even a question."""
        there = [
            person
            for person in roster.people
            if person.retired_at is None
            and any(held.post in GOING_POSTS and held.unit_id in roster.units for held in person.posts)
            and roster.on_duty(person.id, now)
        ]
        busy = await burdens(tx, [person.id for person in there])
        free = [person for person in there if person.id not in busy]
        seen = await last_seen(tx, [person.id for person in free], now, self.sealer) if free else {}
        told = await advice.told(tx, {person.id: roster.on_duty_since(person.id, now) for person in free})
        grids = {person_id: one.grid_id for person_id, one in told.items()}
        bases = ((person, base_of(tx.directory, person)) for person in free)
        places = ((person, seen.get(person.id) or base, base) for person, base in bases)
        return [Free(one, at, base or at, grids.get(one.id)) for one, at, base in places if at is not None]

    async def _demand(self, tx: Transaction, street_id: str, now: datetime) -> list[Cell]:
        """Read once an hour."""
        zone = zone_of(tx.directory, street_id)
        began = now.astimezone(zone).replace(minute=0, second=0, microsecond=0)
        known = self.demand.get(street_id)
        if known is None or known[0] != began:
            hours = [(began.hour + around) % 24 for around in range(-HOURS_AROUND, HOURS_AROUND + 1)]
            since = now - timedelta(days=DEMAND_DAYS)
            self.demand[street_id] = known = (
                began,
                await advice.demand(tx, street_id, since, now, hours, zone),
            )
        return known[1]


def streets_that_advise(directory: Directory) -> list[str]:
    return sorted(unit.id for unit in directory.units.values() if unit.advises and unit.retired_at is None)


def grids_of(directory: Directory, street_id: str) -> list[Unit]:
    """Where somebody may be told to wait: a suggestion names a grid, so that it needs no map."""
    return [
        unit
        for _, unit in sorted(directory.units.items())
        if unit.level is Level.GRID
        and unit.centre is not None
        and unit.retired_at is None
        and directory.covers(street_id, unit.id)
    ]


def base_of(directory: Directory, person: Person) -> Point | None:
    """Where somebody starts from when nobody has seen them: their base, else the middle of where they work."""
    units = (directory.units.get(held.unit_id) for held in person.posts)
    return person.base or next((unit.centre for unit in units if unit is not None and unit.centre), None)


def calm_of(
    directory: Directory,
    free: Sequence[Free],
    alone: set[str],
    cells: Sequence[Cell],
    grids: Sequence[Unit],
    hour: int,
) -> Calm:
    """Whoever waits in a grid anyway is not told to; whoever was told to wait in one has had the time to go there."""
    codes: Mapping[str, int] = {mode: code for code, mode in enumerate(MODES)}
    rows = {grid.id: row for row, grid in enumerate(grids)}
    spots = [grid.centre for grid in grids if grid.centre is not None]
    told = [rows.get(one.told or "", NOBODY) for one in free]
    homes = (directory.grid_at(one.base.lon, one.base.lat) for one in free)
    at_home = [NOBODY if home is None else rows.get(home.id, NOBODY) for home in homes]
    return Calm(
        people=_places(
            [one.at if row == NOBODY else spots[row] for one, row in zip(free, told, strict=True)]
        ),
        modes=np.asarray([codes[one.person.mode] for one in free], dtype=np.int8),
        may=np.asarray([one.person.id not in alone for one in free], dtype=bool),
        cells=_places([Point(lon=cell.lon, lat=cell.lat) for cell in cells]),
        expected=np.asarray([cell.cases for cell in cells], dtype=np.float64),
        spots=_places(spots),
        travel=StraightLine(),
        hour=hour,
        waits=_places([one.base for one in free]),
        at=np.where(np.asarray(told) == NOBODY, at_home, told).astype(np.intp),
        told=np.asarray(told, dtype=np.intp),
    )


def _places(points: Sequence[Point]) -> Places:
    return Places(
        np.asarray([point.lon for point in points], dtype=np.float64),
        np.asarray([point.lat for point in points], dtype=np.float64),
    )
