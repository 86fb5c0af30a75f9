"""What residents answered: cards entered together, ends contested, and who was told what to answer."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from services.intake.api.edge import Seals
from services.intake.api.tracking import Number, told
from services.intake.commands.asking import (
    CardAnswers,
    CoachedPage,
    ContestCase,
    EnterCards,
    FollowUpsTold,
    GiveOwnAnswers,
)
from services.intake.commands.follow_ups import CaseAfter
from services.intake.handlers import answers, own_answers, paper_cards
from services.intake.handlers.permissions import MAY_ASK, MAY_READ_ANSWERS
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


@router.post("/track/{number}/follow-up", response_model=CaseAfter, dependencies=[open_to_everybody()])
async def answer(
    number: Number, body: GiveOwnAnswers, request: Request, tx: Tx, sealer: Seals
) -> CaseAfter | Response:
    return told(await own_answers.answer(tx, sealer, number, body), request)


@router.post("/track/{number}/contest", response_model=CaseAfter, dependencies=[open_to_everybody()])
async def contest(
    number: Number, body: ContestCase, request: Request, tx: Tx, sealer: Seals
) -> CaseAfter | Response:
    return told(await own_answers.contest(tx, sealer, number, body), request)
