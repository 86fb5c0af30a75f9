"""GET /snapshots/{snapshot_id}/difference: why figures that were written down are others today."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from services.insight.api import sheets
from services.insight.api.cases import reader_for
from services.insight.api.figures import Amount, amount
from services.insight.api.reading import LISTING
from services.insight.api.snapshots import readable
from services.insight.queries import counts
from services.insight.queries import snapshots as queries
from services.insight.queries.picture import one_picture
from services.insight.rules.naming import zone_of
from services.insight.rules.sentences import sentence
from shared.database import Database, Transaction
from shared.events.dispatch import EntryFlagged
from shared.routes import Caller, Db, Registry, allow, router_for
from shared.vocabulary import Language

router = router_for("insight", one_transaction=False)

MOVED_MAX = 200
"""Cases named for each figure of a difference; n and d are of all, and a file names all."""
HAPPENED_MAX = 20
COLUMNS = (
    "figure", "version", "n_then", "d_then", "n_now", "d_now", "number", "round", "then", "now", "happened", "case_id",
)  # fmt: skip


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


@router.get(
    "/snapshots/{snapshot_id}/difference.csv",
    dependencies=[allow(*LISTING)],
    include_in_schema=False,
    response_model=None,
)
@router.get(
    "/snapshots/{snapshot_id}/difference.xlsx",
    dependencies=[allow(*LISTING)],
    include_in_schema=False,
    response_model=None,
)
@router.get(
    "/snapshots/{snapshot_id}/difference", dependencies=[allow(*LISTING)], response_model=list[Difference]
)
async def explain_difference(
    snapshot_id: UUID,
    request: Request,
    database: Db,
    who: Caller,
    directory: Registry,
    language: Language | None = None,
) -> list[Difference] | Response:
    """Each figure then and now, and the cases that make the difference with what came to be known of them since."""
    language = language or who.language
    async with one_picture(database) as tx:
        taken = await readable(snapshot_id, tx, who, directory)
        now = await tx.now()
        if (kind := sheets.wanted(request)) is None:
            return [await _difference(tx, kept, now, language) for kept in taken]
        rows_max = sheets.rows_max(request)
        moved = [await queries.how_many_moved(tx, kept, _today(kept, now), rows_max + 1) for kept in taken]
    sheets.must_fit(len(taken) + sum(moved), rows_max)
    sheet = sheets.Sheet(f"difference-{snapshot_id}", COLUMNS, zone_of(directory))
    return sheets.send(kind, sheet, _pages(database, taken, now, language))


def _today(kept: queries.Taken, now: datetime) -> counts.Scope:
    return replace(kept.scope, now=now)


async def _difference(tx: Transaction, kept: queries.Taken, now: datetime, language: Language) -> Difference:
    scope = _today(kept, now)
    value = await counts.value(tx, kept.definition, scope)
    rows = await queries.difference(tx, kept, scope, MOVED_MAX + 1)
    more, rows = len(rows) > MOVED_MAX, rows[:MOVED_MAX]
    return Difference(
        name=kept.definition.name,
        version=kept.definition.version,
        then=Amount(**amount(kept.value, kept.definition)),
        now=Amount(**amount(value, kept.definition)),
        same=not rows,
        cases=await _explained(tx, kept, rows, language),
        more_cases=more,
    )


async def _explained(
    tx: Transaction, kept: queries.Taken, rows: Sequence[dict[str, Any]], language: Language
) -> list[Moved]:
    happened = await _happened(tx, [row["case_id"] for row in rows], kept.taken_at, language)
    return [
        Moved(
            number=row["number"],
            case_id=row["case_id"],
            round=row["part"],
            then=None if row["excluded_then"] else row["counted_then"],
            now=None if row["excluded_now"] else row["counted_now"],
            happened=happened[row["case_id"]],
        )
        for row in rows
    ]


async def _happened(
    tx: Transaction, case_ids: list[UUID], taken_at: datetime, language: Language
) -> dict[UUID, list[str]]:
    """Told without people, for whoever may read figures may not always read people."""
    reader = reader_for(language, tx.directory, whole=False)
    told: dict[UUID, list[str]] = defaultdict(list)
    if not case_ids:
        return told
    for event in await queries.since(tx, case_ids, taken_at):
        lines = told[event["case_id"]]
        if event["type"] != EntryFlagged.type and len(lines) < HAPPENED_MAX:
            lines.append(f"{reader.time(event['at'])} {sentence(event['type'], event['data'], reader)}")
    return told


async def _pages(
    database: Database, taken: Sequence[queries.Taken], now: datetime, language: Language
) -> AsyncIterator[Sequence[sheets.Row]]:
    """A line for each figure, then one for each case that makes its difference."""
    for kept in taken:
        scope, after = _today(kept, now), queries.BEGINNING
        async with one_picture(database) as tx:
            value = await counts.value(tx, kept.definition, scope)
        figure = {"figure": kept.definition.name, "version": kept.definition.version}
        amounts = {"n_then": kept.value.n, "d_then": kept.value.d, "n_now": value.n, "d_now": value.d}
        yield [figure | amounts]
        while True:
            async with one_picture(database) as tx:
                rows = await queries.difference(tx, kept, scope, sheets.PAGE_ROWS, after)
                moved = await _explained(tx, kept, rows, language)
            yield [figure | case.model_dump() for case in moved]
            if len(rows) < sheets.PAGE_ROWS:
                break
            after = queries.MovedPlace(moved[-1].number, moved[-1].case_id, moved[-1].round)
