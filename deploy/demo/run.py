"""One demo: start the system, let the day pass, run on until every case is closed, close the books."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from deploy.demo import faults
from deploy.demo.agenda import Agenda
from deploy.demo.api import Api, Refused
from deploy.demo.books import Books, close_books
from deploy.demo.calls import Call
from deploy.demo.city import City, area_of
from deploy.demo.clock import SimulatedClock
from deploy.demo.gateway import Gateway
from deploy.demo.read_side import check_read_side
from deploy.demo.residents import Callers, Desk, Residents
from deploy.demo.settle import Settling
from deploy.demo.system import SimulatedSystem
from deploy.demo.workers import Worker
from deploy.local.stack import end_leftovers

OPEN_CASES = "SELECT count(*) FROM cases WHERE closed_at IS NULL"
PROGRESS_SECONDS = 5.0
BEFORE_THE_FIRST_CALL = timedelta(minutes=5)
SCALED_PAUSE_SECONDS = 0.01


@dataclass(frozen=True)
class Plan:
    """`speed` is None for step, else business seconds per real second, 60 at most."""

    calls: Sequence[Call]
    folder: Path
    seed: int
    speed: float | None
    kill: bool
    days_max: int


@dataclass(frozen=True)
class Finished:
    books: Books
    city: City
    simulated_seconds: float
    open_cases: int


async def run(plan: Plan, say: Callable[[str], None]) -> Finished:
    begins_at = plan.calls[0].at - BEFORE_THE_FIRST_CALL
    async with AsyncExitStack() as ends:
        client = await ends.enter_async_context(
            httpx.AsyncClient(
                timeout=30, limits=httpx.Limits(max_connections=None, max_keepalive_connections=50)
            )
        )
        agenda = Agenda()
        city = City(client, SimulatedClock([]), agenda, plan.seed, (0.0, 0.0, 0.0, 0.0))
        gateway = Gateway(Residents(city).hear)
        webhook = await gateway.open()
        ends.push_async_callback(gateway.close)
        system = SimulatedSystem(plan.folder, begins_at=begins_at, resident_webhook_url=webhook, say=say)
        if plan.folder.exists():
            end_leftovers(plan.folder)
            system.forget()
        await asyncio.to_thread(system.start)
        ends.push_async_callback(asyncio.to_thread, system.stop)
        client.base_url = httpx.URL(system.url)
        city.clock = SimulatedClock(system.database_urls)
        ends.push_async_callback(city.clock.close)
        await city.clock.jump(begins_at)
        city.passwords = {account.account: account.password for account in system.accounts}
        day = Day(plan, system, city, Desk(city, _accounts(system, "operator")), say)
        ends.push_async_callback(day.close)
        await day.prepare()
        await day.pass_()
        say("closing the books")
        books = await close_books(system, city)
        books.faults += await check_read_side(system)
        simulated = (city.now - begins_at).total_seconds()
        return Finished(books, city, simulated, await day.open_cases())


def _accounts(system: SimulatedSystem, beginning: str) -> list[str]:
    return sorted(account.account for account in system.accounts if account.account.startswith(beginning))


class Day:
    """The driver: while anything is in flight the clock stands; then it jumps to the next thing that is due."""

    def __init__(
        self, plan: Plan, system: SimulatedSystem, city: City, desk: Desk, say: Callable[[str], None]
    ) -> None:
        self._plan, self._system, self._city, self._desk, self._say = plan, system, city, desk, say
        self._feeds: list[asyncio.Task[None]] = []
        self._settling: Settling | None = None
        self._intake: asyncpg.Connection | None = None
        self._said_at = 0.0
        self._began = time.monotonic()

    async def prepare(self) -> None:
        """Everybody signs in and opens their feed; calls and the callers' rounds go on the agenda."""
        api: Api = self._city.api("administrator-1")
        self._city.area = area_of(await all_things(api, "units"))
        accounts = {f"p-{account}": account for account in self._city.passwords}
        people = [person for person in await all_things(api, "people") if is_offered_cases(person)]
        workers = [Worker(self._city, person, accounts[person["id"]]) for person in people]
        for place in range(0, len(workers), 8):
            await asyncio.gather(*(worker.sign_in() for worker in workers[place : place + 8]))
        self._feeds = [asyncio.create_task(worker.follow_feed()) for worker in workers]
        self._settling = Settling(self._system, self._city, [worker.id for worker in workers])
        for call in self._plan.calls:
            self._city.agenda.add(call.at, f"call {call.index:06d}", partial(self._desk.register, call))
        Callers(self._city, _accounts(self._system, "caller")).begin()
        self._say(f"{len(workers)} people are signed in, {len(self._plan.calls)} calls will come")

    async def pass_(self) -> None:
        limit = self._plan.calls[-1].at + timedelta(days=self._plan.days_max)
        if self._plan.speed is None:
            await self._step(limit)
        else:
            await self._scaled(limit, self._plan.speed)
        self._progress(force=True)

    # ── step ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _step(self, limit: datetime) -> None:
        assert self._settling is not None
        kills = faults.kill_after(len(self._plan.calls)) if self._plan.kill else []
        while True:
            rest = await self._settling.rest()
            self._progress()
            if kills and self._city.done["register"] >= kills[0][0]:
                await self._kill(kills.pop(0)[1])
                continue
            moments = [at for at in (rest.next_due_at, self._city.agenda.next_at()) if at is not None]
            if await self._is_over() or (following := min(moments, default=limit)) >= limit:
                return  # without anything due a case that is still open stays so: the report says which
            if following > self._city.now:
                await self._city.clock.jump(following)
            while (entry := self._city.agenda.take(self._city.now)) is not None:
                await entry.deed()

    async def _kill(self, victim: str) -> None:
        """With the clock at rate 1 and the next few acts in flight."""
        await self._city.clock.run(1.0)
        ahead = self._city.now + timedelta(minutes=10)
        meanwhile = [entry.deed for _ in range(4) if (entry := self._city.agenda.take(ahead)) is not None]
        await faults.kill_and_restart(self._system, victim, meanwhile, self._say)
        await self._city.clock.stand()

    # ── scaled ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _scaled(self, limit: datetime, speed: float) -> None:
        await self._city.clock.run(speed)
        acting: set[asyncio.Future[None]] = set()
        while self._city.now < limit:
            while (entry := self._city.agenda.take(self._city.now)) is not None:
                acting.add(asyncio.ensure_future(entry.deed()))
            acting = {act for act in acting if not act.done() or act.result()}
            self._progress()
            if await self._is_over():
                break
            await asyncio.sleep(SCALED_PAUSE_SECONDS)
        await asyncio.gather(*acting)
        await self._city.clock.stand()
        assert self._settling is not None
        await self._settling.rest()

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _is_over(self) -> bool:
        answered = self._city.done["register"] + sum(
            count for what, count in self._city.refused.items() if what.startswith("register")
        )
        return answered >= len(self._plan.calls) and await self.open_cases() == 0

    async def open_cases(self) -> int:
        if self._intake is None or self._intake.is_closed():
            url = self._system.database_url("intake").replace("postgresql+asyncpg://", "postgresql://")
            self._intake = await asyncpg.connect(url)
        return int(await self._intake.fetchval(OPEN_CASES))

    def _progress(self, *, force: bool = False) -> None:
        if not force and time.monotonic() - self._said_at < PROGRESS_SECONDS:
            return
        self._said_at = time.monotonic()
        done = self._city.done
        self._say(
            f"{self._city.now:%m-%d %H:%M}  calls {done['register']}/{len(self._plan.calls)}  accepted {done['accept']}"
            f"  arrived {done['arrive']}  handled {done['handle']}  ({self._said_at - self._began:.0f} s)"
        )

    async def close(self) -> None:
        for feed in self._feeds:
            feed.cancel()
        await asyncio.gather(*self._feeds, return_exceptions=True)
        if self._settling is not None:
            await self._settling.close()
        if self._intake is not None:
            await self._intake.close()


def is_offered_cases(person: dict[str, Any]) -> bool:
    """Who is offered cases: everybody on a grid's posts, and duty officers."""
    return bool(
        {held["post"] for held in person["posts"]}
        & {"a", "b", "worker", "volunteer", "leader", "duty_officer"}
    )


async def all_things(api: Api, kind: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await api.get(f"/api/registry/{kind}", cursor=cursor)
        if isinstance(page, Refused):
            raise RuntimeError(f"the registry does not show its {kind}: {page.problem}")
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
