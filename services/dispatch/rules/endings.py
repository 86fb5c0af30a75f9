"""What a reopening, a closing, a merge, a ruling do to the people on a case; `story.apply` has changed the case
itself before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.dispatch.rules.facts import HELD_OR_HANDLED, CaseState, OfferState, State
from services.dispatch.rules.levels import owner_instead
from services.dispatch.rules.offers import about, withdraw, withdraw_all
from shared.event import SYSTEM, Event
from shared.events.dispatch import CaseHandled, PartEnded
from shared.events.escalation import ReturnRuled
from shared.events.intake import CaseAmended
from shared.going import WithdrawReason
from shared.ids import uuid7
from shared.vocabulary import Channel, Ruling


def relieve(state: State, now: datetime) -> list[Event]:
    """重办: whoever held the case, or is being asked to, is freed; escalation's raise says who is next."""
    return [*withdraw_all(state, WithdrawReason.REOPENED, now), *_end_parts(state, "reopened", now)]


def wind_up(state: State, now: datetime) -> list[Event]:
    """结案: nothing is asked of anybody any more."""
    return [*withdraw_all(state, WithdrawReason.CASE_CLOSED, now), *_end_parts(state, "closed", now)]


def merge(state: State, now: datetime) -> list[Event]:
    """合并: the earlier case goes on with its own people."""
    return [*withdraw_all(state, WithdrawReason.CASE_MERGED, now), *_end_parts(state, "merged", now)]


def come_out(state: State, told: Sequence[Event], now: datetime) -> list[Event]:
    """取消合并: what crossed the merge is said again. Who heard of it in between let it pass, since the earlier case
    counted then."""
    handled = [one for one in told if isinstance(one, CaseHandled) and one.round == state.case.round]
    if state.case.state is not CaseState.HANDLED or not handled:
        return []
    anew = {"id": uuid7(), "sequence": 0, "at": now, "actor": SYSTEM, "channel": Channel.SYSTEM}
    return [handled[-1].model_copy(update=anew)]


def call_off(state: State, now: datetime) -> list[Event]:
    """撤诉: whoever asked no longer asks."""
    return [*withdraw_all(state, WithdrawReason.CASE_WITHDRAWN, now), *_end_parts(state, "withdrawn", now)]


def offer_again(state: State, event: CaseAmended, now: datetime) -> list[Event]:
    """What nobody has answered yet is offered anew, if what it was chosen by has changed. Who was asked for by name
    of their unit is asked on, unless the requester excluded them now."""
    chosen_by = {"place", "grid_id", "category_code", "urgency"} & set(event.changed)
    return [
        withdraw(state, offer, WithdrawReason.CASE_AMENDED, now)
        for offer in state.offers
        if offer.state is OfferState.OFFERED
        and (
            offer.person_id in event.excluded or (chosen_by and not state.part(offer.part_id).own_people_only)
        )
    ]


def step_back(before: State, after: State, now: datetime) -> list[Event]:
    """A raise was voided: the officer it was put to is asked no longer."""
    owner = after.owner
    if owner is None or before.part(owner.id).level is owner.level:
        return []
    return withdraw_all(after, WithdrawReason.CASE_AMENDED, now, part_id=owner.id)


def obey(state: State, event: ReturnRuled, now: datetime) -> list[Event]:
    """裁定: ruled to be another unit's, an offer still open in the old one is taken back."""
    if event.ruling is not Ruling.REDISPATCH:
        return []
    owner = owner_instead(state, event)
    return [
        told
        for part_id in (event.part_id, *([owner.id] if owner else []))
        for told in withdraw_all(state, WithdrawReason.RETURNED, now, part_id=part_id)
    ]


def _end_parts(state: State, because: str, now: datetime) -> list[Event]:
    held = [offer for offer in state.offers if offer.state in HELD_OR_HANDLED]
    return [
        PartEnded(**about(state, offer.part_id, now), person_id=offer.person_id, because=because)
        for offer in held
    ]
