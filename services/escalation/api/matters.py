"""Side matters of a case: rulings on returns, extensions, parking, supervision."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request

from services.escalation.api.access import (
    ANSWERING,
    IN_CHARGE,
    SENT,
    Expected,
    approves,
    by,
    must_not_be_next_door,
    must_own,
    must_rule,
    owns,
)
from services.escalation.api.views import CaseView, case_view
from services.escalation.commands import (
    AnswerOrder,
    AskExtension,
    DecideExtension,
    OrderSupervision,
    ParkCase,
    RuleReturn,
    UnparkCase,
)
from services.escalation.handlers import by_hand
from services.escalation.handlers.by_hand import AtHand
from services.escalation.handlers.refusals import cannot
from services.escalation.handlers.writing import texts_of
from services.escalation.queries import lists
from services.escalation.rules.case import Case
from shared.directory import Directory
from shared.identity import SignedIn
from shared.problems import not_found
from shared.routes import Caller, Tx, allow, router_for, service_of
from shared.vocabulary import Role

router = router_for("escalation")


@router.post("/cases/{case_id}/returns/{return_id}/ruling", dependencies=[allow(*IN_CHARGE)])
async def rule_return(
    case_id: UUID,
    return_id: UUID,
    body: RuleReturn,
    tx: Tx,
    who: Caller,
    request: Request,
    expected: Expected,
) -> CaseView:
    """裁定 by an officer or supervisor of the supervising unit: re-dispatch, though not to the ground of others, or
    refuse. It stands."""
    hand = await _hand(tx, request, case_id, expected)
    returned = next((one for one in hand.case.returns if one.id == return_id), None)
    if returned is None:
        raise not_found("没有这次退单 / There is no such return")
    unit_id = returned.supervising_unit_id
    role = must_rule(unit_id, who, tx.directory, not_by=returned.person_id)
    if body.to_unit_id is not None:
        must_not_be_next_door([body.to_unit_id], unit_id, role, who, tx.directory)
    return await _shown(hand, await by_hand.rule_return(hand, returned, body, by(who, role)))


@router.post("/cases/{case_id}/extensions", dependencies=[allow(*SENT, Role.UNIT_OFFICER)])
async def ask_extension(
    case_id: UUID, body: AskExtension, tx: Tx, who: Caller, request: Request, expected: Expected
) -> CaseView:
    """延期: the owner asks, before `handle` is due; decided one level up, undecided at the due time is refused."""
    hand = await _hand(tx, request, case_id, expected)
    must_own(hand.case, who)
    return await _shown(hand, await by_hand.ask_extension(hand, body, by(who, None)))


@router.post("/cases/{case_id}/extensions/{extension_id}/decision", dependencies=[allow(*IN_CHARGE)])
async def decide_extension(
    case_id: UUID,
    extension_id: UUID,
    body: DecideExtension,
    tx: Tx,
    who: Caller,
    request: Request,
    expected: Expected,
) -> CaseView:
    """An officer or supervisor one level up decides; at the last level only its supervisors."""
    hand = await _hand(tx, request, case_id, expected)
    asked = next((one for one in hand.case.extensions if one.id == extension_id), None)
    if asked is None:
        raise not_found("没有这次延期申请 / There is no such extension")
    at_the_top = asked.level is hand.case.ladder[-1].level
    if at_the_top:
        who.must(Role.SUPERVISOR, asked.approving_unit_id, tx.directory)
    role = must_rule(asked.approving_unit_id, who, tx.directory, not_by=asked.person_id)
    role = Role.SUPERVISOR if at_the_top else role
    return await _shown(hand, await by_hand.decide_extension(hand, asked, body, by(who, role)))


@router.post("/cases/{case_id}/park", dependencies=[allow(*IN_CHARGE)])
async def park(
    case_id: UUID, body: ParkCase, tx: Tx, who: Caller, request: Request, expected: Expected
) -> CaseView:
    """挂账 by an officer of the unit that has the case: with an owner, a plan and a review within 90 days. An emergency
    that is to be handled, and a case this level parked before: by the unit above, or a supervisor."""
    hand = await _hand(tx, request, case_id, expected)
    role = who.must(IN_CHARGE, hand.case.unit_id, tx.directory)
    owner = tx.directory.people.get(body.owner_id)
    if owner is None or owner.retired_at is not None:
        raise cannot("no-such-person")
    theirs = [grant.unit_id for grant in owner.grants] + [post.unit_id for post in owner.posts]
    must_not_be_next_door(theirs, hand.case.unit_id, role, who, tx.directory)
    approved = approves(hand.case, who, tx.directory)
    return await _shown(hand, await by_hand.park(hand, body, by(who, role), approved=approved))


@router.post("/cases/{case_id}/unpark", dependencies=[allow(*IN_CHARGE)])
async def unpark(
    case_id: UUID, body: UnparkCase, tx: Tx, who: Caller, request: Request, expected: Expected
) -> CaseView:
    """The case goes on with what was left of `handle` when it was parked."""
    hand = await _hand(tx, request, case_id, expected)
    role = who.must(IN_CHARGE, hand.case.unit_id, tx.directory)
    return await _shown(hand, await by_hand.unpark(hand, body, by(who, role)))


@router.post("/cases/{case_id}/orders", dependencies=[allow(Role.SUPERVISOR)])
async def order_supervision(
    case_id: UUID, body: OrderSupervision, tx: Tx, who: Caller, request: Request, expected: Expected
) -> CaseView:
    """督办 by a supervisor of the unit that has the case, or of one above it."""
    hand = await _hand(tx, request, case_id, expected)
    role = who.must(Role.SUPERVISOR, hand.case.unit_id, tx.directory)
    unit_id = _supervises_for(who, hand.case, tx.directory)
    return await _shown(hand, await by_hand.order_supervision(hand, body, unit_id, by(who, role)))


@router.post("/orders/{order_id}/answer", dependencies=[allow(*ANSWERING, *SENT)])
async def answer_order(
    order_id: UUID, body: AnswerOrder, tx: Tx, who: Caller, request: Request, expected: Expected
) -> CaseView:
    """What was done: by an officer or the leader of the unit under supervision, or by whoever owns the case."""
    case_id = await lists.case_of_order(tx, order_id)
    if case_id is None:
        raise not_found("没有这份督办 / There is no such order")
    hand = await _hand(tx, request, case_id, expected)
    ordered = next(one for one in hand.case.orders if one.id == order_id)
    role = None if owns(hand.case, who) else who.must(ANSWERING, ordered.unit_id, tx.directory)
    return await _shown(hand, await by_hand.answer_order(hand, ordered, body, by(who, role)))


async def _hand(tx: Tx, request: Request, case_id: UUID, expected: int | None) -> AtHand:
    return await by_hand.take_in_hand(tx, service_of(request).sealer, case_id, expected)


async def _shown(hand: AtHand, after: Case) -> CaseView:
    return case_view(after, await texts_of(hand.tx, hand.sealer, after.case_id))


def _supervises_for(who: SignedIn, case: Case, directory: Directory) -> str:
    """The unit in whose name: of those where they are supervisor, the one nearest to the case."""
    theirs = {grant.unit_id for grant in who.grants if grant.role is Role.SUPERVISOR}
    nearest = (unit.id for unit in reversed(directory.path(case.unit_id)) if unit.id in theirs)
    return next(nearest)
