"""Who comes to a case, asked of dispatch at the moment a resident is told or looks, and kept nowhere."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.identity import internal_headers
from shared.settings import ServiceSettings
from shared.things import Name
from shared.vocabulary import Post, Role

log = logging.getLogger(__name__)


class WhoComes(BaseModel):
    """`post` and `role` once somebody has taken the case, all null while nobody has it; the posted name and badge only
    where the community shows them. Never a phone number. `eta_seconds` count from `eta_at`, which moves on while they
    are on the way."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    post: Post | None = None
    role: Role | None = None
    name: Name | None = None
    badge: str | None = None
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    eta_seconds: int | None = None
    eta_at: datetime | None = None


class AskWhoComes:
    """Asks `GET <DISPATCH_URL>/api/dispatch/internal/who-comes/{case_id}`, once and not for long: a resident waits, and
    what dispatch cannot say now is worth less than an answer without it."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._url = settings.dispatch_url
        self._timeout_seconds = settings.who_comes_timeout_seconds
        headers = internal_headers(settings) if self._url else None
        self._client = httpx.AsyncClient(timeout=self._timeout_seconds, headers=headers)

    async def ask(self, case_id: UUID) -> WhoComes | None:
        """`None` where dispatch cannot be asked; somebody may be coming all the same."""
        if not self._url:
            return None
        url = f"{self._url.rstrip('/')}/api/dispatch/internal/who-comes/{case_id}"
        try:
            async with asyncio.timeout(self._timeout_seconds):  # the client's own counts each read anew
                answer = await self._client.get(url)
            answer.raise_for_status()
            return WhoComes.model_validate_json(answer.content)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, ValidationError) as wrong:
            log.warning("dispatch did not say who comes: %s", type(wrong).__name__)
            return None

    async def close(self) -> None:
        await self._client.aclose()
