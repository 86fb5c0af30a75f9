"""Signed webhooks, as Standard Webhooks describes them (standardwebhooks.com).

Every request carries `webhook-id` (the idempotency key: a receiver drops what it has seen), `webhook-timestamp`
(seconds since 1970, refused when more than five minutes off) and `webhook-signature`: `v1,` and the base64 of
HMAC-SHA256 over `<id>.<timestamp>.<body>` under the shared secret. While a secret is being changed there are several
signatures with spaces between; one that fits is enough. The answer decides: 2xx is sent, 408, 425, 429 and 5xx are
tried again, every other is final. Redirects are not followed, because the address is what an administrator trusted.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Mapping, Sequence

import httpx
import orjson

from services.notify.channels import Message, Refused, Result, Sent, Unreachable
from shared.keys import Secret

WORTH_REPEATING = frozenset({408, 425, 429})
SKEW_SECONDS_MAX = 300
RETRY_AFTER_SECONDS_MAX = 3600.0


def signature(secret: bytes, key: str, timestamp: int, body: bytes) -> str:
    """One signature of a message, as it stands in the header."""
    signed = f"{key}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


def headers_of(secrets: Sequence[Secret], key: str, body: bytes) -> dict[str, str]:
    """The three headers of a signed body, under every secret in use."""
    timestamp = int(time.time())
    signatures = [signature(secret.value, key, timestamp, body) for secret in secrets]
    return {
        "content-type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def is_signed(secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether somebody who has one of the secrets sent this body within the last five minutes."""
    key, given = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not key or not given.isascii() or not given.isdecimal() or len(given) > 12:
        return False
    if abs(time.time() - int(given)) > SKEW_SECONDS_MAX:
        return False
    shown = headers.get("webhook-signature", "").split()
    expected = [signature(secret.value, key, int(given), body).encode() for secret in secrets]
    # Every pair is compared, so that the time taken says nothing about which one was near.
    fits = [hmac.compare_digest(one.encode(), other) for one in shown[:8] for other in expected]
    return any(fits)


def result_of(answer: httpx.Response) -> Result:
    """What an HTTP answer says of the message."""
    if answer.is_success:
        return Sent()
    because = f"HTTP {answer.status_code}"
    if answer.is_server_error or answer.status_code in WORTH_REPEATING:
        return Unreachable(because, after_seconds=retry_after(answer))
    return Refused(because)


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds the receiver asks us to wait; a date is not understood, which gateways do not send."""
    said = answer.headers.get("retry-after", "")
    return min(float(said), RETRY_AFTER_SECONDS_MAX) if said.isascii() and said.isdecimal() else None


class Webhook:
    """Posts the message as JSON: type, language, title, text and data."""

    def __init__(self, secrets: Sequence[Secret], timeout_seconds: float) -> None:
        self._secrets = secrets
        self._client = httpx.AsyncClient(timeout=timeout_seconds, follow_redirects=False)

    async def send(self, message: Message) -> Result:
        body = orjson.dumps(
            {
                "type": message.kind,
                "language": message.language,
                "title": message.title,
                "text": message.text,
                "data": message.data,
            }
        )
        try:
            answer = await self._client.post(
                message.to, content=body, headers=headers_of(self._secrets, message.key, body)
            )
        except httpx.InvalidURL:
            return Refused("the address is no URL")
        except httpx.UnsupportedProtocol:
            return Refused("the address is no http or https URL")
        except httpx.HTTPError as wrong:
            return Unreachable(type(wrong).__name__)
        return result_of(answer)

    async def close(self) -> None:
        await self._client.aclose()
