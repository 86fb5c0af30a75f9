"""What this process knows of ways. `travel_for` is asked before each matching; what it answers needs no I/O."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from services.dispatch import metrics
from services.dispatch.settings import Settings
from services.dispatch.travel.conditions import Conditions
from services.dispatch.travel.corrected import Corrected
from services.dispatch.travel.learned import Corrections
from services.dispatch.travel.model import MODES, Codes, Floats, Places, Travel
from services.dispatch.travel.straight import StraightLine
from services.dispatch.travel.street_map import StreetMap
from services.dispatch.travel.streets import Reach, Streets
from services.dispatch.travel.table import Block, Nothing, table_of
from services.dispatch.travel_files import StreetsUnreadable, read_streets
from services.dispatch.travel_http import Osrm, Router, Valhalla
from shared.going import TravelMode

log = logging.getLogger(__name__)

NO_FILE = (0, 0)
PATIENT_SECONDS = 2.0
"""What a router gets where nobody waits for it."""


class ModelAway(Exception):
    """The map is not read, or the router does not answer."""


@dataclass
class Ways:
    """One per process. `read` and `refused` are the street file's size and time when it was read, or could not be.
    `reach` is what was searched for emergencies, `planning` what was for the plans of days: these push out none of
    those. `simulated`: the clock stands still while a street is matched, so the time box is no limit to a map."""

    model: str = "straight"
    streets_file: Path | None = None
    router: Router | None = None
    box_seconds: float = 0.15
    simulated: bool = False
    map: StreetMap | None = None
    reach: Reach = field(default_factory=Reach)
    planning: Reach = field(default_factory=Reach)
    aside: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="ways")
    )
    """Emergencies have a thread of their own: the process' few may all be at a mass task or a plan."""
    corrections: Corrections | None = None
    conditions: Conditions | None = None
    read: tuple[int, int] | None = None
    refused: tuple[int, int] | None = None

    @classmethod
    def of(cls, settings: Settings) -> Ways:
        return cls(
            settings.travel_model,
            settings.travel_streets_file if settings.travel_model == "streets" else None,
            _router(settings),
            settings.travel_box_ms / 1000,
            settings.simulation,
        )

    async def travel_for(
        self,
        starts: Places,
        modes: Codes,
        ends: Places,
        hour: int,
        *,
        speed_factor: float = 1.0,
        urgent: bool = True,
    ) -> Travel:
        """The travel model by which people standing at `starts` with `modes` are weighed for cases at `ends` now.

        Never raises and never takes longer than the time box of the settings: what a router does not say in time goes
        by the straight line. `hour` is the street's local hour, `speed_factor` the weather's (1 is dry, 0.5 a
        typhoon). What comes back is a pure object for this moment, with what was learned of real ways in it and how
        ways go at present.

        Where it is not `urgent`, a router has PATIENT_SECONDS: many places of one day, asked late, are no outage."""
        began = time.perf_counter()
        straight = StraightLine(speed_factor=speed_factor)
        try:
            inner = await self._inner(straight, starts, modes, ends, urgent=urgent)
        except Exception:
            # Whatever is wrong with a map, somebody has to go: it is said, and the straight line is always there.
            log.exception("travel times failed; the straight line stands in")
            metrics.TRAVEL_STANDS_IN.set(1)
            inner = straight
        else:
            if self.router is None:
                metrics.TRAVEL_STANDS_IN.set(self.streets_file is not None and self.map is None)
        if urgent:
            metrics.TRAVEL_SECONDS.observe(time.perf_counter() - began)
        learned = self.corrections
        if learned is not None and not len(learned.targets):
            learned = None
        if learned is None and self.conditions is None:
            return inner
        return Corrected(inner, learned, self.conditions)

    async def _inner(
        self, straight: StraightLine, starts: Places, modes: Codes, ends: Places, *, urgent: bool
    ) -> Travel:
        if self.router is not None:
            box = self.box_seconds if urgent else PATIENT_SECONDS
            blocks = await self.router.blocks(starts, modes, ends, box_seconds=box)
            return table_of([_slowed(block, straight.speed_factor) for block in blocks], straight)
        if self.map is not None:
            reach = self.reach if urgent else self.planning
            streets = Streets(self.map, straight, reach, known_only=True)
            until = time.monotonic() + self.box_seconds
            go_on = (lambda: True) if self.simulated else (lambda: time.monotonic() < until)
            search = partial(streets.prepare, ends, np.unique(modes).tolist(), go_on)
            await asyncio.get_running_loop().run_in_executor(self.aside if urgent else None, search)
            return streets
        return straight

    async def nominal(self, start: Places, mode: TravelMode, end: Places) -> float:
        """Median seconds of one way as the model alone says, nothing learned in it; infinite if it knows no way.
        Raises ModelAway."""
        modes, one = np.array([MODES.index(mode)], dtype=np.int8), np.zeros(1, dtype=np.intp)
        if self.router is not None:
            blocks = await self.router.blocks(start, modes, end, box_seconds=PATIENT_SECONDS)
            if self.router.away:
                raise ModelAway
            travel: Travel = table_of(blocks, Nothing())
        elif self.streets_file is not None:
            if self.map is None:
                raise ModelAway
            travel = Streets(self.map, StraightLine())
        else:
            travel = StraightLine()
        trips = await asyncio.to_thread(travel.trips, start, modes, end, one, one, 0)
        return float(trips.median[0])

    async def look_at_file(self) -> None:
        """Read the street map if it is new. What cannot be read is said once; the map there was goes on."""
        stamp = _stamp(self.streets_file)
        if self.streets_file is None or stamp in (self.read, self.refused):
            return
        try:
            self.map = await asyncio.to_thread(read_streets, self.streets_file)
        except StreetsUnreadable as wrong:
            log.error("%s", wrong)
            self.refused = stamp
        else:
            self.reach, self.planning = Reach(), Reach()
            self.read, self.refused = stamp, None
            log.info("the street map is read: %d points", len(self.map.nodes.lon))
        metrics.TRAVEL_STANDS_IN.set(self.map is None)

    async def close(self) -> None:
        if self.router is not None:
            await self.router.close()


def _router(settings: Settings) -> Router | None:
    if settings.travel_model not in ("osrm", "valhalla"):
        return None
    urls = (settings.travel_walk_url, settings.travel_e_bike_url, settings.travel_car_url)
    return Router(
        Osrm() if settings.travel_model == "osrm" else Valhalla(),
        {mode: url for mode, url in enumerate(urls) if url},
        settings.travel_box_ms / 1000,
        settings.travel_router_places_max,
    )


def _slowed(block: Block, speed_factor: float) -> Block:
    seconds: Floats = block.seconds / speed_factor
    return replace(block, seconds=seconds)


def _stamp(file: Path | None) -> tuple[int, int]:
    """What changes when the file does; NO_FILE while there is none."""
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return NO_FILE
    return NO_FILE if found is None else (found.st_mtime_ns, found.st_size)
