"""Asking afterwards: the caller's list and attempts, and the resident's single-use link."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.intake.api.edge import Seals
from services.intake.commands.follow_ups import CaseAfter, FollowUpPage, GiveAnswers, LinkShown, RecordAttempt
from services.intake.handlers import callers_list, follow_up
from services.intake.handlers.permissions import MAY_ASK, MAY_VERIFY
from shared.routes import Caller, Tx, allow, open_to_everybody, router_for

router = router_for("intake")


class ListState(StrEnum):
    DUE = "due"
    OPEN = "open"


class ListKind(StrEnum):
    ASK = "ask"
    VERIFY = "verify"


@router.get("/follow-ups", dependencies=[allow(*MAY_VERIFY)])
async def follow_ups(
    tx: Tx,
    sealer: Seals,
    who: Caller,
    state: ListState = ListState.DUE,
    kind: ListKind = ListKind.ASK,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> FollowUpPage:
    """Oldest due first, without the cases the caller held. `kind=verify`: where nobody can be asked."""
    return await callers_list.page(
        tx,
        sealer,
        who,
        due_only=state is ListState.DUE,
        to_ask=kind is ListKind.ASK,
        cursor=cursor,
        limit=limit,
    )


@router.post("/follow-ups/{follow_up_id}/attempts", dependencies=[allow(*MAY_ASK)])
async def attempt(follow_up_id: UUID, body: RecordAttempt, tx: Tx, sealer: Seals, who: Caller) -> CaseAfter:
    return await follow_up.record_attempt(tx, sealer, follow_up_id, body, who)


@router.get("/follow-up-links/{token}", dependencies=[open_to_everybody()])
async def link(token: str, tx: Tx) -> LinkShown:
    return await follow_up.show_link(tx, token)


@router.post("/follow-up-links/{token}", dependencies=[open_to_everybody()])
async def answer(token: str, body: GiveAnswers, tx: Tx, sealer: Seals) -> CaseAfter:
    return await follow_up.answer_link(tx, sealer, token, body)
