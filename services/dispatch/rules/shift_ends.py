"""下班: whose shift is over, and what of what they hold goes to somebody else then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.dispatch.rules import musts
from services.dispatch.rules.facts import CaseState, Offer, State
from shared.things import Shift
from shared.vocabulary import ShiftKind


def ended_at(shifts: Sequence[Shift], now: datetime, grace: timedelta) -> datetime | None:
    """When the last shift of these ended; `None` for who is at work or soon will be again, and for who was never on
    any: nobody expects them to go home. An absence or a shorter roster ends a shift as its last hour does."""
    on_duty = [shift for shift in shifts if shift.kind is ShiftKind.ON_DUTY]
    planned = [shift for shift in on_duty if shift.retired_at is None]
    if any(shift.starts_at <= now + grace and now < shift.ends_at for shift in planned):
        return None
    ends = [(shift.starts_at, _end(shift)) for shift in on_duty]
    return max((end for start, end in ends if start < end <= now), default=None)


def next_end(shifts: Sequence[Shift], now: datetime) -> datetime | None:
    """When the next of these shifts ends."""
    planned = (shift for shift in shifts if shift.kind is ShiftKind.ON_DUTY and shift.retired_at is None)
    return min((shift.ends_at for shift in planned if shift.ends_at > now), default=None)


def _end(shift: Shift) -> datetime:
    return shift.ends_at if shift.retired_at is None else min(shift.ends_at, shift.retired_at)


def goes_on(state: State, offer: Offer, ended: datetime, now: datetime) -> bool:
    """Whether the part goes to the next who is there. What somebody took after their shift (called in, or given by
    hand) stays theirs; so do a parked case, a place beside the officer that nobody would be searched for, and an
    emergency they have come to, or are on the way to and may still be in time for."""
    case = state.case
    if not offer.held or case.state is not CaseState.OPEN or case.review_at is not None:
        return False
    if offer.accepted_at is None or offer.accepted_at > ended or not state.part(offer.part_id).searched:
        return False
    if not case.urgent:
        return True
    in_time_until = stays_until(state, offer)
    return offer.arrived_at is None and (in_time_until is None or now >= in_time_until)


def stays_until(state: State, offer: Offer) -> datetime | None:
    """Until when somebody on the way to what is urgent may still be in time."""
    return musts.arrive_by(state.case) if state.case.urgent and offer.goes else None
