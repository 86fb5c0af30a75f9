"""GET /figures, /figures/{name}, /figures/printed: what a figure means, its n/d, how it splits, and how it was in the
period before. The cases behind it are in drilldown.py."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from services.insight import metrics
from services.insight.api import sheets
from services.insight.api.reading import LISTING, Period, period, units_of
from services.insight.figures.definition import Definition, Form, Value, change, printed, rate, told
from services.insight.figures.printed import PRINTED
from services.insight.figures.shipped import DEFINITIONS, SUPERVISORS_ONLY
from services.insight.queries import counts
from services.insight.queries.picture import one_picture
from services.insight.rules.naming import Dimension, named, zone_of
from services.insight.rules.periods import FORMS, PERIODS_MAX, periods
from shared.database import Transaction
from shared.directory import Directory
from shared.identity import SignedIn, not_allowed
from shared.problems import Problem
from shared.routes import Caller, Db, Registry, allow, router_for
from shared.vocabulary import Channel, Level, Role, Urgency

router = router_for("insight", one_transaction=False)

NOTHING = Value(Decimal(0), 0)
FIGURE_COLUMNS = (
    "name", "version", "group", "unit", "unit_ids", "starts_at", "ends_at", "n", "d", "rate", "excluded",
    "n_before", "d_before", "rate_before", "change", "as_of",
)  # fmt: skip


class Narrowed(BaseModel):
    """Of which units and which period, and of which cases; a time without a zone is local. Default: the last thirty
    days. `level` is where a case is now, `resolved_level` where it was handled, `source` how an answer came; empty for
    those that have none. `below` is one of the units that `by=unit` splits into; `day`, `week` and `month` are written
    as they are split by."""

    unit: str | None = None
    starts: datetime | None = Field(default=None, alias="from")
    ends: datetime | None = Field(default=None, alias="to")
    category: str | None = None
    channel: Channel | None = None
    urgency: Urgency | None = None
    level: Level | None = None
    resolved_level: Level | Literal[""] | None = None
    source: Channel | Literal[""] | None = None
    below: str | None = None
    day: str | None = Field(default=None, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    week: str | None = Field(default=None, pattern=r"^[0-9]{4}-W[0-9]{2}$")
    month: str | None = Field(default=None, pattern=r"^[0-9]{4}-[0-9]{2}$")


class Asked(Narrowed):
    """`by` splits each figure: by local day, ISO week or month as well, into four hundred at most; `compare` shows the
    period of the same length before."""

    by: Dimension | None = None
    compare: bool = False


class Amount(BaseModel):
    """n and d are exact; `rate` is what they come to in the definition's form, None where d is 0; `text` is how it is
    printed."""

    n: Decimal
    d: int
    excluded: int
    printed: str
    rate: Decimal | None
    text: str


class Before(Amount):
    """The period of the same length before. `change` is in percentage points for a share."""

    period: Period
    change: Decimal | None


class Group(Amount):
    """One value of the dimension asked for, in the order of the values and never of the figures; of days, weeks and
    months also those without a case."""

    key: str
    label: dict[str, str]


class Figure(Amount):
    name: str
    version: int
    title: dict[str, str]
    unit: str
    unit_ids: tuple[str, ...]
    period: Period
    percent: Decimal | None
    as_of: datetime
    definition: dict[str, Any]
    before: Before | None = None
    by: Dimension | None = None
    groups: list[Group] = []
    beside: list[Figure] = []


class Printed(BaseModel):
    """`printed` as it stands in the article; `figure` is ours that counts the same; `rounding` is the one that would
    give the print."""

    id: str
    what: dict[str, str]
    printed: str
    unit: str
    figure: str
    n: Decimal | None
    d: int | None
    at_least: bool
    rounding: dict[str, Any] | None


@router.get("/figures.csv", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None)
@router.get("/figures.xlsx", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None)
@router.get("/figures", dependencies=[allow(*LISTING)], response_model=list[Figure])
async def list_figures(
    request: Request, database: Db, who: Caller, directory: Registry, asked: Annotated[Asked, Query()]
) -> list[Figure] | Response:
    async with one_picture(database) as tx:
        scope = await scope_of(tx, who, directory, asked)
        shown = [d for d in DEFINITIONS.values() if may_read(who, d, scope.unit_ids, directory)]
        figures = [await compute(tx, d, scope, asked.by, compare=asked.compare) for d in shown]
    return _figures_sheet(request, "figures", figures, directory)


@router.get("/figures/printed", dependencies=[allow(*LISTING)])
async def list_printed() -> list[Printed]:
    """What the articles print that this system was measured against: as printed, with n and d where they are given."""
    return [
        Printed(
            **{**asdict(known), "what": known.what.model_dump()},
        )
        for known in PRINTED
    ]


@router.get("/figures/{name}", dependencies=[allow(*LISTING)], response_model=Figure)
async def show_figure(
    name: str,
    request: Request,
    database: Db,
    who: Caller,
    directory: Registry,
    asked: Annotated[Asked, Query()],
) -> Figure | Response:
    """One figure with those that must be read beside it. `/figures/{name}.csv` and `.xlsx` give the same."""
    definition = defined(name.removesuffix(".csv").removesuffix(".xlsx"))
    async with one_picture(database) as tx:
        scope = await scope_of(tx, who, directory, asked)
        must_read(who, definition, scope.unit_ids, directory)
        figure = await compute(tx, definition, scope, asked.by, compare=asked.compare)
        figure.beside = [
            await compute(tx, other, scope, asked.by, compare=asked.compare)
            for other in (DEFINITIONS[name] for name in definition.beside)
            if may_read(who, other, scope.unit_ids, directory)
        ]
    if sheets.wanted(request) is None:
        return figure
    return _figures_sheet(request, definition.name, [figure, *figure.beside], directory)  # type: ignore[return-value]


async def compute(
    tx: Transaction,
    definition: Definition,
    scope: counts.Scope,
    by: Dimension | None = None,
    *,
    compare: bool = False,
) -> Figure:
    with metrics.FIGURE_SECONDS.labels(definition.name).time():
        value = await counts.value(tx, definition, scope)
    split = await _split(tx, definition, scope, by) if by else {}
    return Figure(
        **amount(value, definition),
        name=definition.name,
        version=definition.version,
        title=definition.title.model_dump(),
        unit=definition.unit,
        unit_ids=scope.unit_ids,
        period=Period(starts_at=scope.starts_at, ends_at=scope.ends_at),
        percent=rate(value, definition) if definition.form is Form.SHARE else None,
        as_of=scope.now,
        definition=described(definition),
        before=await _before(tx, definition, scope, value) if compare else None,
        by=by,
        groups=[
            Group(**amount(part, definition), key=key, label=named(by, key, tx.directory))
            for key, part in split.items()
            if by
        ],
    )


async def _split(
    tx: Transaction, definition: Definition, scope: counts.Scope, by: Dimension
) -> dict[str, Value]:
    if by not in FORMS:
        return await counts.groups(tx, definition, scope, by)
    every = periods(by, scope.starts_at, scope.ends_at, ZoneInfo(scope.zone))
    if len(every) > PERIODS_MAX:
        raise Problem(
            422,
            "too-many-periods",
            "分得太细 / Too many periods",
            detail=f"最多 {PERIODS_MAX} 个，请缩短统计期，或按周、按月 / At most {PERIODS_MAX}; narrow the period, or "
            "split by week or month",
            periods_max=PERIODS_MAX,
        )
    found = await counts.groups(tx, definition, scope, by)
    return {key: found.get(key, NOTHING) for key in every}


def amount(value: Value, definition: Definition) -> dict[str, Any]:
    return {
        "n": value.n,
        "d": value.d,
        "excluded": value.excluded,
        "printed": printed(value),
        "rate": rate(value, definition),
        "text": told(value, definition),
    }


async def _before(tx: Transaction, definition: Definition, scope: counts.Scope, value: Value) -> Before:
    earlier = replace(
        scope, starts_at=scope.starts_at - (scope.ends_at - scope.starts_at), ends_at=scope.starts_at
    )
    before = await counts.value(tx, definition, earlier)
    return Before(
        **amount(before, definition),
        period=Period(starts_at=earlier.starts_at, ends_at=earlier.ends_at),
        change=change(value, before, definition),
    )


def described(definition: Definition) -> dict[str, Any]:
    """The definition as people read it."""
    names = ("numerator", "denominator", "exclusions", "time_base")
    return {
        **{name: getattr(definition, name).model_dump() for name in names},
        "parameters": dict(definition.parameters),
        "weights": {answer: str(weight) for answer, weight in definition.weights.items()},
        "rounding": asdict(definition.rounding),
        "form": definition.form,
        "made_of": definition.made_of,
        "beside": definition.beside,
    }


def defined(name: str) -> Definition:
    definition = DEFINITIONS.get(name)
    if definition is None:
        raise Problem(
            404, "no-such-figure", "没有这个指标 / There is no such figure", figures=list(DEFINITIONS)
        )
    return definition


def may_read(who: SignedIn, definition: Definition, unit_ids: Iterable[str], directory: Directory) -> bool:
    """Some figures are for those who supervise all of the units, and for nobody else."""
    if definition.name not in SUPERVISORS_ONLY:
        return True
    return all(who.may(Role.SUPERVISOR, unit, directory) for unit in unit_ids)


def must_read(who: SignedIn, definition: Definition, unit_ids: Iterable[str], directory: Directory) -> None:
    if not may_read(who, definition, unit_ids, directory):
        raise not_allowed((Role.SUPERVISOR,))


async def scope_of(tx: Transaction, who: SignedIn, directory: Directory, asked: Narrowed) -> counts.Scope:
    now = await tx.now()
    unit_ids = units_of(who, asked.unit, directory)
    zone = zone_of(directory, unit_ids)
    span = period(asked.starts, asked.ends, now, zone)
    narrow = counts.Narrow(
        asked.level,
        asked.resolved_level,
        asked.category,
        asked.channel,
        asked.urgency,
        asked.source,
        asked.below,
        asked.day,
        asked.week,
        asked.month,
    )
    return counts.Scope(unit_ids, span.starts_at, span.ends_at, now, narrow, zone.key)


def _figures_sheet(
    request: Request, name: str, figures: list[Figure], directory: Directory
) -> list[Figure] | Response:
    """A line for each figure and one for each of its groups; the list as it is where no sheet is wanted."""
    if (kind := sheets.wanted(request)) is None:
        return figures
    lines = [line for figure in figures for line in _lines(figure)]
    sheet = sheets.Sheet(name, FIGURE_COLUMNS, zone_of(directory))
    return sheets.send(kind, sheet, sheets.one_page(lines))


def _lines(figure: Figure) -> list[dict[str, Any]]:
    of = figure.model_dump(exclude={"groups", "beside", "before"}) | figure.period.model_dump()
    before = figure.before
    earlier = (
        {} if before is None else {f"{name}_before": getattr(before, name) for name in ("n", "d", "rate")}
    )
    earlier |= {"change": before.change} if before else {}
    return [of | earlier, *(of | group.model_dump() | {"group": group.key} for group in figure.groups)]
