"""The worker's screen: what is on my hands, and everything done with one thumb."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.dispatch.api.acting import Acting
from services.dispatch.api.doing import WORKING, Sealing
from services.dispatch.api.explanations import Reader
from services.dispatch.commands import (
    AcceptOffer,
    Arrive,
    DeclineOffer,
    HandlePart,
    MakeContact,
    SendPosition,
    WriteNote,
)
from services.dispatch.handlers import offers, on_the_way, work
from services.dispatch.queries.reads import explanations, on_hand, statements
from services.dispatch.rules.explaining import why_chosen
from services.dispatch.rules.facts import HELD_OR_HANDLED, OfferState
from services.dispatch.rules.views import CaseView, OfferView, PartView, case_view, offer_view, part_view
from shared.routes import Caller, Tx, allow, router_for
from shared.things import Name

router = router_for("dispatch")


class OfferOnHand(BaseModel):
    """`why` I am asked, in one sentence; `task` is what the part is for, where somebody asked for it or handed it
    down."""

    offer: OfferView
    case: CaseView
    why: Name
    task: str | None = None


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
async def me(tx: Tx, who: Caller, sealer: Sealing) -> OnHand:
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
        why, seen = await explanations(tx, state.case.id), Reader.of(who, state, tx.directory)
        said = await statements(tx, state.case.id, sealer) if state.statements else {}
        for offer in (offer for offer in state.offers if offer.person_id == who.person_id):
            if offer.state is OfferState.OFFERED:
                candidates = why.get(offer.id, ())
                view = offer_view(offer, seen.of_offer(offer, candidates))
                task_id = state.part(offer.part_id).task_id
                task = said.get(task_id) if task_id else None
                sentence = why_chosen(offer, candidates)
                answer.offers.append(OfferOnHand(offer=view, case=case_view(state), why=sentence, task=task))
            elif offer.state in HELD_OR_HANDLED:
                answer.parts.append(part_view(state, state.part(offer.part_id), said))
    return answer


@router.post("/offers/{offer_id}/accept", dependencies=[allow(*WORKING)])
async def accept(offer_id: UUID, body: AcceptOffer, hands: Acting) -> PartView:
    """接单. Accepting twice is the same answer; somebody else's or an ended offer is a 409 that says what to do."""
    return hands.show(*await offers.accept_offer(hands.tx, offer_id, body, hands.at(body), hands.sealer))


@router.post("/offers/{offer_id}/decline", dependencies=[allow(*WORKING)])
async def decline(offer_id: UUID, body: DeclineOffer, hands: Acting) -> PartView:
    """拒单, with one of five reasons."""
    return hands.show(*await offers.decline_offer(hands.tx, offer_id, body, hands.at(body)))


@router.post("/parts/{part_id}/position", dependencies=[allow(*WORKING)])
async def position(part_id: UUID, body: SendPosition, hands: Acting) -> PartView:
    """Where I am on the way to an emergency, and only there: sealed, read by the search alone, forgotten after thirty
    days. Of positions within fifteen seconds the last is kept."""
    return hands.show(
        await on_the_way.send_position(hands.tx, part_id, body, hands.at(body), hands.sealer), part_id
    )


@router.post("/parts/{part_id}/arrive", dependencies=[allow(*WORKING)])
async def arrive(part_id: UUID, body: Arrive, hands: Acting) -> PartView:
    """到场, by position, QR code, photo or with a stated reason."""
    return hands.show(await work.arrive(hands.tx, part_id, body, hands.at(body), hands.sealer), part_id)


@router.post("/parts/{part_id}/contact", dependencies=[allow(*WORKING)])
async def contact(part_id: UUID, body: MakeContact, hands: Acting) -> PartView:
    """The resident was spoken to."""
    return hands.show(await work.make_contact(hands.tx, part_id, body, hands.at(body)), part_id)


@router.post("/parts/{part_id}/notes", status_code=201, dependencies=[allow(*WORKING)])
async def note(part_id: UUID, body: WriteNote, hands: Acting) -> NoteAnswer:
    """说明 / 措施 / 进展."""
    state, note_id = await work.write_note(hands.tx, part_id, body, hands.at(body), hands.sealer)
    return NoteAnswer(note_id=note_id, part=hands.show(state, part_id))


@router.post("/parts/{part_id}/handle", dependencies=[allow(*WORKING)])
async def handle(part_id: UUID, body: HandlePart, hands: Acting) -> PartView:
    """办结. An emergency needs its musts first (409 `musts-missing` lists them), a late one its cause."""
    return hands.show(await work.handle_part(hands.tx, part_id, body, hands.at(body), hands.sealer), part_id)
