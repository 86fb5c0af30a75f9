"""Two policies compared: what was offered, and what the other would have chosen at the same moment."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.database import Row, Transaction

# The person chosen is the first of the candidates; an older offer may have been stored without their chance.
COMPARED = """
    SELECT offers.id, offers.case_id, cases.number, offers.offered_at, offers.policy,
        offers.shadow ->> 'policy' AS shadow_policy,
        coalesce(offers.shadow ->> 'person_id' = offers.person_id, false) AS same,
        offers.shadow ->> 'person_id' IS NULL AS nobody,
        offers.eta_seconds, CAST(offers.shadow ->> 'eta_seconds' AS int) AS shadow_eta_seconds,
        CASE WHEN offers.candidates -> 0 ->> 'person_id' = offers.person_id
            THEN CAST(offers.candidates -> 0 ->> 'p_late' AS float8) END AS p_late,
        CAST(offers.shadow ->> 'p_late' AS float8) AS shadow_p_late
    FROM offers JOIN cases ON cases.id = offers.case_id
    WHERE offers.shadow IS NOT NULL AND offers.offered_at >= :since AND offers.offered_at < :until
        AND cases.street_id = :street_id
"""
SUMS = f"""
    SELECT policy, shadow_policy, count(*) AS offers, count(*) FILTER (WHERE same) AS same,
        count(*) FILTER (WHERE nobody) AS nobody,
        count(eta_seconds - shadow_eta_seconds) AS timed,
        CAST(avg(eta_seconds - shadow_eta_seconds) AS float8) AS eta_difference_seconds,
        count(p_late - shadow_p_late) AS weighed, avg(p_late - shadow_p_late) AS p_late_difference
    FROM ({COMPARED}) AS compared GROUP BY policy, shadow_policy ORDER BY policy, shadow_policy
"""
PAGE = f"""
    SELECT * FROM ({COMPARED}) AS compared
    WHERE (offered_at, id) < (:before_at, :before_id) AND (NOT :different_only OR NOT same)
    ORDER BY offered_at DESC, id DESC LIMIT :most
"""


async def sums(tx: Transaction, street_id: str, since: datetime, until: datetime) -> list[Row]:
    """One row per pair of policies that stood beside each other."""
    return await tx.rows(SUMS, street_id=street_id, since=since, until=until)


async def page(
    tx: Transaction,
    street_id: str,
    since: datetime,
    until: datetime,
    *,
    before: tuple[datetime, UUID],
    different_only: bool,
    most: int,
) -> list[Row]:
    """The offers themselves, the latest first."""
    return await tx.rows(
        PAGE,
        street_id=street_id,
        since=since,
        until=until,
        before_at=before[0],
        before_id=before[1],
        different_only=different_only,
        most=most,
    )
