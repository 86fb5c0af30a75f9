"""A service answering on a free port from a thread of its own: schemathesis calls it as any client would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from zlib import crc32

import requests
import uvicorn
from schemathesis import Case
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.openapi.worlds import World

Make = Callable[[], Awaitable[World]]

BEGINS_WITHIN_SECONDS = 120
LOOKED_AT_SECONDS = 0.01


def operations_of(described: OpenApiSchema) -> Iterator[APIOperation[Any, Any, Any, Any]]:
    for found in described.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


class Served:
    """`world` is what was put up, `url` where it answers."""

    world: World
    url: str

    def __init__(self, make: Make) -> None:
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy of the machine's between us
        self._make = make
        self._began = threading.Event()
        self._end = threading.Event()
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="served")

    def begin(self) -> None:
        self._thread.start()
        assert self._began.wait(BEGINS_WITHIN_SECONDS)
        if self._broken is not None:
            raise self._broken

    def end(self) -> None:
        self.session.close()
        self._end.set()
        self._thread.join()
        if self._broken is not None:
            raise self._broken

    def point(self, case: Case[Any]) -> None:
        """About half of the cases with sound ids get those of things that are there: the others show what is answered
        where nothing is."""
        if case.meta is None or case.meta.is_negative_at(ParameterLocation.PATH):
            return
        turn = crc32(repr((case.path_parameters, case.query, case.body)).encode(errors="replace"))
        known = self.world.known_at(case.operation.path)
        for name in sorted(case.path_parameters.keys() & known.keys()) if turn % 2 else ():
            choices = known[name]
            case.path_parameters[name] = str(choices[turn // 2 % len(choices)])

    def headers(self, case: Case[Any]) -> dict[str, str]:
        """The sign-in that the route asks for."""
        [*schemes] = [name for one in case.operation.definition.raw["security"] for name in one]
        return self.world.headers[schemes[0]] if schemes else {}

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as wrong:
            self._broken = wrong
        finally:
            self._began.set()

    async def _serve(self) -> None:
        self.world = await self._make()
        service = self.world.service
        config = uvicorn.Config(
            service.app, port=0, lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        answering = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(LOOKED_AT_SECONDS)
        [port] = [socket.getsockname()[1] for socket in server.servers[0].sockets]
        self.url = f"http://127.0.0.1:{port}"
        self._began.set()
        await asyncio.to_thread(self._end.wait)
        service.stopping.set()
        server.should_exit = True
        await answering
        await self.world.close()


@contextmanager
def serving(make: Make) -> Iterator[Served]:
    served = Served(make)
    served.begin()
    try:
        yield served
    finally:
        served.end()
