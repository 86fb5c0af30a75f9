"""Server-sent events: ids to resume from, a comment every 15 s to keep proxies awake, and a send timeout, because a
reader who does not read would otherwise hold its subscription for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from shared import metrics

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
SEND_TIMEOUT_SECONDS = 10.0
HEARTBEAT = b": still here\n\n"


@dataclass(frozen=True)
class ServerSentEvent:
    """`data` is JSON text; `id` is what the reader shows as Last-Event-ID when it comes back."""

    data: str
    id: str | None = None
    event: str | None = None
    retry_ms: int | None = None

    def encoded(self) -> bytes:
        fields = {"id": self.id, "event": self.event, "retry": self.retry_ms}
        lines = [f"{name}: {_one_line(value)}" for name, value in fields.items() if value is not None]
        lines += [f"data: {line}" for line in self.data.splitlines() or [""]]
        return ("\n".join(lines) + "\n\n").encode()


def _one_line(value: str | int) -> str:
    text = str(value)
    if any(character in text for character in "\r\n\0"):
        raise ValueError("an event's id and name are one line")
    return text


def stream(
    source: AsyncIterator[ServerSentEvent],
    *,
    send_timeout_seconds: float = SEND_TIMEOUT_SECONDS,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> StreamingResponse:
    """The answer that sends `source` until it ends, the reader leaves or stalls, or the service stops. `source` is
    closed in every case; it opens its own transactions, the request's is committed before the stream begins."""
    return EventStream(source, send_timeout_seconds, heartbeat_seconds)


class EventStream(StreamingResponse):
    media_type = "text/event-stream"

    def __init__(
        self, source: AsyncIterator[ServerSentEvent], send_timeout_seconds: float, heartbeat_seconds: float
    ) -> None:
        # X-Accel-Buffering: proxies that buffer would hold the first events back.
        super().__init__(iter(()), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self.source = source
        self.send_timeout_seconds = send_timeout_seconds
        self.heartbeat_seconds = heartbeat_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = getattr(scope["app"].state, "service", None)
        stopping = service.stopping if service is not None else asyncio.Event()
        leaving = [_task(_gone(receive)), _task(stopping.wait())]
        metrics.STREAMS_OPEN.inc()
        try:
            await self._send(
                send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            )
            await self._pass_on(send, leaving)
            await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            metrics.STREAMS_CUT.inc()
            log.info("a stream was cut: its reader took nothing for %g s", self.send_timeout_seconds)
        finally:
            metrics.STREAMS_OPEN.dec()
            await _cancelled(leaving)
            await _closed(self.source)

    async def _pass_on(self, send: Send, leaving: list[asyncio.Task[Any]]) -> None:
        """Events as they come. The waiting for the next one is never cancelled by a heartbeat: cancelling would
        finish the generator."""
        coming = _task(_next(self.source))
        try:
            while not any(task.done() for task in leaving):
                await asyncio.wait(
                    [coming, *leaving], timeout=self.heartbeat_seconds, return_when=asyncio.FIRST_COMPLETED
                )
                if any(task.done() for task in leaving):
                    return
                if not coming.done():
                    await self._send(send, _body(HEARTBEAT))
                    continue
                if (event := coming.result()) is None:
                    return
                await self._send(send, _body(event.encoded()))
                coming = _task(_next(self.source))
        finally:
            await _cancelled([coming])

    async def _send(self, send: Send, message: dict[str, Any]) -> None:
        await asyncio.wait_for(send(message), self.send_timeout_seconds)


def _body(chunk: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": chunk, "more_body": True}


def _task(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(work)


async def _next(source: AsyncIterator[ServerSentEvent]) -> ServerSentEvent | None:
    return await anext(source, None)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancelled(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError, StopAsyncIteration):
            await task


async def _closed(source: AsyncIterator[ServerSentEvent]) -> None:
    close = getattr(source, "aclose", None)
    if close is not None:
        await close()
