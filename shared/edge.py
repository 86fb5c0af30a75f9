"""What surrounds every request: trace, count, time, the last net for errors; and the routes every service has."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import metrics, simulation
from shared.problems import Problem, answer_to
from shared.routes import open_to_everybody
from shared.telemetry import continue_trace

if TYPE_CHECKING:
    from shared.service import Service

log = logging.getLogger(__name__)

SLOW_SECONDS = 1.0
NOT_COUNTED = ("/health", "/metrics", "/simulation")


class Edge:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        passage = _Passage(self.service, scope, send)
        try:
            with continue_trace(Headers(scope=scope).get("traceparent"), scope["method"]):
                await self._answered(scope, receive, passage)
        finally:
            passage.leave()

    async def _answered(self, scope: Scope, receive: Receive, passage: _Passage) -> None:
        try:
            if passage.counted and not self.service.directory_is_read:
                raise starting()
            await self.app(scope, receive, passage.send)
        except Exception as wrong:
            if passage.status is not None:
                # The route and not the path: a resident's link stands in it.
                log.exception("the answer to %s %s broke off", scope["method"], passage.route)
                return
            answer = answer_to(wrong, Headers(scope=scope).get("accept-language"), scope["path"])
            await answer(scope, receive, passage.send)


def starting() -> Problem:
    return Problem(503, "starting", "系统正在启动 / The system is starting", headers={"Retry-After": "1"})


class _Passage:
    """One request from its first byte to the last of its answer. A stream counts until it begins: it may last for
    hours, and nothing is in flight while it waits."""

    def __init__(self, service: Service, scope: Scope, send: Send) -> None:
        self.service, self.scope, self._send = service, scope, send
        self.began = time.perf_counter()
        self.status: int | None = None
        self.counted = not scope["path"].startswith(NOT_COUNTED)
        self._inside = self.counted
        if self.counted:
            service.requests_in_progress += 1
            metrics.REQUESTS_IN_PROGRESS.inc()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream"):
                self.leave()
        await self._send(message)

    @property
    def route(self) -> str:
        return str(getattr(self.scope.get("route"), "path", "none"))

    def leave(self) -> None:
        if not self._inside:
            return
        self._inside = False
        self.service.requests_in_progress -= 1
        self.service.requests_done += 1
        metrics.REQUESTS_IN_PROGRESS.dec()
        seconds = time.perf_counter() - self.began
        route, method = self.route, self.scope["method"]
        status = self.status or 499  # the asker left before there was an answer
        metrics.REQUEST_SECONDS.labels(route, method, str(status)).observe(seconds)
        if status >= 500 or seconds > SLOW_SECONDS:
            log.warning("%s %s answered %d after %.0f ms", method, route, status, seconds * 1000)


def own_routes(service: Service) -> APIRouter:
    """Health, metrics, the API's description and, in a simulation, what is in flight."""
    router = APIRouter(dependencies=[open_to_everybody()])

    @router.get("/health/live", include_in_schema=False)
    async def live() -> Response:
        return _health(service, service.health.not_live())

    @router.get("/health/ready", include_in_schema=False)
    async def ready() -> Response:
        behind = service.health.not_ready()
        # Until the registry's things are read every request gets 503, so nothing may be sent here yet.
        return _health(service, behind if service.directory_is_read else sorted({*behind, "directory"}))

    @router.get("/metrics", include_in_schema=False)
    async def series() -> Response:
        return Response(
            generate_latest(REGISTRY) + generate_latest(service.registry), media_type=CONTENT_TYPE_LATEST
        )

    @router.get(f"/api/{service.name}/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return service.app.openapi()

    if service.settings.simulation:
        simulation.add_to(router, service)
    return router


def _health(service: Service, behind: list[str]) -> Response:
    broken = [service.broken] if service.broken else []
    ages = {name: round(beat.good_age_seconds, 1) for name, beat in service.health.beats.items()}
    document = {
        "service": service.name,
        "behind": sorted({*behind, *broken}),
        "good_turn_age_seconds": ages,
        "registry_revision": service.directory.revision,
    }
    return JSONResponse(document, 503 if document["behind"] else 200)
