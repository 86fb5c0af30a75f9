"""Whether anything is in flight: the clock may jump only when nothing is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import asyncpg
import httpx

from deploy.local.names import SERVICES
from deploy.local.stack import Stack
from shared.event import CASES_TOPIC
from shared.kafka import TopicEnd

LAST_NUMBERS = "SELECT coalesce(sum(last_seq), 0) FROM counters WHERE person_id = ANY($1)"
PAUSE_SECONDS = 0.025
"""Between two questions: each costs every service a transaction, and they need the processors for the work itself."""
STUCK_SECONDS = 300.0


class Stuck(Exception):
    """Something stays in flight although the clock stands still; the message says what."""


@dataclass(frozen=True)
class Rest:
    """Everything is idle; `next_due_at` is the next timer of any service."""

    next_due_at: datetime | None
    dead_letters: int


class Readers(Protocol):
    """Whoever reads the feeds: `heard` are the numbers of all feeds together that have reached them."""

    heard: int


class Settling:
    """Asks all services on their own ports until they were idle twice with nothing moved between."""

    def __init__(self, stack: Stack, readers: Readers, people: list[str]) -> None:
        self._stack, self._readers, self._people = stack, readers, people
        self._client = httpx.AsyncClient(timeout=30)
        self._notify: asyncpg.Connection | None = None
        self._end = TopicEnd(stack.kafka_bootstrap, CASES_TOPIC)

    async def rest(self) -> Rest:
        """Raises Stuck after STUCK_SECONDS."""
        before: tuple[Any, ...] | None = None
        last: Any = None
        try:
            async with asyncio.timeout(STUCK_SECONDS):
                while True:
                    last = await self._ask()
                    if last is not None and self._is_quiet(*last):
                        moves = (*(state["moves"] for state in last[0]), *last[1:])
                        if moves == before:
                            return _rest(last[0])
                        before = moves
                        continue
                    before = None
                    await asyncio.sleep(PAUSE_SECONDS)
        except TimeoutError as wrong:
            raise Stuck(
                f"nothing moves, but something is still in flight: {last}, heard {self._readers.heard}"
            ) from wrong

    def _is_quiet(self, states: list[dict[str, Any]], told: int, end: int) -> bool:
        heard = [state["heard"] for state in states if state["heard"] is not None]
        return all(state["idle"] for state in states) and set(heard) == {end} and told == self._readers.heard

    async def _ask(self) -> tuple[list[dict[str, Any]], int, int] | None:
        """What every service says, the last numbers of the feeds, the end of the topic; None while one is away."""
        try:
            answers = await asyncio.gather(
                *(self._client.get(self._stack.service_url(name) + "/simulation/idle") for name in SERVICES)
            )
            if not all(answer.is_success for answer in answers):
                return None
            if self._notify is None:
                url = self._stack.database_url("notify").replace("postgresql+asyncpg://", "postgresql://")
                self._notify = await asyncpg.connect(url)
            told = int(await self._notify.fetchval(LAST_NUMBERS, self._people))
            end = await self._end.ask()
        except (httpx.TransportError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._notify = None
            return None
        return [answer.json() for answer in answers], told, end

    async def close(self) -> None:
        await self._client.aclose()
        await self._end.close()
        if self._notify is not None:
            await self._notify.close()


def _rest(states: list[dict[str, Any]]) -> Rest:
    due = [datetime.fromisoformat(state["next_due_at"]) for state in states if state["next_due_at"]]
    return Rest(min(due, default=None), sum(state["dead_letters"] for state in states))
