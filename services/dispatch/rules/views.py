"""What the phone and the desk are shown of a case, made from its facts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.dispatch.rules import musts
from services.dispatch.rules.facts import CaseState, Offer, OfferState, Part, PartState, State
from shared.events.dispatch import Candidate
from shared.events.intake import Place
from shared.vocabulary import (
    ArrivalMethod,
    DeclineReason,
    Level,
    Must,
    NoteKind,
    Outcome,
    PartRole,
    Post,
    Urgency,
)


class CaseView(BaseModel):
    """`arrive_by` is fifteen minutes from registration (by policy); `late` says the first arrival was later."""

    case_id: UUID
    number: str
    category_code: str
    urgency: Urgency
    headline: str
    place: Place
    grid_id: str | None
    level: Level
    unit_id: str
    state: CaseState
    round: int
    registered_at: datetime
    handled_at: datetime | None
    outcome: Outcome | None
    closed_at: datetime | None
    arrive_by: datetime | None
    late: bool
    musts_met: tuple[Must, ...]
    musts_missing: tuple[Must, ...]


class PartView(BaseModel):
    """A part as it stands now, with its case: the answer to everything a holder does."""

    part_id: UUID
    role: PartRole
    level: Level
    unit_id: str
    goes: bool
    state: PartState
    round: int
    holder: str | None
    offer_id: UUID | None
    accepted_at: datetime | None
    arrived_at: datetime | None
    contacted_at: datetime | None
    case: CaseView


class OfferView(BaseModel):
    """An offer with the reason for it, as the person chosen and supervisors may read it."""

    offer_id: UUID
    part_id: UUID
    person_id: str
    unit_id: str
    post: Post
    state: OfferState
    goes: bool
    turn: int
    offered_at: datetime
    expires_at: datetime
    eta_seconds: int | None
    chosen_because: str
    candidates: tuple[Candidate, ...]
    declined_because: DeclineReason | None
    ended_at: datetime | None


class ArrivalView(BaseModel):
    part_id: UUID
    person_id: str
    at: datetime
    device_at: datetime | None
    method: ArrivalMethod
    distance_m: int | None


class EvidenceView(BaseModel):
    evidence_id: UUID
    part_id: UUID
    person_id: str
    at: datetime
    media_type: str
    size_bytes: int
    sha256: str
    taken_at: datetime | None
    distance_m: int | None


class AddedView(BaseModel):
    """A file that was added. `distance_m` is from the place to where the camera was, if it said so."""

    evidence_id: UUID
    media_type: str
    sha256: str
    size_bytes: int
    distance_m: int | None
    part: PartView


class NoteView(BaseModel):
    """`text` is there for whoever may read it, and `None` once the case's key is destroyed."""

    note_id: UUID
    part_id: UUID
    person_id: str
    at: datetime
    note: NoteKind
    text: str | None = None
    measure: str | None = None


def case_view(state: State) -> CaseView:
    case = state.case
    return CaseView(
        case_id=case.id,
        number=case.number,
        category_code=case.category_code,
        urgency=case.urgency,
        headline=case.headline,
        place=case.place,
        grid_id=case.grid_id,
        level=case.level,
        unit_id=case.unit_id,
        state=case.state,
        round=case.round,
        registered_at=case.registered_at,
        handled_at=case.handled_at,
        outcome=case.outcome,
        closed_at=case.closed_at,
        arrive_by=musts.arrive_by(case),
        late=musts.arrived_late(state),
        musts_met=musts.met(state),
        musts_missing=musts.missing(state),
    )


def part_view(state: State, part: Part) -> PartView:
    taken, live = state.taken_by(part.id), state.live_offer(part.id)
    return PartView(
        part_id=part.id,
        role=part.role,
        level=part.level,
        unit_id=part.unit_id,
        goes=part.goes,
        state=part.state,
        round=part.round,
        holder=taken.person_id if taken else None,
        offer_id=live.id if live else None,
        accepted_at=taken.accepted_at if taken else None,
        arrived_at=taken.arrived_at if taken else None,
        contacted_at=taken.contacted_at if taken else None,
        case=case_view(state),
    )


def offer_view(offer: Offer, candidates: tuple[Candidate, ...]) -> OfferView:
    return OfferView(
        offer_id=offer.id,
        part_id=offer.part_id,
        person_id=offer.person_id,
        unit_id=offer.unit_id,
        post=offer.post,
        state=offer.state,
        goes=offer.goes,
        turn=offer.turn,
        offered_at=offer.offered_at,
        expires_at=offer.expires_at,
        eta_seconds=offer.eta_seconds,
        chosen_because=offer.chosen_because,
        candidates=candidates,
        declined_because=offer.declined_because,
        ended_at=offer.ended_at,
    )
