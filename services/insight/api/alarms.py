"""GET /alarms, /alarms/{alarm_id}: who called for help, who takes care of it, how it ended. The list leaves as a file
as well."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from services.insight.api import sheets
from services.insight.api.cases import reader_for
from services.insight.api.newest_first import NewestFirst, Place
from services.insight.api.reading import LISTING, sees_whole, units_of, without_personal_data
from services.insight.queries import alarms as queries
from services.insight.rules.naming import zone_of
from services.insight.rules.sentences import sentence
from shared.database import Transaction
from shared.problems import not_found
from shared.routes import Caller, Db, Registry, Tx, allow, router_for
from shared.vocabulary import Language

router = router_for("insight")

COLUMNS = (
    "alarm_id", "person_id", "unit_path", "case_id", "raised_at", "answered_at", "answered_by", "ended_at",
    "by_mistake",
)  # fmt: skip


class Asked(BaseModel):
    """`state` is open until the alarm ended."""

    unit: str | None = None
    state: Literal["open", "ended"] | None = None
    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=200)


class Alarm(BaseModel):
    """`person_id` and `answered_by` are empty for who may not see people."""

    alarm_id: UUID
    person_id: str | None
    unit_path: list[str]
    case_id: UUID | None
    raised_at: datetime
    answered_at: datetime | None
    answered_by: str | None
    ended_at: datetime | None
    by_mistake: bool


class Alarms(BaseModel):
    """Newest first; `next_cursor` is None on the last page."""

    alarms: list[Alarm]
    next_cursor: str | None


class AlarmLine(BaseModel):
    at: datetime
    type: str
    sentence: str


class AlarmTold(Alarm):
    lines: list[AlarmLine]


@router.get("/alarms.csv", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None)
@router.get("/alarms.xlsx", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None)
@router.get("/alarms", dependencies=[allow(*LISTING)], response_model=Alarms)
async def list_alarms(
    request: Request,
    tx: Tx,
    database: Db,
    who: Caller,
    directory: Registry,
    asked: Annotated[Asked, Query()],
) -> Alarms | Response:
    unit_ids = units_of(who, asked.unit, directory)
    open_ = None if asked.state is None else asked.state == "open"

    async def read(tx: Transaction, before: Place | None, most: int) -> list[dict[str, Any]]:
        rows = await queries.page(tx, unit_ids, open_, before, most)
        return [row if sees_whole(who, row["unit_path"]) else without_personal_data(row) for row in rows]

    async def count(tx: Transaction, most: int) -> int:
        return await queries.how_many(tx, unit_ids, open_, most)

    found = NewestFirst(("raised_at", "alarm_id"), read, count)
    if (kind := sheets.wanted(request)) is not None:
        sheet = sheets.Sheet("alarms", COLUMNS, zone_of(directory))
        return await sheets.send_whole(request, kind, sheet, database, tx, found.whole())
    rows, next_cursor = await found.page(tx, asked.cursor, asked.limit)
    return Alarms(alarms=[Alarm(**row) for row in rows], next_cursor=next_cursor)


@router.get("/alarms/{alarm_id}", dependencies=[allow(*LISTING)])
async def show_alarm(
    alarm_id: UUID, tx: Tx, who: Caller, directory: Registry, language: Language | None = None
) -> AlarmTold:
    """One alarm with its story; for those who may list it."""
    row = await queries.one(tx, alarm_id)
    if row is None or not any(g.role in LISTING and g.unit_id in row["unit_path"] for g in who.grants):
        raise not_found("没有这个求助 / There is no such alarm")
    whole = sees_whole(who, row["unit_path"])
    reader = reader_for(language or who.language, directory, whole=whole)
    story: list[dict[str, Any]] = row.pop("story")
    lines = [
        AlarmLine(at=line["at"], type=line["type"], sentence=sentence(line["type"], line["data"], reader))
        for line in story
    ]
    return AlarmTold(**(row if whole else without_personal_data(row)), lines=lines)
