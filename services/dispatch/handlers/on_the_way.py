"""A position on the way to an emergency. It is no event and in nobody's story: the search reads it, and it is
forgotten."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.dispatch.commands import SendPosition
from services.dispatch.handlers.records import case_of, known_case, refuse
from services.dispatch.handlers.work import moved_since
from services.dispatch.queries.on_the_way import last_on_case, put_in_place
from services.dispatch.queries.sealed import keep_position
from services.dispatch.rules.facts import Offer, State
from services.dispatch.rules.on_the_way import Keeping, keeping, may_send
from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.work import Doer
from services.dispatch.travel.straight import travel_seconds
from shared.database import Transaction
from shared.sealing import Sealer
from shared.things import Point


async def send_position(
    tx: Transaction, part_id: UUID, command: SendPosition, doer: Doer, sealer: Sealer
) -> State:
    """The case as it was: nothing of it changes."""
    case_id = await case_of(tx, part_id=part_id)
    now = await tx.lock(case_id)
    state = await known_case(tx, case_id)
    held = may_send(state, state.part(part_id), doer)
    if isinstance(held, Refused):
        refuse(held)
    point = Point(lon=command.position.lon, lat=command.position.lat)
    kept = await last_on_case(tx, doer.person_id, case_id, held.accepted_at or held.offered_at, sealer)
    moved = await moved_since(tx, doer, point, now, sealer)
    match keeping(held.accepted_at, kept.last if kept else None, moved, doer.device_at, now):
        case Keeping.NEW:
            await keep_position(tx, case_id, doer.person_id, point, now, sealer, doer.device_at)
        case Keeping.IN_PLACE if kept is not None:
            await put_in_place(tx, kept, case_id, point, doer.device_at, sealer)
    return state


async def still_to_go(
    tx: Transaction, state: State, offer: Offer, sealer: Sealer
) -> tuple[int | None, datetime | None]:
    """How many seconds it takes them, and counted from when: from the newest position on the way, else as it was
    estimated when they were asked."""
    asked = offer.eta_seconds, offer.offered_at if offer.eta_seconds is not None else None
    place, person = state.case.place, tx.directory.people.get(offer.person_id)
    on_the_way = offer.goes and offer.accepted_at is not None and offer.arrived_at is None
    if (
        not on_the_way
        or offer.accepted_at is None
        or person is None
        or place.lon is None
        or place.lat is None
    ):
        return asked
    kept = await last_on_case(tx, offer.person_id, state.case.id, offer.accepted_at, sealer)
    if kept is None:
        return asked
    return travel_seconds(kept.point, Point(lon=place.lon, lat=place.lat), person.mode), kept.last.at
