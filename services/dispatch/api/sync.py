"""The phone's queue after a time without signal."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from services.dispatch.api.doing import WORKING, Doing, Sealing, settings_of
from services.dispatch.commands import SyncQueue
from services.dispatch.handlers.sync import Phone, work_off
from services.dispatch.rules.listed_people import ListedState
from services.dispatch.rules.views import PartView
from shared.fieldwork import NotDoneReason
from shared.routes import Db, allow, router_for

router = router_for("dispatch", one_transaction=False)


class SyncResult(BaseModel):
    """`part` is as the command left it, a stop of the round is due next as its days say; `problem` is a problem
    document and says what to do. `failed`: the fault is ours; sent again later it may be done."""

    id: UUID
    status: Literal["done", "refused", "failed"]
    part_id: UUID | None = None
    part: PartView | None = None
    note_id: UUID | None = None
    help_id: UUID | None = None
    stop_id: UUID | None = None
    due_on: date | None = None
    not_before: date | None = None
    listed_id: UUID | None = None
    listed_state: ListedState | None = None
    reason: NotDoneReason | None = None
    try_id: UUID | None = None
    problem: dict[str, Any] | None = None


class SyncAnswer(BaseModel):
    results: list[SyncResult]


@router.post("/sync", dependencies=[allow(*WORKING)])
async def sync(body: SyncQueue, request: Request, database: Db, doer: Doing, sealer: Sealing) -> SyncAnswer:
    """Everything in order, each once by its own id, and a result for each; what is wrong with one stops no other."""
    language = request.headers.get("accept-language")
    phone = Phone(doer, sealer, language, settings_of(request).corrections_within_hours)
    results = await work_off(database, body.commands, phone)
    return SyncAnswer(results=[SyncResult.model_validate(result) for result in results])
