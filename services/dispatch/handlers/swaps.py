"""改派: leaving the way to one emergency for another, and offers to do so that are past."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from services.dispatch.handlers.records import agreed, known_case, record
from services.dispatch.handlers.sending import Turn
from services.dispatch.queries.batches import swaps_over
from services.dispatch.queries.cases import find_case_of, load
from services.dispatch.queries.search import HeldPart
from services.dispatch.rules import swaps
from services.dispatch.rules.facts import Offer, OfferState
from services.dispatch.rules.work import Doer
from shared.database import Transaction


async def leave_way(tx: Transaction, offer: Offer, doer: Doer, now: datetime) -> None:
    """Free whoever accepts a swap of the case they were on the way to, which must be locked. Before the acceptance is
    written, so that the unique index never sees somebody on two ways."""
    case_id = await find_case_of(tx, offer_id=offer.swap_of) if offer.swap_of is not None else None
    if case_id is None or offer.swap_of is None:
        return
    state = await known_case(tx, case_id)
    trip = state.offer(offer.swap_of)
    await record(tx, state, agreed(swaps.leave_way(state, trip, doer.actor, now, channel=doer.channel)))


async def over(tx: Transaction) -> list[HeldPart]:
    """Open offers to swap whose person has arrived at the old place."""
    return await swaps_over(tx)


def take_back(part: HeldPart) -> Callable[[Transaction], Awaitable[Turn]]:
    """The step that withdraws one of them."""
    return lambda tx: _take_back(tx, part.case_id, part.offer_id)


async def _take_back(tx: Transaction, case_id: UUID, offer_id: UUID) -> Turn:
    locked, now = await tx.try_lock([case_id])
    state = await load(tx, case_id) if locked else None
    if state is None or now is None:
        return Turn.CROSSED
    offer = state.offer(offer_id)
    if offer.state is not OfferState.OFFERED:
        return Turn.NOTHING
    await record(tx, state, swaps.take_back(state, offer, now))
    return Turn.NOBODY
