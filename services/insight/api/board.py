"""GET /board and /board/stream: what runs now, what is about to be late, what is late. Never older than two seconds.

One picture per set of units serves everybody who watches it, so a hundred screens cost as much as one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import orjson
from fastapi import Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.insight import metrics
from services.insight.api.reading import LISTING, sees_whole, units_of, without_personal_data
from services.insight.queries import board as queries
from shared.database import Database
from shared.directory import Directory
from shared.identity import SignedIn
from shared.openapi import EVENTS, sending
from shared.routes import Caller, Db, Registry, allow, router_for, service_of
from shared.sse import ServerSentEvent, stream
from shared.vocabulary import Post

router = router_for("insight", one_transaction=False)

STALE_SECONDS_MAX = 2.0
STREAM_LASTS_SECONDS_MAX = 900.0
"""Then the watcher comes back, with a token that is still good and the rights of today."""
MUST_BE_ON_DUTY = (Post.A, Post.B, Post.DUTY_OFFICER)
COLUMNS = ("about_to_be_late", "late", "raised_and_supervised", "alarms")


class OnDuty(BaseModel):
    """`n` people on a shift now, of `d` who hold an A, B or duty officer's post in these units."""

    n: int
    d: int


class Board(BaseModel):
    """`as_of` is business time of the picture. `counts` are of everything open; each column holds its fifty most
    pressing. `alarms` are workers who need help and were not told safe."""

    as_of: datetime
    unit_ids: tuple[str, ...]
    counts: dict[str, Any]
    by_state: dict[str, int]
    by_level: dict[str, int]
    on_duty: OnDuty
    parked: int
    oldest_unaccepted: dict[str, Any] | None
    about_to_be_late: list[dict[str, Any]]
    late: list[dict[str, Any]]
    raised_and_supervised: list[dict[str, Any]]
    alarms: list[dict[str, Any]]


class Pictures:
    """The newest picture of each set of units; made anew when it is older than `fresh_seconds`."""

    def __init__(self, database: Database, fresh_seconds: float) -> None:
        self._database = database
        self._fresh_seconds = fresh_seconds
        self._kept: dict[tuple[str, ...], tuple[float, Board]] = {}
        self._making: WeakValueDictionary[tuple[str, ...], asyncio.Lock] = WeakValueDictionary()

    async def of(self, unit_ids: tuple[str, ...]) -> tuple[Board, float]:
        """The picture and its age in seconds."""
        async with self._making.setdefault(unit_ids, asyncio.Lock()):
            made_at, board = self._kept.get(unit_ids, (float("-inf"), None))
            age = time.monotonic() - made_at
            if board is not None and age < self._fresh_seconds:
                return board, age
            began = time.monotonic()
            board = await make_picture(self._database, unit_ids)
            self._forget_old(began)
            self._kept[unit_ids] = (began, board)
            metrics.BOARD_SECONDS.observe(time.monotonic() - began)
            return board, time.monotonic() - began

    def _forget_old(self, now: float) -> None:
        self._kept = {ids: kept for ids, kept in self._kept.items() if now - kept[0] < STALE_SECONDS_MAX}


PICTURES: WeakKeyDictionary[Database, Pictures] = WeakKeyDictionary()


async def make_picture(database: Database, unit_ids: tuple[str, ...]) -> Board:
    async with database.transaction() as tx:
        tx.read_only = True
        now = await tx.now()
        found = await queries.picture(tx, unit_ids, now)
        parked = await queries.parked(tx)
    return Board(
        as_of=now,
        unit_ids=unit_ids,
        on_duty=on_duty(database.directory, unit_ids, now),
        parked=parked,
        **found,
    )


def on_duty(directory: Directory, unit_ids: tuple[str, ...], now: datetime) -> OnDuty:
    wanted = set(unit_ids)
    inside = {unit for unit in directory.units if wanted & {above.id for above in directory.path(unit)}}
    holders = {p.id for unit in inside for post in MUST_BE_ON_DUTY for p in directory.holders(unit, post)}
    there = {person.id for person, shift in directory.on_duty(None, now) if shift.unit_id in inside}
    return OnDuty(n=len(there & holders), d=len(holders))


@router.get("/board", dependencies=[allow(*LISTING)])
async def show_board(
    request: Request, who: Caller, database: Db, directory: Registry, unit: str | None = None
) -> Board:
    """The present picture of the unit, or of all units the caller may list."""
    board, _ = await _pictures(request, database).of(units_of(who, unit, directory))
    return for_reader(board, who)


@router.get(
    "/board/stream",
    dependencies=[allow(*LISTING)],
    response_class=StreamingResponse,
    responses=sending(EVENTS),
)
async def stream_board(
    request: Request, who: Caller, database: Db, directory: Registry, unit: str | None = None
) -> StreamingResponse:
    """The picture once a second, as server-sent events named `board`; each is whole, so nothing needs resuming. Ends
    after a quarter of an hour; open it again."""
    unit_ids = units_of(who, unit, directory)
    return stream(_pictures_of(_pictures(request, database), unit_ids, who, _every_seconds(request)))


async def _pictures_of(
    pictures: Pictures,
    unit_ids: tuple[str, ...],
    who: SignedIn,
    every_seconds: float,
    lasts_seconds: float = STREAM_LASTS_SECONDS_MAX,
) -> AsyncIterator[ServerSentEvent]:
    ends_at = time.monotonic() + lasts_seconds
    while time.monotonic() < ends_at:
        board, age = await pictures.of(unit_ids)
        metrics.BOARD_AGE_SECONDS.set(age)
        data = orjson.dumps(for_reader(board, who).model_dump(mode="json")).decode()
        yield ServerSentEvent(data, event="board")
        await asyncio.sleep(every_seconds)


def for_reader(board: Board, who: SignedIn) -> Board:
    """Each card as the caller may see it; the counts are the same for everybody."""

    def card(row: dict[str, Any]) -> dict[str, Any]:
        return row if sees_whole(who, row["unit_path"]) else dict(without_personal_data(row))

    oldest = board.oldest_unaccepted
    cards = {name: [card(row) for row in getattr(board, name)] for name in COLUMNS}
    return board.model_copy(update={**cards, "oldest_unaccepted": oldest and card(oldest)})


def _pictures(request: Request, database: Database) -> Pictures:
    if database not in PICTURES:
        PICTURES[database] = Pictures(database, fresh_seconds=_every_seconds(request) / 2)
    return PICTURES[database]


def _every_seconds(request: Request) -> float:
    return float(getattr(service_of(request).settings, "board_seconds", 1.0))
