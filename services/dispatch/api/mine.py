"""One's own: what I was asked and did, and what it cost me."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Query
from pydantic import BaseModel

from services.dispatch.api.cursors import after, cursor
from services.dispatch.api.doing import WORKING
from services.dispatch.commands import Moment
from services.dispatch.queries import mine
from services.dispatch.rules.burden import Burden, Held, burden
from services.dispatch.rules.facts import CaseState, OfferState
from shared.directory import Directory
from shared.problems import Problem
from shared.routes import Caller, Tx, allow, router_for
from shared.vocabulary import DeclineReason, Outcome, PartRole, Urgency

router = router_for("dispatch")

PAGE_ROWS_MAX = 200
BURDEN_DAYS, BURDEN_DAYS_MAX = 30, 366
BURDEN_OFFERS_MAX = 5000


class Past(BaseModel):
    """One time I was asked, and what became of it."""

    offer_id: UUID
    part_id: UUID
    case_id: UUID
    number: str
    category_code: str
    urgency: Urgency
    headline: str
    case_state: CaseState
    outcome: Outcome | None
    role: PartRole
    state: OfferState
    offered_at: datetime
    accepted_at: datetime | None
    arrived_at: datetime | None
    ended_at: datetime | None
    declined_because: DeclineReason | None
    passed_on: str | None


class HistoryPage(BaseModel):
    items: list[Past]
    next_cursor: str | None


class BurdenView(BaseModel):
    """Night is 22:00 to 06:00; a tap is one act that was sent; minutes are from accepting to the end of my part."""

    cases: int
    offers: int
    night_offers: int
    taps: int
    fields: int
    photos: int
    minutes: int


class CaseBurden(BaseModel):
    case_id: UUID
    number: str
    offers: int
    night_offers: int
    taps: int
    fields: int
    photos: int
    minutes: int


class MyBurden(BaseModel):
    """`since` and `until` bound when I was asked. `complete` is false if there was more than is counted."""

    since: datetime
    until: datetime
    complete: bool
    total: BurdenView
    cases: list[CaseBurden]


@router.get("/me/history", dependencies=[allow(*WORKING)])
async def history(
    tx: Tx,
    who: Caller,
    after_cursor: Annotated[str | None, Query(alias="cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)] = 50,
) -> HistoryPage:
    """Every case I was asked to take, the latest first."""
    rows = await mine.history(tx, who.person_id, before=after(after_cursor), most=limit)
    items = [Past.model_validate(dict(row)) for row in rows]
    full = len(items) == limit
    return HistoryPage(
        items=items, next_cursor=cursor(items[-1].offered_at, items[-1].offer_id) if full else None
    )


@router.get("/me/burden", dependencies=[allow(*WORKING)])
async def my_burden(
    tx: Tx,
    who: Caller,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
) -> MyBurden:
    """What the work cost me; the last thirty days unless said otherwise. Only I see it."""
    now = await tx.now()
    until = until or now
    since = since or until - timedelta(days=BURDEN_DAYS)
    if not timedelta(0) < until - since <= timedelta(days=BURDEN_DAYS_MAX):
        raise Problem(
            422,
            "unusable-period",
            "时间段无效 / The period cannot be used",
            detail=f"最长 {BURDEN_DAYS_MAX} 天，结束晚于开始 / {BURDEN_DAYS_MAX} days at most, ending after it begins",
        )
    rows = await mine.offered(tx, who.person_id, since, until, BURDEN_OFFERS_MAX)
    numbers = {row["case_id"]: row["number"] for row in rows}
    acts: dict[UUID, list[Any]] = {case_id: [] for case_id in numbers}
    for case_id, act in await mine.acts(tx, who.person_id, list(numbers)):
        acts[case_id].append(act)
    zone = _zone(tx.directory, who.person_id)
    held: dict[UUID, list[Held]] = {case_id: [] for case_id in numbers}
    for row in rows:
        held[row["case_id"]].append(Held(row["offered_at"], row["accepted_at"], row["ended_at"] or now))
    by_case = {case_id: burden(held[case_id], acts[case_id], zone) for case_id in numbers}
    return MyBurden(
        since=since,
        until=until,
        complete=len(rows) < BURDEN_OFFERS_MAX,
        total=BurdenView(cases=len(numbers), **asdict(sum(by_case.values(), Burden()))),
        cases=[
            CaseBurden(case_id=case_id, number=numbers[case_id], **asdict(cost))
            for case_id, cost in by_case.items()
        ],
    )


def _zone(directory: Directory, person_id: str) -> ZoneInfo:
    """The calendar of the unit where somebody works says which clock hangs on the wall."""
    person = directory.people.get(person_id)
    for post in person.posts if person is not None else ():
        unit = directory.units.get(post.unit_id)
        calendar = directory.calendars.get(unit.calendar_id) if unit is not None else None
        if calendar is not None:
            return ZoneInfo(calendar.time_zone)
    return ZoneInfo("Asia/Shanghai")
