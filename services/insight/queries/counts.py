"""The counts behind the figures. Every grain (grains.py) gives the members of a denominator; n is the sum of
`counted`, d that of `listed` (1 each, of cases), without those that are `excluded`, and a drill-down is the same rows.
So a figure and its list cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from services.insight.figures.definition import Definition, Value
from services.insight.queries.grains import MEMBERS, SUBJECTS
from services.insight.rules.naming import HOME_ZONE, Dimension
from shared.database import Transaction


@dataclass(frozen=True)
class Narrow:
    """One value of a dimension each; None takes all. `unit` is one of those that the units asked for split into; a
    `day`, `week` or `month` is written as it is split by."""

    level: str | None = None
    resolved_level: str | None = None
    category: str | None = None
    channel: str | None = None
    urgency: str | None = None
    source: str | None = None
    unit: str | None = None
    day: str | None = None
    week: str | None = None
    month: str | None = None


@dataclass(frozen=True)
class Scope:
    """Units with everything below them, and a period; `now` is when the figure is read, `zone` where days begin."""

    unit_ids: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    now: datetime
    narrow: Narrow = Narrow()
    zone: str = HOME_ZONE


@dataclass(frozen=True)
class Place:
    """Where a page of a drill-down ended."""

    at: datetime
    case_id: UUID
    part: int


EVERYTHING = Narrow()
KEYS: Mapping[Dimension, str] = {
    # The next unit below those asked for; the unit itself where the case's path goes no deeper.
    Dimension.UNIT: """(
        SELECT coalesce(c.unit_path[max(array_position(c.unit_path, u)) + 1],
                        c.unit_path[max(array_position(c.unit_path, u))])
        FROM unnest(CAST(:unit_ids AS text[])) AS u)""",
    Dimension.LEVEL: "c.level",
    Dimension.RESOLVED_LEVEL: "coalesce(c.resolved_level, '')",
    Dimension.CATEGORY: "c.category_code",
    Dimension.CHANNEL: "c.channel",
    Dimension.URGENCY: "c.urgency",
    # A figure that asks nobody has no source.
    Dimension.SOURCE: """coalesce((
        SELECT f.via FROM follow_ups AS f
        WHERE f.case_id = member.case_id AND f.round = member.part AND f.reached_at IS NOT NULL
        ORDER BY f.reached_at LIMIT 1), '')""",
    **{
        by: f"to_char(member.at AT TIME ZONE CAST(:zone AS text), '{form}')"
        for by, form in (
            (Dimension.DAY, "YYYY-MM-DD"),
            (Dimension.WEEK, 'IYYY-"W"IW'),
            (Dimension.MONTH, "YYYY-MM"),
        )
    },
}
NARROWED = "".join(
    f"""
    AND (CAST(:{field.name} AS text) IS NULL OR {KEYS[Dimension(field.name)]} = :{field.name})"""
    for field in fields(Narrow)
)
SUMS = """
    coalesce(sum(counted) FILTER (WHERE NOT excluded), 0) AS n,
    coalesce(sum(listed) FILTER (WHERE NOT excluded), 0) AS d, count(*) FILTER (WHERE excluded) AS excluded
"""
TOTAL = """
    SELECT {sums} FROM ({grain}) AS member
"""
NARROWED_TOTAL = """
    SELECT {sums} FROM ({grain}) AS member JOIN {subject} AS c USING (case_id) WHERE true {narrowed}
"""
GROUPS = """
    SELECT {key} AS key, {sums} FROM ({grain}) AS member JOIN {subject} AS c USING (case_id) WHERE true {narrowed}
    GROUP BY 1 ORDER BY 1
"""
PAGE = """
    SELECT member.case_id, member.number, part, at, counted, excluded, listed
    FROM ({grain}) AS member JOIN {subject} AS c USING (case_id)
    WHERE (at, member.case_id, part)
          > (CAST(:after_at AS timestamptz), CAST(:after_case AS uuid), CAST(:after_part AS int))
      AND CASE CAST(:side AS text) WHEN 'n' THEN counted > 0 AND NOT excluded WHEN 'd' THEN NOT excluded
                                   WHEN 'excluded' THEN excluded ELSE true END {narrowed}
    ORDER BY at, member.case_id, part LIMIT :most
"""
HOW_MANY = """
    SELECT count(*) AS many FROM ({page}) AS found
"""
TOTALS = {counts: TOTAL.format(sums=SUMS, grain=grain) for counts, grain in MEMBERS.items()}
NARROWED_TOTALS = {
    counts: NARROWED_TOTAL.format(sums=SUMS, grain=grain, subject=SUBJECTS[counts], narrowed=NARROWED)
    for counts, grain in MEMBERS.items()
}
GROUPED = {
    (counts, dimension): GROUPS.format(
        key=key, sums=SUMS, grain=grain, subject=SUBJECTS[counts], narrowed=NARROWED
    )
    for counts, grain in MEMBERS.items()
    for dimension, key in KEYS.items()
}
PAGES = {
    counts: PAGE.format(grain=grain, subject=SUBJECTS[counts], narrowed=NARROWED)
    for counts, grain in MEMBERS.items()
}
LENGTHS = {counts: HOW_MANY.format(page=page) for counts, page in PAGES.items()}
BEGINNING = Place(datetime.fromisoformat("0001-01-02T00:00:00+00:00"), UUID(int=0), -1)


async def value(tx: Transaction, definition: Definition, scope: Scope) -> Value:
    if scope.narrow == EVERYTHING:
        [row] = await tx.rows(TOTALS[definition.counts], **parameters(definition, scope))
    else:
        [row] = await tx.rows(
            NARROWED_TOTALS[definition.counts], **parameters(definition, scope), **vars(scope.narrow)
        )
    return Value(Decimal(row["n"]), row["d"], row["excluded"])


async def groups(tx: Transaction, definition: Definition, scope: Scope, by: Dimension) -> dict[str, Value]:
    """The figure of each value of the dimension there is, in the order of the values, never of the figures."""
    rows = await tx.rows(
        GROUPED[definition.counts, by], **parameters(definition, scope), **vars(scope.narrow)
    )
    return {row["key"]: Value(Decimal(row["n"]), row["d"], row["excluded"]) for row in rows}


async def members(
    tx: Transaction, definition: Definition, scope: Scope, side: str, after: Place | None, most: int
) -> list[dict[str, Any]]:
    """The cases of n (`side="n"`), of d, those `excluded`, or `all`; oldest first, after `after`."""
    rows = await tx.rows(
        PAGES[definition.counts], **_after(definition, scope, side, after or BEGINNING, most)
    )
    return [dict(row) for row in rows]


async def how_many(tx: Transaction, definition: Definition, scope: Scope, side: str, most: int) -> int:
    """How long the drill-down is, counted up to `most`."""
    [row] = await tx.rows(LENGTHS[definition.counts], **_after(definition, scope, side, BEGINNING, most))
    return int(row["many"])


def _after(definition: Definition, scope: Scope, side: str, after: Place, most: int) -> dict[str, Any]:
    # Every grain finds its members by their time, so a later page does not read what the earlier ones had.
    scope = replace(scope, starts_at=max(scope.starts_at, after.at))
    return {
        **parameters(definition, scope),
        **vars(scope.narrow),
        "side": side,
        "after_at": after.at,
        "after_case": after.case_id,
        "after_part": after.part,
        "most": most,
    }


def parameters(definition: Definition, scope: Scope) -> dict[str, Any]:
    weights = {str(answer): str(weight) for answer, weight in definition.weights.items()}
    return {
        "unit_ids": list(scope.unit_ids),
        "starts_at": scope.starts_at,
        "ends_at": scope.ends_at,
        "now": scope.now,
        "zone": scope.zone,
        **definition.parameters,
        **({"weights": orjson.dumps(weights).decode()} if weights else {}),
    }
