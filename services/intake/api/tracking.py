"""The requester's own page: number and code instead of a sign-in."""

from __future__ import annotations

from typing import Annotated, TypeVar

from fastapi import Path, Query, Request, Response

from services.intake.api.edge import NO_STORE, Comings, Seals
from services.intake.commands.changes import AgreeWindow, AnswerQuestion, OwnCase, RecordOwnConsent, WithCode
from services.intake.commands.showing import TrackingPage
from services.intake.handlers import tracking
from shared.problems import Problem, answer_to
from shared.routes import Db, Tx, open_to_everybody, router_for

router = router_for("intake")
own_transactions = router_for("intake", one_transaction=False)

Number = Annotated[str, Path(description="as written or said, however grouped")]
Answer = TypeVar("Answer")


def told(found: Answer | Problem, request: Request) -> Answer | Response:
    """A wrong code is counted, so its refusal is answered and not raised: it leaves after a COMMIT."""
    if isinstance(found, Problem):
        return answer_to(found, request.headers.get("accept-language"), request.url.path)
    return found


@own_transactions.get("/track/{number}", dependencies=[open_to_everybody()])
async def track(
    number: Number,
    code: Annotated[str, Query(min_length=1, max_length=20)],
    response: Response,
    database: Db,
    sealer: Seals,
    comings: Comings,
) -> TrackingPage:
    """Opens its own transaction: a wrong code is counted, so the refusal leaves after a COMMIT, and dispatch is asked
    who comes when nothing is held open any more."""
    async with database.transaction() as tx:
        found = await tracking.track(tx, sealer, number, code)
    if isinstance(found, Problem):
        raise found
    response.headers.update(NO_STORE)
    if found.awaited_id is None:
        return found.page
    return found.page.model_copy(update={"who_comes": await comings.ask(found.awaited_id)})


@router.post("/track/{number}/urge", response_model=OwnCase, dependencies=[open_to_everybody()])
async def urge(number: Number, body: WithCode, request: Request, tx: Tx, sealer: Seals) -> OwnCase | Response:
    return told(await tracking.urge_own(tx, sealer, number, body), request)


@router.post("/track/{number}/answer", response_model=OwnCase, dependencies=[open_to_everybody()])
async def answer(
    number: Number, body: AnswerQuestion, request: Request, tx: Tx, sealer: Seals
) -> OwnCase | Response:
    return told(await tracking.answer_own(tx, sealer, number, body), request)


@router.post("/track/{number}/appointment", response_model=OwnCase, dependencies=[open_to_everybody()])
async def agree(
    number: Number, body: AgreeWindow, request: Request, tx: Tx, sealer: Seals
) -> OwnCase | Response:
    return told(await tracking.agree_own(tx, sealer, number, body), request)


@router.post("/track/{number}/consent", response_model=OwnCase, dependencies=[open_to_everybody()])
async def consent(
    number: Number, body: RecordOwnConsent, request: Request, tx: Tx, sealer: Seals
) -> OwnCase | Response:
    return told(await tracking.consent_own(tx, sealer, number, body), request)


@router.post("/track/{number}/withdraw", response_model=OwnCase, dependencies=[open_to_everybody()])
async def withdraw(
    number: Number, body: WithCode, request: Request, tx: Tx, sealer: Seals
) -> OwnCase | Response:
    return told(await tracking.withdraw_own(tx, sealer, number, body), request)
