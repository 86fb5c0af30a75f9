"""What the phone and the desk are shown of a case, made from its facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.dispatch.rules import musts
from services.dispatch.rules.facts import (
    CaseState,
    ExtensionState,
    HelpCall,
    Offer,
    OfferState,
    Part,
    PartState,
    State,
    StatementKind,
)
from shared.events.intake import Place, Window
from shared.going import ArrivalMethod, DeclineReason, EntryFlag, EntryKind
from shared.things import Name
from shared.vocabulary import Level, Must, NoteKind, Outcome, PartRole, Post, ReturnBasis, Ruling, Urgency


class CaseView(BaseModel):
    """`arrive_by` is fifteen minutes from registration (by policy); `late` says the first arrival was later.
    `questions_open` were asked of the requester; `review_at` is set while the case is parked; `erased`: the words
    about it were destroyed."""

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
    appointment: Window | None
    care: bool
    questions_open: int
    extension: ExtensionState | None
    extended_until: datetime | None
    review_at: datetime | None
    merged_into: str | None
    erased: bool


class PartView(BaseModel):
    """A part as it stands now, with its case: the answer to everything a holder does. `asked_by` has given it a task
    of its own; `task` are the words of it, or of whoever handed the case down. `return_pending`: a
    ruling is awaited. Of a part that ended with its case, `holder` is who had it until then."""

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
    asked_by: str | None
    due_at: datetime | None
    help_id: UUID | None
    task: str | None
    return_pending: bool
    case: CaseView


class Weighed(BaseModel):
    """Somebody who was weighed, in the order of the choice. `person_id` and `name` are for supervisors, and one's own
    for everybody; `p_late` is the chance of being late, from 0 to 1."""

    you: bool
    chosen: bool
    person_id: str | None
    name: Name | None
    post: Post
    eta_seconds: int | None
    p_late: float | None
    removed_by: str | None


class OfferView(BaseModel):
    """An offer with the reason for it. `candidates` are for the person chosen, those on the case and supervisors;
    nobody else is told who was weighed. `swap_of`: they are on the way to another case by that offer (改派);
    `takes_over`: somebody else is on the way here by that one (接替)."""

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
    candidates: list[Weighed]
    declined_because: DeclineReason | None
    ended_at: datetime | None
    swap_of: UUID | None
    takes_over: UUID | None


class ArrivalView(BaseModel):
    """Both times are kept; `device_time_accepted`: a supervisor accepts the phone's."""

    id: UUID
    part_id: UUID
    person_id: str
    at: datetime
    device_at: datetime | None
    device_time_accepted: bool
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


class ReturnView(BaseModel):
    return_id: UUID
    part_id: UUID
    person_id: str
    unit_id: str
    at: datetime
    basis: ReturnBasis
    rightful_unit_id: str
    ruling: Ruling | None
    to_unit_id: str | None
    ruled_at: datetime | None


class HelperView(BaseModel):
    """Who came, or is on the way."""

    part_id: UUID
    person_id: str
    unit_id: str
    accepted_at: datetime | None
    arrived_at: datetime | None


class HelpView(BaseModel):
    """吹哨, with who came."""

    help_id: UUID
    part_id: UUID
    asked_by: str
    at: datetime
    unit_ids: tuple[str, ...]
    came: tuple[HelperView, ...]


class StatementView(BaseModel):
    """Words besides the notes; `entry_id` is what a correction is about. `text` is `None` once destroyed."""

    id: UUID
    part_id: UUID
    person_id: str
    at: datetime
    kind: StatementKind
    entry_id: UUID | None
    text: str | None


class FlagView(BaseModel):
    """What is odd about an entry; for supervisors."""

    entry_id: UUID
    part_id: UUID
    person_id: str
    at: datetime
    entry: EntryKind
    flags: tuple[EntryFlag, ...]


def help_view(state: State, call: HelpCall) -> HelpView:
    parts = [part for part in state.parts if part.help_id == call.id]
    came = [(part, taken) for part in parts if (taken := state.last_taken_by(part.id)) is not None]
    return HelpView(
        help_id=call.id,
        part_id=call.part_id,
        asked_by=call.person_id,
        at=call.at,
        unit_ids=call.unit_ids,
        came=tuple(
            HelperView(
                part_id=part.id,
                person_id=taken.person_id,
                unit_id=part.unit_id,
                accepted_at=taken.accepted_at,
                arrived_at=taken.arrived_at,
            )
            for part, taken in came
        ),
    )


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
        appointment=case.appointment,
        care=case.care,
        questions_open=len(case.questions),
        extension=case.extension,
        extended_until=case.extended_until,
        review_at=case.review_at,
        merged_into=case.merged_into,
        erased=case.erased_at is not None,
    )


def part_view(state: State, part: Part, said: Mapping[UUID, str] | None = None) -> PartView:
    """`said` are the words of statements, for whoever reads what the part is for."""
    taken, live = state.last_taken_by(part.id), state.live_offer(part.id)
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
        asked_by=part.asked_by,
        due_at=part.due_at,
        help_id=part.help_id,
        task=(said or {}).get(part.task_id) if part.task_id else None,
        return_pending=any(one.part_id == part.id and one.ruling is None for one in state.returns),
        case=case_view(state),
    )


def offer_view(offer: Offer, candidates: list[Weighed]) -> OfferView:
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
        swap_of=offer.swap_of,
        takes_over=offer.takes_over,
    )
