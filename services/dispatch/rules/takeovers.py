"""接替: somebody much nearer takes over the way of whoever is still far off. Only if they agree: until they accept
nothing changes for whoever is on the way, and whatever ends that way takes the question back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from services.dispatch.rules.facts import CaseState, Offer, OfferState, State
from services.dispatch.rules.offers import withdraw
from services.dispatch.rules.story import follow
from shared.event import Event
from shared.events.dispatch import CaseReturned
from shared.going import ReassignReason, WithdrawReason


def may_be_taken_over(state: State, trip: Offer) -> bool:
    """Somebody is on the way by it, to an open case of whose people nobody named the unit, nobody was asked instead
    yet, and they do not say that it is another unit's."""
    part = state.part(trip.part_id)
    returned = any(one.part_id == part.id and one.ruling is None for one in state.returns)
    return (
        state.case.state is CaseState.OPEN
        and trip.state is OfferState.ACCEPTED
        and trip.goes
        and not part.own_people_only
        and not returned
        and state.unanswered(part.id) is None
    )


def taken_back(state: State, now: datetime) -> list[Event]:
    """Every question to take over, whoever is on the way."""
    return [
        withdraw(state, offer, WithdrawReason.SWAP_OVER, now)
        for offer in state.offers
        if offer.asks_to_take_over
    ]


def completed(state: State, events: Iterable[Event]) -> list[Event]:
    """`events`, and behind each that ends a way, or says that it is another unit's, that the question to take it over
    is taken back: before anybody is asked anew."""
    told = list[Event]()
    for event in events:
        state = follow(state, [event])
        told.append(event)
        for offer in state.offers:
            if offer.asks_to_take_over and _is_over(state, offer, event):
                back = withdraw(state, offer, WithdrawReason.SWAP_OVER, event.at)
                state = follow(state, [back])
                told.append(back)
    return told


def _is_over(state: State, offer: Offer, event: Event) -> bool:
    """Accepting says first whom it frees; then the question is answered, not over."""
    trip = next(one for one in state.offers if one.id == offer.takes_over)
    if isinstance(event, CaseReturned) and event.part_id == offer.part_id:
        return True
    return trip.state is not OfferState.ACCEPTED and trip.passed_on != ReassignReason.TAKEN_OVER
