"""What each person did in a period, by the cases they were first asked about in it; in the order of their ids."""

from __future__ import annotations

from typing import Any

from services.insight.figures.shipped import DEFINITIONS
from services.insight.queries.counts import Scope
from services.insight.queries.grains import SENT_BACK
from shared.database import Transaction

WITHIN_SECONDS = 15 * 60
KEPT = DEFINITIONS["solution_rate"].parameters
# What was handled in a round is asked of the case's own requester and of those of the cases merged into it.
PEOPLE = f"""
    SELECT w.person_id, count(*) AS cases, sum(w.offers) AS offers, sum(w.accepts) AS accepts, sum(w.lapses) AS lapses,
           count(w.arrived_at) FILTER (WHERE c.urgency = 'emergency') AS arrivals,
           count(*) FILTER (WHERE c.urgency = 'emergency'
               AND w.arrived_at <= w.arrived_told_at + make_interval(secs => :within_seconds)) AS on_time,
           coalesce(sum(h.rounds), 0) AS handled_rounds, coalesce(sum(h.reopened), 0) AS reopened,
           coalesce(sum(h.answered), 0) AS answered, coalesce(sum(h.solved), 0) AS solved,
           sum(w.commands + w.fields + w.photos) AS taps,
           sum(w.commands) AS commands, sum(w.fields) AS fields, sum(w.photos) AS photos,
           round(sum(w.seconds) / 60.0, 1) AS minutes, sum(w.double_entries) AS double_entries
    FROM works AS w JOIN cases AS c USING (case_id)
    LEFT JOIN LATERAL (
        SELECT count(*) AS rounds, count(r.reopened_at) AS reopened,
               sum(said.answered) AS answered, sum(said.solved) AS solved
        FROM rounds AS r CROSS JOIN LATERAL (
            SELECT count(f.solved) AS answered, count(*) FILTER (WHERE f.solved AND NOT {SENT_BACK}) AS solved
            FROM cases AS c JOIN follow_ups AS f USING (case_id)
            WHERE f.reached_at IS NOT NULL AND (c.case_id = r.case_id OR c.parent_id = r.case_id)
              AND CASE WHEN c.case_id = r.case_id THEN f.round = r.round
                       ELSE f.opened_at >= r.handled_at AND f.opened_at < coalesce(r.reopened_at, 'infinity') END
        ) AS said
        WHERE r.case_id = w.case_id AND r.handled_by = w.person_id
    ) AS h ON true
    WHERE w.first_at >= :starts_at AND w.first_at < :ends_at AND c.unit_path && CAST(:unit_ids AS text[])
      AND w.person_id COLLATE "C" > :after
    GROUP BY w.person_id ORDER BY w.person_id COLLATE "C" LIMIT :most
"""
HOW_MANY = """
    SELECT count(*) AS many FROM (
        SELECT DISTINCT w.person_id FROM works AS w JOIN cases AS c USING (case_id)
        WHERE w.first_at >= :starts_at AND w.first_at < :ends_at AND c.unit_path && CAST(:unit_ids AS text[])
        LIMIT :most) AS found
"""


async def people(tx: Transaction, scope: Scope, after: str, most: int) -> list[dict[str, Any]]:
    rows = await tx.rows(PEOPLE, **_of(scope), within_seconds=WITHIN_SECONDS, **KEPT, after=after, most=most)
    return [dict(row) for row in rows]


async def how_many(tx: Transaction, scope: Scope, most: int) -> int:
    """How many people there are, counted up to `most`."""
    [row] = await tx.rows(HOW_MANY, **_of(scope), most=most)
    return int(row["many"])


def _of(scope: Scope) -> dict[str, Any]:
    return {"unit_ids": list(scope.unit_ids), "starts_at": scope.starts_at, "ends_at": scope.ends_at}
