"""Web Push: encrypted for the device (RFC 8291, aes128gcm), signed by us (VAPID, RFC 8292).

The push service sees neither title nor text; what is in them holds no personal data all the same, because a locked
screen shows it to whoever is near: the kind of notice in words, and ids. The app fetches the rest from the feed.
404 and 410 say that a device is no longer subscribed: it is forgotten.
"""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

import httpx
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from services.notify.channels import Device, Message, Refused, Result, Sent, Unreachable
from services.notify.channels.webhook import retry_after

GONE = frozenset({404, 410})
OURS_TO_MEND = frozenset({401, 403})
TOKEN_LASTS_SECONDS = 12 * 3600
TOKEN_USED_SECONDS = 6 * 3600
RECORD_BYTES = 4096
TTL_SECONDS = {True: 120, False: 12 * 3600}
"""By whether it rings: an offer that reaches the phone later than that is somebody else's by now."""
CURVE = ec.SECP256R1()


class WebPush:
    """To every device of the person. Reached is who took it; a device that did not this time is not tried alone
    again, since the others would ring twice."""

    def __init__(self, key: ECKey, *, contact: str, timeout_seconds: float) -> None:
        self._key, self._contact = key, contact
        self._public = public_key(key)
        self._client = httpx.AsyncClient(timeout=timeout_seconds, follow_redirects=False)
        self._tokens: dict[str, tuple[float, str]] = {}

    async def send(self, message: Message) -> Result:
        if not message.devices:
            return Refused("no device is subscribed")
        payload = orjson.dumps(
            {
                "id": message.notice_id,
                "kind": message.kind,
                "title": message.title,
                "lang": message.language,
                "urgent": message.urgent,
            }
        )
        results = await asyncio.gather(*(self._push(device, payload, message) for device in message.devices))
        return _together(message.devices, results)

    async def close(self) -> None:
        await self._client.aclose()

    async def _push(self, device: Device, payload: bytes, message: Message) -> Result:
        try:
            body = encrypted(payload, device.p256dh, device.auth)
        except ValueError:
            return Refused("the device's keys are none", gone=(device.id,))
        headers = {
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(TTL_SECONDS[message.urgent]),
            "urgency": "high" if message.urgent else "normal",
            "authorization": f"vapid t={self._token(device.endpoint)}, k={self._public}",
        }
        try:
            answer = await self._client.post(device.endpoint, content=body, headers=headers)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            return Refused("the endpoint is no URL", gone=(device.id,))
        except httpx.HTTPError as wrong:
            return Unreachable(type(wrong).__name__)
        return _result(answer, device)

    def _token(self, endpoint: str) -> str:
        """One signature per push service for hours, because signing costs more than the request."""
        at = urlsplit(endpoint)
        audience, now = f"{at.scheme}://{at.netloc}", time.time()
        made, token = self._tokens.get(audience, (float("-inf"), ""))
        if now - made > TOKEN_USED_SECONDS:
            claims = {"aud": audience, "exp": int(now) + TOKEN_LASTS_SECONDS, "sub": self._contact}
            token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, self._key)
            self._tokens[audience] = (now, token)
        return token


def _result(answer: httpx.Response, device: Device) -> Result:
    because = f"HTTP {answer.status_code}"
    if answer.is_success:
        return Sent()
    if answer.status_code in GONE:
        return Refused(because, gone=(device.id,))
    if answer.is_server_error or answer.status_code in {408, 425, 429, *OURS_TO_MEND}:
        return Unreachable(because, after_seconds=retry_after(answer))
    return Refused(because)


def _together(devices: Sequence[Device], results: Sequence[Result]) -> Result:
    gone = tuple(device_id for result in results for device_id in result.gone)
    if any(isinstance(result, Sent) for result in results):
        return Sent(gone=gone)
    away = [result for result in results if isinstance(result, Unreachable)]
    if away:
        return Unreachable(away[0].because, after_seconds=away[0].after_seconds, gone=gone)
    because = next(result.because for result in results if isinstance(result, Refused))
    return Refused(because, gone=gone)


def public_key(key: ECKey) -> str:
    """Our public key as browsers ask for it (`applicationServerKey`)."""
    private = key.private_key
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise TypeError("a VAPID key is a private key on P-256")
    return encoded(_point(private.public_key()))


def encrypted(payload: bytes, p256dh: str, auth: str) -> bytes:
    """The payload for the one device that has the other half of `p256dh`; ValueError for keys that are none."""
    return sealed_with(payload, p256dh, auth, ec.generate_private_key(CURVE), os.urandom(16))


def sealed_with(
    payload: bytes, p256dh: str, auth: str, own: ec.EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """RFC 8291 §3.4 and RFC 8188: one record, whose key comes of both key pairs, the device's secret and the salt."""
    device = decoded(p256dh)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, device)
    mine = _point(own.public_key())
    shared = own.exchange(ec.ECDH(), theirs)
    secret = _derived(shared, decoded(auth), b"WebPush: info\x00" + device + mine, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\x00", 12)
    header = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(mine)]) + mine
    return header + AESGCM(key).encrypt(nonce, payload + b"\x02", None)


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encoded(value: bytes) -> str:
    """Base64url without padding, as the Push API writes keys."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def decoded(value: str) -> bytes:
    """The same back; ValueError for what is none."""
    if not value.isascii() or not value.replace("-", "").replace("_", "").rstrip("=").isalnum():
        raise ValueError("not base64url")
    stripped = value.rstrip("=")
    return base64.urlsafe_b64decode(stripped + "=" * (-len(stripped) % 4))


def are_keys(p256dh: str, auth: str) -> bool:
    """Whether a device's keys can be used: a point on the curve and 16 bytes."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decoded(p256dh))
        return len(decoded(auth)) == 16
    except ValueError:
        return False


def is_push_service(endpoint: str, hosts: Sequence[str]) -> bool:
    """Whether the endpoint is an https URL of a known push service (`*` stands for any name in front). Without this
    anybody signed in could have us post to machines inside. Loopback may be http, for tests."""
    try:
        at = urlsplit(endpoint)
        host = at.hostname or ""
    except ValueError:
        return False
    if at.username or at.password or not any(fnmatchcase(host, known) for known in hosts):
        return False
    return at.scheme == "https" or (at.scheme == "http" and host == "127.0.0.1")
