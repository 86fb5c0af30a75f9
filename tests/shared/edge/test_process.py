"""The service as a process of its own: ready, stopping cleanly, ending when a loop breaks."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import httpx
import pytest

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


async def test_sigterm_finishes_what_is_in_progress_and_ends_the_streams(
    start: Callable[..., object], tmp_path: Path
) -> None:
    running = await start()  # type: ignore[misc]
    assert isinstance(running, Running)
    async with running.client.stream("GET", "/api/small/stream") as stream:
        slow = asyncio.create_task(running.client.get("/api/small/slow", params={"seconds": 0.7}))
        lines = stream.aiter_lines()
        await anext(lines)
        async with asyncio.timeout(10):
            while 'route="/api/small/slow"' in (text := (await running.client.get("/metrics")).text) or (
                "yike_http_requests_in_progress 1.0" not in text
            ):
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
    running = await start(READY_WITHIN_SECONDS="0.5")  # type: ignore[misc]
    assert isinstance(running, Running)
    url = service.settings.database_url.replace("+asyncpg", "")
    elsewhere, _, name = url.rpartition("/")
    admin = await asyncpg.connect(f"{elsewhere}/postgres")
    try:
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await _until(running, 503)
        red = await running.client.get("/health/ready")
        assert "turning" in red.json()["behind"]
        assert (await running.client.get("/health/live")).status_code == 200

        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await _until(running, 200, but_for="relay")
    finally:
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await admin.close()
    assert running.process.returncode is None


async def _until(running: Running, status: int, but_for: str = "") -> None:
    async with asyncio.timeout(30):
        while True:
            answer = await running.client.get("/health/ready")
            behind = [name for name in answer.json()["behind"] if name != but_for]
            if answer.status_code == status or (status == 200 and not behind):
                return
            await asyncio.sleep(0.05)


async def test_a_taken_port_is_said_with_what_to_do(start: Callable[..., object], tmp_path: Path) -> None:
    first = await start()  # type: ignore[misc]
    assert isinstance(first, Running)

    with pytest.raises(AssertionError, match="ended while starting"):
        await start(PORT=str(first.client.base_url.port))  # type: ignore[misc]

    assert "cannot be listened on" in (tmp_path / "log").read_text()
