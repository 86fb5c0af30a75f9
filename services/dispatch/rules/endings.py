"""What a reopening and a closing do to the people on a case; `story.apply` has changed the case itself before."""

from __future__ import annotations

from datetime import datetime

from services.dispatch.rules.facts import HELD_OR_HANDLED, State
from services.dispatch.rules.offers import about, withdraw_all
from shared.event import Event
from shared.events.dispatch import PartEnded
from shared.vocabulary import WithdrawReason


def relieve(state: State, now: datetime) -> list[Event]:
    """重办: whoever held the case, or is being asked to, is freed; escalation's raise says who is next."""
    return [*withdraw_all(state, WithdrawReason.REOPENED, now), *_end_parts(state, "reopened", now)]


def wind_up(state: State, now: datetime) -> list[Event]:
    """结案: nothing is asked of anybody any more."""
    return [*withdraw_all(state, WithdrawReason.CASE_CLOSED, now), *_end_parts(state, "closed", now)]


def _end_parts(state: State, because: str, now: datetime) -> list[Event]:
    held = [offer for offer in state.offers if offer.state in HELD_OR_HANDLED]
    return [
        PartEnded(**about(state, offer.part_id, now), person_id=offer.person_id, because=because)
        for offer in held
    ]
