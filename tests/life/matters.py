"""What else may happen to a living case: it is amended, merged and taken out again, returned and ruled on, put off,
parked, ordered and answered. Each does what may be done now, and nothing where it may not."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from services.dispatch.rules import passing
from services.escalation.rules import extensions, parkings, returns, supervision
from services.escalation.rules.clocks import By, Telling
from services.registry.defaults.policies import EMERGENCY, ROUTINE
from shared.events.intake import CaseAmended, CaseMerged, CaseRegistered, CaseUnmerged, Rung
from shared.ids import uuid7
from shared.vocabulary import (
    CaseState,
    Channel,
    ExtensionReason,
    Level,
    ParkReason,
    ReturnBasis,
    Ruling,
    SupervisionKind,
    UnparkReason,
    Urgency,
)
from tests.escalation.story import LADDER
from tests.life.model import Life, staff

ALL_LEVELS = frozenset(rung.level for rung in LADDER)
NEXT_DOOR = (
    Rung(level=Level.GRID, unit_id="grid-b1"),
    Rung(level=Level.COMMUNITY, unit_id="community-b"),
    *LADDER[2:],
)
OFFICER = By(staff("p-community-a-o1"), Channel.DESK)
ELSEWHERE = "market-regulation"


# ── intake ────────────────────────────────────────────────────────────────────────────────────────────────────────


def amend(
    life: Life, urgency: Urgency, levels: Collection[Level] = ALL_LEVELS, *, moved: bool = False
) -> None:
    """The same case with another urgency, or on another ladder: of these levels, next door if it `moved`."""
    first, known = life.registered, life.known
    rungs = tuple(rung for rung in (NEXT_DOOR if moved else LADDER) if rung.level in levels)
    changed = ("urgency",) * (known.urgency is not urgency) + ("ladder",) * (rungs != known_ladder(life))
    if not known.open or not changed or not rungs:
        return
    life.intake_says(
        CaseAmended(
            at=life.now,
            case_id=first.case_id,
            actor=staff("p-operator-1"),
            channel=Channel.DESK,
            changed=changed,
            category_code=first.category_code,
            urgency=urgency,
            headline=first.headline,
            place=first.place,
            grid_id=first.grid_id,
            unit_path=first.unit_path,
            ladder=rungs,
            policy=EMERGENCY if urgency is Urgency.EMERGENCY else ROUTINE,
            registry_revision=8,
        )
    )


def known_ladder(life: Life) -> tuple[Rung, ...]:
    """As intake knows it."""
    told = [one for one in life.intake.journal if isinstance(one, CaseAmended | CaseRegistered)]
    return told[-1].ladder


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
        if parkings.may_park(telling.case, telling.now, review_at, approved=True) is None:
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
