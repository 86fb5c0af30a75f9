"""A person's data across cases: what is read out of it, what is destroyed, and what is put under another key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.rules.retention import FOR_EVER, Retention
from shared.database import Row, Transaction

OF_PHONE = """
    SELECT c.case_id, c.number, c.state, c.registered_at, c.unit_path FROM requesters AS r
    JOIN cases AS c ON c.case_id = r.case_id
    WHERE r.phone_index = ANY(CAST(:phones AS bytea[])) AND c.unit_path && CAST(:units AS text[])
      AND (c.registered_at, c.case_id) < (:before_at, :before_id)
    ORDER BY c.registered_at DESC, c.case_id DESC LIMIT :rows_max
"""

# Everything that could be read with the case's key goes with the key: a copy of the key would open nothing any more.
ERASE = """
    WITH asked AS (
        UPDATE requesters SET wrapped_key = NULL, name_sealed = NULL, phone_sealed = NULL, phone_index = NULL,
            description_sealed = NULL, beneficiary_sealed = NULL, author_sealed = NULL, answer_sealed = NULL,
            pickup_code_sealed = NULL
        WHERE case_id = :case_id
    ), followed AS (
        UPDATE follow_ups SET link_hash = NULL, link_sealed = NULL WHERE case_id = :case_id RETURNING id
    ), attempted AS (
        UPDATE follow_up_attempts SET remark_sealed = NULL
        WHERE follow_up_id IN (SELECT id FROM follow_ups WHERE case_id = :case_id)
    ), verified AS (
        UPDATE verification_remarks SET remark_sealed = NULL WHERE case_id = :case_id
    ), contested AS (
        UPDATE contests SET remark_sealed = NULL WHERE case_id = :case_id
    ), questioned AS (
        UPDATE questions SET text_sealed = NULL, answer_sealed = NULL WHERE case_id = :case_id
    ), attached AS (
        INSERT INTO files_to_delete (path)
        SELECT 'attachments/' || case_id || '/' || id || file
        FROM attachments, (VALUES ('/original'), ('/shown')) AS copies(file)
        WHERE case_id = :case_id ON CONFLICT DO NOTHING
    ), recognised AS (
        UPDATE likenesses SET signature = NULL WHERE case_id = :case_id
    )
    DELETE FROM search_entries WHERE case_id = :case_id
"""

# The days of each case: its category's, else its urgency's; null is for ever.
TO_ERASE = """
    SELECT c.case_id FROM cases AS c
    WHERE c.state = 'closed' AND c.erased_at IS NULL AND c.closed_at <= :latest
      AND c.closed_at <= CAST(:now AS timestamptz) - make_interval(days => coalesce(
        (SELECT nullif(days, 0) FROM unnest(CAST(:categories AS text[]), CAST(:category_days AS int[]))
            AS kept(code, days) WHERE kept.code = c.category_code),
        CASE WHEN c.category_code = ANY(CAST(:categories AS text[])) THEN NULL ELSE
        (SELECT nullif(days, 0) FROM unnest(CAST(:urgencies AS text[]), CAST(:urgency_days AS int[]))
            AS kept(urgency, days) WHERE kept.urgency = c.urgency) END))
    ORDER BY c.closed_at LIMIT :rows_max
"""

# The requesters are locked already. In the order of their ids, as everybody takes several of these rows.
INDEX_ANEW = """
    WITH moved AS (
        UPDATE requesters AS r SET phone_index = new.phone_index
        FROM unnest(CAST(:case_ids AS uuid[]), CAST(:phone_indexes AS bytea[])) AS new(case_id, phone_index)
        WHERE r.case_id = new.case_id
    )
    INSERT INTO search_stale (case_id) SELECT new.case_id FROM unnest(CAST(:case_ids AS uuid[])) AS new(case_id)
    ORDER BY new.case_id ON CONFLICT (case_id) DO UPDATE SET case_id = excluded.case_id
"""


async def of_phone(
    tx: Transaction,
    phones: Sequence[bytes],
    units: Sequence[str],
    *,
    before: tuple[datetime, UUID],
    rows_max: int,
) -> Sequence[Row]:
    """The cases of one phone number, newest first."""
    return await tx.rows(
        OF_PHONE,
        phones=list(phones),
        units=list(units),
        before_at=before[0],
        before_id=before[1],
        rows_max=rows_max,
    )


async def destroy(tx: Transaction, case_id: UUID) -> None:
    """Destroy the case's key and everything under it."""
    await tx.rows(ERASE, case_id=case_id)


async def to_erase(tx: Transaction, retention: Retention, now: datetime, *, rows_max: int) -> list[UUID]:
    """Closed cases whose requester has been kept long enough, the earliest closed first."""
    if retention.shortest_days is None:
        return []
    rows = await tx.rows(
        TO_ERASE,
        now=now,
        latest=now - timedelta(days=retention.shortest_days),
        categories=list(retention.by_category),
        category_days=list(retention.by_category.values()),
        urgencies=[str(urgency) for urgency, days in retention.by_urgency.items() if days != FOR_EVER],
        urgency_days=[days for days in retention.by_urgency.values() if days != FOR_EVER],
        rows_max=rows_max,
    )
    return [row["case_id"] for row in rows]


async def index_anew(
    tx: Transaction, case_ids: Sequence[UUID], phone_indexes: Sequence[bytes | None]
) -> None:
    """Put phone indexes under the master key in use; what the cases are found by follows."""
    await tx.rows(INDEX_ANEW, case_ids=list(case_ids), phone_indexes=list(phone_indexes))
