"""Where a case stands and which clocks run; raising it by hand, and the reply that is owed for that."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from services.escalation.api.access import (
    IN_CHARGE,
    SEEING,
    SENT,
    WATCHING,
    Expected,
    by,
    etag,
    holds,
    in_charge,
    must_rule,
    who_raises,
)
from services.escalation.api.views import CaseView, case_view
from services.escalation.commands import Escalate, Reply
from services.escalation.handlers import by_hand
from services.escalation.handlers.ground import case_of
from services.escalation.handlers.writing import texts_of
from services.escalation.queries import cases
from shared.openapi import VERSIONED
from shared.problems import not_found
from shared.routes import Caller, Tx, allow, router_for, service_of
from shared.vocabulary import Role

router = router_for("escalation")


@router.get("/cases/{case_id}", dependencies=[allow(*Role)], responses=VERSIONED)
async def case(case_id: UUID, tx: Tx, who: Caller, request: Request, response: Response) -> CaseView:
    """Level, open deadlines, raises and side matters of one case; its version is in `ETag`."""
    # Read before the case, so that whoever acts on it has seen at least that much.
    response.headers["ETag"] = etag(await cases.version(tx, case_id))
    found = await case_of(tx, case_id)
    if in_charge(found, who, tx.directory) is not None or holds(found, who):
        return case_view(found, await texts_of(tx, service_of(request).sealer, case_id))
    lowest = found.ladder[0].unit_id
    who.must(SEEING, lowest, tx.directory)
    named = any(who.may(role, lowest, tx.directory) for role in WATCHING)
    return case_view(found, {}, named=named)


@router.post("/cases/{case_id}/escalate", dependencies=[allow(*IN_CHARGE, *SENT)])
async def escalate(
    case_id: UUID, body: Escalate, tx: Tx, who: Caller, request: Request, expected: Expected
) -> CaseView:
    """Raise a case one level, or to the level named: whoever holds a part of it, and officers and supervisors of its
    units. Whoever raised it is owed a reply."""
    hand = await by_hand.take_in_hand(tx, service_of(request).sealer, case_id, expected)
    role = who_raises(hand.case, who, tx.directory)
    raised = await by_hand.escalate(hand, body, by(who, role))
    return case_view(raised, await texts_of(tx, hand.sealer, case_id))


@router.post("/cases/{case_id}/raises/{raise_id}/reply", dependencies=[allow(*IN_CHARGE)])
async def reply(
    case_id: UUID, raise_id: UUID, body: Reply, tx: Tx, who: Caller, request: Request, expected: Expected
) -> CaseView:
    """Answer whoever raised the case by hand: officers and supervisors of the unit it was raised to."""
    hand = await by_hand.take_in_hand(tx, service_of(request).sealer, case_id, expected)
    raised = next((one for one in hand.case.raises if one.id == raise_id), None)
    if raised is None:
        raise not_found("没有这次提级 / There is no such raise")
    role = must_rule(raised.to_unit_id, who, tx.directory, not_by=raised.by_person_id)
    after = await by_hand.reply(hand, raised, body, by(who, role))
    return case_view(after, await texts_of(tx, hand.sealer, case_id))
