"""A system for the journeys of a module: started, its clock standing; each journey takes a grid of its own."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.demo.city import ZONE
from deploy.demo.clock import SimulatedClock
from deploy.demo.system import SimulatedSystem
from tests.journeys.town import Town

BEGINS_AT = datetime(2026, 11, 20, 1, 0, tzinfo=ZONE)


class Phones:
    """Residents' phones: the city's message gateway, as notify sees it. Drops what it has seen, as it must."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        seen: set[str] = set()
        phones = self

        class Gateway(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers["webhook-id"] not in seen:
                    seen.add(self.headers["webhook-id"])
                    phones.messages.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """The default writes every request to the terminal."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/messages"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="session")
def phones() -> Iterator[Phones]:
    phones = Phones()
    yield phones
    phones.server.shutdown()
    phones.server.server_close()


@pytest.fixture(scope="module")
def system(phones: Phones) -> Iterator[SimulatedSystem]:
    yield from a_system(phones)


def a_system(phones: Phones) -> Iterator[SimulatedSystem]:
    with tempfile.TemporaryDirectory(prefix="yike-journeys-") as folder:
        system = SimulatedSystem(
            Path(folder), begins_at=BEGINS_AT, resident_webhook_url=phones.url, say=lambda line: None
        )
        system.start()
        yield system
        system.stop()
        system.forget()


@pytest.fixture
async def town(system: SimulatedSystem, phones: Phones) -> AsyncIterator[Town]:
    clock = SimulatedClock(system.database_urls)
    link = await asyncpg.connect(system.database_urls[0].replace("postgresql+asyncpg://", "postgresql://"))
    now = await link.fetchval("SELECT business_now()")
    await link.close()
    await clock.jump(now + timedelta(minutes=1))
    async with httpx.AsyncClient(base_url=system.url, timeout=30) as client:
        town = Town(system, clock, client, phones.messages)
        yield town
        await town.close()
