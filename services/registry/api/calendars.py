"""Calendars beside reading and putting them whole: single days, and warnings. Comes before the routes of all kinds,
for `warnings` is no calendar's id."""

from __future__ import annotations

from fastapi.responses import Response

from services.registry.api.answers import Changed, Cursored
from services.registry.api.things import MUST_MATCH, Cursor, IfMatch, Limit
from services.registry.commands import ChangeDays
from services.registry.handlers import calendars as handlers
from services.registry.handlers.things import hold_still
from services.registry.handlers.versions import must_match
from services.registry.queries import things as stored
from services.registry.rules.calendars import CalendarWarning
from shared.problems import not_found
from shared.routes import Caller, Tx, allow, router_for
from shared.things import Calendar
from shared.vocabulary import Role

router = router_for("registry")


@router.get("/calendars/warnings", dependencies=[allow(*Role)])
async def warnings(tx: Tx, cursor: Cursor = "", limit: Limit = 100) -> Cursored[CalendarWarning]:
    """Calendars in use that miss the coming year (from November on), run out within 60 days, or are over."""
    found = [warning for warning in await handlers.warnings(tx) if warning.calendar_id > cursor]
    more = len(found) > limit
    return Cursored(items=tuple(found[:limit]), next_cursor=found[limit - 1].calendar_id if more else None)


@router.post("/calendars/{id}/days", dependencies=[allow(Role.ADMINISTRATOR)], responses=MUST_MATCH)
async def change_days(
    id: str, body: ChangeDays, tx: Tx, who: Caller, response: Response, if_match: IfMatch = None
) -> Changed:
    await hold_still(tx)
    if (before := await stored.one(tx, Calendar, id)) is None:
        raise not_found()
    must_match(if_match, before[1])
    revision = await handlers.change_days(tx, id, body, who)
    after = await stored.one(tx, Calendar, id)
    response.headers["ETag"] = f'"{after[1] if after else revision}"'
    return Changed(revision=revision)
