"""Lists of cases, one case, its timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Transaction

LISTED = (
    "case_id, number, category_code, urgency, channel, headline, place_label, grid_id, unit_path, registered_at, "
    "state, round, level, level_unit_id, level_reached, resolved_level, outcome, closed_by, holder_id, going_id, "
    "offered_at, accepted_at, arrived_at, contacted_at, handled_at, closed_at, offers, declines, lapses, "
    "nobody_available_count, raises_count, reopened_count, deadlines_met, deadlines_missed, "
    "next_kind, next_due_at, next_amber_at, supervisions, last_event_at, events, "
    "requester_kind, care, crisis, taken_at, appointment_starts_at, appointment_ends_at, urged, parent_id, "
    "parent_number, not_accepted_reason, rightful_unit_id, jsonb_array_length(questions) AS questions_open, "
    "hand_overs, jsonb_array_length(helps) AS helps_asked, listed_days, park"
)


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed to; `None` does not narrow. `colour` is amber or red by the open deadlines."""

    unit_ids: tuple[str, ...]
    state: str | None = None
    urgency: str | None = None
    level: str | None = None
    outcome: str | None = None
    colour: str | None = None
    number: str | None = None
    category: str | None = None
    channel: str | None = None
    holder: str | None = None
    crisis: str | None = None
    taken_at: str | None = None
    parent: UUID | None = None
    reopened: bool | None = None
    raised: bool | None = None
    flagged: bool | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


# Newest first: people look for what they just heard of. The cursor is (registered_at, case_id) of the last row.
PAGE = f"""
    SELECT {LISTED} FROM cases
    WHERE unit_path && CAST(:unit_ids AS text[])
      AND (CAST(:state AS text) IS NULL OR state = :state)
      AND (CAST(:urgency AS text) IS NULL OR urgency = :urgency)
      AND (CAST(:level AS text) IS NULL OR level = :level)
      AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome)
      AND (CAST(:number AS text) IS NULL OR number = :number)
      AND (CAST(:category AS text) IS NULL OR category_code = :category)
      AND (CAST(:channel AS text) IS NULL OR channel = :channel)
      AND (CAST(:holder AS text) IS NULL OR holder_id = :holder)
      AND (CAST(:crisis AS text) IS NULL OR crisis = :crisis)
      AND (CAST(:taken_at AS text) IS NULL OR taken_at = :taken_at)
      AND (CAST(:parent AS uuid) IS NULL OR parent_id = :parent)
      AND (CAST(:reopened AS boolean) IS NULL OR (reopened_count > 0) = :reopened)
      AND (CAST(:raised AS boolean) IS NULL OR (raises_count > 0) = :raised)
      AND (CAST(:flagged AS boolean) IS NULL OR (flagged <> '[]') = :flagged)
      AND (CAST(:starts_at AS timestamptz) IS NULL OR registered_at >= :starts_at)
      AND (CAST(:ends_at AS timestamptz) IS NULL OR registered_at < :ends_at)
      AND CASE CAST(:colour AS text) WHEN 'red' THEN next_due_at <= :now
                                     WHEN 'amber' THEN next_amber_at <= :now AND next_due_at > :now
                                     ELSE true END
      AND (registered_at, case_id) < (CAST(:before_at AS timestamptz), CAST(:before_case AS uuid))
    ORDER BY registered_at DESC, case_id DESC LIMIT :most
"""
HOW_MANY = f"SELECT count(*) AS many FROM ({PAGE}) AS found"
ONE = f"""
    SELECT {LISTED}, parts, clocks, raises, musts_met, late_cause, arrived_told_at, arrived_device_at, first_handled_at,
           handled_level, handled_outcome, photographed_at, account_at, measure_at, evidence_count, withdrawals,
           notices_delivered, notices_read, notices_failed, requester_can_be_asked, policy_id, registry_revision,
           reported_at, amended_at, merged_at, answered_at, withdrawn_at, questions_asked, attachments, progress_calls,
           progress_reached, helps, erased_at, device_time_accepted, arrival_counts_at, returns, corrections, flagged,
           extensions, parks, listed_on, notices_received,
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'case_id', child.case_id, 'number', child.number, 'state', child.state) ORDER BY child.number), '[]')
            FROM cases AS child WHERE child.parent_id = cases.case_id) AS children,
           ARRAY(SELECT person_id FROM works AS w WHERE w.case_id IN (cases.case_id, cases.parent_id)
                 AND (accepts > 0 OR handled > 0 OR offers = 0)) AS held_by,
           (SELECT coalesce(jsonb_agg(to_jsonb(r) - 'case_id' ORDER BY r.round), '[]')
            FROM rounds AS r WHERE r.case_id = cases.case_id) AS rounds,
           (SELECT coalesce(jsonb_agg(to_jsonb(f) - 'case_id' ORDER BY f.round, f.follow_up_id), '[]')
            FROM follow_ups AS f WHERE f.case_id = cases.case_id) AS follow_ups
    FROM cases WHERE case_id = :case_id
"""
# Event ids are drawn in order of time, so they settle what one moment of the business clock leaves open.
TIMELINE = """
    SELECT source, sequence, event_id, type, at, actor, channel, data FROM timeline
    WHERE case_id = :case_id ORDER BY at, event_id
"""
LATEST = datetime.fromisoformat("9999-12-30T00:00:00+00:00")


async def page(
    tx: Transaction, wanted: Wanted, now: datetime, before: tuple[datetime, UUID] | None, most: int
) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(PAGE, **_before(wanted, now, before, most))]


async def how_many(tx: Transaction, wanted: Wanted, now: datetime, most: int) -> int:
    """How long the list is, counted up to `most`."""
    [row] = await tx.rows(HOW_MANY, **_before(wanted, now, None, most))
    return int(row["many"])


def _before(wanted: Wanted, now: datetime, before: tuple[datetime, UUID] | None, most: int) -> dict[str, Any]:
    before_at, before_case = before or (LATEST, UUID(int=0))
    return {
        **vars(wanted),
        "unit_ids": list(wanted.unit_ids),
        "now": now,
        "before_at": before_at,
        "before_case": before_case,
        "most": most,
    }


async def one(tx: Transaction, case_id: UUID) -> dict[str, Any] | None:
    rows = await tx.rows(ONE, case_id=case_id)
    return dict(rows[0]) if rows else None


async def timeline(tx: Transaction, case_id: UUID) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(TIMELINE, case_id=case_id)]
