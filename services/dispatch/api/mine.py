"""One's own: what I was asked and did, and what it cost me."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Query
from pydantic import BaseModel

from services.dispatch.api.cursors import after, cursor
from services.dispatch.api.doing import WORKING
from services.dispatch.commands import Moment
from services.dispatch.queries import mine
from services.dispatch.rules.burden import Burden, Held, burden, of_entries
from services.dispatch.rules.facts import CaseState, OfferState
from shared.directory import Directory
from shared.fieldwork import NotDoneReason
from shared.going import DeclineReason
from shared.problems import Problem
from shared.routes import Caller, Tx, allow, router_for
from shared.vocabulary import Outcome, PartRole, Urgency

router = router_for("dispatch")

PAGE_ROWS_MAX = 200
BURDEN_DAYS, BURDEN_DAYS_MAX = 30, 366
BURDEN_OFFERS_MAX = 5000


class Past(BaseModel):
    """One time I was asked, and what became of it."""

    kind: Literal["case"] = "case"
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


class Entered(BaseModel):
    """One entry at a stop of the round, or at somebody's door. `title` is the patrol point's label or the task's
    headline; whom a visit was for stays sealed. `undone_at`: I said that it was wrong."""

    kind: Literal["round", "mass_task"]
    entry_id: UUID
    stop_id: UUID | None
    task_id: UUID | None
    listed_id: UUID | None
    title: str | None
    grid_id: str
    at: datetime
    done: bool
    reason: NotDoneReason | None
    undone_at: datetime | None


class HistoryPage(BaseModel):
    items: list[Past | Entered]
    next_cursor: str | None


class BurdenView(BaseModel):
    """Night is 22:00 to 06:00; taps are the fewest it can have taken: one for each act, for each value chosen or
    written, for each photo; minutes are from accepting to the end of my part."""

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


class EntriesBurden(BaseModel):
    """Doors and stops: entries, with the fewest taps and fields they can have taken."""

    entries: int
    taps: int
    fields: int


class MyBurden(BaseModel):
    """`since` and `until` bound when I was asked, or entered it. `complete` is false if there was more than is counted.
    `rounds` and `mass_tasks` are in the taps and fields of `total`."""

    since: datetime
    until: datetime
    complete: bool
    total: BurdenView
    cases: list[CaseBurden]
    rounds: EntriesBurden
    mass_tasks: EntriesBurden


@router.get("/me/history", dependencies=[allow(*WORKING)])
async def history(
    tx: Tx,
    who: Caller,
    after_cursor: Annotated[str | None, Query(alias="cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)] = 50,
) -> HistoryPage:
    """Every case I was asked to take and every entry of mine on rounds and mass tasks, the latest first."""
    begin = after(after_cursor)
    asked = await mine.history(tx, who.person_id, before=begin, most=limit)
    entered = await mine.entered(tx, who.person_id, before=begin, most=limit)
    dated: list[tuple[datetime, UUID, Past | Entered]] = [
        *((row["offered_at"], row["offer_id"], Past.model_validate(dict(row))) for row in asked),
        *((row["at"], row["entry_id"], Entered.model_validate(dict(row))) for row in entered),
    ]
    page = sorted(dated, key=lambda one: one[:2], reverse=True)[:limit]
    return HistoryPage(
        items=[item for _, _, item in page], next_cursor=cursor(*page[-1][:2]) if len(page) == limit else None
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
    rounds, lists = await mine.how_much(tx, who.person_id, since, until)
    at_stops = of_entries(rounds["entries"], with_a_value=rounds["entries"], taken_back=rounds["taken_back"])
    at_doors = of_entries(lists["entries"], with_a_value=lists["not_done"], taken_back=lists["taken_back"])
    total = sum([*by_case.values(), at_stops, at_doors], Burden())
    return MyBurden(
        since=since,
        until=until,
        complete=len(rows) < BURDEN_OFFERS_MAX,
        total=BurdenView(cases=len(numbers), **asdict(total)),
        rounds=EntriesBurden(entries=rounds["entries"], taps=at_stops.taps, fields=at_stops.fields),
        mass_tasks=EntriesBurden(entries=lists["entries"], taps=at_doors.taps, fields=at_doors.fields),
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
