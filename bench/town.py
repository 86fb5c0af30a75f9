"""The whole system on real time, and people who answer at once."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from shapely.geometry import Point, Polygon

from deploy.demo.api import Api, Refused
from deploy.demo.gateway import Gateway
from deploy.demo.run import all_things, is_offered_cases
from deploy.demo.workers import a_photo
from deploy.local.names import STATE
from deploy.local.stack import Stack, end_leftovers
from services.registry.demo.accounts import password_of

FOLDER = STATE / "bench"


class Worker:
    def __init__(self, person_id: str, api: Api) -> None:
        self.id, self.api = person_id, api


class Town:
    """`offers` gets every offer as an open feed shows it: when it was read, by whom, the notice. `links` gets what
    residents are asked."""

    def __init__(self, stack: Stack, client: httpx.AsyncClient, links: asyncio.Queue[dict[str, Any]]) -> None:
        self.stack, self.client, self.links = stack, client, links
        self.desk = self.api("operator-1")
        self.public = Api(client)
        self.workers: list[Worker] = []
        self.grids: list[Polygon] = []
        self.offers: asyncio.Queue[tuple[float, Worker, dict[str, Any]]] = asyncio.Queue()
        self._draw = random.Random(1)
        self._feeds: list[asyncio.Task[None]] = []

    def api(self, account: str) -> Api:
        return Api(self.client, account, password_of(account))

    async def move_in(self) -> None:
        """Everybody who may be offered cases signs in and opens their feed."""
        administrator = self.api("administrator-1")
        for person in await all_things(administrator, "people"):
            if is_offered_cases(person):
                worker = Worker(person["id"], self.api(person["id"].removeprefix("p-")))
                await worker.api.sign_in()
                self.workers.append(worker)
        for unit in await all_things(administrator, "units"):
            if unit["level"] == "grid":
                self.grids.append(Polygon([(corner["lon"], corner["lat"]) for corner in unit["polygon"]]))
        self._feeds = [asyncio.create_task(self._listen(worker)) for worker in self.workers]

    async def move_out(self) -> None:
        for feed in self._feeds:
            feed.cancel()
        await asyncio.gather(*self._feeds, return_exceptions=True)

    async def register(self, number: int, category: str) -> dict[str, Any]:
        """One call, somewhere in the demo's grids; the answer of the hotline's desk."""
        point = self._somewhere()
        body = {
            "channel": "hotline",
            "category_code": category,
            "description": "请来处理。",
            "place": {"lon": point.x, "lat": point.y, "label": "演示路1号"},
            "requester": {"name": "演示", "phone": f"100{number:08d}"},
        }
        return dict(await must(self.desk.post("/api/intake/cases", body)))

    def _somewhere(self) -> Point:
        area = self._draw.choice(self.grids)
        west, south, east, north = area.bounds
        while True:
            point = Point(self._draw.uniform(west, east), self._draw.uniform(south, north))
            if area.contains(point):
                return point

    async def carry_through(self, worker: Worker, offer: dict[str, Any]) -> None:
        """Everything one worker does for one case, at once."""
        part = f"/api/dispatch/parts/{offer['part_id']}"
        await must(worker.api.post(f"/api/dispatch/offers/{offer['offer_id']}/accept"))
        await must(worker.api.post(f"{part}/arrive", {"method": "self_declared", "reason": "就在附近"}))
        photo = {"file": ("photo.jpg", a_photo(self._draw.randrange(1 << 24)), "image/jpeg")}
        await must(worker.api.post(f"{part}/evidence", files=photo))
        await must(
            worker.api.post(f"{part}/notes", {"note": "measure", "text": "已处理。", "measure": "clean"})
        )
        await must(worker.api.post(f"{part}/handle", {"outcome": "solved"}))

    async def answer(self, message: dict[str, Any]) -> None:
        token = message["data"]["answer_url"].rstrip("/").rsplit("/", 1)[-1]
        answers = {"contacted": True, "solved": True, "satisfaction": "satisfied"}
        await must(self.public.post(f"/api/intake/follow-up-links/{token}", answers))

    async def _listen(self, worker: Worker) -> None:
        async for item in worker.api.feed():
            if item.get("kind") == "offer":
                self.offers.put_nowait((time.perf_counter(), worker, item))


async def must(answer: Any) -> Any:
    got = await answer
    if isinstance(got, Refused):
        raise RuntimeError(f"refused: {got.problem}")
    return got


@asynccontextmanager
async def town() -> AsyncIterator[Town]:
    """A fresh system in `.yike/bench`, gone afterwards."""
    links: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    gateway = Gateway(links.put_nowait)
    environment = {"RESIDENT_WEBHOOK_URL": await gateway.open()}
    if FOLDER.exists():
        end_leftovers(FOLDER)
        Stack(FOLDER).forget()
    stack = Stack(FOLDER, environment=environment, full_speed=True)
    await asyncio.to_thread(stack.start)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=200)
    try:
        async with httpx.AsyncClient(base_url=stack.url, timeout=30, limits=limits) as client:
            people = Town(stack, client, links)
            await people.move_in()
            try:
                yield people
            finally:
                await people.move_out()
    finally:
        await gateway.close()
        await asyncio.to_thread(stack.stop)
        stack.forget()
        shutil.rmtree(FOLDER, ignore_errors=True)
