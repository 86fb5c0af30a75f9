"""The phone's 今日: today's stops in the order of the walk, and what is entered at each."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from services.dispatch.api.acting import etag
from services.dispatch.api.doing import WORKING, Doing, Sealing, settings_of
from services.dispatch.api.round_views import (
    EnteredView,
    FoundOnRound,
    TodayView,
    planned_view,
    stop_view,
)
from services.dispatch.api.versions import IfMatch, must_match
from services.dispatch.commands import Command, CorrectStop, DoStop, LeaveUndone, device_time
from services.dispatch.handlers import round_lists, rounds
from services.dispatch.handlers.local_days import today_in
from services.dispatch.rules.round_story import Stop
from services.dispatch.rules.work import Doer
from shared.database import Transaction
from shared.problems import Problem
from shared.routes import Caller, Tx, allow, router_for
from shared.things import Point

router = router_for("dispatch")


@router.get("/rounds/today", dependencies=[allow(*WORKING)])
async def today(
    tx: Tx,
    who: Caller,
    sealer: Sealing,
    lon: Annotated[float | None, Query(ge=-180, le=180)] = None,
    lat: Annotated[float | None, Query(ge=-90, le=90)] = None,
) -> TodayView:
    """What is due in my grids and mine to walk now: overdue first, then a short way from where I say I am (or from the
    grid's centre), with times. Where the worker is away, B sees it. The position is used and kept nowhere."""
    if (lon is None) != (lat is None):
        raise Problem(
            422,
            "half-a-position",
            "位置不完整 / Half a position",
            detail="lon 与 lat 须同时给出，或都不给 / Give both lon and lat, or neither",
        )
    now = await tx.now()
    position = Point(lon=lon, lat=lat) if lon is not None and lat is not None else None
    found = await round_lists.todays_list(tx, who.person_id, now, position, sealer)
    return TodayView(
        day=found.day,
        now=now,
        on_duty=tx.directory.is_on_duty(who.person_id, now),
        stops=[planned_view(stop, planned, details, found.day) for stop, planned, details in found.planned],
        more=found.left_out,
    )


@router.post("/rounds/stops/{stop_id}/done", dependencies=[allow(*WORKING)])
async def done(
    stop_id: UUID,
    body: DoStop,
    tx: Tx,
    doer: Doing,
    sealer: Sealing,
    response: Response,
    if_match: IfMatch = None,
) -> EnteredView:
    """Proven as an arrival is; the answer says how something found on the way becomes a case."""
    await must_match(tx, stop_id, if_match)
    stop = await rounds.do_stop(tx, stop_id, body, _at(doer, body), sealer)
    return await _entered(tx, stop, response)


@router.post("/rounds/stops/{stop_id}/not-done", dependencies=[allow(*WORKING)])
async def not_done(
    stop_id: UUID,
    body: LeaveUndone,
    tx: Tx,
    doer: Doing,
    sealer: Sealing,
    response: Response,
    if_match: IfMatch = None,
) -> EnteredView:
    """Nobody home, or another reason: it stays owed and comes up again tomorrow."""
    await must_match(tx, stop_id, if_match)
    stop = await rounds.leave_stop(tx, stop_id, body, _at(doer, body), sealer)
    return await _entered(tx, stop, response)


@router.post("/rounds/stops/{stop_id}/corrections", status_code=201, dependencies=[allow(*WORKING)])
async def correct(
    stop_id: UUID,
    body: CorrectStop,
    tx: Tx,
    doer: Doing,
    sealer: Sealing,
    response: Response,
    request: Request,
) -> EnteredView:
    """更正 of one's own entry, within the hours the city grants; as the latest entry it is as if it had not been."""
    hours = settings_of(request).corrections_within_hours
    stop = await rounds.correct_stop(tx, stop_id, body, _at(doer, body), sealer, within_hours=hours)
    return await _entered(tx, stop, response)


def _at(doer: Doer, command: Command) -> Doer:
    return replace(doer, device_at=device_time(command))


async def _entered(tx: Transaction, stop: Stop, response: Response) -> EnteredView:
    response.headers["ETag"] = etag(tx.version(stop.id))
    today = today_in(tx.directory, stop.grid_id, await tx.now())
    view = stop_view(stop, today, None, whole=False)
    return EnteredView(stop=view, found_something=FoundOnRound(grid_id=stop.grid_id))
