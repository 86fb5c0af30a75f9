"""What each person did in a period, by the cases they were first asked about in it; in the order of their ids."""

from __future__ import annotations

from typing import Any

from services.insight.queries.counts import Scope
from shared.database import Transaction

WITHIN_SECONDS = 15 * 60
PEOPLE = """
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
               count(f.solved) AS answered, count(*) FILTER (WHERE f.solved AND r.reopened_at IS NULL) AS solved
        FROM rounds AS r
        LEFT JOIN follow_ups AS f ON f.case_id = r.case_id AND f.round = r.round AND f.reached_at IS NOT NULL
        WHERE r.case_id = w.case_id AND r.handled_by = w.person_id
    ) AS h ON true
    WHERE w.first_at >= :starts_at AND w.first_at < :ends_at AND c.unit_path && CAST(:unit_ids AS text[])
      AND w.person_id COLLATE "C" > :after
    GROUP BY w.person_id ORDER BY w.person_id COLLATE "C" LIMIT :most
"""


async def people(tx: Transaction, scope: Scope, after: str, most: int) -> list[dict[str, Any]]:
    rows = await tx.rows(
        PEOPLE,
        unit_ids=list(scope.unit_ids),
        starts_at=scope.starts_at,
        ends_at=scope.ends_at,
        within_seconds=WITHIN_SECONDS,
        after=after,
        most=most,
    )
    return [dict(row) for row in rows]
