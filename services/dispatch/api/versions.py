"""Acting only on the version one has seen, for whatever has a story of its own."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Header

from services.dispatch.api.acting import etag
from shared.database import Transaction
from shared.problems import Problem

IfMatch = Annotated[str | None, Header(alias="If-Match", description="act only on this version")]


async def must_match(tx: Transaction, subject: UUID, if_match: str | None) -> None:
    """412 if the thing is not as the caller saw it; without the header it may be as it is."""
    if if_match is None:
        return
    await tx.lock(subject)
    now = etag(tx.version(subject))
    wanted = {one.strip() for one in if_match.split(",")}
    if now not in wanted and "*" not in wanted:
        raise Problem(
            412,
            "changed-meanwhile",
            "内容已有变化 / It has changed meanwhile",
            detail="请刷新后再操作 / Refresh it, then do this again",
            headers={"ETag": now},
        )
