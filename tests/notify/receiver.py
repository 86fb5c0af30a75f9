"""The other ends: a message gateway that drops what it has seen, and a mail server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

import orjson
import uvicorn
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.notify.channels.webhook import signature


@dataclass
class Gateway:
    """A city's message gateway. It checks the signature, and takes each `webhook-id` once however often it comes.
    `answer` decides what it says to each request; by default it takes everything."""

    secret: bytes
    url: str = ""
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    came: list[str] = field(default_factory=list)
    answer: Callable[[int], int] = lambda nth: 204
    at_first: Callable[[], None] | None = None
    contacts: dict[str, Any] = field(default_factory=dict)
    status: int = 404
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    async def hook(self, request: Request) -> Response:
        body, key = await request.body(), request.headers["webhook-id"]
        expected = signature(self.secret, key, int(request.headers["webhook-timestamp"]), body)
        if expected not in request.headers["webhook-signature"].split():
            return Response(status_code=401)
        self.came.append(key)
        self.taken.setdefault(key, orjson.loads(body))
        if self.at_first is not None and len(self.came) == 1:
            self.at_first()
            await asyncio.sleep(30)
        status = self.answer(len(self.came))
        if status >= 300:
            del self.taken[key]
        return Response(status_code=status)

    async def contact(self, request: Request) -> Response:
        """What intake answers."""
        self.asked.append((request.query_params["purpose"], request.headers.get("authorization")))
        if not self.contacts:
            return Response(status_code=self.status)
        return Response(orjson.dumps(self.contacts), media_type="application/json")


@asynccontextmanager
async def a_gateway(secret: bytes) -> AsyncIterator[Gateway]:
    gateway = Gateway(secret)
    app = Starlette(
        routes=[
            Route("/hook", gateway.hook, methods=["POST"]),
            Route("/api/intake/internal/contacts/{case_id}", gateway.contact),
        ]
    )
    listening = socket.create_server(("127.0.0.1", 0))
    gateway.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(app, lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=1)
    )
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield gateway
    finally:
        server.should_exit = True
        await serving
        listening.close()


@dataclass
class Postbox:
    """A mail server's side: what arrived, and with what it refuses."""

    port: int = 0
    mails: list[Message] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    says: str = "250 taken"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.says.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.says

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content))
        self.recipients += envelope.rcpt_tos
        return "250 taken"


class OnAnyPort(Controller):
    """The system draws the port as it is taken: one drawn before may be somebody else's by then."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def a_postbox() -> Iterator[Postbox]:
    postbox = Postbox()
    controller = OnAnyPort(postbox, hostname="127.0.0.1", port=0)
    controller.start()
    postbox.port = controller.port
    try:
        yield postbox
    finally:
        controller.stop()
