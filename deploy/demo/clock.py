"""The hand on the simulated clock: writes the same anchor into every database and wakes every loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from shared.clock import CLOCK_CHANNEL

ANCHOR = "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES ($1, $2, $3)"
AHEAD = timedelta(seconds=2)
"""A change of rate while things run is effective so far ahead, in every database at the same moment."""
TRIES = 60


class SimulatedClock:
    """`urls` are the databases of the services, on one server."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = [url.replace("postgresql+asyncpg://", "postgresql://") for url in urls]
        self._connections: list[asyncpg.Connection] = []
        self._anchor = (0.0, datetime.fromtimestamp(0, UTC), 1.0)

    @property
    def now(self) -> datetime:
        """Business time, by this process; exact while the clock stands."""
        began, sim_from, rate = self._anchor
        return sim_from + timedelta(seconds=(time.monotonic() - began) * rate)

    @property
    def rate(self) -> float:
        return self._anchor[2]

    async def jump(self, to: datetime) -> None:
        """Stand at `to`, at once."""
        await self._set(to, 0.0, timedelta())

    async def run(self, rate: float) -> None:
        """From now on at `rate`; effective AHEAD, and waited for."""
        before = self.rate
        _, sim_from, _ = self._anchor
        turn = self.now + AHEAD * before if before else sim_from
        await self._set(turn, rate, AHEAD if before else timedelta())

    async def stand(self) -> None:
        """Stand still where the clock will be AHEAD from now."""
        await self._set(self.now + AHEAD * self.rate, 0.0, AHEAD)

    async def _set(self, sim_from: datetime, rate: float, ahead: timedelta) -> None:
        for attempt in range(TRIES):
            try:
                await self._write(sim_from, rate, ahead)
                break
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                if attempt == TRIES - 1:
                    raise
                await self.close()
                await asyncio.sleep(0.5)
        await asyncio.sleep(ahead.total_seconds())
        self._anchor = (time.monotonic(), sim_from, rate)
        await self._wake()

    async def _write(self, sim_from: datetime, rate: float, ahead: timedelta) -> None:
        if not self._connections:
            self._connections = [await asyncpg.connect(url) for url in self._urls]
        real_from = await self._connections[0].fetchval("SELECT clock_timestamp()") + ahead
        await asyncio.gather(*(link.execute(ANCHOR, real_from, sim_from, rate) for link in self._connections))

    async def _wake(self) -> None:
        await asyncio.gather(
            *(link.execute(f"NOTIFY {CLOCK_CHANNEL}") for link in self._connections), return_exceptions=True
        )

    async def close(self) -> None:
        links, self._connections = self._connections, []
        await asyncio.gather(*(asyncio.wait_for(link.close(), 2) for link in links), return_exceptions=True)
