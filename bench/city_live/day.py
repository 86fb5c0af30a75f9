"""One day of the city in the real system: the clock stands while anything is in flight, then jumps to what is due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx

from bench.city_live.cast import Cast
from bench.city_live.live import Live
from bench.city_live.people import Worker
from bench.city_live.system import CitySystem
from deploy.demo.clock import SimulatedClock
from deploy.demo.gateway import Gateway
from deploy.demo.settle import Settling
from deploy.local.stack import end_leftovers
from services.dispatch.city.people import AFTERMATH_SECONDS
from services.dispatch.city.world import World

PROGRESS_SECONDS = 10.0
SIGN_IN_AT_ONCE = 8


async def live_day(cast: Cast, folder: Path, say: Callable[[str], None]) -> Live:
    """Everything from an empty folder to the last arrival; the folder's data are forgotten before and after."""
    async with AsyncExitStack() as ends:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=200)
        client = await ends.enter_async_context(httpx.AsyncClient(timeout=60, limits=limits))
        gateway = Gateway(lambda _message: None)
        webhook = await gateway.open()
        ends.push_async_callback(gateway.close)
        system = CitySystem(
            folder,
            begins_at=cast.begins_at,
            seed_words=cast.words,
            environment={"RESIDENT_WEBHOOK_URL": webhook},
            say=say,
        )
        ends.callback(system.forget)
        await asyncio.to_thread(start_anew, system)
        ends.push_async_callback(asyncio.to_thread, system.stop)
        client.base_url = httpx.URL(system.url)
        clock = SimulatedClock(system.database_urls)
        ends.push_async_callback(clock.close)
        await clock.jump(cast.begins_at)
        live = Live(cast, World(cast.scenario, cast.draws), client, system, clock)
        live.passwords = {account.account: account.password for account in system.accounts}
        day = Day(live, say)
        ends.push_async_callback(day.close)
        await day.prepare()
        await day.step()
        return live


def start_anew(system: CitySystem) -> None:
    if system.folder.exists():
        end_leftovers(system.folder)
        system.forget()
    system.start()


class Day:
    def __init__(self, live: Live, say: Callable[[str], None]) -> None:
        self._live, self._say = live, say
        self._workers = [Worker(live, number) for number in range(len(live.cast.roster))]
        self._settling = Settling(live.system, live, [worker.id for worker in self._workers])
        self._feeds: list[asyncio.Task[None]] = []
        self._began = self._said_at = time.monotonic()

    async def prepare(self) -> None:
        """Everybody signs in and opens their feed; shifts and calls go on the agenda."""
        for place in range(0, len(self._workers), SIGN_IN_AT_ONCE):
            some = self._workers[place : place + SIGN_IN_AT_ONCE]
            await asyncio.gather(*(worker.api.sign_in() for worker in some))
        self._feeds = [asyncio.create_task(worker.follow_feed()) for worker in self._workers]
        for worker in self._workers:
            worker.begin()
        calls = self._live.cast.calls()
        for call in calls:
            self._live.at(call.seconds, f"call {call.number:06d}", partial(self._live.register, call))
        self._say(f"{len(self._workers)} people are signed in, {len(calls)} calls will come")

    async def step(self) -> None:
        live = self._live
        limit = live.cast.moment(live.cast.scenario.seconds + AFTERMATH_SECONDS)
        while True:
            rest = await self._settling.rest()
            self._progress()
            moments = [at for at in (rest.next_due_at, live.agenda.next_at()) if at is not None]
            following = min(moments, default=limit)
            if live.everybody_was_reached or following >= limit:
                return
            if following > live.now:
                await self._positions_until(following)
                await live.clock.jump(following)
            while (entry := live.agenda.take(live.now)) is not None:
                await entry.deed()

    async def _positions_until(self, moment: datetime) -> None:
        """What phones on the way send before the next thing happens, each at its time; of several only the last would
        be read."""
        live = self._live
        until = (moment - live.cast.begins_at).total_seconds()
        found = [(fix, worker) for worker in self._workers if (fix := worker.fix_until(until)) is not None]
        for fix, worker in sorted(found, key=lambda one: (one[0][2], one[1].number)):
            await live.clock.jump(live.cast.moment(fix[2]))
            await worker.send_position(fix)
        if found:
            await self._settling.rest()

    def _progress(self) -> None:
        if time.monotonic() - self._said_at < PROGRESS_SECONDS:
            return
        self._said_at = time.monotonic()
        live = self._live
        self._say(
            f"{live.seconds / 3600:.2f} h  calls {len(live.cases)}/{len(live.cast.demand)}  arrived {len(live.arrived)}"
            f"  ({self._said_at - self._began:.0f} s)"
        )

    async def close(self) -> None:
        for feed in self._feeds:
            feed.cancel()
        await asyncio.gather(*self._feeds, return_exceptions=True)
        await self._settling.close()
