"""SQL of what was told of the registry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from shared.database import Transaction

# In the order of names, so that two processes never wait for each other in a circle.
TELL_ONCE = """
    INSERT INTO told_things (name, ends_at)
    SELECT name, ends_at FROM unnest(CAST(:names AS text[]), CAST(:ends_ats AS timestamptz[])) AS new(name, ends_at)
    ORDER BY name ON CONFLICT (name) DO NOTHING RETURNING name
"""
FORGET_OTHERS = """
    DELETE FROM told_things WHERE starts_with(name, :stem) AND name IS DISTINCT FROM :name RETURNING name
"""
FORGET = "DELETE FROM told_things WHERE ends_at < :before"


async def tell_once(tx: Transaction, things: Mapping[str, datetime]) -> set[str]:
    """Those that nobody was told of before, by their names; each with its end."""
    rows = await tx.rows(TELL_ONCE, names=list(things), ends_ats=list(things.values()))
    return {row["name"] for row in rows}


async def forget(tx: Transaction, before: datetime) -> None:
    """What is over is found no more, so nobody can be told of it twice."""
    await tx.rows(FORGET, before=before)


async def forget_others(tx: Transaction, stem: str, name: str | None) -> bool:
    """Everything that begins so and is not this; whether there was any."""
    return bool(await tx.rows(FORGET_OTHERS, stem=stem, name=name))
