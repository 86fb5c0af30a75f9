"""Changes that become valid later: for administrators, each within their own units."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.registry.api.answers import Cursored
from services.registry.api.things import Limit
from services.registry.commands import PlanChange
from services.registry.handlers import plans as handlers
from services.registry.queries import ahead
from services.registry.rules.plans import Plan, PlanState
from shared.problems import Problem, not_found
from shared.routes import Caller, Tx, allow, router_for
from shared.vocabulary import Role

router = router_for("registry")
administrators = [allow(Role.ADMINISTRATOR)]

After = Annotated[str | None, Query(description="`next_cursor` of the page before")]


@router.post("/planned-changes", status_code=201, dependencies=administrators)
async def plan_change(body: PlanChange, tx: Tx, who: Caller) -> Plan:
    return await handlers.plan_change(tx, body.things(), body.valid_from, who)


@router.get("/planned-changes", dependencies=administrators)
async def planned_changes(
    tx: Tx, state: PlanState | None = PlanState.PLANNED, cursor: After = None, limit: Limit = 100
) -> Cursored[Plan]:
    """In the order in which they become valid."""
    found = await ahead.plan_page(tx, state, _place(cursor), limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    next_cursor = f"{last.valid_from.isoformat()}~{last.id}" if last is not None else None
    return Cursored(items=tuple(found[:limit]), next_cursor=next_cursor)


@router.get("/planned-changes/{id}", dependencies=administrators)
async def planned_change(id: UUID, tx: Tx) -> Plan:
    if (found := await ahead.plan(tx, id)) is None:
        raise not_found()
    return found


@router.post("/planned-changes/{id}/cancel", dependencies=administrators)
async def cancel_plan(id: UUID, tx: Tx, who: Caller) -> Plan:
    return await handlers.cancel_plan(tx, id, who)


def _place(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, _, id = cursor.partition("~")
    try:
        place = datetime.fromisoformat(at), UUID(id)
        if place[0].tzinfo is None or not 2000 <= place[0].year <= 2200:
            raise ValueError
    except ValueError:
        raise unreadable_cursor() from None
    return place


def unreadable_cursor() -> Problem:
    return Problem(
        422,
        "cursor-unreadable",
        "翻页标记无法识别 / This cursor cannot be read",
        detail="请用上一页给出的 next_cursor / Send the next_cursor of the page before",
    )
