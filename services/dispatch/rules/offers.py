"""What becomes of an offer: accepted, declined, lapsed, withdrawn. One wins; whoever repeats gets the same answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from services.dispatch.rules import refusals
from services.dispatch.rules.facts import HELD_OR_HANDLED, OVER, CaseState, Offer, OfferState, State
from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.told import OwnerKept
from shared.event import Actor, Event
from shared.events.dispatch import (
    CaseAccepted,
    CaseReassigned,
    HelpAnswered,
    OfferDeclined,
    OfferLapsed,
    OfferWithdrawn,
)
from shared.going import DeclineReason, ReassignReason, WithdrawReason
from shared.vocabulary import Channel, PartRole, Post

Decision = list[Event] | Refused
"""What happens now; an empty list where it had happened already."""


def accept(
    state: State, offer: Offer, actor: Actor, now: datetime, *, device_at: datetime | None, channel: Channel
) -> Decision:
    """接单. Server time decides: an acceptance queued on a phone counts when it is received."""
    if offer.person_id != actor.person_id:
        return not_theirs(state, offer.part_id, actor.person_id)
    if offer.state in HELD_OR_HANDLED:
        return []
    if state.case.state in OVER:
        return over(state)
    if offer.state is not OfferState.OFFERED or now >= offer.expires_at:
        return refusals.offer_gone(offer, holder_of(state, offer.part_id))
    common = about(state, offer.part_id, now, actor, channel)
    before = [] if offer.takes_over is None else [_taken_over(state, offer, common)]
    accepted = CaseAccepted(
        **common,
        offer_id=offer.id,
        person_id=offer.person_id,
        unit_id=offer.unit_id,
        goes=offer.goes,
        told_at=offer.offered_at,
        device_at=device_at,
    )
    return [*before, accepted, *_what_follows(state, offer, common)]


def _taken_over(state: State, offer: Offer, common: dict[str, Any]) -> CaseReassigned:
    """接替: whoever was on the way is free in the same moment."""
    return CaseReassigned(
        **common,
        from_person_id=next(one.person_id for one in state.offers if one.id == offer.takes_over),
        to_person_id=offer.person_id,
        to_offer_id=offer.id,
        to_post=offer.post,
        to_unit_id=offer.unit_id,
        reason=ReassignReason.TAKEN_OVER,
    )


def _what_follows(state: State, offer: Offer, common: dict[str, Any]) -> list[Event]:
    """Whoever takes a part opened by a request for help answers it. When a volunteer goes, the grid's holder stays
    owner; the acceptance itself was the owner's part's, so the clock that asks for one is met."""
    part, follows = state.part(offer.part_id), list[Event]()
    if part.help_id is not None:
        follows.append(
            HelpAnswered(**common, help_id=part.help_id, person_id=offer.person_id, unit_id=offer.unit_id)
        )
    if offer.post is Post.VOLUNTEER and part.role is PartRole.OWNER:
        follows.append(OwnerKept(case_id=state.case.id, at=common["at"], part_id=part.id))
    return follows


def over(state: State) -> Refused:
    """Why nothing is done on a case that ended here."""
    merged = state.case.state is CaseState.MERGED
    return refusals.case_merged(state.case.merged_into) if merged else refusals.CASE_CLOSED


def decline(
    state: State, offer: Offer, actor: Actor, now: datetime, *, reason: DeclineReason, channel: Channel
) -> Decision:
    """拒单: the search moves on at once."""
    if offer.person_id != actor.person_id:
        return not_theirs(state, offer.part_id, actor.person_id)
    if offer.state is OfferState.DECLINED:
        return []
    if offer.state in HELD_OR_HANDLED:
        return refusals.already_accepted()
    if offer.state is not OfferState.OFFERED or now >= offer.expires_at:
        return refusals.offer_gone(offer, holder_of(state, offer.part_id))
    common = about(state, offer.part_id, now, actor, channel)
    return [OfferDeclined(**common, offer_id=offer.id, person_id=offer.person_id, reason=reason)]


def lapse(state: State, part_id: UUID, now: datetime) -> list[Event]:
    """超时. An offer cut short by a fixed step (the leader at three minutes) is withdrawn, not held against anybody."""
    offer = state.unanswered(part_id)
    if offer is None or now < offer.expires_at:
        return []
    given_seconds = (offer.expires_at - offer.offered_at).total_seconds()
    if given_seconds < state.case.offer_seconds:
        return [withdraw(state, offer, WithdrawReason.NEXT_STEP, now)]
    return [OfferLapsed(**about(state, part_id, now), offer_id=offer.id, person_id=offer.person_id)]


def withdraw(state: State, offer: Offer, reason: WithdrawReason, now: datetime) -> OfferWithdrawn:
    common = about(state, offer.part_id, now)
    return OfferWithdrawn(**common, offer_id=offer.id, person_id=offer.person_id, reason=reason)


def withdraw_all(
    state: State, reason: WithdrawReason, now: datetime, *, part_id: UUID | None = None
) -> list[Event]:
    """Every offer nobody has answered yet (of the part)."""
    open_offers = [
        offer
        for offer in state.offers
        if offer.state is OfferState.OFFERED and part_id in (None, offer.part_id)
    ]
    return [withdraw(state, offer, reason, now) for offer in open_offers]


def not_theirs(state: State, part_id: UUID, person_id: str | None) -> Refused:
    """Who holds it is said to those on the case only."""
    concerned = person_id is not None and state.concerns(person_id)
    return refusals.not_yours(holder_of(state, part_id) if concerned else None)


def holder_of(state: State, part_id: UUID) -> str | None:
    taken = state.taken_by(part_id)
    return taken.person_id if taken else None


def about(
    state: State, part_id: UUID, now: datetime, actor: Actor | None = None, channel: Channel = Channel.SYSTEM
) -> dict[str, Any]:
    """What every event of a part says."""
    part = state.part(part_id)
    return {
        "case_id": state.case.id,
        "at": now,
        "actor": actor or Actor(),
        "channel": channel,
        "part_id": part.id,
        "part_role": part.role,
        "level": part.level,
        "round": part.round,
    }
