"""The service as a process of its own: ready, stopping cleanly, ending when a loop breaks."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from deploy.local.ports import free_port
from shared.service import Service

PROJECT = Path(__file__).parents[3]


class Running:
    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process, self.client = process, httpx.AsyncClient(base_url=url)

    async def until_ready(self) -> None:
        async with asyncio.timeout(30):
            while True:
                try:
                    if (await self.client.get("/health/live")).status_code == 200:
                        return
                except httpx.TransportError:
                    assert self.process.returncode is None, "it ended while starting"
                await asyncio.sleep(0.02)

    async def ended(self) -> int:
        async with asyncio.timeout(20):
            return await self.process.wait()


@pytest.fixture
async def start(service: Service, tmp_path: Path) -> AsyncIterator[Callable[..., object]]:
    """The small service as a process on the same database; its log is in `tmp_path`."""
    started: list[Running] = []

    async def begin(**environment: str) -> Running:
        port = free_port()
        given = {
            "YIKE_ENV": "test",
            "DATABASE_URL": service.settings.database_url,
            "PORT": str(port),
            "PYTHONPATH": str(PROJECT),
            "PATH": os.environ["PATH"],
            **environment,
        }
        with (tmp_path / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.shared.edge.small_service", env=given, cwd=PROJECT, stderr=log
            )
        running = Running(process, f"http://127.0.0.1:{port}")
        started.append(running)
        await running.until_ready()
        return running

    yield begin
    for running in started:
        await running.client.aclose()
        if running.process.returncode is None:
            running.process.kill()
            await running.process.wait()


def ask_slowly(running: Running) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(running.client.get("/api/small/slow", params={"seconds": 0.7}))


async def test_sigterm_finishes_what_is_in_progress_and_ends_the_streams(
    start: Callable[..., object], tmp_path: Path
) -> None:
    running = await start()  # type: ignore[misc]
    assert isinstance(running, Running)
    async with running.client.stream("GET", "/api/small/stream") as stream:
        lines = stream.aiter_lines()
        await anext(lines)
        slow = ask_slowly(running)
        async with asyncio.timeout(20):
            while "yike_http_requests_in_progress 1.0" not in (await running.client.get("/metrics")).text:
                slow = ask_slowly(running) if slow.done() else slow  # nobody looked in time
                await asyncio.sleep(0.01)

        running.process.send_signal(signal.SIGTERM)
        async for _ in lines:
            pass

    assert (await slow).json() == "done"
    assert await running.ended() == 0
    log = (tmp_path / "log").read_text()
    assert "small stopped" in log
    assert "Traceback" not in log


async def test_a_broken_loop_ends_the_process(start: Callable[..., object], tmp_path: Path) -> None:
    running = await start()  # type: ignore[misc]
    assert isinstance(running, Running)

    await running.client.post("/api/small/wishes", json={"text": "break the loop"})

    assert await running.ended() == 1
    assert "the loop turning ended; the process ends with it" in (tmp_path / "log").read_text()


async def test_a_lost_database_turns_the_process_red_and_does_not_end_it(
    service: Service, start: Callable[..., object]
) -> None:
    url = make_url(service.settings.database_url)
    async with way_to(url.host or "", url.port or 0) as way:
        through = url.set(port=way.port).render_as_string(hide_password=False)
        running = await start(READY_WITHIN_SECONDS="1.5", DATABASE_URL=through)  # type: ignore[misc]
        assert isinstance(running, Running)

        await way.block()
        red = await _health(running, lambda behind: "turning" in behind)
        assert red.status_code == 503
        assert (await running.client.get("/health/live")).status_code == 200

        await way.open()
        await _health(running, lambda behind: "turning" not in behind)
        assert running.process.returncode is None


async def _health(running: Running, enough: Callable[[list[str]], bool]) -> httpx.Response:
    async with asyncio.timeout(30):
        while True:
            answer = await running.client.get("/health/ready")
            if enough(answer.json()["behind"]):
                return answer
            await asyncio.sleep(0.02)


class Way:
    """A TCP way to somewhere that can be blocked: what is open breaks, and nobody comes in."""

    def __init__(self, host: str, port: int) -> None:
        self.target, self.port = (host, port), free_port()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)

    async def block(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        self._writers -= {writer, far_writer}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def way_to(host: str, port: int) -> AsyncIterator[Way]:
    way = Way(host, port)
    await way.open()
    try:
        yield way
    finally:
        await way.block()


async def test_a_taken_port_is_said_with_what_to_do(start: Callable[..., object], tmp_path: Path) -> None:
    first = await start()  # type: ignore[misc]
    assert isinstance(first, Running)

    with pytest.raises(AssertionError, match="ended while starting"):
        await start(PORT=str(first.client.base_url.port))  # type: ignore[misc]

    assert "cannot be listened on" in (tmp_path / "log").read_text()
