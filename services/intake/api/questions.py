"""待补充: the questions that wait for an answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from services.intake.commands.questions import OpenQuestions
from services.intake.handlers import open_questions
from services.intake.handlers.permissions import MAY_REGISTER
from shared.routes import Caller, Tx, allow, router_for

router = router_for("intake")


@router.get("/questions", dependencies=[allow(*MAY_REGISTER)])
async def questions(
    tx: Tx, who: Caller, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> OpenQuestions:
    """Open ones, oldest first: of the caller's units, and those the caller asked."""
    return await open_questions.page(tx, who, cursor=cursor, limit=limit)
