"""Offers answered: accepted, declined, or not at all."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import IntegrityConstraintViolationError

from services.dispatch.commands import AcceptOffer, DeclineOffer
from services.dispatch.handlers.records import agreed, case_of, cases_of, known_case, record, refuse
from services.dispatch.handlers.swaps import leave_way
from services.dispatch.queries.sealed import keep_position
from services.dispatch.rules import offers, refusals
from services.dispatch.rules.facts import Offer, State
from services.dispatch.rules.work import Doer
from shared.database import Transaction
from shared.event import Event
from shared.sealing import Sealer
from shared.things import Point
from shared.timers import Due


async def accept_offer(
    tx: Transaction, offer_id: UUID, command: AcceptOffer, doer: Doer, sealer: Sealer
) -> tuple[State, UUID]:
    """接单. One of twenty at once wins: the case's lock decides, and the others read what it decided."""
    case_id, *left = await cases_of(tx, offer_id=offer_id)
    now = await tx.lock(case_id, *left)
    state = await known_case(tx, case_id)
    offer = state.offer(offer_id)
    decision = offers.accept(state, offer, doer.actor, now, device_at=doer.device_at, channel=doer.channel)
    events = agreed(decision)
    if events and offer.swap_of is not None:
        await leave_way(tx, offer, doer, now)
    state = await _taken(tx, state, events, offer)
    if events and command.position is not None:
        point = Point(lon=command.position.lon, lat=command.position.lat)
        await keep_position(tx, case_id, doer.person_id, point, now, sealer, doer.device_at)
    return state, offer.part_id


async def _taken(tx: Transaction, state: State, events: list[Event], offer: Offer) -> State:
    try:
        return await record(tx, state, events)
    except IntegrityConstraintViolationError as crossed:
        if offer.swap_of is None or "offers_one_emergency_per_person" not in str(crossed):
            raise
        refuse(refusals.SWAP_OVER)


async def decline_offer(
    tx: Transaction, offer_id: UUID, command: DeclineOffer, doer: Doer
) -> tuple[State, UUID]:
    """拒单: the search goes on at once."""
    case_id = await case_of(tx, offer_id=offer_id)
    now = await tx.lock(case_id)
    state = await known_case(tx, case_id)
    offer = state.offer(offer_id)
    decision = offers.decline(state, offer, doer.actor, now, reason=command.reason, channel=doer.channel)
    return await record(tx, state, agreed(decision)), offer.part_id


async def lapse_offer(tx: Transaction, due: Due, now: datetime) -> None:
    """超时: nobody answered in time; the commit wakes the search."""
    state = await known_case(tx, due.subject_id)
    if due.part_id is not None:
        await record(tx, state, offers.lapse(state, due.part_id, now))
