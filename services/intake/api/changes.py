"""What staff change of a case that stands. `ETag` of GET /cases/{id} goes into `If-Match` where two may cross."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from services.intake.api.edge import NO_STORE, IfMatch, Seals
from services.intake.commands.changes import (
    AmendCase,
    AskInformation,
    Changed,
    GiveInformation,
    QuestionAsked,
    RecordConsent,
    WindowGiven,
)
from services.intake.handlers import asking, changing
from services.intake.handlers.amending import amend_case
from services.intake.handlers.permissions import MAY_CHANGE, MAY_REGISTER
from services.intake.queries.cases import etag_of
from shared.openapi import VERSIONED
from shared.routes import Caller, Tx, allow, router_for

router = router_for("intake")


@router.post("/cases/{case_id}/amend", dependencies=[allow(*MAY_CHANGE)], responses=VERSIONED)
async def amend(
    case_id: UUID,
    body: AmendCase,
    response: Response,
    tx: Tx,
    sealer: Seals,
    who: Caller,
    if_match: IfMatch = None,
) -> Changed:
    answer = await amend_case(tx, sealer, case_id, body, who, if_match)
    response.headers["ETag"] = await etag_of(tx, case_id)
    return answer


@router.post("/cases/{case_id}/urge", dependencies=[allow(*MAY_REGISTER)], responses=VERSIONED)
async def urge(case_id: UUID, response: Response, tx: Tx, who: Caller) -> Changed:
    """催办: counted, shown on top; no clock restarts."""
    answer = await changing.urge_case(tx, case_id, who)
    response.headers["ETag"] = await etag_of(tx, case_id)
    return answer


@router.post("/cases/{case_id}/questions", status_code=201, dependencies=[allow(*MAY_REGISTER)])
async def ask(case_id: UUID, body: AskInformation, tx: Tx, sealer: Seals, who: Caller) -> QuestionAsked:
    return await asking.ask(tx, sealer, case_id, body, who)


@router.post(
    "/cases/{case_id}/questions/{question_id}/answer",
    dependencies=[allow(*MAY_REGISTER)],
    responses=VERSIONED,
)
async def answer(
    case_id: UUID,
    question_id: UUID,
    body: GiveInformation,
    response: Response,
    tx: Tx,
    sealer: Seals,
    who: Caller,
    if_match: IfMatch = None,
) -> Changed:
    """For a requester who answered on the phone; an empty text takes the question back."""
    given = await asking.answer_for(tx, sealer, case_id, question_id, body, who, if_match)
    response.headers.update(NO_STORE | {"ETag": await etag_of(tx, case_id)})
    return given


@router.post("/cases/{case_id}/appointment", dependencies=[allow(*MAY_REGISTER)])
async def agree(case_id: UUID, body: WindowGiven, tx: Tx, who: Caller) -> Changed:
    return await changing.agree_window(tx, case_id, body, who)


@router.post("/cases/{case_id}/withdraw", dependencies=[allow(*MAY_CHANGE)], responses=VERSIONED)
async def withdraw(
    case_id: UUID, response: Response, tx: Tx, who: Caller, if_match: IfMatch = None
) -> Changed:
    """For a requester who says so on the phone."""
    answer = await changing.withdraw_case(tx, case_id, who, if_match)
    response.headers["ETag"] = await etag_of(tx, case_id)
    return answer


@router.post("/cases/{case_id}/consent", dependencies=[allow(*MAY_CHANGE)])
async def consent(case_id: UUID, body: RecordConsent, tx: Tx, who: Caller) -> Changed:
    return await changing.record_consent(tx, case_id, body, who)
