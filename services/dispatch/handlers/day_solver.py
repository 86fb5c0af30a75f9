"""Orders of walks, found in a process of its own and kept by what they were asked for: a plan is not stored, whoever
asks for the same gets the same."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import time
from collections import OrderedDict
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from enum import StrEnum
from threading import Thread

from services.dispatch import metrics
from services.dispatch.rules import touring
from services.dispatch.rules.touring import Tour
from shared.database import Database
from shared.health import Beat

log = logging.getLogger(__name__)

KEPT_MAX = 256
"""Orders kept, those asked for least lately go first: about 10 MB."""
WAITING_MAX = 64
"""Tours waiting for the one process; further ones are walked greedily at once."""
SOLVER_SECONDS_MAX = 10.0
"""Of one tour, wherever its asker has gone meanwhile: what is found is there for who asks next."""
BEAT_SECONDS = 1.0

Order = tuple[int, ...]


class Fallback(StrEnum):
    """Why the greedy order of a day stood in: the solver erred, took too long, or had too much to do."""

    ERROR = "error"
    TIME = "time"
    BUSY = "busy"


class DaySolver:
    """`seconds_max` is how long a request waits for its order."""

    def __init__(self, seconds_max: float) -> None:
        self.seconds_max = seconds_max
        self._known: OrderedDict[Tour, Order] = OrderedDict()
        self._running: dict[Tour, asyncio.Task[Order | None]] = {}
        self._process: ProcessPoolExecutor | None = None

    async def order(self, tour: Tour) -> Order | Fallback:
        """The order of this tour, or why there is none now."""
        if tour in self._known:
            self._known.move_to_end(tour)
            return _counted("kept", self._known[tour])
        task = self._running.get(tour)
        if task is None:
            if len(self._running) >= WAITING_MAX:
                return _counted("busy", Fallback.BUSY)
            task = self._running[tour] = asyncio.create_task(self._solve(tour))
        try:
            found = await asyncio.wait_for(asyncio.shield(task), self.seconds_max)
        except TimeoutError:
            return _counted("time", Fallback.TIME)
        return _counted("error", Fallback.ERROR) if found is None else _counted("solved", found)

    async def _solve(self, tour: Tour) -> Order | None:
        """`None` after a fault, which is in the log: a day is walked all the same."""
        begun = time.monotonic()
        process = self._process = self._process or _solving_process()
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(process, touring.solve, tour, SOLVER_SECONDS_MAX)
        except BrokenProcessPool:
            log.warning("the process that plans days ended; it is begun anew")
            if self._process is process:
                self._process = None
            return None
        except Exception:
            log.exception("a day of %d visits could not be planned", len(tour.visits))
            return None
        finally:
            del self._running[tour]
        metrics.DAY_PLAN_SECONDS.observe(time.monotonic() - begun)
        self._known[tour] = found
        if len(self._known) > KEPT_MAX:
            self._known.popitem(last=False)
        return found

    async def run(self, database: Database, beat: Beat) -> None:
        """A loop only to end the process with the service."""
        try:
            while True:
                beat()
                await asyncio.sleep(BEAT_SECONDS)
        finally:
            self.close()

    def close(self) -> None:
        for task in self._running.values():
            task.cancel()
        if self._process is not None:
            self._process.shutdown(wait=False, cancel_futures=True)
            self._process = None


def _counted(result: str, found: Order | Fallback) -> Order | Fallback:
    metrics.DAY_PLANS.labels(result).inc()
    return found


def _solving_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_the_service
    )


def _end_with_the_service() -> None:
    """Runs in the process: a service that is killed cannot tell it to end."""
    service = multiprocessing.parent_process()

    def wait() -> None:
        if service is not None:
            service.join()
        os._exit(0)

    Thread(target=wait, daemon=True).start()
