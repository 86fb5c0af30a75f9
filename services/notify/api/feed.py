"""A person's own feed: as a stream, as pages, and the word that it was read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.notify import metrics
from services.notify.api import TheOffice
from services.notify.channels.feed import OpenStream, streams_of
from services.notify.commands import ReadFeed
from services.notify.handlers.reading import read_feed
from services.notify.queries import feeds
from services.notify.queries.feeds import FeedItem, FeedPage
from services.notify.settings import Settings
from shared.database import Database
from shared.openapi import EVENTS, refusing, sending
from shared.problems import Problem
from shared.routes import Caller, Db, Tx, allow, router_for
from shared.sse import ServerSentEvent, stream
from shared.vocabulary import Role

PAGE_ROWS = 200
NUMBER_MAX = 10**18 - 1
FEED_NUMBER = "^[0-9]{0,18}$"
"""What fits into the column; empty is none, as browsers send it."""

router = router_for("notify")
streams = router_for("notify", one_transaction=False)


class FeedItems(BaseModel):
    """A page of the caller's feed. Ask on with `after=next`; `next` is null at the end. What is numbered up to
    `forgotten_up_to` is no longer kept."""

    items: list[dict[str, Any]]
    next: int | None
    last_seq: int
    read_up_to: int
    forgotten_up_to: int


class FeedNumbers(BaseModel):
    last_seq: int
    read_up_to: int


@streams.get(
    "/feed",
    dependencies=[allow(*Role)],
    response_class=StreamingResponse,
    responses={**sending(EVENTS), **refusing(400)},
)
async def feed(
    who: Caller,
    database: Db,
    office: TheOffice,
    after: Annotated[int | None, Query(ge=0, le=NUMBER_MAX)] = None,
    last_event_id: Annotated[str | None, Header(json_schema_extra={"pattern": FEED_NUMBER})] = None,
) -> StreamingResponse:
    """Server-sent events, each with its number as id. Resumes after `Last-Event-ID` (or `after`); `reset` says that
    what followed it is gone and the kept ones come again. Without either, all that is kept."""
    settings = office.settings
    place = _number(last_event_id) if last_event_id else after
    return stream(
        told(database, who.person_id, place, settings),
        send_timeout_seconds=settings.stream_send_timeout_seconds,
    )


@router.get("/feed/items", dependencies=[allow(*Role)])
async def items(
    tx: Tx,
    who: Caller,
    after: Annotated[int, Query(ge=0, le=NUMBER_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS)] = 50,
) -> FeedItems:
    page = await feeds.feed_page(tx, who.person_id, after, limit)
    return FeedItems(
        items=[{**orjson.loads(item.body), "seq": item.seq, "read": item.read} for item in page.items],
        next=page.items[-1].seq if len(page.items) == limit else None,
        last_seq=page.last_seq,
        read_up_to=page.read_up_to,
        forgotten_up_to=page.forgotten_up_to,
    )


@router.post("/feed/read", dependencies=[allow(*Role)])
async def read(body: ReadFeed, tx: Tx, who: Caller) -> FeedNumbers:
    """Everything up to this number was on the caller's screen."""
    last_seq, read_up_to = await read_feed(tx, who, body)
    return FeedNumbers(last_seq=last_seq, read_up_to=read_up_to)


async def told(
    database: Database, person_id: str, after: int | None, settings: Settings
) -> AsyncIterator[ServerSentEvent]:
    """One reader's events: subscribe, catch up, then live, until the stream has lasted long enough."""
    loop = asyncio.get_running_loop()
    opened_at = loop.time()
    ends_at = opened_at + settings.stream_lasts_seconds_max
    with streams_of(database).opened(person_id) as reader:
        reader.seq, beginning = after or 0, after is None
        while loop.time() < ends_at:
            reader.news.clear()
            page = await _page(database, reader)
            if beginning:
                reader.seq = max(reader.seq, page.forgotten_up_to)
            elif not page.forgotten_up_to <= reader.seq <= page.last_seq:
                yield _reset(reader, page)
                continue
            beginning = False
            for item in page.items:
                yield _event(item, live=item.age_seconds < loop.time() - opened_at)
                reader.seq = item.seq
            if not page.items:
                await _wait_for_news(reader, ends_at - loop.time())


async def _page(database: Database, reader: OpenStream) -> FeedPage:
    async with database.transaction() as tx:
        return await feeds.feed_page(tx, reader.person_id, reader.seq, PAGE_ROWS)


async def _wait_for_news(reader: OpenStream, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await reader.news.wait()
    except TimeoutError:
        return


def _event(item: FeedItem, *, live: bool) -> ServerSentEvent:
    if live:  # what waited for a phone to come back says nothing about our pace
        metrics.FEED_LAG_SECONDS.observe(item.age_seconds)
    return ServerSentEvent(data=f'{{"seq":{item.seq},{item.body.lstrip()[1:]}', id=str(item.seq))


def _reset(reader: OpenStream, page: FeedPage) -> ServerSentEvent:
    """The reader's past is gone, or its place is not of this feed: it begins again with what is kept."""
    metrics.RESETS.inc()
    reader.seq = page.forgotten_up_to
    numbers = {"forgotten_up_to": page.forgotten_up_to, "last_seq": page.last_seq}
    return ServerSentEvent(data=orjson.dumps(numbers).decode(), id=str(reader.seq), event="reset")


def _number(last_event_id: str) -> int:
    if not re.fullmatch(FEED_NUMBER, last_event_id):
        raise Problem(
            400,
            "no-feed-number",
            "Last-Event-ID 不是消息序号 / Last-Event-ID is not a number of the feed",
            detail="去掉它重新打开 / Open the stream again without it",
        )
    return int(last_event_id)
