"""影子比较: what another policy would have done, beside what was done. For the supervisors of the street."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from services.dispatch.api.cursors import after, cursor
from services.dispatch.commands import Moment
from services.dispatch.queries import shadow
from shared.problems import Problem
from shared.routes import Caller, Tx, allow, router_for
from shared.vocabulary import Role

router = router_for("dispatch")

PAGE_ROWS_MAX = 200
DAYS, DAYS_MAX = 30, 366


class Comparison(BaseModel):
    """Two policies side by side. Of `offers` (d) both chose the `same` person in so many (n), and in `nobody` the other
    would have asked nobody. Differences are means of what was done less what would have been, over the `timed` offers
    where both ways are known, and the `weighed` ones where both chances are: below zero is in favour of `policy`."""

    policy: str | None
    shadow_policy: str
    offers: int
    same: int
    nobody: int
    timed: int
    eta_difference_seconds: float | None
    weighed: int
    p_late_difference: float | None


class ComparedOffer(BaseModel):
    """Why: `GET /offers/{offer_id}/explanation`."""

    offer_id: UUID
    case_id: UUID
    number: str
    offered_at: datetime
    policy: str | None
    shadow_policy: str
    same: bool
    nobody: bool
    eta_seconds: int | None
    shadow_eta_seconds: int | None
    p_late: float | None
    shadow_p_late: float | None


class ShadowReport(BaseModel):
    """`comparisons` are of the whole period, on every page. What is compared is the estimate at the moment of the
    offer: the other choice was never made, so nobody knows how it would have ended."""

    street_id: str
    since: datetime
    until: datetime
    comparisons: list[Comparison]
    offers: list[ComparedOffer]
    next_cursor: str | None


@router.get("/shadow", dependencies=[allow(Role.SUPERVISOR)])
async def compared(
    tx: Tx,
    who: Caller,
    street: str,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    different_only: Annotated[bool, Query(description="only offers where the two differ")] = False,
    after_cursor: Annotated[str | None, Query(alias="cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)] = 50,
) -> ShadowReport:
    """The last thirty days unless said otherwise."""
    who.must(Role.SUPERVISOR, street, tx.directory)
    until = until or await tx.now()
    since = since or until - timedelta(days=DAYS)
    if not timedelta(0) < until - since <= timedelta(days=DAYS_MAX):
        raise Problem(
            422,
            "unusable-period",
            "时间段无效 / The period cannot be used",
            detail=f"最长 {DAYS_MAX} 天，结束晚于开始 / {DAYS_MAX} days at most, ending after it begins",
        )
    rows = await shadow.page(
        tx, street, since, until, before=after(after_cursor), different_only=different_only, most=limit
    )
    offers = [ComparedOffer(offer_id=row["id"], **row) for row in rows]
    return ShadowReport(
        street_id=street,
        since=since,
        until=until,
        comparisons=[
            Comparison.model_validate(dict(row)) for row in await shadow.sums(tx, street, since, until)
        ],
        offers=offers,
        next_cursor=cursor(offers[-1].offered_at, offers[-1].offer_id) if len(offers) == limit else None,
    )
