"""The other ends that do not exist in a test: a push service with browsers behind it, and a city's SMS gateway. Both
speak real HTTP; the browser decrypts what it gets, and the gateway checks signatures and sends receipts."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Any

import httpx
import orjson
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.notify.channels.webhook import is_signed, signature
from services.notify.channels.webpush import encoded
from shared.keys import Secret


@dataclass
class Pushed:
    """One push as the browser sees it, opened."""

    headers: dict[str, str]
    payload: dict[str, Any]


@dataclass
class Browser:
    """A browser's half of a subscription. `status` is what the push service answers."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: token_bytes(16))
    status: int = 201
    pushed: list[Pushed] = field(default_factory=list)

    @property
    def point(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self, endpoint: str, name: str = "手机") -> dict[str, Any]:
        keys = {"p256dh": encoded(self.point), "auth": encoded(self.auth)}
        return {"endpoint": endpoint, "keys": keys, "name": name}

    def opened(self, body: bytes) -> bytes:
        """RFC 8291 from the browser's side, written apart from ours."""
        salt, length = body[:16], body[20]
        server, box = body[21 : 21 + length], body[21 + length :]
        known = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), server)
        shared = self.private.exchange(ec.ECDH(), known)
        info = b"WebPush: info\0" + self.point + server
        secret = HKDF(SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        padded = AESGCM(key).decrypt(nonce, box, None)
        return padded.rstrip(b"\0").removesuffix(b"\2")


@dataclass
class PushService:
    """`endpoint(browser)` is where that browser is reached."""

    url: str = ""
    browsers: dict[str, Browser] = field(default_factory=dict)

    def endpoint(self, browser: Browser) -> str:
        name = encoded(token_bytes(8))
        self.browsers[name] = browser
        return f"{self.url}/push/{name}"

    async def push(self, request: Request) -> Response:
        browser = self.browsers[request.path_params["name"]]
        if browser.status < 300:
            payload = orjson.loads(browser.opened(await request.body()))
            browser.pushed.append(Pushed(dict(request.headers), payload))
        return Response(status_code=browser.status)


@dataclass
class SmsGateway:
    """A recording stand-in that speaks the documented shape (channels/sms.py). `answer` decides on the nth request."""

    secret: Secret
    url: str = ""
    texts: dict[str, dict[str, Any]] = field(default_factory=dict)
    came: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[int], Response] = lambda nth: Response(status_code=202)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if not is_signed([self.secret], request.headers, body):
            return Response(status_code=401)
        said = orjson.loads(body)
        assert said["id"] == request.headers["webhook-id"]
        self.came.append(said)
        if said["id"] in self.texts:
            return Response(status_code=409)
        answer = self.answer(len(self.came))
        if answer.status_code < 300:
            self.texts[said["id"]] = said
        return answer

    async def send_receipts(self, base_url: str, *receipts: dict[str, Any], **changed: str) -> httpx.Response:
        """As the gateway would, signed with the secret we share."""
        return await post_signed(
            self.secret, f"{base_url}/api/notify/receipts", {"receipts": receipts}, **changed
        )


async def post_signed(secret: Secret, url: str, said: Any, **changed: str) -> httpx.Response:
    """`changed` replaces headers after signing; `now` is when it says it was signed."""
    body, now = orjson.dumps(said), int(changed.pop("now", "0")) or int(time.time())
    headers = {
        "content-type": "application/json",
        "webhook-id": "receipts-1",
        "webhook-timestamp": str(now),
        "webhook-signature": signature(secret.value, "receipts-1", now, body),
    } | changed
    async with httpx.AsyncClient() as client:
        return await client.post(url, content=body, headers=headers)


@asynccontextmanager
async def listening_on(*routes: Route) -> AsyncIterator[str]:
    """These routes on a free port; its base URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            Starlette(routes=list(routes)),
            lifespan="off",
            log_config=None,
            ws="none",
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listening.close()


@asynccontextmanager
async def a_push_service() -> AsyncIterator[PushService]:
    service = PushService()
    async with listening_on(Route("/push/{name}", service.push, methods=["POST"])) as url:
        service.url = url
        yield service


@asynccontextmanager
async def an_sms_gateway(secret: Secret, contacts: dict[str, Any] | None = None) -> AsyncIterator[SmsGateway]:
    """Beside it intake's answer to who the requester is."""
    gateway = SmsGateway(secret)

    async def contact(request: Request) -> Response:
        return Response(orjson.dumps(contacts or {}), media_type="application/json")

    routes = (
        Route("/texts", gateway.take, methods=["POST"]),
        Route("/api/intake/internal/contacts/{case_id}", contact),
    )
    async with listening_on(*routes) as url:
        gateway.url = url
        yield gateway
