"""One picture of everything open in some units, in one statement."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shared.database import Transaction

ROWS_MAX = 50
"""Rows of each column of the board; the counts beside them are of all."""

CARD = """
    jsonb_build_object(
        'case_id', case_id, 'number', number, 'category_code', category_code, 'urgency', urgency,
        'headline', headline, 'place_label', place_label, 'grid_id', grid_id, 'unit_path', to_jsonb(unit_path),
        'state', state, 'level', level, 'level_unit_id', level_unit_id, 'holder_id', holder_id, 'going_id', going_id,
        'registered_at', registered_at, 'round', round, 'next_kind', next_kind, 'next_due_at', next_due_at,
        'next_amber_at', next_amber_at, 'declines', declines, 'lapses', lapses,
        'nobody_available_count', nobody_available_count, 'raises_count', raises_count,
        'supervisions', supervisions, 'care', care, 'urged', urged, 'park', park, 'listed_days', listed_days,
        'questions_open', jsonb_array_length(questions), 'helps_open', helps_open)
"""

# Colours come from the clock, not from DeadlineAmber or DeadlineMissed: were escalation to stand still, the board
# must turn red and not stay as it was.
PICTURE = f"""
    WITH open AS MATERIALIZED (
        SELECT *, coalesce(next_due_at <= :now, false) AS red,
               coalesce(next_amber_at <= :now AND next_due_at > :now, false) AS amber,
               (SELECT count(*) FROM jsonb_array_elements(helps) AS h WHERE (h ->> 'came')::int = 0) AS helps_open,
               NOT acknowledged AND state NOT IN ('handled', 'parked') AS unaccepted
        FROM cases WHERE state <> 'closed' AND state <> 'merged' AND unit_path && CAST(:unit_ids AS text[])
    )
    SELECT
        (SELECT jsonb_build_object(
            'running', count(*), 'emergencies', count(*) FILTER (WHERE urgency = 'emergency'),
            'amber', count(*) FILTER (WHERE amber), 'red', count(*) FILTER (WHERE red),
            'raised', count(*) FILTER (WHERE raises_count > 0),
            'supervised', count(*) FILTER (WHERE supervisions <> '[]'),
            'parked', count(*) FILTER (WHERE state = 'parked'), 'urged', count(*) FILTER (WHERE urged > 0),
            'helps_open', count(*) FILTER (WHERE helps_open > 0),
            'unaccepted', count(*) FILTER (WHERE unaccepted),
            'nobody_available',
                count(*) FILTER (WHERE state IN ('registered', 'reopened') AND nobody_available_count > 0),
            'oldest_unaccepted_at', min(registered_at) FILTER (WHERE unaccepted)) FROM open) AS counts,
        (SELECT coalesce(jsonb_object_agg(state, n), '{{}}')
         FROM (SELECT state, count(*) AS n FROM open GROUP BY state) AS s) AS by_state,
        (SELECT coalesce(jsonb_object_agg(level, n), '{{}}')
         FROM (SELECT level, count(*) AS n FROM open GROUP BY level) AS l) AS by_level,
        (SELECT coalesce(jsonb_agg(card), '[]') FROM (
            SELECT {CARD} AS card FROM open WHERE amber
            ORDER BY next_due_at, case_id LIMIT :most) AS a) AS about_to_be_late,
        (SELECT coalesce(jsonb_agg(card), '[]') FROM (
            SELECT {CARD} AS card FROM open WHERE red ORDER BY next_due_at, case_id LIMIT :most) AS r) AS late,
        (SELECT coalesce(jsonb_agg(card), '[]') FROM (
            SELECT {CARD} AS card FROM open WHERE raises_count > 0 OR supervisions <> '[]'
            ORDER BY last_event_at DESC, case_id LIMIT :most) AS s) AS raised_and_supervised,
        (SELECT coalesce(jsonb_agg(alarm), '[]') FROM (
            SELECT jsonb_build_object(
                'alarm_id', alarm_id, 'person_id', person_id, 'unit_path', to_jsonb(unit_path), 'case_id', case_id,
                'raised_at', raised_at, 'answered_at', answered_at, 'answered_by', answered_by) AS alarm
            FROM alarms WHERE ended_at IS NULL AND unit_path && CAST(:unit_ids AS text[])
            ORDER BY answered_at IS NOT NULL, raised_at LIMIT :most) AS a) AS alarms,
        (SELECT {CARD} FROM open WHERE unaccepted ORDER BY registered_at, case_id LIMIT 1) AS oldest_unaccepted
"""
PARKED = "SELECT count(DISTINCT subject_id) AS parked FROM dead_letters"


async def picture(
    tx: Transaction, unit_ids: tuple[str, ...], now: datetime, most: int = ROWS_MAX
) -> dict[str, Any]:
    [row] = await tx.rows(PICTURE, unit_ids=list(unit_ids), now=now, most=most)
    return dict(row)


async def parked(tx: Transaction) -> int:
    """Cases whose story stands still here."""
    [row] = await tx.rows(PARKED)
    return int(row["parked"])
