"""Dispatch as intake and notify meet it when they ask who comes: over real HTTP, with the token it wants."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.keys import Secret
from tests.notify.browser import listening_on

NAMED = {
    "post": "a",
    "role": "grid_worker",
    "name": {"zh": "李敏", "en": "Li Min"},
    "badge": "A-017",
    "accepted_at": "2026-03-01T18:11:00Z",
    "arrived_at": None,
    "eta_seconds": 240,
}
"""What it says where the community shows posted names."""
UNNAMED = NAMED | {"name": None, "badge": None}
NOBODY = dict.fromkeys(NAMED)


@dataclass
class Dispatch:
    """`says` is answered to everybody who has the token, with this `status`; `hangs` keeps the asker waiting."""

    secret: Secret
    url: str = ""
    says: dict[str, Any] = field(default_factory=lambda: dict(NAMED))
    status: int = 200
    hangs: bool = False
    asked: list[str] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def who_comes(self, request: Request) -> Response:
        if not hmac.compare_digest(
            request.headers.get("authorization", ""), f"Bearer {self.secret.value.hex()}"
        ):
            return Response(status_code=401)
        self.asked.append(request.path_params["case_id"])
        if self.hangs:
            await self.let_go.wait()
        answer = self.says | {"case_id": self.asked[-1]}
        return Response(orjson.dumps(answer), self.status, media_type="application/json")


@asynccontextmanager
async def a_dispatch(secret: Secret) -> AsyncIterator[Dispatch]:
    dispatch = Dispatch(secret)
    route = Route("/api/dispatch/internal/who-comes/{case_id}", dispatch.who_comes)
    async with listening_on(route) as url:
        dispatch.url = url
        yield dispatch
        dispatch.let_go.set()
