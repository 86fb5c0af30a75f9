"""State = fold(journal): what each event, heard or our own, changes in the facts of a case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import reduce
from typing import Any
from uuid import UUID

from services.dispatch.rules.facts import (
    HELD_OR_HANDLED,
    Arrival,
    Case,
    CaseState,
    EvidenceFile,
    Note,
    Offer,
    OfferState,
    Part,
    PartState,
    State,
    with_offer,
    with_part,
)
from shared.event import Event
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandled,
    CaseOffered,
    EvidenceAdded,
    NobodyAvailable,
    OfferDeclined,
    OfferLapsed,
    OfferWithdrawn,
    PartEnded,
    ProgressNoted,
    ResidentContacted,
    WorkerArrived,
)
from shared.events.escalation import CaseEscalated
from shared.events.intake import CaseClosed, CaseRegistered, CaseReopened
from shared.vocabulary import EscalationCause, Level, PartRole, Urgency


def fold(events: Iterable[Event]) -> State | None:
    """The facts after all of `events`; `None` before the registration."""
    return reduce(lambda state, event: apply(state, event), events, None)


def apply(state: State | None, event: Event) -> State | None:
    """The facts after `event`; events dispatch has no opinion on change nothing."""
    if isinstance(event, CaseRegistered):
        return state or registered(event)
    step = _STEPS.get(type(event))
    return state if state is None or step is None else step(state, event)


def follow(state: State, events: Iterable[Event]) -> State:
    """`apply` for events of a case that is known to exist."""
    for event in events:
        state = apply(state, event) or state
    return state


def registered(event: CaseRegistered) -> State:
    """The case with its owner's part; an emergency that starts above the grids also needs somebody who goes.

    A part takes the id of the event that opened it, so that the journal alone says which parts there are."""
    lowest = event.ladder[0]
    case = Case(
        id=event.case_id,
        number=event.number,
        category_code=event.category_code,
        urgency=event.urgency,
        headline=event.headline,
        place=event.place,
        grid_id=event.grid_id,
        unit_path=event.unit_path,
        ladder=event.ladder,
        policy=event.policy,
        street_id=_street(event),
        level=lowest.level,
        unit_id=lowest.unit_id,
        state=CaseState.OPEN,
        round=event.round,
        registered_at=event.at,
    )
    at_grid = lowest.level is Level.GRID
    owner = _open_part(case, event.id, PartRole.OWNER, goes=at_grid, at=event.at)
    if at_grid or event.urgency is not Urgency.EMERGENCY:
        return State(case=case, parts=(owner,))
    return State(
        case=case,
        parts=(owner, _open_part(case, _sibling(event.id), PartRole.CO_HANDLER, goes=True, at=event.at)),
    )


def _street(event: CaseRegistered) -> str:
    """Whose matching the case belongs to: its street, else the top of its ladder."""
    return next(
        (rung.unit_id for rung in event.ladder if rung.level is Level.STREET), event.ladder[-1].unit_id
    )


def _sibling(event_id: UUID) -> UUID:
    return UUID(int=event_id.int ^ 1)


def _open_part(case: Case, part_id: UUID, role: PartRole, *, goes: bool, at: datetime) -> Part:
    return Part(
        id=part_id,
        role=role,
        level=case.level,
        unit_id=case.unit_id,
        goes=goes,
        state=PartState.WAITING,
        round=case.round,
        opened_at=at,
    )


def counts(state: State, event: CaseEscalated) -> bool:
    """A raise of an older round, or one that crossed a `handled` in flight, changes nothing here."""
    case = state.case
    if case.state is CaseState.CLOSED or event.round < case.round:
        return False
    return case.state is CaseState.OPEN or event.cause is EscalationCause.REOPENED


def _escalated(state: State, event: CaseEscalated) -> State:
    if not counts(state, event):
        return state
    case = replace(state.case, level=event.to_level, unit_id=event.to_unit_id, round=event.round)
    below = tuple(_pass_on(part) for part in state.parts)
    owner = _open_part(case, event.id, PartRole.OWNER, goes=False, at=event.at)
    return replace(state, case=case, parts=(*below, owner))


def _pass_on(part: Part) -> Part:
    """Below a raise everybody who went, or is still being looked for, goes on beside the officer; an officer's
    part that nobody holds has lost its purpose."""
    if part.role is not PartRole.OWNER or part.state is PartState.ENDED:
        return part
    unneeded = part.state is PartState.WAITING and not part.goes
    return replace(part, role=PartRole.CO_HANDLER, state=PartState.ENDED if unneeded else part.state)


def _reopened(state: State, event: CaseReopened) -> State:
    case = replace(state.case, state=CaseState.OPEN, round=event.round, handled_at=None, outcome=None)
    return replace(state, case=case, parts=_without_search(state))


def _closed(state: State, event: CaseClosed) -> State:
    case = replace(state.case, state=CaseState.CLOSED, closed_at=event.at, outcome=event.outcome)
    return replace(state, case=case, parts=_without_search(state), offers=_sent_home(state))


def _handled(state: State, event: CaseHandled) -> State:
    case = replace(state.case, state=CaseState.HANDLED, handled_at=event.at, outcome=event.outcome)
    state = replace(state, case=case, parts=_without_search(state), offers=_sent_home(state))
    return _hold(state, event.part_id, OfferState.HANDLED, ended_at=event.at)


def _without_search(state: State) -> tuple[Part, ...]:
    return tuple(
        replace(part, state=PartState.ENDED) if part.state is PartState.WAITING else part
        for part in state.parts
    )


def _sent_home(state: State) -> tuple[Offer, ...]:
    """Nobody travels any more: all of them may be sent to the next emergency."""
    return tuple(replace(offer, goes=False) if offer.goes else offer for offer in state.offers)


def _offered(state: State, event: CaseOffered) -> State:
    """Asking somebody a second time is how a new turn of the search shows."""
    part = state.part(event.part_id)
    turn = part.turn + 1 if event.person_id in state.asked(part) else part.turn
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
    )
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
    part = state.part(event.part_id)
    searched = state.case.state is CaseState.OPEN and part.round == state.case.round
    searched = searched and (part.goes or part.role is PartRole.OWNER)
    return with_part(
        with_offer(state, offer), replace(part, state=PartState.WAITING if searched else PartState.ENDED)
    )


def _accepted(state: State, event: CaseAccepted) -> State:
    return _hold(state, event.part_id, OfferState.ACCEPTED, accepted_at=event.at)


def _arrived(state: State, event: WorkerArrived) -> State:
    arrival = Arrival(
        event.part_id, event.person_id, event.at, event.method, event.distance_m, event.device_at
    )
    state = replace(state, arrivals=(*state.arrivals, arrival))
    return _hold(state, event.part_id, OfferState.ARRIVED, arrived_at=event.at)


def _hold(state: State, part_id: UUID, to: OfferState, **times: Any) -> State:
    """The part's live offer and the part move on together."""
    offer = state.live_offer(part_id)
    if offer is None:
        return state
    state = with_offer(state, replace(offer, state=to, **times))
    return with_part(state, replace(state.part(part_id), state=PartState(to.value)))


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


def _part_ended(state: State, event: PartEnded) -> State:
    state = with_part(state, replace(state.part(event.part_id), state=PartState.ENDED))
    for offer in state.offers:
        if offer.part_id == event.part_id and offer.state in HELD_OR_HANDLED:
            state = with_offer(state, replace(offer, state=OfferState.ENDED, goes=False, ended_at=event.at))
    return state


def _nobody(state: State, event: NobodyAvailable) -> State:
    return with_part(state, replace(state.part(event.part_id), nobody_since=event.at))


_STEPS: dict[type[Event], Callable[[State, Any], State]] = {
    CaseEscalated: _escalated,
    CaseReopened: _reopened,
    CaseClosed: _closed,
    CaseOffered: _offered,
    OfferDeclined: _declined,
    OfferLapsed: _lapsed,
    OfferWithdrawn: _withdrawn,
    CaseAccepted: _accepted,
    WorkerArrived: _arrived,
    ResidentContacted: _contacted,
    EvidenceAdded: _evidence,
    ProgressNoted: _noted,
    CaseHandled: _handled,
    PartEnded: _part_ended,
    NobodyAvailable: _nobody,
}
