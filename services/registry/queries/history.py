"""What a thing was before: the journal is the history of everything the registry holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from services.registry.rules.things import SINGULAR, T
from shared.database import Row, Transaction
from shared.event import Actor
from shared.events.things import REGISTRY_SUBJECT
from shared.vocabulary import Channel

# The expression is that of the index journal_of_things.
HISTORY = """
    SELECT sequence, at, channel, data FROM journal
    WHERE subject_id = :subject_id AND type = :type
      AND coalesce(CAST(data AS jsonb) #>> ARRAY[split_part(type, '.', 2), 'id'],
                   CAST(data AS jsonb) #>> ARRAY[split_part(type, '.', 2), 'code']) = :id
      AND (CAST(:before AS bigint) IS NULL OR sequence < :before)
    ORDER BY sequence DESC LIMIT :rows_max
"""


@dataclass(frozen=True)
class Line(Generic[T]):
    """A change of one thing, as the journal tells it."""

    revision: int
    at: datetime
    actor: Actor
    channel: Channel
    state: T


async def history(
    tx: Transaction, kind: type[T], id: str, before: int | None, rows_max: int
) -> list[Line[T]]:
    """What the journal tells of one thing, newest first, older than revision `before`."""
    name = f"yike.{SINGULAR[kind]}.changed"
    rows = await tx.rows(
        HISTORY, subject_id=REGISTRY_SUBJECT, type=name, id=id, before=before, rows_max=rows_max
    )
    return [_line(kind, row) for row in rows]


def _line(kind: type[T], row: Row) -> Line[T]:
    told = json.loads(row["data"])
    return Line(
        revision=int(row["sequence"]),
        at=row["at"],
        actor=Actor.model_validate(told.get("actor", {})),
        channel=Channel(row["channel"]),
        state=kind.model_validate(told[SINGULAR[kind]]),
    )
