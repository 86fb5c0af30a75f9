"""`small`: a service with wishes instead of cases, to try the edge on. `python -m` runs it as main.py would."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from fastapi import Response, UploadFile
from pydantic import BaseModel, Field
from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, MetaData, Table, Text
from starlette.responses import StreamingResponse

from shared.database import Database
from shared.health import Beat
from shared.ids import uuid7
from shared.plumbing import add_plumbing
from shared.problems import Problem
from shared.routes import Caller, Db, Tx, allow, internal_only, open_to_everybody, router_for
from shared.service import Loop, Service
from shared.settings import ServiceSettings
from shared.sse import ServerSentEvent, stream
from shared.vocabulary import Role

TABLES = MetaData()
add_plumbing(TABLES)
# Checked at COMMIT only: the way to have a commit fail after the endpoint has answered.
WISHES = Table(
    "wishes",
    TABLES,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("text", Text, nullable=False),
    Column("person_id", Text),
    CheckConstraint("text <> 'forbidden by the table'"),
)
ADD = "INSERT INTO wishes (text, person_id) VALUES (:text, :person_id) RETURNING id"

router = router_for("small")


class Wish(BaseModel):
    text: str = Field(min_length=1, max_length=50)
    times: int = 1


class Made(BaseModel):
    id: int


@router.post("/wishes", status_code=201, dependencies=[open_to_everybody()])
async def add_wish(body: Wish, tx: Tx, response: Response) -> Made:
    made = (await tx.rows(ADD, text=body.text, person_id=None))[0]["id"]
    response.headers["Location"] = f"/api/small/wishes/{made}"
    if body.text == "forbidden":
        raise Problem(
            409,
            "wish-forbidden",
            "不可以 / Not this one",
            detail="换一个愿望 / Wish for something else",
            holder="p-1",
        )
    if body.text == "breaks":
        raise LookupError("a fault of ours, about 13800000000")
    return Made(id=made)


@router.post("/mine", status_code=201, dependencies=[allow(Role.GRID_WORKER, Role.GRID_LEADER)])
async def add_mine(body: Wish, tx: Tx, who: Caller) -> Made:
    return Made(id=(await tx.rows(ADD, text=body.text, person_id=who.actor().person_id))[0]["id"])


@router.post("/units/{unit_id}", dependencies=[allow(Role.GRID_LEADER)])
async def lead(unit_id: str, tx: Tx, who: Caller) -> str:
    return who.must(Role.GRID_LEADER, unit_id, tx.directory)


@router.post("/pictures", status_code=201, dependencies=[open_to_everybody()], max_body_size=100_000)
async def add_picture(file: UploadFile, caption: str, tx: Tx) -> dict[str, Any]:
    content = await file.read()
    made = (await tx.rows(ADD, text=caption, person_id=None))[0]["id"]
    return {"id": made, "bytes": len(content)}


@router.post("/reveals", dependencies=[open_to_everybody()])
async def reveal(body: Wish, tx: Tx, response: Response) -> dict[str, str]:
    response.headers["Cache-Control"] = "no-store"
    return {"phone": "13800000000"}


@router.get("/wishes", dependencies=[open_to_everybody()])
async def wishes(tx: Tx, write: bool = False) -> list[str]:
    if write:
        await tx.rows(ADD, text="by a reader", person_id=None)
    return [row["text"] for row in await tx.rows("SELECT text FROM wishes ORDER BY id")]


@router.get("/wishes/{wish_id}", dependencies=[open_to_everybody()])
async def wish(wish_id: UUID) -> str:
    return str(wish_id)


@router.get("/slow", dependencies=[open_to_everybody()])
async def slow(tx: Tx, seconds: float = 1.0) -> str:
    await tx.rows("SELECT 1 FROM pg_sleep(:seconds)", seconds=seconds)
    return "done"


@router.get("/ours", dependencies=[internal_only()])
async def ours() -> str:
    return "ours"


@router.get("/stream", dependencies=[open_to_everybody()])
async def events(database: Db, from_id: int = 1, bytes_each: int = 10) -> StreamingResponse:
    async def numbers() -> AsyncIterator[ServerSentEvent]:
        number = from_id
        while True:
            yield ServerSentEvent(data="x" * bytes_each, id=str(number), event="number")
            number += 1
            await asyncio.sleep(0.01)

    return stream(numbers(), send_timeout_seconds=0.5, heartbeat_seconds=0.2)


async def turn(database: Database, beat: Beat) -> None:
    """Turns until a wish says otherwise."""
    while True:
        async with database.transaction() as tx:
            if await tx.rows("SELECT 1 FROM wishes WHERE text = 'break the loop'"):
                raise LookupError(f"the loop is broken {uuid7()}")
        beat()
        await asyncio.sleep(0.05)


def small_service(settings: ServiceSettings, **given: Any) -> Service:
    return Service(
        name="small",
        settings=settings,
        routers=[router],
        loops=[Loop("turning", turn)],
        tables=TABLES,
        **given,
    )


if __name__ == "__main__":
    from shared.directory import Directory

    os.environ.setdefault("KAFKA_BOOTSTRAP", "127.0.0.1:1")
    small_service(ServiceSettings(), directory=Directory.of()).run()
