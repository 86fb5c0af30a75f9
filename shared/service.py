"""A service put together: routes, loops, health, metrics and a clean end. Its main.py names the parts; this runs them.

Loops start once the registry's things have been read whole; until then requests get 503. A loop that outlives its
surroundings turns the process red; a loop that breaks ends it.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property, partial

import uvicorn
from fastapi import APIRouter, FastAPI
from sqlalchemy import MetaData

from shared import figures, logs, problems, simulation, telemetry
from shared.database import Database
from shared.directory import Directory
from shared.edge import Edge, own_routes
from shared.files import Files
from shared.health import Beat, Health
from shared.identity import Verifier
from shared.inbox import Subscriptions
from shared.loops import Plumbing, Run
from shared.metrics import registry_of
from shared.openapi import Described
from shared.retry import outlive
from shared.sealing import Sealer
from shared.settings import ServiceSettings
from shared.timers import TimerHandlers
from shared.who_comes import AskWhoComes

log = logging.getLogger(__name__)

# Longer than Caddy keeps idle connections (2 min): the other way round it would send a POST into a closing one.
KEEP_ALIVE_SECONDS = 130
# The kernel drops a peer that acknowledges nothing for so long; closing alone would wait for its buffer to drain.
UNACKNOWLEDGED_MS_MAX = 30_000
BACKLOG = 2048


@dataclass(frozen=True)
class Loop:
    """Work of its own: `run(database, beat)` goes on for ever and beats after each good turn, at least every second.
    `pending`, for the simulation, tells what it still has to do now and when it has something again."""

    name: str
    run: Callable[[Database, Beat], Awaitable[None]]
    pending: simulation.AskPending | None = None


class Service:
    """One process of one service. `journal=False`: it owns no truth, what it hears is not journalled.
    `hears_everything`: it listens to every type, so a missing sequence number is noticed. `directory` and `verifier`
    are given by tests; otherwise the directory is read from its topic, and tokens are checked with the issuer."""

    def __init__(
        self,
        *,
        name: str,
        settings: ServiceSettings,
        routers: Sequence[APIRouter] = (),
        subscriptions: Subscriptions | None = None,
        timers: TimerHandlers | None = None,
        loops: Sequence[Loop] = (),
        tables: MetaData,
        journal: bool = True,
        hears_everything: bool = False,
        directory: Directory | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        self.name, self.settings, self.tables = name, settings, tables
        self.journal, self.hears_everything = journal, hears_everything
        self.subscriptions: Subscriptions = subscriptions or {}
        self.timers: TimerHandlers = timers or {}
        self.loops = tuple(loops)
        self.directory = directory if directory is not None else Directory()
        self.directory_is_given = directory is not None
        self.verifier = verifier or Verifier(settings)
        self.database = Database(
            settings.database_url, source=name, directory=self.directory, pool_size=settings.pool_size
        )
        self.health = Health(settings.live_within_seconds, settings.ready_within_seconds)
        self.figures = figures.Figures()
        self.registry = registry_of(self.health, self.figures)
        self.plumbing = Plumbing(self)
        self.stopping = asyncio.Event()
        self.requests_in_progress = self.requests_done = 0
        self.broken: str | None = None
        self.app = self._build_app(routers)

    @cached_property
    def files(self) -> Files:
        """The store of FILES_URL."""
        return Files(self.settings.files_url or "memory://")

    @cached_property
    def sealer(self) -> Sealer:
        """Seals under the keys of MASTER_KEY_FILE."""
        return Sealer(self.settings.master_keys)

    @cached_property
    def who_comes(self) -> AskWhoComes:
        """Asks dispatch of DISPATCH_URL."""
        return AskWhoComes(self.settings)

    @cached_property
    def digest_secret(self) -> bytes:
        """Keys the digests of requests' bodies. From the last key of its file, which stays when a new one is put on
        top; empty for a service that is given neither key, and so takes in nothing personal."""
        settings = self.settings
        secrets = settings.master_keys if settings.master_key_file else ()
        if not secrets and settings.internal_token_file:
            secrets = settings.internal_tokens
        return hmac.digest(secrets[-1].value, b"bodies of requests", "sha256") if secrets else b""

    def _build_app(self, routers: Sequence[APIRouter]) -> FastAPI:
        app = Described(
            title=f"Yike {self.name}",
            lifespan=self._lifespan,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
        )
        app.state.service = self
        for router in (*routers, own_routes(self)):
            app.router.routes.extend(router.routes)
        problems.add_to(app)
        app.add_middleware(Edge, service=self)
        return app

    # ── running ──────────────────────────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        async with self.running():
            yield

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """All loops, for as long as the block lasts."""
        self.stopping.clear()
        tasks = [self._begin(name, run) for name, run in self._all_loops().items()]
        log.info("%s runs: %s", self.name, ", ".join(task.get_name() for task in tasks))
        try:
            yield
        finally:
            self.stopping.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._close()
            log.info("%s stopped", self.name)

    def _all_loops(self) -> Mapping[str, Run]:
        own = {loop.name: partial(loop.run, self.database) for loop in self.loops}
        return {**self.plumbing.loops(), "figures": partial(figures.keep_reading, self), **own}

    def _begin(self, name: str, run: Run) -> asyncio.Task[None]:
        task = asyncio.create_task(self._loop(name, run), name=name)
        task.add_done_callback(self._ended)
        return task

    async def _loop(self, name: str, run: Run) -> None:
        beat = self.health.beat(name)
        if name != "directory":
            await self._directory_read(beat)
        await outlive(partial(run, beat), beat)

    async def _directory_read(self, beat: Beat) -> None:
        while not self.directory_is_read:
            await asyncio.wait([reading := asyncio.ensure_future(self.directory.complete.wait())], timeout=1)
            reading.cancel()
            beat(good=False)

    @property
    def directory_is_read(self) -> bool:
        """Whether the registry's things are known; deciding anything before would be deciding in the dark."""
        return self.directory.complete.is_set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self.stopping.is_set():
            return
        self.broken = task.get_name()
        log.critical("the loop %s ended; the process ends with it", self.broken, exc_info=task.exception())
        self.stop()

    def stop(self) -> None:
        """End the process as SIGTERM would."""
        self.stopping.set()
        if self._server is not None:
            self._server.should_exit = True

    async def _close(self) -> None:
        await self.plumbing.close()
        await self.database.close()
        if "files" in self.__dict__:
            self.files.close()
        if "who_comes" in self.__dict__:
            await self.who_comes.close()
        telemetry.stop()

    _server: uvicorn.Server | None = None

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT: finish what is in progress, end the streams, stop the loops. Exit code 1 if
        a loop broke."""
        logs.configure(self.name, form=self.settings.log_format, level=self.settings.log_level)
        telemetry.configure(self.name, self.settings.otel_exporter_otlp_endpoint)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(1 if self.broken else 0))
        self._server = _Server(self)
        self._server.run(sockets=[_listening(self.settings.host, self.settings.port)])
        sys.exit(1 if self.broken else 0)


class _Server(uvicorn.Server):
    """Ends the streams first when it stops; uvicorn would wait for them to end by themselves."""

    def __init__(self, service: Service) -> None:
        super().__init__(
            uvicorn.Config(
                service.app,
                loop="uvloop",
                http="httptools",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=True,
                forwarded_allow_ips=service.settings.trusted_proxies,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=service.settings.drain_within_seconds,
            )
        )
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.stopping.set()
        await super().shutdown(sockets)


def _listening(host: str, port: int) -> socket.socket:
    """A listening socket; connections inherit its options."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS_MAX)
    try:
        listening.bind((host, port))
    except OSError as wrong:
        sys.exit(
            f"HOST={host} PORT={port} cannot be listened on ({wrong.strerror}): free it or set another PORT."
        )
    listening.listen(BACKLOG)
    return listening
