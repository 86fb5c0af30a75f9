"""The worker's screen: what is on my hands, and everything done with one thumb."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.dispatch.api.doing import WORKING, Doing, Sealing
from services.dispatch.commands import (
    AcceptOffer,
    Arrive,
    Command,
    DeclineOffer,
    HandlePart,
    MakeContact,
    WriteNote,
    device_time,
)
from services.dispatch.handlers import offers, work
from services.dispatch.queries.reads import explanations, on_hand
from services.dispatch.rules.facts import HELD_OR_HANDLED, OfferState, State
from services.dispatch.rules.views import CaseView, OfferView, PartView, case_view, offer_view, part_view
from services.dispatch.rules.work import Doer
from shared.routes import Caller, Tx, allow, router_for

router = router_for("dispatch")


class OfferOnHand(BaseModel):
    offer: OfferView
    case: CaseView


class OnHand(BaseModel):
    """`now` is the server's time, for countdowns that do not trust the phone's clock."""

    person_id: str
    now: datetime
    on_duty: bool
    offers: list[OfferOnHand]
    parts: list[PartView]


class NoteAnswer(BaseModel):
    note_id: UUID
    part: PartView


@router.get("/me", dependencies=[allow(*WORKING)])
async def me(tx: Tx, who: Caller) -> OnHand:
    """What I am asked to take, and what I have taken, until it closes."""
    now = await tx.now()
    answer = OnHand(
        person_id=who.person_id,
        now=now,
        on_duty=tx.directory.is_on_duty(who.person_id, now),
        offers=[],
        parts=[],
    )
    for state in await on_hand(tx, who.person_id):
        why = await explanations(tx, state.case.id)
        for offer in (offer for offer in state.offers if offer.person_id == who.person_id):
            if offer.state is OfferState.OFFERED:
                view = offer_view(offer, why.get(offer.id, ()))
                answer.offers.append(OfferOnHand(offer=view, case=case_view(state)))
            elif offer.state in HELD_OR_HANDLED:
                answer.parts.append(part_view(state, state.part(offer.part_id)))
    return answer


@router.post("/offers/{offer_id}/accept", dependencies=[allow(*WORKING)])
async def accept(offer_id: UUID, body: AcceptOffer, tx: Tx, doer: Doing, sealer: Sealing) -> PartView:
    """接单. Accepting twice is the same answer; somebody else's or an ended offer is a 409 that says what to do."""
    return _part(*await offers.accept_offer(tx, offer_id, body, _at(doer, body), sealer))


@router.post("/offers/{offer_id}/decline", dependencies=[allow(*WORKING)])
async def decline(offer_id: UUID, body: DeclineOffer, tx: Tx, doer: Doing) -> PartView:
    """拒单, with one of five reasons."""
    return _part(*await offers.decline_offer(tx, offer_id, body, _at(doer, body)))


@router.post("/parts/{part_id}/arrive", dependencies=[allow(*WORKING)])
async def arrive(part_id: UUID, body: Arrive, tx: Tx, doer: Doing, sealer: Sealing) -> PartView:
    """到场, by position, QR code, photo or with a stated reason."""
    return _part(await work.arrive(tx, part_id, body, _at(doer, body), sealer), part_id)


@router.post("/parts/{part_id}/contact", dependencies=[allow(*WORKING)])
async def contact(part_id: UUID, body: MakeContact, tx: Tx, doer: Doing) -> PartView:
    """The resident was spoken to."""
    return _part(await work.make_contact(tx, part_id, body, _at(doer, body)), part_id)


@router.post("/parts/{part_id}/notes", status_code=201, dependencies=[allow(*WORKING)])
async def note(part_id: UUID, body: WriteNote, tx: Tx, doer: Doing, sealer: Sealing) -> NoteAnswer:
    """说明 / 措施 / 进展."""
    state, note_id = await work.write_note(tx, part_id, body, _at(doer, body), sealer)
    return NoteAnswer(note_id=note_id, part=_part(state, part_id))


@router.post("/parts/{part_id}/handle", dependencies=[allow(*WORKING)])
async def handle(part_id: UUID, body: HandlePart, tx: Tx, doer: Doing, sealer: Sealing) -> PartView:
    """办结. An emergency needs its musts first (409 `musts-missing` lists them), a late one its cause."""
    return _part(await work.handle_part(tx, part_id, body, _at(doer, body), sealer), part_id)


def _at(doer: Doer, command: Command) -> Doer:
    return replace(doer, device_at=device_time(command))


def _part(state: State, part_id: UUID) -> PartView:
    return part_view(state, state.part(part_id))
