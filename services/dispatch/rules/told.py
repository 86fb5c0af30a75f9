"""What dispatch itself tells, step by step: offers and their ends, the work, and how a part comes to somebody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.dispatch.rules.facts import (
    HELD_OR_HANDLED,
    Arrival,
    CaseState,
    EvidenceFile,
    Flag,
    HelpCall,
    Note,
    Offer,
    OfferState,
    PartState,
    Return,
    State,
    Statement,
    StatementKind,
    with_offer,
    with_part,
)
from services.dispatch.rules.parts import (
    hold,
    let_go,
    open_part,
    searched_anew,
    sent_home,
    without_search,
)
from shared.event import CaseEvent, Event
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandedDown,
    CaseHandled,
    CaseOffered,
    CaseReassigned,
    CaseReturned,
    CoHandlerAsked,
    DeviceTimeAccepted,
    EntryCorrected,
    EntryFlagged,
    EvidenceAdded,
    HelpRequested,
    NobodyAvailable,
    OfferDeclined,
    OfferLapsed,
    OfferWithdrawn,
    PartEnded,
    PartHandled,
    ProgressNoted,
    ResidentContacted,
    WorkerArrived,
)
from shared.going import ReassignReason
from shared.vocabulary import PartRole

REASSIGNED = "reassigned"
"""Why somebody has a part they were never offered, and why somebody else no longer has it."""


class OwnerKept(CaseEvent, type="yike.dispatch.owner_kept", source="dispatch"):
    """A volunteer goes, so the grid's holder stays owner: the volunteer's part is a co-handler's from now on, and an
    owner's part with this event's id is offered to the grid. Told to nobody else: the offer of that part says it."""

    topic = ""
    part_id: UUID


# ── offers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _offered(state: State, event: CaseOffered) -> State:
    """Asking somebody a second time is how a new turn of the search shows. Whoever may take over is asked beside
    whoever has the part, which stays as it is."""
    part = state.part(event.part_id)
    takes_over = event.takes_over is not None
    turn = part.turn + 1 if not takes_over and event.person_id in state.asked(part) else part.turn
    offer = Offer(
        id=event.offer_id,
        part_id=event.part_id,
        person_id=event.person_id,
        unit_id=event.unit_id,
        post=event.post,
        turn=turn,
        state=OfferState.OFFERED,
        emergency=event.emergency,
        goes=event.goes,
        offered_at=event.at,
        expires_at=event.expires_at,
        eta_seconds=event.eta_seconds,
        chosen_because=event.chosen_because,
        candidates=event.candidates,
        policy=event.policy,
        shadow=event.shadow,
        swap_of=event.swap_of,
        takes_over=event.takes_over,
    )
    if takes_over:
        return with_offer(state, offer)
    part = replace(part, state=PartState.OFFERED, turn=turn, nobody_since=None)
    return with_part(with_offer(state, offer), part)


def _declined(state: State, event: OfferDeclined) -> State:
    state = _offer_ended(state, event, OfferState.DECLINED)
    return with_offer(state, replace(state.offer(event.offer_id), declined_because=event.reason))


def _lapsed(state: State, event: OfferLapsed) -> State:
    return _offer_ended(state, event, OfferState.LAPSED)


def _withdrawn(state: State, event: OfferWithdrawn) -> State:
    return _offer_ended(state, event, OfferState.WITHDRAWN)


def _offer_ended(
    state: State, event: OfferDeclined | OfferLapsed | OfferWithdrawn, ended: OfferState
) -> State:
    offer = replace(state.offer(event.offer_id), state=ended, goes=False, ended_at=event.at)
    if offer.takes_over is not None:
        return with_offer(state, offer)
    part = state.part(event.part_id)
    searched = state.case.state is CaseState.OPEN and part.round == state.case.round and part.searched
    return with_part(
        with_offer(state, offer), replace(part, state=PartState.WAITING if searched else PartState.ENDED)
    )


def _accepted(state: State, event: CaseAccepted) -> State:
    return hold(state, event.part_id, OfferState.ACCEPTED, event.offer_id, accepted_at=event.at)


def _owner_kept(state: State, event: OwnerKept) -> State:
    part = state.part(event.part_id)
    state = with_part(state, replace(part, role=PartRole.CO_HANDLER))
    owner = open_part(
        state.case,
        event.id,
        PartRole.OWNER,
        goes=False,
        at=event.at,
        unit_id=part.unit_id,
        own_people_only=True,
    )
    return replace(state, parts=(*state.parts, owner))


def _nobody(state: State, event: NobodyAvailable) -> State:
    return with_part(state, replace(state.part(event.part_id), nobody_since=event.at))


# ── the work ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _arrived(state: State, event: WorkerArrived) -> State:
    arrival = Arrival(
        id=event.id,
        part_id=event.part_id,
        person_id=event.person_id,
        at=event.at,
        method=event.method,
        distance_m=event.distance_m,
        device_at=event.device_at,
    )
    state = replace(state, arrivals=(*state.arrivals, arrival))
    return hold(state, event.part_id, OfferState.ARRIVED, arrived_at=event.at)


def _contacted(state: State, event: ResidentContacted) -> State:
    offer = state.live_offer(event.part_id)
    return state if offer is None else with_offer(state, replace(offer, contacted_at=event.at))


def _evidence(state: State, event: EvidenceAdded) -> State:
    file = EvidenceFile(
        id=event.evidence_id,
        part_id=event.part_id,
        person_id=event.person_id,
        at=event.at,
        media_type=event.media_type,
        sha256=event.sha256,
        size_bytes=event.size_bytes,
        taken_at=event.taken_at,
        distance_m=event.distance_m,
    )
    return replace(state, evidence=(*state.evidence, file))


def _noted(state: State, event: ProgressNoted) -> State:
    note = Note(event.note_id, event.part_id, event.person_id, event.at, event.note, event.digest)
    return replace(state, notes=(*state.notes, note))


def _handled(state: State, event: CaseHandled) -> State:
    case = replace(state.case, state=CaseState.HANDLED, handled_at=event.at, outcome=event.outcome)
    state = replace(state, case=case, parts=without_search(state), offers=sent_home(state))
    return hold(state, event.part_id, OfferState.HANDLED, ended_at=event.at)


def _part_handled(state: State, event: PartHandled) -> State:
    return hold(state, event.part_id, OfferState.HANDLED, ended_at=event.at, goes=False)


def _part_ended(state: State, event: PartEnded) -> State:
    state = with_part(state, replace(state.part(event.part_id), state=PartState.ENDED))
    for offer in state.offers:
        if offer.part_id == event.part_id and offer.state in HELD_OR_HANDLED:
            state = with_offer(state, replace(offer, state=OfferState.ENDED, goes=False, ended_at=event.at))
    return state


# ── from one to another ───────────────────────────────────────────────────────────────────────────────────────────


def _returned(state: State, event: CaseReturned) -> State:
    """The holder goes on until the ruling."""
    made = Return(
        id=event.return_id,
        part_id=event.part_id,
        person_id=event.person_id,
        unit_id=state.part(event.part_id).unit_id,
        at=event.at,
        basis=event.basis,
        rightful_unit_id=event.rightful_unit_id,
        digest=event.digest,
    )
    state = replace(state, returns=(*state.returns, made))
    return _stated(state, event, event.return_id, StatementKind.RETURN, event.digest)


def _handed_down(state: State, event: CaseHandedDown) -> State:
    state = let_go(state, event.part_id, event.at, "handed_down")
    part = searched_anew(
        state.part(event.part_id),
        event.at,
        state=PartState.WAITING,
        unit_id=event.to_unit_id,
        goes=event.goes,
        own_people_only=True,
        task_id=event.note_id,
    )
    state = with_part(state, part)
    return _stated(state, event, event.note_id, StatementKind.HAND_DOWN, event.digest)


def _co_handler_asked(state: State, event: CoHandlerAsked) -> State:
    part = open_part(
        state.case,
        event.part_id,
        PartRole.CO_HANDLER,
        goes=event.goes,
        at=event.at,
        unit_id=event.unit_id,
        own_people_only=True,
        asked_by=event.asked_by,
        task_id=event.note_id,
        due_at=event.due_at,
        help_id=event.help_id,
    )
    state = replace(state, parts=(*state.parts, part))
    return _stated(state, event, event.note_id, StatementKind.TASK, event.digest)


def _help_requested(state: State, event: HelpRequested) -> State:
    call = HelpCall(event.help_id, event.part_id, event.person_id, event.at, event.unit_ids)
    return replace(state, help_calls=(*state.help_calls, call))


_KEPT = (ReassignReason.CONFLICT_OF_INTEREST, ReassignReason.SWAPPED, ReassignReason.TAKEN_OVER)


def _reassigned(state: State, event: CaseReassigned) -> State:
    """As it is: the next holder takes over where the last one stood, or it is searched from the beginning. A conflict
    of interest is kept, because it holds for the whole case, and a way given up for another case or to somebody nearer,
    because who went it may be asked again. Whoever takes over has an offer of their own, and accepts it."""
    old = state.taken_by(event.part_id)
    if old is None:
        return state
    state = let_go(state, event.part_id, event.at, event.reason if event.reason in _KEPT else REASSIGNED)
    if event.reason is ReassignReason.TAKEN_OVER:
        return state
    part = state.part(event.part_id)
    if event.to_person_id is None or event.to_offer_id is None:
        return with_part(state, searched_anew(part, event.at, state=PartState.WAITING))
    offer = Offer(
        id=event.to_offer_id,
        part_id=part.id,
        person_id=event.to_person_id,
        unit_id=event.to_unit_id or old.unit_id,
        post=event.to_post or old.post,
        turn=part.turn,
        state=OfferState.ACCEPTED,
        emergency=old.emergency,
        goes=old.goes,
        offered_at=event.at,
        expires_at=event.at + (old.expires_at - old.offered_at),
        eta_seconds=None,
        chosen_because=REASSIGNED,
        accepted_at=event.at,
    )
    return with_part(with_offer(state, offer), replace(part, state=PartState.ACCEPTED))


# ── entries looked at again ───────────────────────────────────────────────────────────────────────────────────────


def _flagged(state: State, event: EntryFlagged) -> State:
    flag = Flag(event.entry_id, event.part_id, event.person_id, event.at, event.entry, event.flags)
    return replace(state, flags=(*state.flags, flag))


def _corrected(state: State, event: EntryCorrected) -> State:
    return _stated(
        state, event, event.note_id, StatementKind.CORRECTION, event.digest, entry_id=event.entry_id
    )


def _device_time_accepted(state: State, event: DeviceTimeAccepted) -> State:
    arrivals = tuple(
        replace(one, device_time_accepted=True)
        if (one.part_id, one.at) == (event.part_id, event.received_at)
        else one
        for one in state.arrivals
    )
    state = replace(state, arrivals=arrivals)
    return _stated(state, event, event.id, StatementKind.DEVICE_TIME, event.digest)


def _stated(
    state: State, event: Any, id: UUID, kind: StatementKind, digest: str, entry_id: UUID | None = None
) -> State:
    """Who wrote it is who did it: the supervisor, where the event is about somebody else's entry."""
    writer = event.actor.person_id or ""
    words = Statement(id, event.part_id, writer, event.at, kind, digest, entry_id)
    return replace(state, statements=(*state.statements, words))


STEPS: dict[type[Event], Callable[[State, Any], State]] = {
    CaseOffered: _offered,
    OfferDeclined: _declined,
    OfferLapsed: _lapsed,
    OfferWithdrawn: _withdrawn,
    CaseAccepted: _accepted,
    OwnerKept: _owner_kept,
    NobodyAvailable: _nobody,
    WorkerArrived: _arrived,
    ResidentContacted: _contacted,
    EvidenceAdded: _evidence,
    ProgressNoted: _noted,
    CaseHandled: _handled,
    PartHandled: _part_handled,
    PartEnded: _part_ended,
    CaseReturned: _returned,
    CaseHandedDown: _handed_down,
    CoHandlerAsked: _co_handler_asked,
    HelpRequested: _help_requested,
    CaseReassigned: _reassigned,
    EntryFlagged: _flagged,
    EntryCorrected: _corrected,
    DeviceTimeAccepted: _device_time_accepted,
}
