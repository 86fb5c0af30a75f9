"""GET /public/figures: what everybody may read of a month that is over. No number in it is below five, and none that
was left out can be worked out from the others."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any
from weakref import WeakKeyDictionary

import orjson
from fastapi import Header
from fastapi.responses import Response
from pydantic import BaseModel

from services.insight.queries import publications as queries
from shared.database import Database
from shared.problems import Problem, not_found
from shared.routes import Db, open_to_everybody, router_for

router = router_for("insight", one_transaction=False)

FRESH_SECONDS = 60.0
MONTH = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])")


class PublicCell(BaseModel):
    """None was left out: too small, or it would give something small away. `rate` is in per cent for a share."""

    n: int | None
    d: int | None
    rate: str | None


class PublicGroup(PublicCell):
    key: str
    label: dict[str, str]


class PublicTable(BaseModel):
    by: str
    groups: list[PublicGroup]


class PublicFigure(BaseModel):
    name: str
    version: int
    title: dict[str, str]
    unit: str
    form: str
    numerator: dict[str, str]
    denominator: dict[str, str]
    exclusions: dict[str, str]
    total: PublicCell
    tables: list[PublicTable]


class PublicFigures(BaseModel):
    """The month shown (the latest, unless one was asked for), all that can be asked for, and its figures. A month is
    published once and never corrected: two editions would tell what each hides."""

    month: str | None
    published_at: datetime | None
    months: list[str]
    figures: list[PublicFigure]


@dataclass
class Editions:
    """What was read lately: everybody may ask, and a month never changes."""

    read_at: float = float("-inf")
    months: list[date] = field(default_factory=list)
    bodies: dict[date, dict[str, Any]] = field(default_factory=dict)


EDITIONS: WeakKeyDictionary[Database, Editions] = WeakKeyDictionary()


@router.get("/public/figures", dependencies=[open_to_everybody()], response_model=PublicFigures)
async def show_public_figures(
    database: Db, month: str | None = None, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """Of one calendar month (`2026-03`), by community, channel and urgency."""
    asked = _month(month)
    editions = await _editions(database)
    shown = asked or (editions.months[0] if editions.months else None)
    if asked is not None and asked not in editions.months:
        raise not_found("这个月没有公布 / This month is not published")
    body = await _body(database, editions, shown) if shown else {}
    answer = PublicFigures(
        month=body.get("month"),
        published_at=body.get("published_at"),
        months=[known.strftime("%Y-%m") for known in editions.months],
        figures=body.get("figures", []),
    )
    content = orjson.dumps(answer.model_dump(mode="json"))
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={int(FRESH_SECONDS)}"}
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def _month(given: str | None) -> date | None:
    if given is None:
        return None
    if not MONTH.fullmatch(given):
        raise Problem(
            422,
            "no-such-month",
            "月份须写作 2026-03 / A month is written 2026-03",
        )
    return date.fromisoformat(f"{given}-01")


async def _editions(database: Database) -> Editions:
    editions = EDITIONS.setdefault(database, Editions())
    if time.monotonic() - editions.read_at > FRESH_SECONDS:
        async with database.transaction() as tx:
            tx.read_only = True
            editions.months = await queries.months(tx)
        editions.read_at = time.monotonic()
    return editions


async def _body(database: Database, editions: Editions, month: date) -> dict[str, Any]:
    if month not in editions.bodies:
        async with database.transaction() as tx:
            tx.read_only = True
            found = await queries.one(tx, month)
        assert found is not None  # it is in the list, and nothing is ever taken out of it
        body = dict(found["body"])
        editions.bodies[month] = {
            **body,
            "month": month.strftime("%Y-%m"),
            "published_at": found["published_at"],
        }
    return editions.bodies[month]
