"""What residents answered: cards entered together, ends contested, and who was told what to answer."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from services.intake.api.edge import Seals
from services.intake.commands.asking import CardAnswers, CoachedPage, ContestCase, EnterCards, FollowUpsTold
from services.intake.commands.follow_ups import CaseAfter
from services.intake.handlers import answers, contesting, paper_cards
from services.intake.handlers.permissions import MAY_ASK, MAY_READ_ANSWERS
from shared.problems import Problem, answer_to
from shared.routes import Caller, Tx, allow, open_to_everybody, router_for
from shared.vocabulary import Role

router = router_for("intake")


@router.post("/follow-ups/cards", dependencies=[allow(*MAY_ASK)])
async def enter_cards(body: EnterCards, tx: Tx, sealer: Seals, who: Caller) -> CardAnswers:
    """Each card is answered by itself, in the order given; a card's number counts once."""
    return await paper_cards.enter_cards(tx, sealer, body, who)


@router.get("/follow-ups/coached", dependencies=[allow(Role.SUPERVISOR)])
async def coached(
    tx: Tx, who: Caller, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> CoachedPage:
    """Newest first."""
    return await answers.coached(tx, who, cursor=cursor, limit=limit)


@router.get("/cases/{case_id}/follow-ups", dependencies=[allow(*MAY_READ_ANSWERS)])
async def follow_ups_of(
    case_id: UUID,
    tx: Tx,
    who: Caller,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> FollowUpsTold:
    return await answers.follow_ups_of(tx, case_id, who, cursor=cursor, limit=limit)


@router.post("/track/{number}/contest", response_model=CaseAfter, dependencies=[open_to_everybody()])
async def contest(
    number: Annotated[str, "as written or said, however grouped"],
    body: ContestCase,
    request: Request,
    tx: Tx,
    sealer: Seals,
) -> CaseAfter | Response:
    """A wrong code is counted, so that refusal is answered and not raised: it leaves after a COMMIT."""
    found = await contesting.contest(tx, sealer, number, body)
    if isinstance(found, Problem):
        return answer_to(found, request.headers.get("accept-language"), request.url.path)
    return found
