"""On the phone: what is entered at the stops of a round."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from fastapi import Request, Response

from services.dispatch.api.acting import etag
from services.dispatch.api.doing import WORKING, Doing, Sealing, settings_of
from services.dispatch.api.round_views import (
    EnteredView,
    FoundOnRound,
    stop_view,
)
from services.dispatch.api.versions import IfMatch, must_match
from services.dispatch.commands import Command, CorrectStop, DoStop, LeaveUndone, device_time
from services.dispatch.handlers import rounds
from services.dispatch.handlers.local_days import today_in
from services.dispatch.rules.round_story import Stop
from services.dispatch.rules.work import Doer
from shared.database import Transaction
from shared.routes import Tx, allow, router_for

router = router_for("dispatch")


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
