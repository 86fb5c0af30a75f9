"""GET /figures, /figures/{name}, /figures/{name}/cases: what a figure means, its n/d, and the cases behind it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from services.insight import metrics
from services.insight.api.cursors import cursor as cursor_of
from services.insight.api.cursors import parts
from services.insight.api.reading import LISTING, Period, period, units_of
from services.insight.api.sheets import sheet, wants_csv
from services.insight.figures import DEFINITIONS, Definition, percentage, printed, text
from services.insight.queries import counts
from shared.database import Transaction
from shared.directory import Directory
from shared.identity import SignedIn
from shared.problems import Problem
from shared.routes import Caller, Registry, Tx, allow, router_for, service_of

router = router_for("insight")

FIGURE_COLUMNS = (
    "name",
    "version",
    "unit_ids",
    "starts_at",
    "ends_at",
    "n",
    "d",
    "percent",
    "excluded",
    "as_of",
)
MEMBER_COLUMNS = ("number", "round", "at", "counted", "excluded", "case_id")


class Asked(BaseModel):
    """Of which units and which period; a time without a zone is local. Default: the last thirty days."""

    unit: str | None = None
    starts: datetime | None = Field(default=None, alias="from")
    ends: datetime | None = Field(default=None, alias="to")


class AskedCases(Asked):
    """`side`: the cases of n, those of d, or those the definition leaves out."""

    side: Literal["n", "d", "excluded"] = "d"
    cursor: str | None = None
    limit: int = 100


class Figure(BaseModel):
    """n and d are exact; `percent` is None where d is 0. `text` is how it is printed."""

    name: str
    version: int
    title: dict[str, str]
    unit: str
    unit_ids: tuple[str, ...]
    period: Period
    n: Decimal
    d: int
    excluded: int
    printed: str
    percent: Decimal | None
    text: str
    as_of: datetime
    definition: dict[str, Any]
    beside: list[Figure] = []


class Member(BaseModel):
    """One member of the denominator. `round` is 0 where a case counts once, whatever its rounds; `counted` is what
    it adds to n."""

    case_id: UUID
    number: str
    round: int
    at: datetime
    counted: Decimal
    excluded: bool


class Members(BaseModel):
    figure: str
    version: int
    side: str
    cases: list[Member]
    next_cursor: str | None


@router.get("/figures.csv", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None)
@router.get("/figures", dependencies=[allow(*LISTING)], response_model=list[Figure])
async def list_figures(
    request: Request, tx: Tx, who: Caller, directory: Registry, asked: Annotated[Asked, Query()]
) -> list[Figure] | Response:
    scope = await _scope(tx, who, directory, asked)
    figures = [await compute(tx, definition, scope) for definition in DEFINITIONS.values()]
    return _figures_sheet("figures", figures) if wants_csv(request) else figures


@router.get(
    "/figures/{name}/cases.csv", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None
)
@router.get("/figures/{name}/cases", dependencies=[allow(*LISTING)], response_model=Members)
async def list_members(
    name: str,
    request: Request,
    tx: Tx,
    who: Caller,
    directory: Registry,
    asked: Annotated[AskedCases, Query()],
) -> Members | Response:
    definition = _defined(name)
    scope = await _scope(tx, who, directory, asked)
    as_csv = wants_csv(request)
    most = service_of(request).settings.csv_rows_max if as_csv else max(1, min(asked.limit, 500))  # type: ignore[attr-defined]
    given = parts(asked.cursor, 3)
    after = counts.Place(datetime.fromisoformat(given[0]), UUID(given[1]), int(given[2])) if given else None
    rows = await counts.members(tx, definition, scope, asked.side, after, most + 1)
    more, rows = len(rows) > most, rows[:most]
    members = [Member(round=row.pop("part"), **row) for row in rows]
    if as_csv:
        return sheet(f"{name}-{asked.side}", MEMBER_COLUMNS, [member.model_dump() for member in members])
    last = members[-1] if more else None
    return Members(
        figure=name,
        version=definition.version,
        side=asked.side,
        cases=members,
        next_cursor=cursor_of(last.at, last.case_id, last.round) if last else None,
    )


@router.get("/figures/{name}", dependencies=[allow(*LISTING)], response_model=Figure)
async def show_figure(
    name: str, request: Request, tx: Tx, who: Caller, directory: Registry, asked: Annotated[Asked, Query()]
) -> Figure | Response:
    """One figure with those that must be read beside it. `/figures/{name}.csv` gives the same as CSV."""
    definition = _defined(name.removesuffix(".csv"))
    scope = await _scope(tx, who, directory, asked)
    figure = await compute(tx, definition, scope)
    figure.beside = [await compute(tx, DEFINITIONS[other], scope) for other in definition.beside]
    return _figures_sheet(definition.name, [figure, *figure.beside]) if wants_csv(request) else figure


async def compute(tx: Transaction, definition: Definition, scope: counts.Scope) -> Figure:
    with metrics.FIGURE_SECONDS.labels(definition.name).time():
        value = await counts.value(tx, definition, scope)
    return Figure(
        name=definition.name,
        version=definition.version,
        title=definition.title.model_dump(),
        unit=definition.unit,
        unit_ids=scope.unit_ids,
        period=Period(starts_at=scope.starts_at, ends_at=scope.ends_at),
        n=value.n,
        d=value.d,
        excluded=value.excluded,
        printed=printed(value),
        percent=percentage(value, definition.rounding),
        text=text(value, definition.rounding),
        as_of=scope.now,
        definition=described(definition),
    )


def described(definition: Definition) -> dict[str, Any]:
    """The definition as people read it."""
    names = ("numerator", "denominator", "exclusions", "time_base")
    return {
        **{name: getattr(definition, name).model_dump() for name in names},
        "parameters": dict(definition.parameters),
        "weights": {answer: str(weight) for answer, weight in definition.weights.items()},
        "rounding": asdict(definition.rounding),
        "beside": definition.beside,
    }


def _defined(name: str) -> Definition:
    definition = DEFINITIONS.get(name)
    if definition is None:
        raise Problem(
            404, "no-such-figure", "没有这个指标 / There is no such figure", figures=list(DEFINITIONS)
        )
    return definition


async def _scope(tx: Transaction, who: SignedIn, directory: Directory, asked: Asked) -> counts.Scope:
    now = await tx.now()
    span = period(asked.starts, asked.ends, now, directory)
    return counts.Scope(units_of(who, asked.unit, directory), span.starts_at, span.ends_at, now)


def _figures_sheet(name: str, figures: list[Figure]) -> Response:
    rows = [figure.model_dump() | figure.period.model_dump() for figure in figures]
    return sheet(name, FIGURE_COLUMNS, rows)
