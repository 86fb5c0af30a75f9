"""How a case, or a share of it, comes to others: returned, handed down, shared with co-handlers, given away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from services.dispatch.rules.told import REASSIGNED
from services.dispatch.rules.work import Doer, hold
from shared.events.dispatch import (
    CaseHandedDown,
    CaseOffered,
    CaseReassigned,
    CaseReturned,
    CoHandlerAsked,
    HelpRequested,
    OfferDeclined,
    PartHandled,
)
from shared.going import DeclineReason, ReassignReason, WithdrawReason
from shared.ids import uuid7
from shared.things import PostHeld
from shared.vocabulary import Level, PartRole, ReturnBasis, Ruling

FOR_GOOD = frozenset({DeclineReason.UNFIT, DeclineReason.CONFLICT_OF_INTEREST})
"""Declines that hold for the whole case; the others only until the next turn."""


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


@dataclass(frozen=True)
class Receiver:
    """Who is to get a part by hand: on duty or not, and the post by which they may have it, if any."""

    person_id: str
    on_duty: bool
    held: PostHeld | None


def may_be_given(state: State, offer: Offer, to: Receiver) -> Refused | None:
    """Excluded, in conflict, on the case already, off duty, or with a post that may not have it: not them."""
    id_ = to.person_id
    if id_ == offer.person_id or id_ in state.case.excluded or id_ in unfit(state) or id_ in on_case(state):
        return refusals.may_not_be_given(id_)
    if not to.on_duty:
        return refusals.not_on_duty(id_)
    return refusals.post_may_not(id_) if to.held is None else None


def unfit(state: State) -> frozenset[str]:
    """Who said, before accepting or after, that this case is not for them: never again."""
    return frozenset(
        offer.person_id
        for offer in state.offers
        if offer.declined_because in FOR_GOOD or offer.passed_on == ReassignReason.CONFLICT_OF_INTEREST
    )


def on_case(state: State, but: UUID | None = None) -> set[str]:
    """Who has a part of this case, or is asked to take one (other than `but`)."""
    return {
        offer.person_id
        for offer in state.offers
        if offer.part_id != but and (offer.live or offer.state in HELD_OR_HANDLED)
    }


def hand_over(
    state: State, offer: Offer, doer: Doer, now: datetime, *, reason: ReassignReason, to: Receiver | None
) -> Decision:
    """交接 of one part: to somebody named, or searched anew. What was only offered is simply taken back, and in a
    conflict of interest declined for good.

    What has to be taken up within minutes is offered to whoever is named: they may have missed it, and an offer rings
    until it lapses and goes on to the next. Who is there already hands it over on the spot."""
    common = about(state, offer.part_id, now, doer.actor, doer.channel)
    if offer.state is OfferState.OFFERED and reason is ReassignReason.CONFLICT_OF_INTEREST:
        conflict = DeclineReason.CONFLICT_OF_INTEREST
        return [OfferDeclined(**common, offer_id=offer.id, person_id=offer.person_id, reason=conflict)]
    if offer.state is OfferState.OFFERED:
        return [withdraw(state, offer, WithdrawReason.REASSIGNED, now)]
    if to is not None and (refused := may_be_given(state, offer, to)) is not None:
        return refused
    let_go = CaseReassigned(**common, from_person_id=offer.person_id, reason=reason)
    if to is None or to.held is None:
        return [let_go]
    if state.case.urgent and offer.arrived_at is None:
        return [let_go, _offered_by_hand(state, offer, to.person_id, to.held, now)]
    given = {"to_person_id": to.person_id, "to_post": to.held.post, "to_unit_id": to.held.unit_id}
    return [let_go.model_copy(update={**given, "to_offer_id": uuid7()})]


def _offered_by_hand(
    state: State, offer: Offer, person_id: str, held: PostHeld, now: datetime
) -> CaseOffered:
    return CaseOffered(
        **about(state, offer.part_id, now),
        offer_id=uuid7(),
        person_id=person_id,
        unit_id=held.unit_id,
        post=held.post,
        emergency=state.case.urgent,
        goes=state.part(offer.part_id).goes,
        expires_at=now + timedelta(seconds=state.case.offer_seconds),
        chosen_because=REASSIGNED,
    )
