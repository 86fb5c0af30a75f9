"""The counts behind the figures: one query per `Definition.counts`, one row per member of the denominator.

Every query gives (case_id, number, part, at, counted, excluded); n is the sum of `counted`, d the number of rows
that are not `excluded`, and a drill-down is the same rows. So a figure and its list of cases cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from services.insight.figures import Definition, Value
from shared.database import Transaction


@dataclass(frozen=True)
class Scope:
    """Units with everything below them, and a period; `now` is when the figure is read."""

    unit_ids: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    now: datetime


@dataclass(frozen=True)
class Place:
    """Where a page of a drill-down ended."""

    at: datetime
    case_id: UUID
    part: int


ARRIVALS = """
    SELECT case_id, number, 0 AS part, due.at, coalesce({counted}, false)::int::numeric AS counted,
           coalesce(outcome IN ('merged', 'withdrawn'), false) AS excluded
    FROM cases, LATERAL (SELECT registered_at + make_interval(secs => :within_seconds) AS at) AS due
    WHERE urgency = 'emergency' AND unit_path && CAST(:unit_ids AS text[])
      AND registered_at >= CAST(:starts_at AS timestamptz) - make_interval(secs => :within_seconds)
      AND registered_at < CAST(:ends_at AS timestamptz) - make_interval(secs => :within_seconds)
      AND due.at <= :now
"""
ANSWERS = """
    SELECT f.case_id, c.number, f.round AS part, f.reached_at AS at, coalesce({counted}, 0)::numeric AS counted,
           {question} IS NULL AS excluded
    FROM follow_ups AS f JOIN cases AS c USING (case_id)
    WHERE f.reached_at >= :starts_at AND f.reached_at < :ends_at AND f.reached_at <= :now
      AND c.unit_path && CAST(:unit_ids AS text[])
"""
REACHED = """
    SELECT f.case_id, c.number, f.round AS part, f.opened_at AS at,
           (f.reached_at IS NOT NULL)::int::numeric AS counted,
           f.reached_at IS NULL AND f.given_up_at IS NULL
               AND f.opened_at + make_interval(secs => :open_for_seconds) > :now AS excluded
    FROM follow_ups AS f JOIN cases AS c USING (case_id)
    WHERE f.opened_at >= :starts_at AND f.opened_at < :ends_at AND f.opened_at <= :now
      AND c.unit_path && CAST(:unit_ids AS text[])
"""
KEPT_SOLVED = """
    (f.solved AND NOT coalesce(
        f.reopened_at <= f.reached_at + make_interval(secs => :reopened_within_seconds), false))::int
"""
SATISFIED = "(CAST(:weights AS jsonb) ->> f.satisfaction)::numeric"

GRAINS = {
    "arrived_since_registration": ARRIVALS.format(counted="arrived_at <= due.at"),
    "arrived_since_told": ARRIVALS.format(
        counted="arrived_at <= arrived_told_at + make_interval(secs => :within_seconds)"
    ),
    "contacted": ANSWERS.format(counted="f.contacted::int", question="f.contacted"),
    "solved": ANSWERS.format(counted=KEPT_SOLVED, question="f.solved"),
    "satisfied": ANSWERS.format(counted=SATISFIED, question="f.satisfaction"),
    "coached": ANSWERS.format(counted="f.coached::int", question="f.coached"),
    "reached": REACHED,
}

TOTAL = """
    SELECT coalesce(sum(counted) FILTER (WHERE NOT excluded), 0) AS n, count(*) FILTER (WHERE NOT excluded) AS d,
           count(*) FILTER (WHERE excluded) AS excluded
    FROM ({grain}) AS member
"""
PAGE = """
    SELECT case_id, number, part, at, counted, excluded FROM ({grain}) AS member
    WHERE (at, case_id, part) > (CAST(:after_at AS timestamptz), CAST(:after_case AS uuid), CAST(:after_part AS int))
      AND CASE CAST(:side AS text) WHEN 'n' THEN counted > 0 AND NOT excluded WHEN 'd' THEN NOT excluded
                                   ELSE excluded END
    ORDER BY at, case_id, part LIMIT :most
"""
TOTALS = {counts: TOTAL.format(grain=grain) for counts, grain in GRAINS.items()}
PAGES = {counts: PAGE.format(grain=grain) for counts, grain in GRAINS.items()}
BEGINNING = Place(datetime.fromisoformat("0001-01-02T00:00:00+00:00"), UUID(int=0), -1)


async def value(tx: Transaction, definition: Definition, scope: Scope) -> Value:
    [row] = await tx.rows(TOTALS[definition.counts], **_parameters(definition, scope))
    return Value(Decimal(row["n"]), row["d"], row["excluded"])


async def members(
    tx: Transaction, definition: Definition, scope: Scope, side: str, after: Place | None, most: int
) -> list[dict[str, Any]]:
    """The cases of n (`side="n"`), of d, or those `excluded`; oldest first, after `after`."""
    after = after or BEGINNING
    rows = await tx.rows(
        PAGES[definition.counts],
        **_parameters(definition, scope),
        side=side,
        after_at=after.at,
        after_case=after.case_id,
        after_part=after.part,
        most=most,
    )
    return [dict(row) for row in rows]


def _parameters(definition: Definition, scope: Scope) -> dict[str, Any]:
    weights = {str(answer): str(weight) for answer, weight in definition.weights.items()}
    return {
        "unit_ids": list(scope.unit_ids),
        "starts_at": scope.starts_at,
        "ends_at": scope.ends_at,
        "now": scope.now,
        **definition.parameters,
        **({"weights": orjson.dumps(weights).decode()} if weights else {}),
    }
