"""How a case, or a share of it, comes to others: returned, handed down, shared with co-handlers, given away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.dispatch.rules import refusals
from services.dispatch.rules.facts import (
    HELD,
    HELD_OR_HANDLED,
    CaseState,
    Offer,
    OfferState,
    Part,
    State,
)
from services.dispatch.rules.offers import Decision, about, withdraw
from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.work import Doer, hold
from shared.event import Event
from shared.events.dispatch import (
    CaseHandedDown,
    CaseReassigned,
    CaseReturned,
    CoHandlerAsked,
    HelpRequested,
    PartHandled,
)
from shared.ids import uuid7
from shared.vocabulary import (
    DeclineReason,
    Level,
    PartRole,
    ReassignReason,
    ReturnBasis,
    Ruling,
    WithdrawReason,
)


@dataclass(frozen=True)
class Words:
    """A text that is sealed elsewhere: its id and its HMAC."""

    id: UUID
    digest: str


def _works_on(state: State, part: Part, doer: Doer) -> Offer | Refused:
    """The holder, of a case that is still to be handled."""
    held = hold(state, part, doer)
    if isinstance(held, Refused):
        return held
    if held.state is OfferState.HANDLED or state.case.state is not CaseState.OPEN:
        return refusals.CASE_HANDLED
    return held


def _owns(state: State, part: Part, doer: Doer) -> Offer | Refused:
    held = _works_on(state, part, doer)
    if isinstance(held, Refused) or part.role is PartRole.OWNER:
        return held
    return refusals.OWNER_ONLY


# ── return ────────────────────────────────────────────────────────────────────────────────────────────────────────


def may_return(state: State, part: Part) -> Refused | None:
    """One at a time by a unit, and never again by a unit whose return of this case was refused."""
    rulings = {one.ruling for one in state.returns if one.unit_id == part.unit_id}
    if Ruling.REFUSE in rulings:
        return refusals.RETURN_REFUSED_BEFORE
    return refusals.RETURN_PENDING if None in rulings else None


def return_part(
    state: State, part: Part, doer: Doer, now: datetime, *, basis: ReturnBasis, to: str, words: Words
) -> Decision:
    """退单: the supervising unit rules on it; until then nothing changes."""
    held = _works_on(state, part, doer)
    if isinstance(held, Refused):
        return held
    if (refused := may_return(state, part)) is not None:
        return refused
    if to == part.unit_id:
        return refusals.same_unit(to)
    return [
        CaseReturned(
            **about(state, part.id, now, doer.actor, doer.channel),
            return_id=words.id,
            person_id=doer.person_id,
            basis=basis,
            rightful_unit_id=to,
            digest=words.digest,
        )
    ]


# ── hand down, share ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Asked:
    """A unit that is asked, as the registry knows it. `goes`: it is a grid, whose people come; `below` says that it
    lies under the unit that asks."""

    unit_id: str
    goes: bool
    below: bool = True


def hand_down(state: State, part: Part, doer: Doer, now: datetime, *, to: Asked, words: Words) -> Decision:
    """下派 by an officer: another holder below, with instructions; level and clocks stay where they are."""
    held = _owns(state, part, doer)
    if isinstance(held, Refused):
        return held
    if part.level is Level.GRID:
        return refusals.OFFICER_ONLY
    if not to.below:
        return refusals.not_below(to.unit_id)
    return [
        CaseHandedDown(
            **about(state, part.id, now, doer.actor, doer.channel),
            person_id=doer.person_id,
            to_unit_id=to.unit_id,
            note_id=words.id,
            digest=words.digest,
            goes=to.goes,
        )
    ]


def ask_co_handler(
    state: State, part: Part, doer: Doer, now: datetime, *, to: Asked, words: Words, due_at: datetime | None
) -> Decision:
    """协办: the owner asks another unit for a share of the work."""
    held = _owns(state, part, doer)
    if isinstance(held, Refused):
        return held
    return [_asked(state, doer, now, to, words, due_at=due_at)]


def ask_for_help(
    state: State,
    part: Part,
    doer: Doer,
    now: datetime,
    *,
    help_id: UUID,
    units: Sequence[tuple[Asked, Words]],
) -> Decision:
    """吹哨 by whoever is there: each unit asked gets a part of its own."""
    held = _works_on(state, part, doer)
    if isinstance(held, Refused):
        return held
    call = HelpRequested(
        **about(state, part.id, now, doer.actor, doer.channel),
        help_id=help_id,
        person_id=doer.person_id,
        unit_ids=tuple(to.unit_id for to, _ in units),
    )
    return [call, *(_asked(state, doer, now, to, words, help_id=help_id) for to, words in units)]


def _asked(
    state: State,
    doer: Doer,
    now: datetime,
    to: Asked,
    words: Words,
    *,
    due_at: datetime | None = None,
    help_id: UUID | None = None,
) -> CoHandlerAsked:
    return CoHandlerAsked(
        case_id=state.case.id,
        at=now,
        actor=doer.actor,
        channel=doer.channel,
        part_id=uuid7(),
        part_role=PartRole.CO_HANDLER,
        level=state.case.level,
        round=state.case.round,
        asked_by=doer.person_id,
        unit_id=to.unit_id,
        note_id=words.id,
        digest=words.digest,
        due_at=due_at,
        goes=to.goes,
        help_id=help_id,
    )


def finish_task(state: State, part: Part, doer: Doer, now: datetime) -> Decision:
    """A co-handler's share is done; the case goes on. Whoever goes to an emergency has to have been there."""
    held = hold(state, part, doer)
    if isinstance(held, Refused):
        return held
    if held.state is OfferState.HANDLED:
        return []
    if part.role is PartRole.OWNER:
        return refusals.OWNER_FINISHES
    if state.case.urgent and part.goes and held.arrived_at is None:
        return refusals.ARRIVE_FIRST
    return [PartHandled(**about(state, part.id, now, doer.actor, doer.channel), person_id=doer.person_id)]


# ── hand over ─────────────────────────────────────────────────────────────────────────────────────────────────────


def on_hand(state: State, person_id: str, reason: ReassignReason) -> list[Offer]:
    """What goes to somebody else: all that is asked of or held by them, but that an emergency they are on the way to
    or at stays when only their shift ends."""
    return [
        offer
        for offer in state.offers
        if offer.person_id == person_id
        and state.case.state is CaseState.OPEN
        and (offer.state is OfferState.OFFERED or (offer.state in HELD and not _stays(offer, reason)))
    ]


def _stays(offer: Offer, reason: ReassignReason) -> bool:
    return reason is ReassignReason.SHIFT_ENDED and offer.emergency and offer.goes


def may_be_given(state: State, offer: Offer, to: str) -> Refused | None:
    """Excluded, in conflict, or on the case already: not them."""
    declined = {
        one.person_id
        for one in state.offers
        if one.declined_because in (DeclineReason.CONFLICT_OF_INTEREST, DeclineReason.UNFIT)
    }
    if to == offer.person_id or to in state.case.excluded or to in declined or to in on_case(state):
        return refusals.may_not_be_given(to)
    return None


def on_case(state: State, but: UUID | None = None) -> set[str]:
    """Who has a part of this case, or is asked to take one (other than `but`)."""
    return {
        offer.person_id
        for offer in state.offers
        if offer.part_id != but and (offer.live or offer.state in HELD_OR_HANDLED)
    }


def hand_over(
    state: State, offer: Offer, doer: Doer, now: datetime, *, reason: ReassignReason, to: str | None
) -> Decision:
    """交接 of one part: to somebody named, or searched anew. What was only offered is simply taken back."""
    if offer.state is OfferState.OFFERED:
        return [withdraw(state, offer, WithdrawReason.REASSIGNED, now)]
    if to is not None and (refused := may_be_given(state, offer, to)) is not None:
        return refused
    given: list[Event] = [
        CaseReassigned(
            **about(state, offer.part_id, now, doer.actor, doer.channel),
            from_person_id=offer.person_id,
            to_person_id=to,
            to_offer_id=None if to is None else uuid7(),
            reason=reason,
        )
    ]
    return given
