"""Text messages, through a city's own gateway behind one HTTP shape.

Request: `POST <SMS_GATEWAY_URL>` with JSON
    {"id": "<of this text>", "to": "13800000000", "text": "…", "language": "zh", "kind": "please_answer",
     "urgent": false, "receipts_url": "https://…/api/notify/receipts"}
signed as every webhook of ours (webhook.py: `webhook-id` is the same id, `webhook-timestamp`, `webhook-signature`).
`id` is the same whenever this text is sent again, and names nobody.
`to` is the number as it was given to us, with a leading `+` and country code or without; the adapter knows its city.

Answer: 2xx taken (the body is not read) · 409 this id was taken before, which counts as taken · 400, 404, 410, 413,
422 refused for good, with a reason as {"code": "…"} (no such number, blocked, too long) · 408, 425, 429 and 5xx not
now, `Retry-After` in seconds is heeded · 401, 403 our signature is not known there, tried again, because somebody
mends that. An adapter keeps ids for 48 hours at least, and drops what it has seen.

Receipt: the gateway posts `receipts_url` {"receipts": [{"id": "…", "status": "delivered" | "undelivered",
"because": "…"}]} signed in the same way under the same secret; 200 says which ids were not known.
"""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import orjson

from services.notify.channels import Message, Refused, Result, Sent, Unreachable
from services.notify.channels.webhook import headers_of, result_of
from shared.keys import Secret

TAKEN_BEFORE = 409
OURS_TO_MEND = frozenset({401, 403})
REASON_CHARACTERS_MAX = 60


class Sms:
    """One gateway; other makes are adapters that speak this shape."""

    def __init__(
        self, url: str, secrets: Sequence[Secret], timeout_seconds: float, receipts_url: str
    ) -> None:
        self._url, self._secrets, self._receipts_url = url, secrets, receipts_url
        self._client = httpx.AsyncClient(timeout=timeout_seconds, follow_redirects=False)

    async def send(self, message: Message) -> Result:
        body = orjson.dumps(
            {
                "id": message.notice_id,
                "to": message.to,
                "text": message.text,
                "language": message.language,
                "kind": message.kind,
                "urgent": message.urgent,
                "receipts_url": self._receipts_url,
            }
        )
        headers = headers_of(self._secrets, message.notice_id, body)
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as wrong:
            return Unreachable(type(wrong).__name__)
        return _result(answer)

    async def close(self) -> None:
        await self._client.aclose()


def _result(answer: httpx.Response) -> Result:
    if answer.status_code == TAKEN_BEFORE:
        return Sent()
    if answer.status_code in OURS_TO_MEND:
        return Unreachable(f"HTTP {answer.status_code}: the gateway does not know our signature")
    result = result_of(answer)
    return Refused(f"{result.because} {_code(answer)}".strip()) if isinstance(result, Refused) else result


def _code(answer: httpx.Response) -> str:
    """The gateway's reason, if it is a word; a sentence might hold the number."""
    try:
        said = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return ""
    code = said.get("code") if isinstance(said, dict) else None
    word = isinstance(code, str) and code.replace("_", "").replace("-", "").isalpha()
    return code[:REASON_CHARACTERS_MAX] if word and isinstance(code, str) else ""
