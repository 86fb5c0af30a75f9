"""GET /figures/{name}/cases: the cases behind a figure, or behind one of the groups it splits into."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from services.insight.api import sheets
from services.insight.api.cursors import cursor as cursor_of
from services.insight.api.cursors import parts
from services.insight.api.figures import Narrowed, defined, must_read, scope_of
from services.insight.api.reading import LISTING
from services.insight.figures.definition import Definition, MadeOf
from services.insight.queries import counts, fieldwork
from services.insight.rules.naming import zone_of
from shared.database import Transaction
from shared.fieldwork import NotDoneReason
from shared.routes import Caller, Db, Registry, Tx, allow, router_for

router = router_for("insight")

COLUMNS = ("number", "round", "at", "counted", "excluded", "case_id", "listed")
PAGE_MAX = 500

Side = Literal["n", "d", "excluded"]


class AskedCases(Narrowed):
    """`side`: the cases of n, those of d, or those the definition leaves out."""

    side: Side = "d"
    cursor: str | None = None
    limit: int = Field(default=100, ge=1, le=PAGE_MAX)


class Member(BaseModel):
    """One member of the denominator. `round` is 0 where a case counts once, whatever its rounds; `counted` is what
    it adds to n, `listed` what it adds to d: 1, but for mass tasks and days of rounds, whose id stands as `case_id` and
    which say in `missing` why the others are not done."""

    case_id: UUID
    number: str
    round: int
    at: datetime
    counted: Decimal
    excluded: bool
    listed: int
    missing: dict[NotDoneReason, int] | None = None


class Members(BaseModel):
    """Oldest first; `next_cursor` is None on the last page."""

    figure: str
    version: int
    made_of: MadeOf
    side: str
    cases: list[Member]
    next_cursor: str | None


@router.get(
    "/figures/{name}/cases.csv", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None
)
@router.get(
    "/figures/{name}/cases.xlsx", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None
)
@router.get("/figures/{name}/cases", dependencies=[allow(*LISTING)], response_model=Members)
async def list_members(
    name: str,
    request: Request,
    tx: Tx,
    database: Db,
    who: Caller,
    directory: Registry,
    asked: Annotated[AskedCases, Query()],
) -> Members | Response:
    definition = defined(name)
    scope = await scope_of(tx, who, directory, asked)
    must_read(who, definition, scope.unit_ids, directory)
    if (kind := sheets.wanted(request)) is None:
        return await page(tx, definition, scope, asked.side, asked.cursor, asked.limit)

    async def read(tx: Transaction, last: sheets.Row | None, most: int) -> Sequence[sheets.Row]:
        after = counts.Place(last["at"], last["case_id"], last["part"]) if last else None
        rows = await counts.members(tx, definition, scope, asked.side, after, most)
        return [{**row, "round": row["part"]} for row in rows]

    async def count(tx: Transaction, most: int) -> int:
        return await counts.how_many(tx, definition, scope, asked.side, most)

    sheet = sheets.Sheet(f"{name}-{asked.side}", COLUMNS, zone_of(directory))
    return await sheets.send_whole(request, kind, sheet, database, tx, sheets.Whole(count, read))


async def page(
    tx: Transaction, definition: Definition, scope: counts.Scope, side: Side, cursor: str | None, limit: int
) -> Members:
    """One page; a cursor that is not ours is a Problem."""
    most = limit
    given = parts(cursor, 3)
    after = counts.Place(datetime.fromisoformat(given[0]), UUID(given[1]), int(given[2])) if given else None
    rows = await counts.members(tx, definition, scope, side, after, most + 1)
    more, rows = len(rows) > most, rows[:most]
    members = [Member(round=row.pop("part"), **row) for row in rows]
    if definition.made_of is not MadeOf.CASES:
        works = await fieldwork.load(tx, {member.case_id for member in members})
        for member in members:
            member.missing = {NotDoneReason(why): n for why, n in works[member.case_id].missing.items()}
    last = members[-1] if more else None
    return Members(
        figure=definition.name,
        version=definition.version,
        made_of=definition.made_of,
        side=side,
        cases=members,
        next_cursor=cursor_of(last.at, last.case_id, last.round) if last else None,
    )
