"""From a registration to its offer on an open feed, at a steady rate (open loop: a late answer delays no call)."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bench.spread import quantiles_ms
from bench.town import Town

PER_SECOND = 5
SECONDS = 60
WARM_UP = 10
CATEGORY = "rubbish-heap"
"""A routine case: an emergency holds its worker, and the demo's workers would run out."""


async def measure(town: Town) -> dict[str, Any]:
    """Times count from when the call should have been made, so that a stalled system is not measured kindly."""
    meant: dict[str, float] = {}
    shown: dict[str, float] = {}
    accepting: set[asyncio.Task[None]] = set()

    async def watch() -> None:
        while True:
            at, worker, offer = await town.offers.get()
            shown.setdefault(offer["case_id"], at)
            accepting.add(asyncio.create_task(_accept(worker.api, offer)))

    async def call(number: int, at: float) -> None:
        case = await town.register(number, CATEGORY)
        if number >= WARM_UP:
            meant[case["case_id"]] = at

    watching = asyncio.create_task(watch())
    calls = []
    began = time.perf_counter()
    for number in range(WARM_UP + PER_SECOND * SECONDS):
        at = began + number / PER_SECOND
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        calls.append(asyncio.create_task(call(number, at)))
    await asyncio.gather(*calls)
    async with asyncio.timeout(60):
        while not meant.keys() <= shown.keys():
            await asyncio.sleep(0.05)
    watching.cancel()
    await asyncio.gather(*accepting, return_exceptions=True)
    waits = [shown[case] - at for case, at in meant.items()]
    return {"cases": len(waits), "per_second": PER_SECOND, **quantiles_ms(waits)}


async def _accept(api: Any, offer: dict[str, Any]) -> None:
    await api.post(f"/api/dispatch/offers/{offer['offer_id']}/accept")
