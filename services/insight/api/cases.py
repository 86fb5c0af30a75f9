"""GET /cases, /cases/{case_id}, /cases/{case_id}/timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from services.insight.api import sheets
from services.insight.api.newest_first import NewestFirst, Place
from services.insight.api.reading import (
    LISTING,
    READING,
    WORKING,
    aware,
    narrowed_to,
    sees_whole,
    units_of,
    without_personal_data,
)
from services.insight.api.sight import Sight, sight_of
from services.insight.queries import cases as queries
from services.insight.rules.naming import zone_of
from services.insight.rules.sentences import sentence
from services.insight.rules.telling.reader import Reader
from shared.database import Transaction
from shared.directory import Directory
from shared.identity import SignedIn
from shared.problems import not_found
from shared.routes import Caller, Db, Registry, Tx, allow, router_for
from shared.vocabulary import CaseState, Channel, EmergencyService, Language, Level, Outcome, Role, Urgency

router = router_for("insight")

COLUMNS = (
    "number", "urgency", "category_code", "channel", "grid_id", "state", "level", "level_reached", "resolved_level",
    "outcome", "closed_by", "registered_at", "offered_at", "accepted_at", "arrived_at", "contacted_at", "handled_at",
    "closed_at", "offers", "declines", "lapses", "raises_count", "reopened_count", "deadlines_met",
    "deadlines_missed", "parent_number", "not_accepted_reason", "urged", "hand_overs", "helps_asked", "crisis",
    "taken_at", "headline", "place_label", "holder_id",
)  # fmt: skip


class Filters(BaseModel):
    """What a list is narrowed to. Times count registration, one without a zone is local; `colour` is of the open
    deadlines now; `crisis` is the service the caller was put through to, `taken_at` the unit of the post or window;
    `flagged` is for supervisors, `holder` for those who see people."""

    unit: str | None = None
    state: CaseState | None = None
    urgency: Urgency | None = None
    level: Level | None = None
    outcome: Outcome | None = None
    colour: Literal["amber", "red"] | None = None
    number: str | None = None
    category: str | None = None
    channel: Channel | None = None
    holder: str | None = None
    crisis: EmergencyService | None = None
    taken_at: str | None = None
    parent: UUID | None = None
    reopened: bool | None = None
    raised: bool | None = None
    flagged: bool | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=200)


class Page(BaseModel):
    """`next_cursor` is None on the last page."""

    cases: list[dict[str, Any]]
    next_cursor: str | None
    as_of: datetime


class Line(BaseModel):
    """One event, told in the reader's language. `data` are its facts, empty for who may not see people and places."""

    at: datetime
    type: str
    source: str
    sequence: int
    channel: str
    sentence: str
    data: dict[str, Any]


class Timeline(BaseModel):
    case_id: UUID
    number: str
    lines: list[Line]


@router.get("/cases.csv", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None)
@router.get("/cases.xlsx", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None)
@router.get("/cases", dependencies=[allow(*LISTING)], response_model=Page)
async def list_cases(
    request: Request,
    tx: Tx,
    database: Db,
    who: Caller,
    directory: Registry,
    filters: Annotated[Filters, Query()],
) -> Page | Response:
    now = await tx.now()
    unit_ids = units_of(who, filters.unit, directory)
    if filters.flagged is not None:
        unit_ids = narrowed_to(who, (Role.SUPERVISOR,), unit_ids, directory)
    if filters.holder is not None:
        unit_ids = narrowed_to(who, WORKING, unit_ids, directory)
    wanted = queries.Wanted(unit_ids=unit_ids, **_narrowed(filters, directory))

    async def read(tx: Transaction, before: Place | None, most: int) -> list[dict[str, Any]]:
        rows = await queries.page(tx, wanted, now, before, most)
        return [row if sees_whole(who, row["unit_path"]) else without_personal_data(row) for row in rows]

    async def count(tx: Transaction, most: int) -> int:
        return await queries.how_many(tx, wanted, now, most)

    found = NewestFirst(("registered_at", "case_id"), read, count)
    if (kind := sheets.wanted(request)) is not None:
        sheet = sheets.Sheet("cases", COLUMNS, zone_of(directory))
        return await sheets.send_whole(request, kind, sheet, database, tx, found.whole())
    rows, next_cursor = await found.page(tx, filters.cursor, filters.limit)
    return Page(cases=list(rows), next_cursor=next_cursor, as_of=now)


def _narrowed(filters: Filters, directory: Directory) -> dict[str, Any]:
    asked = filters.model_dump(exclude={"unit", "cursor", "limit"})
    zone = zone_of(directory)
    for name in ("starts_at", "ends_at"):
        asked[name] = aware(asked[name], zone) if asked[name] else None
    return asked


@router.get("/cases/{case_id}", dependencies=[allow(*READING)])
async def show_case(case_id: UUID, tx: Tx, who: Caller) -> dict[str, Any]:
    """Every milestone of one case."""
    row, sight = await _readable(case_id, tx, who)
    return sight.row(row)


@router.get("/cases/{case_id}/timeline", dependencies=[allow(*READING)])
async def show_timeline(
    case_id: UUID, tx: Tx, who: Caller, directory: Registry, language: Language | None = None
) -> Timeline:
    """What happened, oldest first, as sentences."""
    row, sight = await _readable(case_id, tx, who)
    reader = reader_for(language or who.language, directory, whole=sight.whole, supervises=sight.oversees)
    lines = [
        Line(
            at=event["at"],
            type=event["type"],
            source=event["source"],
            sequence=event["sequence"],
            channel=event["channel"],
            sentence=sentence(event["type"], event["data"], reader),
            data=sight.data(event),
        )
        for event in await queries.timeline(tx, case_id)
        if sight.shows(event)
    ]
    return Timeline(case_id=case_id, number=row["number"], lines=lines)


async def _readable(case_id: UUID, tx: Tx, who: SignedIn) -> tuple[dict[str, Any], Sight]:
    """Whom it does not concern gets the answer for a case that is not there: whether it exists is not theirs to
    know."""
    row = await queries.one(tx, case_id)
    sight = sight_of(who, row) if row is not None else None
    if row is None or sight is None:
        raise not_found("没有这个工单 / There is no such case")
    return row, sight


def reader_for(language: Language, directory: Directory, *, whole: bool, supervises: bool = False) -> Reader:
    """Names from the registry, labels only; a masked reader reads the post instead of the person."""
    zone = zone_of(directory)
    english = language is Language.ENGLISH

    def person(person_id: str | None) -> str:
        if not whole or person_id is None:
            return "somebody" if english else "有人"
        known = directory.people.get(person_id)
        return person_id if known is None else known.name.en if english else known.name.zh

    def unit(unit_id: str | None) -> str:
        known = directory.units.get(unit_id or "")
        return (unit_id or "") if known is None else known.name.en if english else known.name.zh

    def time(moment: datetime) -> str:
        return moment.astimezone(zone).strftime("%m-%d %H:%M")

    return Reader(language, person, unit, time, supervises)
