"""Open deadlines, supervision orders and the daily list of a unit and everything below, in pages."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, BeforeValidator

from services.escalation.api.access import SEEING, WATCHING, units_of
from services.escalation.api.views import DeadlineView
from services.escalation.handlers.ground import working_time_of
from services.escalation.queries import lists
from services.escalation.rules.case import NOTHING, Colour
from shared.problems import Problem
from shared.routes import Caller, Tx, allow, router_for
from shared.vocabulary import DeadlineKind, Level, SupervisionKind, Urgency

router = router_for("escalation")

PAGE_MAX = 500


class OpenDeadline(DeadlineView):
    case_id: UUID
    number: str
    urgency: Urgency
    unit_id: str


class DeadlinesPage(BaseModel):
    deadlines: list[OpenDeadline]
    next_cursor: str | None


class OrderState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"


class ListedOrder(BaseModel):
    """`due_at` and `colour` are of the clock that asks for the answer, while it runs or stands red."""

    id: UUID
    case_id: UUID
    number: str
    at: datetime
    kind: SupervisionKind
    level: Level
    unit_id: str
    supervising_unit_id: str
    round: int
    ordered_by: str | None
    answered_at: datetime | None
    answered_by: str | None
    due_at: datetime | None
    colour: Colour | None


class OrdersPage(BaseModel):
    orders: list[ListedOrder]
    next_cursor: str | None


class ListedCase(BaseModel):
    """`missed` is what stood red when it was listed, for the `days`-th day; `dealt_with`: none of it does any more.
    `unit_id` has the case, `person_ids` are named by `supervising_unit_id`."""

    case_id: UUID
    number: str
    urgency: Urgency
    at: datetime
    days: int
    unit_id: str
    supervising_unit_id: str
    person_ids: list[str]
    missed: list[DeadlineKind]
    dealt_with: bool


class DailyList(BaseModel):
    day: date
    cases: list[ListedCase]
    next_cursor: str | None


def _written_out(day: object) -> object:
    """A day, and not the seconds since 1970 or the midnight that would do for one."""
    if isinstance(day, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
        raise ValueError("日期写作 2026-03-04 / A day is written 2026-03-04")
    return day


@router.get("/deadlines", dependencies=[allow(*SEEING)])
async def deadlines(
    tx: Tx,
    who: Caller,
    state: Colour | None = None,
    kind: DeadlineKind | None = None,
    unit: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
) -> DeadlinesPage:
    """Open deadlines of a unit and everything below (by default all that the caller may see), first due first."""
    units = units_of(who, unit, tx.directory)
    rows = await lists.open_deadlines(tx, units, state, kind, _after_deadline(cursor), limit)
    found = [OpenDeadline.model_validate(dict(row)) for row in rows]
    last = found[-1] if len(found) == limit else None
    place = (last.due_at.isoformat(), last.case_id, last.kind, last.about or NOTHING) if last else None
    return DeadlinesPage(deadlines=found, next_cursor=cursor_of(place))


@router.get("/orders", dependencies=[allow(*WATCHING)])
async def orders(
    tx: Tx,
    who: Caller,
    state: OrderState | None = None,
    kind: SupervisionKind | None = None,
    unit: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
) -> OrdersPage:
    """Supervision orders by or on a unit and everything below, the oldest first."""
    units = units_of(who, unit, tx.directory, WATCHING)
    answered = None if state is None else state is OrderState.ANSWERED
    rows = await lists.orders(tx, units, answered, kind, after_moment(cursor), limit)
    found = [ListedOrder.model_validate(dict(row)) for row in rows]
    last = found[-1] if len(found) == limit else None
    return OrdersPage(orders=found, next_cursor=cursor_of((last.at.isoformat(), last.id) if last else None))


@router.get("/daily-list", dependencies=[allow(*WATCHING)])
async def daily_list(
    tx: Tx,
    who: Caller,
    unit: str | None = None,
    day: Annotated[date | None, BeforeValidator(_written_out)] = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
) -> DailyList:
    """Who was named on that day (by default today) for which cases that a unit or one below it has or supervises."""
    units = units_of(who, unit, tx.directory, WATCHING)
    if day is None:
        zone = working_time_of(tx.directory, units[0] if units else "").zone
        day = (await tx.now()).astimezone(zone).date()
    rows = await lists.listed(tx, units, day, after_moment(cursor), limit)
    last = rows[-1] if len(rows) == limit else None
    place = (last["at"].isoformat(), last["id"]) if last else None
    found = [ListedCase.model_validate(dict(row)) for row in rows]
    return DailyList(day=day, cases=found, next_cursor=cursor_of(place))


BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def cursor_of(place: tuple[object, ...] | None) -> str | None:
    """Where a page ended."""
    if place is None:
        return None
    return base64.urlsafe_b64encode(" ".join(map(str, place)).encode()).decode()


def _parts(cursor: str, count: int) -> list[str]:
    parts = base64.urlsafe_b64decode(cursor).decode().split()
    if len(parts) != count:
        raise ValueError(cursor)
    return parts


def _moment(text: str) -> datetime:
    if (at := datetime.fromisoformat(text)).tzinfo is None:
        raise ValueError(text)
    return at


def _after_deadline(cursor: str | None) -> lists.Place:
    if cursor is None:
        return BEGINNING, NOTHING, "", NOTHING
    try:
        due_at, case_id, kind, about = _parts(cursor, 4)
        return _moment(due_at), UUID(case_id), kind, UUID(about)
    except (binascii.Error, ValueError) as wrong:
        raise not_ours() from wrong


def after_moment(cursor: str | None) -> tuple[datetime, UUID]:
    if cursor is None:
        return BEGINNING, NOTHING
    try:
        at, id = _parts(cursor, 2)
        return _moment(at), UUID(id)
    except (binascii.Error, ValueError) as wrong:
        raise not_ours() from wrong


def not_ours() -> Problem:
    detail = "请从第一页重新开始 / Begin again with the first page"
    return Problem(422, "cursor", "游标无效 / The cursor is not one of ours", detail=detail)
