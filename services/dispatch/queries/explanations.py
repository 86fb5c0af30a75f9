"""What an explanation reads besides the offer itself: why nobody could be asked, and which case a swap would leave."""

from __future__ import annotations

from uuid import UUID

from shared.database import Transaction
from shared.events.dispatch import NobodyAvailable
from shared.journal import story

LEFT = "SELECT cases.number FROM offers JOIN cases ON cases.id = offers.case_id WHERE offers.id = :offer_id"


async def case_left_by(tx: Transaction, offer_id: UUID) -> str | None:
    """The number of the case that offer is of."""
    rows = await tx.rows(LEFT, offer_id=offer_id)
    return rows[0]["number"] if rows else None


async def last_nobody(tx: Transaction, case_id: UUID, part_id: UUID) -> NobodyAvailable | None:
    """When the search last found nobody for this part."""
    told = [event for event in await story(tx, case_id) if isinstance(event, NobodyAvailable)]
    return next((event for event in reversed(told) if event.part_id == part_id), None)
