"""SQL of the words of notices as administrators edit them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.database import Transaction


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition; without words it means the shipped ones."""

    audience: str
    kind: str
    language: str
    version: int
    title: str | None
    text: str | None
    edited_by: str
    edited_at: datetime


CURRENT = """
    SELECT DISTINCT ON (audience, kind, language) audience, kind, language, version, title, text, edited_by, edited_at
    FROM templates ORDER BY audience, kind, language, version DESC
"""
COUNT = "SELECT count(*) AS editions FROM templates"
EDITIONS = """
    SELECT audience, kind, language, version, title, text, edited_by, edited_at FROM templates
    WHERE audience = :audience AND kind = :kind AND language = :language AND version < :before
    ORDER BY version DESC LIMIT :limit
"""
# The key decides between two who edit at once: the version after the one they read is taken only once.
WRITE = """
    INSERT INTO templates (audience, kind, language, version, title, text, edited_by)
    SELECT :audience, :kind, :language, CAST(:version AS integer), :title, :text, :edited_by
    WHERE CAST(:version AS integer) = 1 + coalesce((
        SELECT max(version) FROM templates WHERE audience = :audience AND kind = :kind AND language = :language
    ), 0)
    ON CONFLICT (audience, kind, language, version) DO NOTHING
    RETURNING audience, kind, language, version, title, text, edited_by, edited_at
"""


async def current(tx: Transaction) -> list[Edition]:
    """The latest edition of each that was ever edited."""
    return [Edition(**row) for row in await tx.rows(CURRENT)]


async def count(tx: Transaction) -> int:
    """How many editions there are; it only grows."""
    [row] = await tx.rows(COUNT)
    editions: int = row["editions"]
    return editions


async def editions(
    tx: Transaction, audience: str, kind: str, language: str, *, before: int, limit: int
) -> Sequence[Edition]:
    """The editions of one before a version, the latest first."""
    rows = await tx.rows(
        EDITIONS, audience=audience, kind=kind, language=language, before=before, limit=limit
    )
    return [Edition(**row) for row in rows]


async def write(
    tx: Transaction,
    audience: str,
    kind: str,
    language: str,
    version: int,
    words: tuple[str, str] | None,
    edited_by: str,
) -> Edition | None:
    """The next edition; `None` if somebody else has written that version meanwhile."""
    title, text = words or (None, None)
    rows = await tx.rows(
        WRITE,
        audience=audience,
        kind=kind,
        language=language,
        version=version,
        title=title,
        text=text,
        edited_by=edited_by,
    )
    return Edition(**rows[0]) if rows else None
