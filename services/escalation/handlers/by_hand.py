"""What people do about a case's time and level. Each has the case locked and time caught up with it, asks whether it
may be, decides, saves, and keeps what was written."""

from __future__ import annotations

from dataclasses import dataclass
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
from shared.database import Transaction
from shared.ids import uuid7
from shared.problems import Problem
from shared.sealing import Sealer
from shared.vocabulary import DeadlineKind, Ruling


@dataclass(frozen=True)
class AtHand:
    """A case locked for somebody who acts on it. What was due is said first, so whoever may act is asked of the case as
    it stands now, however late its timers are; `before` is the case as it was read."""

    tx: Transaction
    sealer: Sealer
    before: Case
    telling: Telling

    @property
    def case(self) -> Case:
        return self.telling.case

    @property
    def pen(self) -> Pen:
        return Pen(self.tx, self.sealer, self.before.case_id)

    async def save(self) -> Case:
        await follow_through(self.tx, self.before, self.telling.decision, self.telling.stations)
        return self.case


async def take_in_hand(
    tx: Transaction, sealer: Sealer, case_id: UUID, expected_version: int | None = None
) -> AtHand:
    """Lock the case. 404 if it is not known here, 412 if it is not the version that was looked at."""
    now = await tx.lock(case_id)
    case = await case_of(tx, case_id)
    if expected_version is not None and await cases.version(tx, case_id) != expected_version:
        detail = "请重新查看工单后再操作 / Look at the case again before you act"
        raise Problem(412, "changed-meanwhile", "工单已变化 / The case has changed", detail=detail)
    return AtHand(tx, sealer, case, ladder.caught_up(case, stations_of(tx.directory, case, now), now))


# ── raises and replies ────────────────────────────────────────────────────────────────────────────────────────────


async def escalate(hand: AtHand, command: commands.Escalate, by: By) -> Case:
    """Raise a case by hand. The case as it stands afterwards; 409 where it cannot be."""
    if because := ladder.may_be_raised(hand.before, command.to_level):
        raise cannot(because)
    digest = await hand.pen.digest(command.text) if command.text else None
    by_hand = ladder.ByHand(by, command.reason, digest, command.to_level)
    raised = ladder.raise_by_hand(hand.telling, hand.before, by_hand)
    after = await hand.save()
    if command.text and raised is not None:
        await hand.pen.keep(raised.id, "raises", command.text)
    return after


async def reply(hand: AtHand, raised: Raise, command: commands.Reply, by: By) -> Case:
    if raised.replied_at is not None:
        raise cannot("replied-before")
    if not raised.owes_a_reply:
        raise cannot("no-reply-owed")
    reply_id = uuid7()
    supervision.reply(hand.telling, raised, by, reply_id, await hand.pen.digest(command.text))
    after = await hand.save()
    await hand.pen.keep(reply_id, "replies", command.text)
    return after


# ── returns ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def rule_return(hand: AtHand, returned: Return, command: commands.RuleReturn, by: By) -> Case:
    """A ruling that comes after its deadline finds the return refused already."""
    if because := returns.may_be_ruled(returned):
        raise cannot(because)
    if command.ruling is Ruling.REDISPATCH and command.to_unit_id is not None:
        _must_be_sendable(hand, command.to_unit_id)
    digest = await hand.pen.digest(command.text)
    returns.rule_return(hand.telling, returned, by, command.ruling, command.to_unit_id, digest)
    after = await hand.save()
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
    if because := extensions.may_ask(hand.telling, command.until):
        handle = next(iter(hand.case.open(DeadlineKind.HANDLE)), None)
        latest = extensions.longest(hand.telling, handle) if handle else None
        raise cannot(because, **({"latest": latest.isoformat()} if latest else {}))
    extensions.ask_extension(hand.telling, by, command.until, command.reason)
    return await hand.save()


async def decide_extension(hand: AtHand, asked: Extension, command: commands.DecideExtension, by: By) -> Case:
    if asked.state is not ExtensionState.ASKED:
        raise cannot("extension-decided")
    extensions.decide_extension(hand.telling, asked, by, approved=command.approved)
    return await hand.save()


# ── parking ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def park(hand: AtHand, command: commands.ParkCase, by: By, *, approved: bool) -> Case:
    if because := parkings.may_park(hand.case, hand.telling.now, command.review_at, approved=approved):
        raise cannot(because)
    digest = await hand.pen.digest(command.plan)
    parked = parkings.park(hand.telling, by, command.owner_id, command.reason, command.review_at, digest)
    after = await hand.save()
    await hand.pen.keep(parked.id, "plans", command.plan)
    return after


async def unpark(hand: AtHand, command: commands.UnparkCase, by: By) -> Case:
    if hand.case.parking is None:
        raise cannot("not-parked")
    parkings.unpark(hand.telling, by, command.because)
    return await hand.save()


# ── supervision ───────────────────────────────────────────────────────────────────────────────────────────────────


async def order_supervision(
    hand: AtHand, command: commands.OrderSupervision, supervising_unit_id: str, by: By
) -> Case:
    if because := supervision.may_be_ordered(hand.case, command.kind, supervising_unit_id):
        raise cannot(because)
    order_id, digest = uuid7(), await hand.pen.digest(command.text)
    supervision.order_by_hand(hand.telling, command.kind, supervising_unit_id, by, order_id, digest)
    after = await hand.save()
    await hand.pen.keep(order_id, "orders", command.text)
    return after


async def answer_order(hand: AtHand, ordered: Order, command: commands.AnswerOrder, by: By) -> Case:
    if ordered.answered_at is not None:
        raise cannot("answered-before")
    answer_id, digest = uuid7(), await hand.pen.digest(command.text)
    supervision.answer(hand.telling, ordered, by, ordered.unit_id, answer_id, digest)
    after = await hand.save()
    await hand.pen.keep(answer_id, "answers", command.text)
    return after
