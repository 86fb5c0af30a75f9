"""改派: somebody on the way to an emergency takes another that needs them more. At most once per trip, and only if they
agree: accepting frees them of the first in the same moment, anything else changes nothing there."""

from __future__ import annotations

from datetime import datetime

from services.dispatch.rules import refusals
from services.dispatch.rules.facts import HELD, Offer, OfferState, State
from services.dispatch.rules.offers import Decision, about, withdraw
from shared.event import Actor, Event
from shared.events.dispatch import CaseReassigned
from shared.going import ReassignReason, WithdrawReason
from shared.vocabulary import Channel


def leave_way(state: State, trip: Offer, actor: Actor, now: datetime, *, channel: Channel) -> Decision:
    """What becomes of the case they were on the way to: it is searched again at once. Whoever has arrived there stays;
    whoever is free of it already leaves nothing."""
    if trip.state not in HELD or not trip.goes:
        return []
    if trip.arrived_at is not None:
        return refusals.SWAP_OVER
    common = about(state, trip.part_id, now, actor, channel)
    return [CaseReassigned(**common, from_person_id=trip.person_id, reason=ReassignReason.SWAPPED)]


def take_back(state: State, offer: Offer, now: datetime) -> list[Event]:
    """They arrived where they were going before they answered."""
    if offer.state is not OfferState.OFFERED or offer.swap_of is None:
        return []
    return [withdraw(state, offer, WithdrawReason.SWAP_OVER, now)]
