"""Event streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from starlette.types import Message

from shared.sse import HEARTBEAT, EventStream, ServerSentEvent, stream


class Reader:
    """The other end of a stream: takes what comes, may stall, may leave."""

    def __init__(self, *, stalls_after: int | None = None) -> None:
        self.taken: list[bytes] = []
        self.status: int | None = None
        self.stalls_after = stalls_after
        self.left = asyncio.Event()
        self.came = asyncio.Condition()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.stalls_after is not None and len(self.taken) >= self.stalls_after:
            await asyncio.Event().wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["body"]:
            self.taken.append(message["body"])
        async with self.came:
            self.came.notify_all()

    async def until(self, count: int) -> None:
        async with self.came:
            await self.came.wait_for(lambda: len(self.taken) >= count)


class Source:
    """Gives what it is told, and notes when it is closed."""

    def __init__(self, *events: ServerSentEvent, ends: bool = False) -> None:
        self.events, self.ends, self.closed = events, ends, False

    async def __call__(self) -> AsyncIterator[ServerSentEvent]:
        try:
            for event in self.events:
                yield event
            if not self.ends:
                await asyncio.Event().wait()
        finally:
            self.closed = True


def scope(stopping: asyncio.Event | None = None) -> dict[str, object]:
    service = SimpleNamespace(stopping=stopping or asyncio.Event())
    return {"type": "http", "app": SimpleNamespace(state=SimpleNamespace(service=service))}


def answer(source: Source, **timing: float) -> EventStream:
    made = stream(source(), **timing)
    assert isinstance(made, EventStream)
    return made


def test_an_event_on_the_wire() -> None:
    event = ServerSentEvent(data="one\ntwo", id="17", event="offer", retry_ms=2000)

    assert event.encoded() == b"id: 17\nevent: offer\nretry: 2000\ndata: one\ndata: two\n\n"
    with pytest.raises(ValueError, match="one line"):
        ServerSentEvent(data="x", id="1\ndata: forged").encoded()


async def test_events_come_in_order_and_the_stream_ends_with_its_source() -> None:
    reader, source = Reader(), Source(*(ServerSentEvent(data=str(n)) for n in range(3)), ends=True)

    await answer(source)(scope(), reader.receive, reader.send)

    assert reader.status == 200
    assert reader.taken == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]
    assert source.closed


async def test_a_silent_stream_has_a_heartbeat_and_loses_nothing_by_it() -> None:
    reader, source = Reader(), Source(ServerSentEvent(data="1"))
    running = asyncio.create_task(
        answer(source, heartbeat_seconds=0.01)(scope(), reader.receive, reader.send)
    )

    await reader.until(4)
    reader.left.set()
    await running

    assert reader.taken[0] == b"data: 1\n\n"
    assert set(reader.taken[1:]) == {HEARTBEAT}


async def test_a_reader_who_leaves_frees_the_source() -> None:
    reader, source = Reader(), Source(ServerSentEvent(data="1"))
    running = asyncio.create_task(answer(source)(scope(), reader.receive, reader.send))
    await reader.until(1)

    reader.left.set()
    await running

    assert source.closed


async def test_a_reader_who_stalls_is_cut() -> None:
    reader, source = Reader(stalls_after=2), Source(*(ServerSentEvent(data=str(n)) for n in range(9)))

    async with asyncio.timeout(5):
        await answer(source, send_timeout_seconds=0.05)(scope(), reader.receive, reader.send)

    assert len(reader.taken) == 2
    assert source.closed


async def test_streams_end_when_the_service_stops() -> None:
    stopping, reader, source = asyncio.Event(), Reader(), Source(ServerSentEvent(data="1"))
    running = asyncio.create_task(answer(source)(scope(stopping), reader.receive, reader.send))
    await reader.until(1)

    stopping.set()
    await running

    assert source.closed


async def test_a_fault_of_the_source_is_not_hidden() -> None:
    async def broken() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(data="1")
        raise LookupError("broken")

    reader = Reader()
    with pytest.raises(LookupError):
        await stream(broken())(scope(), reader.receive, reader.send)
