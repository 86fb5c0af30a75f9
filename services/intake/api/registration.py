"""Taking cases in: from staff by any channel, from residents by web and WeChat. Written in micro-batches."""

from __future__ import annotations

from fastapi import Depends, Request, Response

from services.intake.api.edge import NO_STORE, AtDesk, PublicUrl
from services.intake.api.limits import within_limit
from services.intake.commands.registration import RegisterCase, Registered, ReportCase
from services.intake.handlers.permissions import MAY_REGISTER
from services.intake.handlers.refusals import problem_of
from services.intake.handlers.registration import Became, Taken, TakenBefore, answer_again
from services.intake.registration.desk import Desk
from services.intake.rules.refusals import Refused
from shared.event import REQUESTER
from shared.idempotency import REPLAYED, RequestKey
from shared.ids import uuid7
from shared.routes import Caller, Key, allow, open_to_everybody, router_for

router = router_for("intake", one_transaction=False)


async def told(became: Became, desk: Desk, public_url: str, response: Response) -> Registered:
    """The answer of a case that stands, now or since before."""
    response.headers.update(NO_STORE)
    match became:
        case Refused():
            raise problem_of(became)
        case TakenBefore(case_id):
            response.headers[REPLAYED] = "true"
            async with desk.database.transaction() as tx:
                answer = await answer_again(tx, case_id, desk.sealer, public_url)
        case Taken():
            answer = became.answer(desk.directory, public_url)
    response.headers["Location"] = f"/api/intake/cases/{answer.case_id}"
    return answer


@router.post("/cases", status_code=201, dependencies=[allow(*MAY_REGISTER)])
async def register_case(
    body: RegisterCase,
    request: Request,
    response: Response,
    who: Caller,
    key: Key,
    desk: AtDesk,
    public_url: PublicUrl,
) -> Registered:
    became = await desk.register(body, who.actor(), key or _own_key(request), who)
    return await told(became, desk, public_url, response)


@router.post("/reports", status_code=201, dependencies=[open_to_everybody(), Depends(within_limit)])
async def report_case(
    body: ReportCase, request: Request, response: Response, key: Key, desk: AtDesk, public_url: PublicUrl
) -> Registered:
    became = await desk.register(body.as_registration(), REQUESTER, key or _own_key(request))
    return await told(became, desk, public_url, response)


def _own_key(request: Request) -> RequestKey:
    """For who sent none: after an unknown COMMIT the same order is tried again and must not make two cases."""
    return RequestKey(f"{request.method} {request.url.path}", str(uuid7()), b"")
