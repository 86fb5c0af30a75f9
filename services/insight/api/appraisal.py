"""GET /appraisal/units and /appraisal/people: a row of several figures for each, in the order of their ids. Nobody is
ranked on one number: there is no total, no score, and no order by a figure to ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from services.insight.api import sheets
from services.insight.api.reading import LISTING, Period, period, units_of
from services.insight.figures.appraisal import OF_PEOPLE, OF_UNITS, SMALL_BELOW, OfPerson
from services.insight.figures.definition import Definition, Value, rate, told
from services.insight.queries import appraisal as queries
from services.insight.queries import counts
from services.insight.queries.picture import one_picture
from services.insight.rules.naming import Dimension, named, zone_of
from shared.database import Transaction
from shared.directory import Directory
from shared.identity import SignedIn
from shared.routes import Caller, Db, Registry, allow, router_for
from shared.vocabulary import Role

router = router_for("insight", one_transaction=False)

ANSWERING_FOR_PEOPLE = (Role.SUPERVISOR, Role.UNIT_OFFICER, Role.GRID_LEADER)
"""Who may see what single people did: those who answer for them."""
COLUMNS = ("id", "zh", "en", "figure", "figure_zh", "figure_en", "unit", "n", "d", "rate", "few")
NOTE = {
    "zh": f"各项并列，不合成总分，不排名；分母不足 {SMALL_BELOW} 的标为样本少。",
    "en": f"Figures stand beside each other; no score is made of them and nobody is ranked. Of fewer than "
    f"{SMALL_BELOW} is marked as few.",
}


class Asked(BaseModel):
    """Of which unit and period; a time without a zone is local. Default: the last thirty days."""

    model_config = ConfigDict(extra="forbid")

    unit: str
    starts: datetime | None = Field(default=None, alias="from")
    ends: datetime | None = Field(default=None, alias="to")
    cursor: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=50, ge=1, le=500)


class Cell(BaseModel):
    """`few`: the denominator is too small to say much."""

    figure: str
    title: dict[str, str]
    unit: str
    n: Decimal
    d: int
    rate: Decimal | None
    text: str
    few: bool


class Row(BaseModel):
    id: str
    name: dict[str, str]
    figures: list[Cell]


class Appraisal(BaseModel):
    """`next_cursor` is None on the last page."""

    period: Period
    note: dict[str, str]
    rows: list[Row]
    next_cursor: str | None


@dataclass(frozen=True)
class Page:
    scope: counts.Scope
    after: str
    most: int


@router.get(
    "/appraisal/units.csv", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None
)
@router.get(
    "/appraisal/units.xlsx", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None
)
@router.get("/appraisal/units", dependencies=[allow(*LISTING)], response_model=Appraisal)
async def appraise_units(
    request: Request, database: Db, who: Caller, directory: Registry, asked: Annotated[Asked, Query()]
) -> Appraisal | Response:
    """The units right below the one asked for; in a file all of them."""
    async with one_picture(database) as tx:
        page = await _page(tx, who, directory, asked)
        found: dict[str, list[Cell]] = {}
        for definition in OF_UNITS:
            split = await counts.groups(tx, definition, page.scope, Dimension.UNIT)
            for key, value in split.items():
                found.setdefault(key, []).append(_cell(definition, value))
    rows = [
        Row(id=key, name=named(Dimension.UNIT, key, directory), figures=found[key]) for key in sorted(found)
    ]
    if (kind := sheets.wanted(request)) is not None:
        lines = [line for row in rows for line in _lines(row)]
        return sheets.send(kind, _sheet("units", directory), sheets.one_page(lines))
    return _answer(page, [row for row in rows if row.id > page.after])


@router.get(
    "/appraisal/people.csv",
    dependencies=[allow(*ANSWERING_FOR_PEOPLE)],
    include_in_schema=False,
    response_model=None,
)
@router.get(
    "/appraisal/people.xlsx",
    dependencies=[allow(*ANSWERING_FOR_PEOPLE)],
    include_in_schema=False,
    response_model=None,
)
@router.get("/appraisal/people", dependencies=[allow(*ANSWERING_FOR_PEOPLE)], response_model=Appraisal)
async def appraise_people(
    request: Request, database: Db, who: Caller, directory: Registry, asked: Annotated[Asked, Query()]
) -> Appraisal | Response:
    """Whoever was first asked about a case of the unit in the period, in a file all of them; for those who answer for
    them."""
    async with one_picture(database) as tx:
        page = await _page(tx, who, directory, asked)
        who.must(ANSWERING_FOR_PEOPLE, asked.unit, directory)
        if (kind := sheets.wanted(request)) is not None:
            whole = _everybody(page.scope, directory)
            return await sheets.send_whole(request, kind, _sheet("people", directory), database, tx, whole)
        people = await queries.people(tx, page.scope, page.after, page.most + 1)
    return _answer(page, [_row(person, directory) for person in people])


def _everybody(scope: counts.Scope, directory: Directory) -> sheets.Whole:
    async def count(tx: Transaction, most: int) -> int:
        return await queries.how_many(tx, scope, most)

    async def read(tx: Transaction, last: sheets.Row | None, most: int) -> Sequence[sheets.Row]:
        return await queries.people(tx, scope, last["person_id"] if last else "", most)

    return sheets.Whole(count, read, lambda person: _lines(_row(person, directory)), len(OF_PEOPLE))


async def _page(tx: Transaction, who: SignedIn, directory: Directory, asked: Asked) -> Page:
    units = units_of(who, asked.unit, directory)
    now = await tx.now()
    span = period(asked.starts, asked.ends, now, zone_of(directory, units))
    scope = counts.Scope(units, span.starts_at, span.ends_at, now)
    return Page(scope, asked.cursor or "", asked.limit)


def _sheet(of: str, directory: Directory) -> sheets.Sheet:
    return sheets.Sheet(f"appraisal-{of}", COLUMNS, zone_of(directory))


def _answer(page: Page, rows: list[Row]) -> Appraisal:
    more, rows = len(rows) > page.most, rows[: page.most]
    return Appraisal(
        period=Period(starts_at=page.scope.starts_at, ends_at=page.scope.ends_at),
        note=NOTE,
        rows=rows,
        next_cursor=rows[-1].id if more else None,
    )


def _lines(row: Row) -> list[dict[str, Any]]:
    return [
        {
            **cell.model_dump(),
            "id": row.id,
            **row.name,
            "figure_zh": cell.title["zh"],
            "figure_en": cell.title["en"],
        }
        for cell in row.figures
    ]


def _name(person_id: str, directory: Directory) -> dict[str, str]:
    person = directory.people.get(person_id)
    return {"zh": person_id, "en": person_id} if person is None else person.name.model_dump()


def _row(person: Mapping[str, Any], directory: Directory) -> Row:
    return Row(
        id=person["person_id"],
        name=_name(person["person_id"], directory),
        figures=[_of_person(figure, person) for figure in OF_PEOPLE],
    )


def _of_person(figure: OfPerson, person: Mapping[str, Any]) -> Cell:
    return _cell(figure, Value(Decimal(person[figure.n]), int(person[figure.d])))


def _cell(figure: Definition | OfPerson, value: Value) -> Cell:
    return Cell(
        figure=figure.name,
        title=figure.title.model_dump(),
        unit=figure.unit,
        n=value.n,
        d=value.d,
        rate=rate(value, figure),
        text=told(value, figure),
        few=value.d < SMALL_BELOW,
    )
