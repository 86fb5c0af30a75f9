"""A phone that reads a feed: a real HTTP client on the event stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from shared.vocabulary import Role
from tests.people import an_issuer


@dataclass(frozen=True)
class Heard:
    name: str | None
    id: str
    data: dict[str, Any]


def signed_in_as(person_id: str) -> dict[str, str]:
    return an_issuer().headers(person_id, (Role.GRID_WORKER, "grid-a1"))


@asynccontextmanager
async def listening(
    base_url: str, person_id: str, *, last_event_id: str | None = None
) -> AsyncIterator[AsyncIterator[Heard]]:
    """The stream's events; leaving the block cuts the connection, wherever the stream is."""
    headers = signed_in_as(person_id) | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    async with (
        httpx.AsyncClient(base_url=base_url, timeout=10) as client,
        client.stream("GET", "/api/notify/feed", headers=headers) as answer,
    ):
        answer.raise_for_status()
        yield _events(answer)


async def _events(answer: httpx.Response) -> AsyncIterator[Heard]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield Heard(fields.get("event"), fields.get("id", ""), json.loads(fields["data"]))
            fields = {}


async def take(events: AsyncIterator[Heard], count: int, *, within_seconds: float = 10) -> list[Heard]:
    """The next `count` events."""
    found: list[Heard] = []
    async with asyncio.timeout(within_seconds):
        while len(found) < count:
            found.append(await anext(events))
    return found
