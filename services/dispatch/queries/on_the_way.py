"""Positions on the way: the last one of a person on a case, and a newer one put in its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.dispatch.queries.sealed import case_key, seal_position, unseal_position
from services.dispatch.rules.on_the_way import LastKept
from shared.database import Transaction
from shared.sealing import Sealer
from shared.things import Point

LAST = """
    SELECT whereabouts.id, at, device_at, sealed_position, cases.wrapped_key
    FROM whereabouts JOIN cases ON cases.id = whereabouts.case_id
    WHERE person_id = :person_id AND at >= :since AND case_id = :case_id AND cases.wrapped_key IS NOT NULL
    ORDER BY at DESC LIMIT 1
"""
MOVE = "UPDATE whereabouts SET sealed_position = :sealed, device_at = :device_at WHERE id = :id"


@dataclass(frozen=True, slots=True)
class Kept:
    id: UUID
    point: Point
    last: LastKept


async def last_on_case(
    tx: Transaction, person_id: str, case_id: UUID, since: datetime, sealer: Sealer
) -> Kept | None:
    """The newest position somebody left on this case from `since` on: at accepting, or on the way."""
    for row in await tx.rows(LAST, person_id=person_id, case_id=case_id, since=since):
        context = f"whereabouts.position:{row['id']}"
        point = unseal_position(sealer, row["wrapped_key"], row["sealed_position"], context)
        return Kept(row["id"], point, LastKept(row["at"], row["device_at"]))
    return None


async def put_in_place(
    tx: Transaction, kept: Kept, case_id: UUID, point: Point, device_at: datetime | None, sealer: Sealer
) -> None:
    """Under the same row and time of receipt: the next fifteen seconds do not begin anew."""
    key = await case_key(tx, case_id, sealer)
    sealed = seal_position(sealer, key, point, f"whereabouts.position:{kept.id}")
    await tx.rows(MOVE, id=kept.id, sealed=sealed, device_at=device_at)
