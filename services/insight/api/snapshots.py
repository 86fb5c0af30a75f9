"""POST /snapshots, GET /snapshots, /snapshots/{snapshot_id}: the figures of a period as they were when somebody wrote
them down. Why they are others today is in differences.py."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, BeforeValidator, Field

from services.insight.api import sheets
from services.insight.api.figures import Amount, amount, defined, described, may_read, must_read
from services.insight.api.newest_first import NewestFirst, Place
from services.insight.api.reading import LISTING, Period, everything_below, from_midnight, period, units_of
from services.insight.figures.shipped import DEFINITIONS
from services.insight.queries import counts
from services.insight.queries import snapshots as queries
from services.insight.rules.naming import zone_of
from shared.database import Transaction
from shared.directory import Directory
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.problems import not_found
from shared.routes import Caller, Db, Registry, Tx, allow, router_for
from shared.vocabulary import Role

router = router_for("insight")

TAKING = (Role.SUPERVISOR, Role.UNIT_OFFICER, Role.ADMINISTRATOR)
LIST_COLUMNS = ("snapshot_id", "title", "unit_ids", "starts_at", "ends_at", "taken_at", "figures")
COLUMNS = (
    "snapshot_id", "snapshot", "unit_ids", "starts_at", "ends_at", "taken_at", "name", "version", "zh", "en", "unit",
    "n", "d", "rate", "excluded",
)  # fmt: skip


class TakeSnapshot(BaseModel):
    """Of one unit and period; `figures` by name, all of them if left out. A time without a zone is local."""

    title: str = Field(min_length=1, max_length=200)
    unit: str
    starts: Annotated[datetime | None, BeforeValidator(from_midnight)] = Field(default=None, alias="from")
    ends: Annotated[datetime | None, BeforeValidator(from_midnight)] = Field(default=None, alias="to")
    figures: list[str] | None = None


class Kept(Amount):
    """A figure as it was; `definition` is the version it was counted by."""

    name: str
    version: int
    title: dict[str, str]
    unit: str
    definition: dict[str, Any]


class Snapshot(BaseModel):
    """`positions`: how far each partition of the cases' topic had been read, by which it can be counted again
    (`python -m services.insight.rebuild --snapshot`). `set_aside` cases stood still when it was taken."""

    snapshot_id: UUID
    title: str
    unit_ids: tuple[str, ...]
    period: Period
    taken_at: datetime
    taken_by: str | None
    positions: dict[int, int]
    set_aside: int
    figures: list[Kept]


class Listed(BaseModel):
    snapshot_id: UUID
    title: str
    unit_ids: list[str]
    starts_at: datetime
    ends_at: datetime
    taken_at: datetime
    figures: list[str]


class Snapshots(BaseModel):
    """Newest first; `next_cursor` is None on the last page."""

    snapshots: list[Listed]
    next_cursor: str | None


class Asked(BaseModel):
    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=200)


@router.post("/snapshots", dependencies=[allow(*TAKING)], status_code=201)
async def take_snapshot(body: TakeSnapshot, tx: Tx, who: Caller, directory: Registry) -> Snapshot:
    """Write the figures down as they are now. They stay, whatever happens to the cases."""
    units_of(who, body.unit, directory)
    who.must(TAKING, body.unit, directory)
    definitions = [defined(name) for name in dict.fromkeys(body.figures or ())]
    for definition in definitions:
        must_read(who, definition, (body.unit,), directory)
    definitions = definitions or [
        d for d in DEFINITIONS.values() if may_read(who, d, (body.unit,), directory)
    ]
    now = await tx.now()
    span = period(body.starts, body.ends, now, zone_of(directory, (body.unit,)))
    scope = counts.Scope((body.unit,), span.starts_at, span.ends_at, now)
    snapshot_id = uuid7()
    await queries.take(tx, snapshot_id, definitions, scope, title=body.title, taken_by=who.person_id)
    return _shown(await queries.one(tx, snapshot_id), who, directory)


@router.get("/snapshots.csv", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None)
@router.get("/snapshots.xlsx", dependencies=[allow(*LISTING)], include_in_schema=False, response_model=None)
@router.get("/snapshots", dependencies=[allow(*LISTING)], response_model=Snapshots)
async def list_snapshots(
    request: Request,
    tx: Tx,
    database: Db,
    who: Caller,
    directory: Registry,
    asked: Annotated[Asked, Query()],
) -> Snapshots | Response:
    unit_ids = everything_below(who, directory)

    async def read(tx: Transaction, before: Place | None, most: int) -> list[dict[str, Any]]:
        return await queries.page(tx, unit_ids, before, most)

    async def count(tx: Transaction, most: int) -> int:
        return await queries.how_many(tx, unit_ids, most)

    found = NewestFirst(("taken_at", "snapshot_id"), read, count)
    if (kind := sheets.wanted(request)) is not None:
        sheet = sheets.Sheet("snapshots", LIST_COLUMNS, zone_of(directory))
        return await sheets.send_whole(request, kind, sheet, database, tx, found.whole())
    rows, next_cursor = await found.page(tx, asked.cursor, asked.limit)
    return Snapshots(snapshots=[Listed(**row) for row in rows], next_cursor=next_cursor)


# Decorators run from the last, and the first address that fits is taken: the plain one would read "….csv" as an id.
@router.get("/snapshots/{snapshot_id}", dependencies=[allow(*LISTING)], response_model=Snapshot)
@router.get(
    "/snapshots/{snapshot_id}.csv",
    dependencies=[allow(*LISTING)],
    include_in_schema=False,
    response_model=None,
)
@router.get(
    "/snapshots/{snapshot_id}.xlsx",
    dependencies=[allow(*LISTING)],
    include_in_schema=False,
    response_model=None,
)
async def show_snapshot(
    snapshot_id: UUID, request: Request, tx: Tx, who: Caller, directory: Registry
) -> Snapshot | Response:
    """The figures as they were, with the definitions they were counted by."""
    snapshot = _shown(await readable(snapshot_id, tx, who, directory), who, directory)
    if (kind := sheets.wanted(request)) is None:
        return snapshot
    sheet = sheets.Sheet(f"snapshot-{snapshot_id}", COLUMNS, zone_of(directory))
    return sheets.send(kind, sheet, sheets.one_page(_lines(snapshot)))


def _lines(snapshot: Snapshot) -> list[dict[str, Any]]:
    of = snapshot.model_dump() | snapshot.period.model_dump() | {"snapshot": snapshot.title}
    return [of | kept.model_dump() | kept.title for kept in snapshot.figures]


async def readable(
    snapshot_id: UUID, tx: Transaction, who: SignedIn, directory: Directory
) -> list[queries.Taken]:
    taken = await queries.one(tx, snapshot_id)
    below = set(everything_below(who, directory))
    shown = [
        kept
        for kept in taken
        if below.issuperset(kept.scope.unit_ids)
        and may_read(who, kept.definition, kept.scope.unit_ids, directory)
    ]
    if not shown:
        raise not_found("没有这份快照 / There is no such snapshot")
    return shown


def _shown(taken: list[queries.Taken], who: SignedIn, directory: Directory) -> Snapshot:
    first = taken[0]
    sees_people = any(who.may(role, unit, directory) for role in TAKING for unit in first.scope.unit_ids)
    return Snapshot(
        snapshot_id=first.snapshot_id,
        title=first.title,
        unit_ids=first.scope.unit_ids,
        period=Period(starts_at=first.scope.starts_at, ends_at=first.scope.ends_at),
        taken_at=first.taken_at,
        taken_by=first.taken_by if sees_people else None,
        positions=first.positions,
        set_aside=first.set_aside,
        figures=[
            Kept(
                **amount(kept.value, kept.definition),
                name=kept.definition.name,
                version=kept.definition.version,
                title=kept.definition.title.model_dump(),
                unit=kept.definition.unit,
                definition=described(kept.definition),
            )
            for kept in taken
        ],
    )
