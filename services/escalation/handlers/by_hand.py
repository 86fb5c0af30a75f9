"""What people do about a case's time and level. Each loads and locks the case, lets time catch up, asks whether it may
be, decides, saves, and keeps what was written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.escalation import commands
from services.escalation.handlers.ground import case_of, stations_of
from services.escalation.handlers.refusals import cannot
from services.escalation.handlers.saving import follow_through
from services.escalation.handlers.writing import Pen
from services.escalation.queries import cases
from services.escalation.rules import extensions, ladder, parkings, returns, supervision
from services.escalation.rules.case import Case, Extension, ExtensionState, Order, Raise, Return
from services.escalation.rules.clocks import By, Telling
from services.escalation.rules.limits import Station
from shared.database import Transaction
from shared.events.escalation import CaseEscalated
from shared.ids import uuid7
from shared.problems import Problem
from shared.sealing import Sealer
from shared.vocabulary import DeadlineKind, Ruling


@dataclass(frozen=True)
class AtHand:
    """A case locked for somebody who acts on it, as it was before they did; `now` is business time under the lock."""

    tx: Transaction
    sealer: Sealer
    case: Case
    now: datetime
    stations: tuple[Station, ...]

    @property
    def pen(self) -> Pen:
        return Pen(self.tx, self.sealer, self.case.case_id)

    def caught_up(self) -> Telling:
        return ladder.caught_up(self.case, self.stations, self.now)

    async def save(self, telling: Telling) -> Case:
        await follow_through(self.tx, self.case, telling.decision, self.stations)
        return telling.case


async def take_in_hand(
    tx: Transaction, sealer: Sealer, case_id: UUID, expected_version: int | None = None
) -> AtHand:
    """Lock the case. 404 if it is not known here, 412 if it is not the version that was looked at."""
    now = await tx.lock(case_id)
    case = await case_of(tx, case_id)
    if expected_version is not None and await cases.version(tx, case_id) != expected_version:
        detail = "请重新查看工单后再操作 / Look at the case again before you act"
        raise Problem(412, "changed-meanwhile", "工单已变化 / The case has changed", detail=detail)
    return AtHand(tx, sealer, case, now, stations_of(tx.directory, case, now))


# ── raises and replies ────────────────────────────────────────────────────────────────────────────────────────────


async def escalate(hand: AtHand, command: commands.Escalate, by: By) -> Case:
    """Raise a case by hand. The case as it stands afterwards; 409 where it cannot be."""
    if because := ladder.may_be_raised(hand.case, command.to_level):
        raise cannot(because)
    digest = await hand.pen.digest(command.text) if command.text else None
    by_hand = ladder.ByHand(by, command.reason, digest, command.to_level)
    decision = ladder.raise_by_hand(hand.case, hand.stations, hand.now, by_hand)
    await follow_through(hand.tx, hand.case, decision, hand.stations)
    raised = [event for event in decision.events if isinstance(event, CaseEscalated)]
    if command.text and raised and raised[-1].text_digest == digest:
        await hand.pen.keep(raised[-1].id, "raises", command.text)
    return decision.case


async def reply(hand: AtHand, raised: Raise, command: commands.Reply, by: By) -> Case:
    if raised.replied_at is not None:
        raise cannot("replied-before")
    if not raised.owes_a_reply:
        raise cannot("no-reply-owed")
    reply_id, telling = uuid7(), hand.caught_up()
    supervision.reply(telling, raised, by, reply_id, await hand.pen.digest(command.text))
    after = await hand.save(telling)
    await hand.pen.keep(reply_id, "replies", command.text)
    return after


# ── returns ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def rule_return(hand: AtHand, returned: Return, command: commands.RuleReturn, by: By) -> Case:
    """A ruling that comes after its deadline finds the return refused already."""
    telling = hand.caught_up()
    asked = returns.return_of(telling.case, returned.id)
    if asked is None or (because := returns.may_be_ruled(telling.case, asked)):
        raise cannot(because if asked is not None and because else "return-over")
    if command.ruling is Ruling.REDISPATCH and command.to_unit_id is not None:
        _must_be_sendable(hand, command.to_unit_id)
    digest = await hand.pen.digest(command.text)
    returns.rule_return(telling, asked, by, command.ruling, command.to_unit_id, digest)
    after = await hand.save(telling)
    await hand.pen.keep(returned.id, "rulings", command.text)
    return after


def _must_be_sendable(hand: AtHand, unit_id: str) -> None:
    """409 for a unit that is not there, or whose duty list this is not on: the refusal names whose it is."""
    directory = hand.tx.directory
    unit = directory.units.get(unit_id)
    if unit is None or unit.retired_at is not None:
        raise cannot("no-such-unit")
    if not directory.may_be_sent(unit_id, hand.case.category_code):
        category = directory.categories.get(hand.case.category_code)
        raise cannot("outside-duty-list", rightful_unit_id=category.rightful_unit_id if category else None)


# ── extensions ────────────────────────────────────────────────────────────────────────────────────────────────────


async def ask_extension(hand: AtHand, command: commands.AskExtension, by: By) -> Case:
    telling = hand.caught_up()
    if because := extensions.may_ask(telling, command.until):
        handle = next(iter(telling.case.open(DeadlineKind.HANDLE)), None)
        latest = extensions.longest(telling, handle) if handle else None
        raise cannot(because, **({"latest": latest.isoformat()} if latest else {}))
    extensions.ask_extension(telling, by, command.until, command.reason)
    return await hand.save(telling)


async def decide_extension(hand: AtHand, asked: Extension, command: commands.DecideExtension, by: By) -> Case:
    telling = hand.caught_up()
    still = next(one for one in telling.case.extensions if one.id == asked.id)
    if still.state is not ExtensionState.ASKED:
        raise cannot("extension-decided")
    extensions.decide_extension(telling, still, by, approved=command.approved)
    return await hand.save(telling)


# ── parking ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def park(hand: AtHand, command: commands.ParkCase, by: By) -> Case:
    owner = hand.tx.directory.people.get(command.owner_id)
    if owner is None or owner.retired_at is not None:
        raise cannot("no-such-person")
    telling = hand.caught_up()
    if because := parkings.may_park(telling.case, hand.now, command.review_at):
        raise cannot(because)
    digest = await hand.pen.digest(command.plan)
    parkings.park(telling, by, command.owner_id, command.reason, command.review_at, digest)
    after = await hand.save(telling)
    if after.parking is not None:
        await hand.pen.keep(after.parking.id, "plans", command.plan)
    return after


async def unpark(hand: AtHand, command: commands.UnparkCase, by: By) -> Case:
    telling = hand.caught_up()
    if telling.case.parking is None:
        raise cannot("not-parked")
    parkings.unpark(telling, by, command.because)
    return await hand.save(telling)


# ── supervision ───────────────────────────────────────────────────────────────────────────────────────────────────


async def order_supervision(
    hand: AtHand, command: commands.OrderSupervision, supervising_unit_id: str, by: By
) -> Case:
    telling = hand.caught_up()
    if because := supervision.may_be_ordered(telling.case, command.kind, supervising_unit_id):
        raise cannot(because)
    order_id, digest = uuid7(), await hand.pen.digest(command.text)
    supervision.order_by_hand(telling, command.kind, supervising_unit_id, by, order_id, digest)
    after = await hand.save(telling)
    await hand.pen.keep(order_id, "orders", command.text)
    return after


async def answer_order(hand: AtHand, ordered: Order, command: commands.AnswerOrder, by: By) -> Case:
    if ordered.answered_at is not None:
        raise cannot("answered-before")
    answer_id, telling = uuid7(), hand.caught_up()
    digest = await hand.pen.digest(command.text)
    supervision.answer(telling, ordered, by, ordered.unit_id, answer_id, digest)
    after = await hand.save(telling)
    await hand.pen.keep(answer_id, "answers", command.text)
    return after
