"""What else may happen to a living case: it is amended, merged and taken out again, returned and ruled on, put off,
parked, ordered and answered. Each does what may be done now, and nothing where it may not."""

from __future__ import annotations

from datetime import timedelta

from services.dispatch.rules import passing
from services.escalation.rules import extensions, parkings, returns, supervision
from services.escalation.rules.clocks import By, Telling
from services.registry.defaults.policies import EMERGENCY, ROUTINE
from shared.events.intake import CaseAmended, CaseMerged, CaseUnmerged
from shared.ids import uuid7
from shared.vocabulary import (
    CaseState,
    Channel,
    ExtensionReason,
    ParkReason,
    ReturnBasis,
    Ruling,
    SupervisionKind,
    UnparkReason,
    Urgency,
)
from tests.life.model import Life, staff

OFFICER = By(staff("p-community-a-o1"), Channel.DESK)
ELSEWHERE = "market-regulation"


# ── intake ────────────────────────────────────────────────────────────────────────────────────────────────────────


def amend(life: Life, urgency: Urgency) -> None:
    """The same case with another urgency."""
    if not life.known.open or life.known.urgency is urgency:
        return
    first = life.registered
    life.intake_says(
        CaseAmended(
            at=life.now,
            case_id=first.case_id,
            actor=staff("p-operator-1"),
            channel=Channel.DESK,
            changed=("urgency",),
            category_code=first.category_code,
            urgency=urgency,
            headline=first.headline,
            place=first.place,
            grid_id=first.grid_id,
            unit_path=first.unit_path,
            ladder=first.ladder,
            policy=EMERGENCY if urgency is Urgency.EMERGENCY else ROUTINE,
            registry_revision=8,
        )
    )


def merge(life: Life) -> None:
    if life.known.open:
        life.intake_says(
            CaseMerged(
                at=life.now,
                case_id=life.registered.case_id,
                actor=staff("p-operator-1"),
                channel=Channel.DESK,
                parent_id=uuid7(),
                parent_number="1",
            )
        )


def unmerge(life: Life) -> None:
    if life.known.state is CaseState.MERGED and life.known.parent_id is not None:
        life.intake_says(
            CaseUnmerged(
                at=life.now,
                case_id=life.registered.case_id,
                actor=staff("p-operator-1"),
                channel=Channel.DESK,
                parent_id=life.known.parent_id,
            )
        )


# ── dispatch ──────────────────────────────────────────────────────────────────────────────────────────────────────


def give_back(life: Life, place: int) -> None:
    words = passing.Words(uuid7(), "d")
    life.on_the_way(
        place,
        lambda state, part, doer: passing.return_part(
            state, part, doer, life.now, basis=ReturnBasis.DUTY_LIST, to=ELSEWHERE, words=words
        ),
    )


def ask_for_hands(life: Life, place: int, minutes: int) -> None:
    to, words = passing.Asked(ELSEWHERE, goes=False), passing.Words(uuid7(), "d")
    due_at = life.now + timedelta(minutes=minutes)
    life.on_the_way(
        place,
        lambda state, part, doer: passing.ask_co_handler(
            state, part, doer, life.now, to=to, words=words, due_at=due_at
        ),
    )


def finish_a_task(life: Life, place: int) -> None:
    life.on_the_way(place, lambda state, part, doer: passing.finish_task(state, part, doer, life.now))


# ── escalation ────────────────────────────────────────────────────────────────────────────────────────────────────


def rule(life: Life, *, refuse: bool) -> None:
    def act(telling: Telling) -> None:
        waiting = [one for one in telling.case.returns if one.is_open]
        if waiting and refuse:
            returns.rule_return(telling, waiting[0], OFFICER, Ruling.REFUSE, None, "d")
        elif waiting:
            returns.rule_return(telling, waiting[0], OFFICER, Ruling.REDISPATCH, ELSEWHERE, "d")

    life.at_the_desk(act)


def put_off(life: Life, hours: int) -> None:
    def act(telling: Telling) -> None:
        until = telling.now + timedelta(hours=hours)
        if extensions.may_ask(telling, until) is None:
            extensions.ask_extension(telling, OFFICER, until, ExtensionReason.WEATHER)

    life.at_the_desk(act)


def decide_extension(life: Life, *, approved: bool) -> None:
    def act(telling: Telling) -> None:
        if (asked := telling.case.asked_extension) is not None:
            extensions.decide_extension(telling, asked, OFFICER, approved=approved)

    life.at_the_desk(act)


def park(life: Life, days: int) -> None:
    def act(telling: Telling) -> None:
        review_at = telling.now + timedelta(days=days)
        if parkings.may_park(telling.case, telling.now, review_at) is None:
            parkings.park(telling, OFFICER, "p-1", ParkReason.NEEDS_FUNDS, review_at, "d")

    life.at_the_desk(act)


def unpark(life: Life) -> None:
    def act(telling: Telling) -> None:
        if telling.case.parking is not None:
            parkings.unpark(telling, OFFICER, UnparkReason.RESUMED)

    life.at_the_desk(act)


def order(life: Life) -> None:
    def act(telling: Telling) -> None:
        if supervision.may_be_ordered(telling.case, SupervisionKind.LISTED, "street") is None:
            supervision.order_by_hand(telling, SupervisionKind.LISTED, "street", OFFICER, uuid7(), "d")

    life.at_the_desk(act)


def answer(life: Life) -> None:
    """What is owed is answered: an order, or whoever raised the case."""

    def act(telling: Telling) -> None:
        orders = [one for one in telling.case.orders if one.answered_at is None]
        raises = [one for one in telling.case.raises if one.owes_a_reply]
        if orders:
            supervision.answer(telling, orders[0], OFFICER, orders[0].unit_id, uuid7(), "d")
        elif raises:
            supervision.reply(telling, raises[0], OFFICER, uuid7(), "d")

    life.at_the_desk(act)
