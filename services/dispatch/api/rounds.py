"""例行任务: a grid's stops planned by who leads, walked by who works there, and what became of them by period."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from services.dispatch.api.acting import etag, version_of
from services.dispatch.api.cursors import after, after_day, cursor
from services.dispatch.api.doing import Sealing
from services.dispatch.api.round_views import (
    EntriesPage,
    EntryView,
    HistoryLine,
    HistoryView,
    ReportView,
    StopsPage,
    StopView,
    stop_view,
)
from services.dispatch.api.versions import IfMatch, must_match
from services.dispatch.commands import AddStop, ChangeStop, EndStop, RevealStop
from services.dispatch.handlers import round_lists, rounds
from services.dispatch.handlers.local_days import today_in
from services.dispatch.queries import rounds as rows
from services.dispatch.rules.round_story import Stop, StopRevealed
from services.dispatch.rules.work import Doer
from shared.database import Transaction
from shared.fieldwork import StopKind
from shared.identity import SignedIn
from shared.openapi import VERSIONED
from shared.problems import Problem, not_found
from shared.routes import Caller, Tx, allow, router_for
from shared.sealing import Sealer
from shared.vocabulary import Channel, Role

router = router_for("dispatch")

PLANNING = (Role.GRID_LEADER, Role.SUPERVISOR, Role.ADMINISTRATOR)
"""Who says what a grid's round is, in their unit and below it."""
READING = (*PLANNING, Role.UNIT_OFFICER)
"""Who may see rounds, and how they went."""

PAGE_ROWS_MAX = 200
REPORT_DAYS_MAX = 92
LONG_AFTER = date(2199, 12, 31)

Limit = Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)]
Cursor = Annotated[str | None, Query(alias="cursor")]


@router.post("/rounds/stops", status_code=201, dependencies=[allow(*PLANNING)])
async def add(body: AddStop, tx: Tx, who: Caller, sealer: Sealing, response: Response) -> StopView:
    """A patrol point 巡查点 or a visit 走访, by period."""
    doer = _planner(who, body.grid_id, tx)
    return await _shown(tx, await rounds.add_stop(tx, body, doer, sealer), sealer, response)


@router.get("/rounds/stops", dependencies=[allow(*READING)])
async def overview(
    tx: Tx,
    who: Caller,
    sealer: Sealing,
    unit: str,
    state: Literal["all", "due", "overdue", "ended"] = "all",
    after_cursor: Cursor = None,
    limit: Limit = 50,
) -> StopsPage:
    """The stops of a unit and what is below it, the longest owed first; people are masked."""
    grids = _grids(who, unit, tx)
    today = today_in(tx.directory, unit, await tx.now())
    until = {"due": today, "overdue": today - timedelta(days=1)}.get(state, LONG_AFTER)
    begin = after_day(after_cursor)
    if state == "ended":
        found = await rows.page_of_ended(tx, grids, begin, limit)
    else:
        found = await rows.page(tx, grids, until, begin, limit)
    details = await rows.details_of(tx, [stop.id for stop in found if stop.kind is StopKind.VISIT], sealer)
    views = [stop_view(stop, today, details.get(stop.id), whole=False) for stop in found]
    full = len(found) == limit
    return StopsPage(stops=views, next_cursor=cursor(found[-1].due_on, found[-1].id) if full else None)


@router.get("/rounds/stops/{stop_id}", dependencies=[allow(*READING)], responses=VERSIONED)
async def show(stop_id: UUID, tx: Tx, who: Caller, sealer: Sealing, response: Response) -> StopView:
    """One stop under its version; people are masked."""
    stop = await _seen(tx, stop_id, who)
    response.headers["ETag"] = etag(await version_of(tx, stop_id))
    return await _view(tx, stop, sealer, whole=False)


@router.post("/rounds/stops/{stop_id}/change", dependencies=[allow(*PLANNING)])
async def change(
    stop_id: UUID,
    body: ChangeStop,
    tx: Tx,
    who: Caller,
    sealer: Sealing,
    response: Response,
    if_match: IfMatch = None,
) -> StopView:
    """The whole plan as it is from today on, with why. What is owed already stays owed."""
    doer = _planner(who, (await rounds.known_stop(tx, stop_id)).grid_id, tx)
    await must_match(tx, stop_id, if_match)
    return await _shown(tx, await rounds.change_stop(tx, stop_id, body, doer, sealer), sealer, response)


@router.post("/rounds/stops/{stop_id}/end", dependencies=[allow(*PLANNING)])
async def end(
    stop_id: UUID,
    body: EndStop,
    tx: Tx,
    who: Caller,
    sealer: Sealing,
    response: Response,
    if_match: IfMatch = None,
) -> StopView:
    """It is walked no more; what was owed stays in the figures."""
    doer = _planner(who, (await rounds.known_stop(tx, stop_id)).grid_id, tx)
    await must_match(tx, stop_id, if_match)
    return await _shown(tx, await rounds.end_stop(tx, stop_id, body, doer, sealer), sealer, response)


@router.post("/rounds/stops/{stop_id}/reveal", dependencies=[allow(*PLANNING)])
async def reveal(stop_id: UUID, body: RevealStop, tx: Tx, who: Caller, sealer: Sealing) -> StopView:
    """Whom the visit is for, with a purpose that stays in the story."""
    doer = _planner(who, (await rounds.known_stop(tx, stop_id)).grid_id, tx)
    return await _view(tx, await rounds.reveal_stop(tx, stop_id, body, doer), sealer, whole=True)


@router.get("/rounds/stops/{stop_id}/entries", dependencies=[allow(*READING)])
async def entries(
    stop_id: UUID, tx: Tx, who: Caller, after_cursor: Cursor = None, limit: Limit = 50
) -> EntriesPage:
    """What was entered at a stop, the latest first; a wrong entry stays and says when it was taken back."""
    await _seen(tx, stop_id, who)
    found = await rows.entries(tx, stop_id, before=after(after_cursor), most=limit)
    views = [
        EntryView.model_validate({"entry_id": entry.id, **{name: getattr(entry, name) for name in _ENTRY}})
        for entry in found
    ]
    full = len(found) == limit
    return EntriesPage(entries=views, next_cursor=cursor(found[-1].at, found[-1].id) if full else None)


@router.get("/rounds/stops/{stop_id}/history", dependencies=[allow(*PLANNING)])
async def history(
    stop_id: UUID,
    tx: Tx,
    who: Caller,
    sealer: Sealing,
    after_line: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Limit = 50,
) -> HistoryView:
    """Who changed what, when and why, from the stop's story. What was said at a visit is read by whoever asked to see
    it (reveal) within the last hour."""
    stop = await rounds.known_stop(tx, stop_id)
    _planner(who, stop.grid_id, tx)
    found = await rows.story_of(tx, stop_id, after_line, limit)
    said = await rounds.words_at(tx, stop, [event for _, event in found], who.person_id, sealer)
    lines = [
        HistoryLine(
            line=seq,
            at=event.at,
            what=event.type.removeprefix("yike.dispatch.stop_"),
            by=event.actor.person_id,
            purpose=event.purpose if isinstance(event, StopRevealed) else None,
            words=said.get(event.id),
        )
        for seq, event in found
    ]
    return HistoryView(lines=lines, next_line=lines[-1].line if len(lines) == limit else None)


@router.get("/rounds/report", dependencies=[allow(*READING, Role.READER)])
async def report(
    tx: Tx,
    who: Caller,
    unit: str,
    begin: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query(alias="to")] = None,
) -> ReportView:
    """Per grid the days due, done, and why the others are not; the last thirty days unless said otherwise. Of grids,
    never of people."""
    grids = _grids(who, unit, tx, readers=(Role.READER,))
    today = today_in(tx.directory, unit, await tx.now())
    until = until or today
    try:
        begin = begin or until - timedelta(days=29)
        usable = timedelta(0) <= until - begin < timedelta(days=REPORT_DAYS_MAX)
    except OverflowError:
        usable = False
    if begin is None or not usable:
        raise Problem(
            422,
            "unusable-period",
            "时间段无效 / The period cannot be used",
            detail=f"最长 {REPORT_DAYS_MAX} 天，结束不早于开始"
            f" / {REPORT_DAYS_MAX} days at most, ending no earlier than it begins",
        )
    lines = await round_lists.report(tx, grids, begin, until, today)
    return ReportView(unit_id=unit, begin=begin, until=until, grids=lines)


_ENTRY = [name for name in EntryView.model_fields if name != "entry_id"]


def _planner(who: SignedIn, grid_id: str, tx: Transaction) -> Doer:
    _known(tx, grid_id)
    return Doer(who.actor(who.must(PLANNING, grid_id, tx.directory)), Channel.DESK)


def _grids(who: SignedIn, unit_id: str, tx: Transaction, readers: tuple[Role, ...] = ()) -> list[str]:
    _known(tx, unit_id)
    who.must((*READING, *readers), unit_id, tx.directory)
    return round_lists.grids_below(tx.directory, [unit_id])


def _known(tx: Transaction, unit_id: str) -> None:
    if unit_id not in tx.directory.units:
        raise not_found("没有这个单位 / No such unit")


async def _seen(tx: Transaction, stop_id: UUID, who: SignedIn) -> Stop:
    stop = await rounds.known_stop(tx, stop_id)
    who.must(READING, stop.grid_id, tx.directory)
    return stop


async def _view(tx: Transaction, stop: Stop, sealer: Sealer, *, whole: bool) -> StopView:
    details = await rows.details_of(tx, [stop.id], sealer)
    today = today_in(tx.directory, stop.grid_id, await tx.now())
    return stop_view(stop, today, details.get(stop.id), whole=whole)


async def _shown(tx: Transaction, stop: Stop, sealer: Sealer, response: Response) -> StopView:
    """The stop after an act, under the version it has now."""
    response.headers["ETag"] = etag(tx.version(stop.id))
    return await _view(tx, stop, sealer, whole=False)
