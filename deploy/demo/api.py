"""Somebody's hands on the public API: signed in, patient, and never doing a thing twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

PATIENCE_SECONDS = 180.0
"""Real seconds that an act is tried again while the system is away."""
AGAIN_AFTER_SECONDS = 0.25
AWAY = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Refused:
    """The system's clear no: a problem document."""

    status: int
    problem: dict[str, Any]

    @property
    def kind(self) -> str:
        """The last word of the problem's type, e.g. musts-missing."""
        return str(self.problem.get("type", "")).rsplit(":", 1)[-1]


class Api:
    """One person's session. `account` None is a resident at the public pages."""

    def __init__(self, client: httpx.AsyncClient, account: str | None = None, password: str = "") -> None:
        self._client = client
        self._account = account
        self._password = password
        self._token = ""
        self._signing_in = asyncio.Lock()

    async def sign_in(self, *, stale: str = "") -> None:
        async with self._signing_in:
            if self._account is None or self._token != stale:
                return
            answer = await self._patiently(
                "POST", "/api/registry/sign-in", json={"account": self._account, "password": self._password}
            )
            answer.raise_for_status()
            self._token = answer.json()["access_token"]

    async def get(self, path: str, **params: Any) -> Any:
        """The answer's document, or Refused."""
        return await self._ask("GET", path, params={k: v for k, v in params.items() if v is not None})

    async def post(self, path: str, body: Any = None, *, files: Any = None, data: Any = None) -> Any:
        """The answer's document, or Refused. Repeated under one Idempotency-Key until there is an answer."""
        given: dict[str, Any] = {"headers": {"Idempotency-Key": str(uuid4())}}
        if files is not None:
            given |= {"files": files, "data": data or {}}
        else:
            given["json"] = body if body is not None else {}
        return await self._ask("POST", path, **given)

    async def _ask(self, method: str, path: str, **given: Any) -> Any:
        answer = await self._signed(method, path, given)
        if answer.status_code == 401 and self._account is not None:
            await self.sign_in(stale=self._token)
            answer = await self._signed(method, path, given)
        if answer.is_success:
            return answer.json() if answer.content else None
        try:
            problem = answer.json()
        except json.JSONDecodeError:
            problem = {"title": answer.text}
        return Refused(answer.status_code, problem)

    async def _signed(self, method: str, path: str, given: dict[str, Any]) -> httpx.Response:
        if self._account is not None and not self._token:
            await self.sign_in()
        headers = {**given.get("headers", {}), **self._authorization()}
        return await self._patiently(method, path, **{**given, "headers": headers})

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    async def _patiently(self, method: str, path: str, **given: Any) -> httpx.Response:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = await self._client.request(method, path, **given)
                if answer.status_code not in AWAY or time.monotonic() > until:
                    return answer
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(AGAIN_AFTER_SECONDS)

    async def feed(self) -> AsyncIterator[dict[str, Any]]:
        """The person's feed for ever, resumed where it broke off; nothing is lost or told twice."""
        last = 0
        while True:
            if self._account is not None and not self._token:
                await self.sign_in()
            headers = {**self._authorization(), "Last-Event-ID": str(last)}
            try:
                async with self._client.stream(
                    "GET", "/api/notify/feed", headers=headers, timeout=httpx.Timeout(10, read=40)
                ) as answer:
                    if answer.status_code == 401:
                        await self.sign_in(stale=self._token)
                        continue
                    if answer.is_success:
                        async for line in answer.aiter_lines():
                            if line.startswith("data:"):
                                item = json.loads(line[5:])
                                if item.get("seq", 0) > last:
                                    last = item["seq"]
                                    yield item
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
