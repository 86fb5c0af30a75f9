"""Positions on the way to an emergency: when one may be taken at all, and which of many are kept.

Nobody is tracked (product.md §4): before accepting, after arriving, on anything routine and of officers none is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from services.dispatch.rules import refusals
from services.dispatch.rules.entries import Moved
from services.dispatch.rules.facts import CaseState, Offer, OfferState, Part, State
from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.work import Doer, hold

KEPT_ONCE_IN = timedelta(seconds=15)
"""Of what is sent within so long only the newest stays."""
OLD_AFTER = timedelta(minutes=2)
"""What waited longer in a phone's queue says nothing about where somebody is now."""


class Keeping(Enum):
    NEW = "new"
    IN_PLACE = "in_place"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class LastKept:
    """The last position kept of somebody on this case: by the server's clock and by the phone's."""

    at: datetime
    device_at: datetime | None


def may_send(state: State, part: Part, doer: Doer) -> Offer | Refused:
    """The offer by which this person is on the way to an emergency."""
    held = hold(state, part, doer)
    if isinstance(held, Refused):
        return held
    on_the_way = (
        held.state is OfferState.ACCEPTED and held.arrived_at is None and state.case.state is CaseState.OPEN
    )
    if not (on_the_way and held.goes and state.case.urgent):
        return refusals.POSITION_NOT_TAKEN
    return held


def keeping(
    accepted_at: datetime | None,
    last: LastKept | None,
    moved: Moved | None,
    device_at: datetime | None,
    now: datetime,
) -> Keeping:
    """The position at accepting stays as it is, because travel times are learned from it. What nobody can have
    travelled is left out, so that it does not hide an arrival that is odd."""
    too_old = device_at is not None and now - device_at > OLD_AFTER
    if too_old or (moved is not None and moved.impossible):
        return Keeping.NOT
    if last is None or last.at == accepted_at or now - last.at >= KEPT_ONCE_IN:
        return Keeping.NEW
    backwards = device_at is not None and last.device_at is not None and device_at < last.device_at
    return Keeping.NOT if backwards else Keeping.IN_PLACE
