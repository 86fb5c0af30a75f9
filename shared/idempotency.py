"""Commands that may be repeated: the answer is stored with the effect, in the same transaction.

The first request with a key writes the key's row and, at its end, the answer. A second one waits on that row; then
it gets the stored answer, or, if the first was rolled back, does the work itself.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import Column, DateTime, Index, Integer, LargeBinary, MetaData, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from shared.problems import Problem

if TYPE_CHECKING:
    from shared.database import Transaction

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY_CHARACTERS_MAX = 200
KEY_PATTERN = f"^[!-~]([ -~]{{0,{KEY_CHARACTERS_MAX - 2}}}[!-~])?$"
"""What a description says of a key; blanks around a header's value are no part of it."""
KEPT_HEADERS = ("content-type", "location", "etag")
CHUNK_BYTES = 65_536


def idempotency_table(metadata: MetaData) -> Table:
    """One row per key and scope. `status` is null only inside the transaction that works on it; `body` is null for
    an answer that must not be kept (`Cache-Control: no-store`, say somebody's phone number)."""
    return Table(
        "idempotency_keys",
        metadata,
        Column("scope", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("body_sha256", LargeBinary, nullable=False),
        Column("status", Integer),
        Column("headers", JSONB),
        Column("body", LargeBinary),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
        Index("idempotency_keys_by_age", "created_at"),
    )


@dataclass(frozen=True)
class RequestKey:
    """What makes two requests the same: who asks for what, under which key, with which body. The digest is an HMAC:
    the bare hash of a body would tell a phone number to who can try them all."""

    scope: str
    key: str
    body_sha256: bytes


@dataclass(frozen=True)
class StoredAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes | None


async def request_key(request: Request, person_id: str | None, secret: bytes) -> RequestKey | None:
    """The request's key, or None if it has none. The body is read; it stays readable."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= KEY_CHARACTERS_MAX or not key.isascii() or not key.isprintable():
        raise Problem(
            400,
            "idempotency-key-unusable",
            "Idempotency-Key 无法使用 / The Idempotency-Key cannot be used",
            detail=f"须为 1 至 {KEY_CHARACTERS_MAX} 个 ASCII 字符 / Send 1 to {KEY_CHARACTERS_MAX} ASCII characters",
        )
    scope = f"{request.method} {request.url.path} {person_id or '-'}"
    return RequestKey(scope, key, await _digest(request, secret))


async def claim(tx: Transaction, key: RequestKey) -> StoredAnswer | None:
    """Take the key for this transaction, waiting for whoever holds it now; or what was answered to it before."""
    claimed = await tx.rows(
        "INSERT INTO idempotency_keys (scope, key, body_sha256) VALUES (:scope, :key, :sha256)"
        " ON CONFLICT DO NOTHING RETURNING 1",
        scope=key.scope,
        key=key.key,
        sha256=key.body_sha256,
    )
    return None if claimed else await _stored(tx, key)


async def keep(tx: Transaction, key: RequestKey, answer: StoredAnswer) -> None:
    """Store the answer beside the effect; both are committed, or neither."""
    await tx.rows(
        "UPDATE idempotency_keys SET status = :status, headers = CAST(:headers AS jsonb), body = :body"
        " WHERE scope = :scope AND key = :key RETURNING 1",
        scope=key.scope,
        key=key.key,
        status=answer.status,
        headers=orjson.dumps(dict(answer.headers)).decode(),
        body=answer.body,
    )


async def forget_old(tx: Transaction, *, kept_hours: int, rows_max: int = 1000) -> int:
    """Delete some of the keys that are older than `kept_hours` of real time; how many there were."""
    gone = await tx.rows(
        "DELETE FROM idempotency_keys WHERE (scope, key) IN (SELECT scope, key FROM idempotency_keys"
        " WHERE created_at < clock_timestamp() - make_interval(hours => :hours)"
        " ORDER BY created_at LIMIT :rows_max FOR UPDATE SKIP LOCKED) RETURNING 1",
        hours=kept_hours,
        rows_max=rows_max,
    )
    return len(gone)


async def _stored(tx: Transaction, key: RequestKey) -> StoredAnswer:
    rows = await tx.rows(
        "SELECT body_sha256, status, headers, body FROM idempotency_keys WHERE scope = :scope AND key = :key",
        scope=key.scope,
        key=key.key,
    )
    if not rows:  # purged between the two statements
        raise Problem(
            409, "idempotency-key-expired", "请求已过期，请用新的 Idempotency-Key / Use a new Idempotency-Key"
        )
    row = rows[0]
    if row["body_sha256"] != key.body_sha256:
        raise Problem(
            422,
            "idempotency-key-reused",
            "同一个 Idempotency-Key 已用于另一个请求 / This Idempotency-Key was used for another request",
            detail="新的请求须用新的 Idempotency-Key / Send a new request with a new key",
        )
    if row["body"] is None:
        raise Problem(
            409,
            "answer-not-kept",
            "该请求已办理，其结果不予保存 / This was done already and its answer is not kept",
            detail="如需再次查看，请用新的 Idempotency-Key / To see it again, ask with a new key",
        )
    return StoredAnswer(row["status"], row["headers"] or {}, row["body"])


async def _digest(request: Request, secret: bytes) -> bytes:
    """Of what was sent. A form is hashed by its parts: its raw bytes differ each time by a random boundary."""
    digest = hmac.new(secret, request.url.query.encode(), hashlib.sha256)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async for piece in _pieces(await request.form()):
            digest.update(len(piece).to_bytes(8, "big") + piece)
    else:
        digest.update(b"\0" + await request.body())
    return digest.digest()


async def _pieces(form: FormData) -> AsyncIterator[bytes]:
    for name, value in form.multi_items():
        yield name.encode()
        if not isinstance(value, UploadFile):
            yield value.encode()
            continue
        yield (value.filename or "").encode()
        while piece := await value.read(CHUNK_BYTES):
            yield piece
        await value.seek(0)
