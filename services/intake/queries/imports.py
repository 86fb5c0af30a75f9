"""Which lines were imported before, and which cases they made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.database import Transaction

KNOWN = """
    SELECT l.key, l.said, l.case_id, c.number FROM import_lines AS l JOIN cases AS c USING (case_id)
    WHERE l.source = :source AND l.key = ANY(CAST(:keys AS text[]))
"""

KEEP = """
    INSERT INTO import_lines (source, key, said, case_id, person_id, imported_at)
    SELECT :source, key, said, case_id, :person_id, :now
    FROM unnest(CAST(:keys AS text[]), CAST(:said AS bytea[]), CAST(:case_ids AS uuid[])) AS new(key, said, case_id)
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Imported:
    """The case a line made, and what it said then."""

    said: bytes
    case_id: UUID
    number: str


async def known(tx: Transaction, source: str, keys: Sequence[str]) -> dict[str, Imported]:
    rows = await tx.rows(KNOWN, source=source, keys=list(keys))
    return {row["key"]: Imported(row["said"], row["case_id"], row["number"]) for row in rows}


async def keep(
    tx: Transaction, source: str, lines: Mapping[str, tuple[bytes, UUID]], person_id: str, now: datetime
) -> None:
    """By their keys: what each said, and its case."""
    await tx.rows(
        KEEP,
        source=source,
        keys=list(lines),
        said=[said for said, _ in lines.values()],
        case_ids=[case_id for _, case_id in lines.values()],
        person_id=person_id,
        now=now,
    )
