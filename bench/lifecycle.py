"""Whole cases per second with everything on: from the call to the resident's answer."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bench.spread import quantiles_ms
from bench.town import Town, Worker

CASES = 300
AT_ONCE = 16
CATEGORY = "rubbish-heap"


async def measure(town: Town) -> dict[str, Any]:
    """Closed loop: AT_ONCE cases are open at any time; the next call comes when one was answered for."""
    began: dict[str, float] = {}
    took: list[float] = []
    room = asyncio.Semaphore(AT_ONCE)
    working: set[asyncio.Task[None]] = set()

    async def carry(worker: Worker, offer: dict[str, Any]) -> None:
        if offer["number"] in began:
            await town.carry_through(worker, offer)

    async def watch_offers() -> None:
        while True:
            _, worker, offer = await town.offers.get()
            working.add(asyncio.create_task(carry(worker, offer)))

    async def watch_links() -> None:
        while True:
            message = await town.links.get()
            number = message["data"].get("number")
            if message["type"] == "please_answer" and number in began:
                working.add(asyncio.create_task(end(message, number)))

    async def end(message: dict[str, Any], number: str) -> None:
        await town.answer(message)
        took.append(time.perf_counter() - began[number])
        room.release()

    watching = [asyncio.create_task(watch_offers()), asyncio.create_task(watch_links())]
    start = time.perf_counter()
    for index in range(CASES):
        await room.acquire()
        at = time.perf_counter()
        case = await town.register(10_000 + index, CATEGORY)
        began[case["number"]] = at
    async with asyncio.timeout(120):
        while len(took) < CASES:
            await asyncio.sleep(0.02)
    seconds = time.perf_counter() - start
    for watcher in watching:
        watcher.cancel()
    await asyncio.gather(*working)
    return {"cases": CASES, "at_once": AT_ONCE, "cases_per_s": CASES / seconds, **quantiles_ms(took)}
