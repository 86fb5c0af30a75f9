"""A city's message gateway, as notify sees it: takes signed webhooks and hands each message on once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Gateway:
    """`hear` gets each message; what was seen before is dropped by its id, since notify promises at least once."""

    def __init__(self, hear: Callable[[dict[str, Any]], None]) -> None:
        self._hear = hear
        self._seen: set[str] = set()
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def open(self) -> str:
        """Listen on loopback; the URL for RESIDENT_WEBHOOK_URL."""
        app = Starlette(routes=[Route("/messages", self._receive, methods=["POST"])])
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]))
        return f"http://127.0.0.1:{listening.getsockname()[1]}/messages"

    async def close(self) -> None:
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving

    async def _receive(self, request: Request) -> Response:
        key = request.headers["webhook-id"]
        if key not in self._seen:
            self._seen.add(key)
            self._hear(await request.json())
        return Response(status_code=204)
