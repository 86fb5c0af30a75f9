"""Snapshots: figures of a period and the cases behind them, as they were when taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from services.insight.figures.definition import Definition, Value
from services.insight.figures.shipped import VERSIONS
from services.insight.queries.cases import LATEST
from services.insight.queries.counts import Scope, parameters, value
from services.insight.queries.grains import MEMBERS
from shared.database import Transaction


@dataclass(frozen=True)
class Taken:
    """One figure of a snapshot. `positions` is the next offset of each partition when it was taken; `set_aside` the
    cases that stood still then."""

    snapshot_id: UUID
    definition: Definition
    scope: Scope
    taken_at: datetime
    taken_by: str
    title: str
    value: Value
    positions: dict[int, int]
    set_aside: int


# Whoever folds moves its position in the same transaction, so while nobody can, rows and positions agree.
HOLD = "LOCK TABLE positions IN SHARE MODE"
WHERE_WE_ARE = """
    SELECT coalesce(jsonb_object_agg(partition, next_offset), '{}')::text AS positions,
           (SELECT count(DISTINCT subject_id) FROM dead_letters) AS set_aside, business_now() AS taken_at
    FROM positions
"""
TAKE = """
    INSERT INTO snapshots (snapshot_id, figure, version, unit_ids, starts_at, ends_at, as_of, taken_at, taken_by,
                           title, n, d, excluded, positions, set_aside)
    VALUES (:snapshot_id, :figure, :version, CAST(:unit_ids AS text[]), :starts_at, :ends_at, :now, :taken_at,
            :taken_by, :title, :n, :d, :excluded, CAST(CAST(:positions AS text) AS jsonb), :set_aside)
"""
TAKE_MEMBERS = """
    INSERT INTO snapshot_members (snapshot_id, figure, case_id, part, number, at, counted, excluded, listed)
    SELECT :snapshot_id, :figure, case_id, part, number, at, counted, excluded, listed FROM ({grain}) AS member
"""
READ = """
    SELECT snapshot_id, figure, version, unit_ids, starts_at, ends_at, as_of, taken_at, taken_by, title, n, d,
           excluded, positions::text AS positions, set_aside
    FROM snapshots WHERE snapshot_id = :snapshot_id
"""
# Newest first; the cursor is (taken_at, snapshot_id) of the last row.
PAGE = """
    SELECT snapshot_id, unit_ids, starts_at, ends_at, taken_at, taken_by, title,
           array_agg(figure ORDER BY figure) AS figures
    FROM snapshots
    WHERE unit_ids <@ CAST(:unit_ids AS text[])
      AND (taken_at, snapshot_id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
    GROUP BY snapshot_id, unit_ids, starts_at, ends_at, taken_at, taken_by, title
    ORDER BY taken_at DESC, snapshot_id DESC LIMIT :most
"""
HOW_MANY = f"SELECT count(*) AS many FROM ({PAGE}) AS found"
DIFFERENCE = """
    SELECT coalesce(member.case_id, kept.case_id) AS case_id, coalesce(member.number, kept.number) AS number,
           coalesce(member.part, kept.part) AS part,
           kept.counted AS counted_then, kept.excluded AS excluded_then,
           member.counted AS counted_now, member.excluded AS excluded_now
    FROM (SELECT * FROM snapshot_members WHERE snapshot_id = :snapshot_id AND figure = :figure) AS kept
    FULL JOIN ({grain}) AS member ON member.case_id = kept.case_id AND member.part = kept.part
    WHERE (kept.counted, kept.excluded, kept.listed) IS DISTINCT FROM (member.counted, member.excluded, member.listed)
      AND (coalesce(member.number, kept.number), coalesce(member.case_id, kept.case_id),
           coalesce(member.part, kept.part))
          > (CAST(:after_number AS text), CAST(:after_case AS uuid), CAST(:after_part AS int))
    ORDER BY 2, 1, 3 LIMIT :most
"""
# What was folded later, however long before it happened: insight may have been behind when the snapshot was taken.
SINCE = """
    SELECT case_id, at, type, data FROM timeline
    WHERE case_id = ANY(CAST(:case_ids AS uuid[])) AND coalesce(folded_at, at) > :taken_at
    ORDER BY case_id, at, event_id
"""
TAKES = {counts: TAKE_MEMBERS.format(grain=grain) for counts, grain in MEMBERS.items()}
DIFFERENCES = {counts: DIFFERENCE.format(grain=grain) for counts, grain in MEMBERS.items()}
LENGTHS = {
    counts: f"SELECT count(*) AS many FROM ({difference}) AS moved"
    for counts, difference in DIFFERENCES.items()
}


async def hold(tx: Transaction) -> dict[str, Any]:
    """Nobody folds until this transaction ends: the positions (as JSON), how many cases stand still, and the time,
    after which everything else is folded."""
    await tx.rows(HOLD)
    [row] = await tx.rows(WHERE_WE_ARE)
    return dict(row)


async def take(
    tx: Transaction,
    snapshot_id: UUID,
    definitions: Iterable[Definition],
    scope: Scope,
    *,
    title: str,
    taken_by: str,
) -> None:
    held = await hold(tx)
    for definition in definitions:
        counted = await value(tx, definition, scope)
        of = {**parameters(definition, scope), "snapshot_id": snapshot_id, "figure": definition.name}
        await tx.rows(
            TAKE,
            **of,
            version=definition.version,
            taken_by=taken_by,
            title=title,
            n=counted.n,
            d=counted.d,
            excluded=counted.excluded,
            **held,
        )
        await tx.rows(TAKES[definition.counts], **of)


async def one(tx: Transaction, snapshot_id: UUID) -> list[Taken]:
    """Its figures in the order they are shown; none for a snapshot there is not."""
    taken = [_taken(row) for row in await tx.rows(READ, snapshot_id=snapshot_id)]
    order = list(VERSIONS.values())
    return sorted(taken, key=lambda kept: order.index(kept.definition))


def _taken(row: Any) -> Taken:
    scope = Scope(tuple(row["unit_ids"]), row["starts_at"], row["ends_at"], row["as_of"])
    return Taken(
        snapshot_id=row["snapshot_id"],
        definition=VERSIONS[row["figure"], row["version"]],
        scope=scope,
        taken_at=row["taken_at"],
        taken_by=row["taken_by"],
        title=row["title"],
        value=Value(Decimal(row["n"]), row["d"], row["excluded"]),
        positions={int(part): offset for part, offset in orjson.loads(row["positions"]).items()},
        set_aside=row["set_aside"],
    )


async def page(
    tx: Transaction, unit_ids: Sequence[str], before: tuple[datetime, UUID] | None, most: int
) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(PAGE, **_before(unit_ids, before, most))]


async def how_many(tx: Transaction, unit_ids: Sequence[str], most: int) -> int:
    """How long the list is, counted up to `most`."""
    [row] = await tx.rows(HOW_MANY, **_before(unit_ids, None, most))
    return int(row["many"])


def _before(unit_ids: Sequence[str], before: tuple[datetime, UUID] | None, most: int) -> dict[str, Any]:
    before_at, before_id = before or (LATEST, UUID(int=0))
    return {"unit_ids": list(unit_ids), "before_at": before_at, "before_id": before_id, "most": most}


@dataclass(frozen=True)
class MovedPlace:
    """Where a page of a difference ended."""

    number: str
    case_id: UUID
    part: int


BEGINNING = MovedPlace("", UUID(int=0), -1)


async def difference(
    tx: Transaction, taken: Taken, scope: Scope, most: int, after: MovedPlace = BEGINNING
) -> list[dict[str, Any]]:
    """The cases that count otherwise in `scope` than they did in the snapshot, by its own definition."""
    rows = await tx.rows(DIFFERENCES[taken.definition.counts], **_moved(taken, scope, most, after))
    return [dict(row) for row in rows]


async def how_many_moved(tx: Transaction, taken: Taken, scope: Scope, most: int) -> int:
    """How many cases count otherwise, counted up to `most`."""
    [row] = await tx.rows(LENGTHS[taken.definition.counts], **_moved(taken, scope, most, BEGINNING))
    return int(row["many"])


def _moved(taken: Taken, scope: Scope, most: int, after: MovedPlace) -> dict[str, Any]:
    return {
        **parameters(taken.definition, scope),
        "snapshot_id": taken.snapshot_id,
        "figure": taken.definition.name,
        "most": most,
        "after_number": after.number,
        "after_case": after.case_id,
        "after_part": after.part,
    }


async def since(tx: Transaction, case_ids: Iterable[UUID], taken_at: datetime) -> list[dict[str, Any]]:
    """What came to be known of these cases after the snapshot."""
    return [dict(row) for row in await tx.rows(SINCE, case_ids=list(case_ids), taken_at=taken_at)]
