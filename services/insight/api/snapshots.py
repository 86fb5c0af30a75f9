"""POST /snapshots, GET /snapshots, /snapshots/{snapshot_id}, /snapshots/{snapshot_id}/difference: the figures of a
period as they were when somebody wrote them down, and why they are others today."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, Field

from services.insight.api.cases import reader_for
from services.insight.api.cursors import cursor as cursor_of
from services.insight.api.cursors import parts
from services.insight.api.figures import Amount, amount, defined, described, may_read, must_read
from services.insight.api.reading import LISTING, Period, everything_below, from_midnight, period, units_of
from services.insight.figures.shipped import DEFINITIONS
from services.insight.queries import counts
from services.insight.queries import snapshots as queries
from services.insight.queries.cases import LATEST
from services.insight.rules.sentences import sentence
from shared.database import Transaction
from shared.directory import Directory
from shared.events.dispatch import EntryFlagged
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.problems import not_found
from shared.routes import Caller, Registry, Tx, allow, router_for
from shared.vocabulary import Language, Role

router = router_for("insight")

TAKING = (Role.SUPERVISOR, Role.UNIT_OFFICER, Role.ADMINISTRATOR)
MOVED_MAX = 200
"""Cases named for each figure of a difference; n and d are of all."""
HAPPENED_MAX = 20


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


class Moved(BaseModel):
    """A case that counts otherwise: `then` and `now` are what it adds to n, None where it is no member or left out;
    `happened` is what came after the snapshot."""

    number: str
    case_id: UUID
    round: int
    then: Decimal | None
    now: Decimal | None
    happened: list[str]


class Difference(BaseModel):
    """Counted by the snapshot's own version, so that only what happened since can differ."""

    name: str
    version: int
    then: Amount
    now: Amount
    same: bool
    cases: list[Moved]
    more_cases: bool


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
    span = period(body.starts, body.ends, now, directory)
    scope = counts.Scope((body.unit,), span.starts_at, span.ends_at, now)
    snapshot_id = uuid7()
    await queries.take(tx, snapshot_id, definitions, scope, title=body.title, taken_by=who.person_id)
    return _shown(await queries.one(tx, snapshot_id), who, directory)


@router.get("/snapshots", dependencies=[allow(*LISTING)])
async def list_snapshots(
    tx: Tx, who: Caller, directory: Registry, asked: Annotated[Asked, Query()]
) -> Snapshots:
    most = asked.limit
    given = parts(asked.cursor, 2)
    before = (datetime.fromisoformat(given[0]), UUID(given[1])) if given else (LATEST, UUID(int=0))
    rows = await queries.page(tx, everything_below(who, directory), before, most + 1)
    more, rows = len(rows) > most, rows[:most]
    return Snapshots(
        snapshots=[Listed(**row) for row in rows],
        next_cursor=cursor_of(rows[-1]["taken_at"], rows[-1]["snapshot_id"]) if more else None,
    )


@router.get("/snapshots/{snapshot_id}", dependencies=[allow(*LISTING)])
async def show_snapshot(snapshot_id: UUID, tx: Tx, who: Caller, directory: Registry) -> Snapshot:
    """The figures as they were, with the definitions they were counted by."""
    return _shown(await _readable(snapshot_id, tx, who, directory), who, directory)


@router.get("/snapshots/{snapshot_id}/difference", dependencies=[allow(*LISTING)])
async def explain_difference(
    snapshot_id: UUID, tx: Tx, who: Caller, directory: Registry, language: Language | None = None
) -> list[Difference]:
    """Each figure then and now, and the cases that make the difference with what happened to them since."""
    taken = await _readable(snapshot_id, tx, who, directory)
    now = await tx.now()
    return [await _difference(tx, kept, now, language or who.language) for kept in taken]


async def _difference(tx: Transaction, kept: queries.Taken, now: datetime, language: Language) -> Difference:
    scope = replace(kept.scope, now=now)
    value = await counts.value(tx, kept.definition, scope)
    rows = await queries.difference(tx, kept, scope, MOVED_MAX + 1)
    more, rows = len(rows) > MOVED_MAX, rows[:MOVED_MAX]
    happened = await _happened(tx, [row["case_id"] for row in rows], kept.scope.now, language)
    return Difference(
        name=kept.definition.name,
        version=kept.definition.version,
        then=Amount(**amount(kept.value, kept.definition)),
        now=Amount(**amount(value, kept.definition)),
        same=not rows,
        cases=[
            Moved(
                number=row["number"],
                case_id=row["case_id"],
                round=row["part"],
                then=None if row["excluded_then"] else row["counted_then"],
                now=None if row["excluded_now"] else row["counted_now"],
                happened=happened[row["case_id"]],
            )
            for row in rows
        ],
        more_cases=more,
    )


async def _happened(
    tx: Transaction, case_ids: list[UUID], as_of: datetime, language: Language
) -> dict[UUID, list[str]]:
    """Told without people, for whoever may read figures may not always read people."""
    reader = reader_for(language, tx.directory, whole=False)
    told: dict[UUID, list[str]] = defaultdict(list)
    if not case_ids:
        return told
    for event in await queries.since(tx, case_ids, as_of):
        lines = told[event["case_id"]]
        if event["type"] != EntryFlagged.type and len(lines) < HAPPENED_MAX:
            lines.append(f"{reader.time(event['at'])} {sentence(event['type'], event['data'], reader)}")
    return told


async def _readable(
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
