"""Units, staff, categories and rosters in and out as Excel or JSON: for administrators, each within their own units.

POST /imports (the file) → checked, nothing changed → GET /imports/{id}/lines?state=refused → POST /imports/{id}/commit
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import File, Query, UploadFile
from fastapi.responses import StreamingResponse

from services.registry.api.answers import Cursored
from services.registry.api.things import Limit
from services.registry.commands import Moment
from services.registry.handlers.imports import exporting, steps
from services.registry.handlers.imports.reading import FILE_BYTES_MAX
from services.registry.handlers.things import rights_of
from services.registry.queries import imports as stored
from services.registry.queries import things
from services.registry.queries.imports import Import, LineState, ReportLine
from services.registry.rules.sheets import SHEETS, sheet_named
from services.registry.rules.things import may_act
from shared.database import Database
from shared.identity import SignedIn, not_allowed
from shared.openapi import sending
from shared.problems import Problem, not_found
from shared.routes import Caller, Db, Tx, allow, router_for
from shared.things import Calendar, Unit
from shared.vocabulary import Role

FORM_BYTES_MAX = FILE_BYTES_MAX + 64 * 1024
EXPORT_DAYS_MAX = 400

router = router_for("registry")
# An export reads page by page, each in a transaction of its own.
streams = router_for("registry", one_transaction=False)
administrators = [allow(Role.ADMINISTRATOR)]


class Format(StrEnum):
    XLSX = "xlsx"
    JSON = "json"


MEDIA_TYPES = {
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSON: "application/json",
}


@router.post("/imports", status_code=201, max_body_size=FORM_BYTES_MAX, dependencies=administrators)
async def take_in(file: Annotated[UploadFile, File()], tx: Tx, who: Caller) -> Import:
    """A dry run: the file is read and its lines are checked; nothing changes before it is committed."""
    if (file.size or 0) > FILE_BYTES_MAX:
        raise Problem(
            413,
            "file-too-large",
            "文件过大 / The file is too large",
            detail="请分成几个文件 / Split it into several files",
            file_bytes_max=FILE_BYTES_MAX,
        )
    return await steps.take_in(tx, file.file, file.filename or "", who)


@router.get("/imports", dependencies=administrators)
async def imports(tx: Tx, who: Caller, cursor: UUID | None = None, limit: Limit = 100) -> Cursored[Import]:
    """One's own, newest first."""
    found = await stored.page(tx, who.person_id, cursor, limit + 1)
    next_cursor = str(found[limit - 1].id) if len(found) > limit else None
    return Cursored(items=tuple(found[:limit]), next_cursor=next_cursor)


@router.get("/imports/{id}", dependencies=administrators)
async def one_import(id: UUID, tx: Tx, who: Caller) -> Import:
    """How far it is."""
    return await steps.of_person(tx, id, who)


@router.get("/imports/{id}/lines", dependencies=administrators)
async def import_lines(
    id: UUID,
    tx: Tx,
    who: Caller,
    state: LineState | None = None,
    cursor: Annotated[int, Query(ge=0, le=steps.rules.LINES_MAX)] = 0,
    limit: Limit = 100,
) -> Cursored[ReportLine]:
    """What became of each line, in the order of the file."""
    await steps.of_person(tx, id, who)
    found = await stored.report(tx, id, state, cursor, limit + 1)
    next_cursor = str(found[limit - 1].number) if len(found) > limit else None
    return Cursored(items=tuple(found[:limit]), next_cursor=next_cursor)


@router.post("/imports/{id}/commit", dependencies=administrators)
async def commit(id: UUID, tx: Tx, who: Caller) -> Import:
    return await steps.commit(tx, id, who)


@router.post("/imports/{id}/cancel", dependencies=administrators)
async def cancel(id: UUID, tx: Tx, who: Caller) -> Import:
    return await steps.cancel(tx, id, who)


@streams.get(
    "/exports/{name}.{format}",
    dependencies=administrators,
    response_class=StreamingResponse,
    responses=sending(*MEDIA_TYPES.values()),
)
async def export(
    name: str,
    format: Format,
    database: Db,
    who: Caller,
    unit: str,
    from_: Annotated[Moment | None, Query(alias="from")] = None,
    to: Annotated[Moment | None, Query(alias="to")] = None,
) -> StreamingResponse:
    """`calendars`, `skills`, `roles` and `categories`; `units`, `people` or `shifts` of a unit and everything below it;
    what is exported can be brought in again. Shifts from now on for 31 days, if not said otherwise."""
    sheet = sheet_named(name)
    if sheet is None or name != sheet.name:
        names = ", ".join(each.name for each in SHEETS)
        raise not_found(f"没有这种导出，可选：{names} / There is no such export; one of: {names}")
    zone, now = await _may_export(database, unit, who)
    begin = from_ or now
    until = to or begin + timedelta(days=31)
    if not begin < until <= begin + timedelta(days=EXPORT_DAYS_MAX):
        raise Problem(
            422,
            "period-out-of-range",
            "时段不合适 / This period is not possible",
            detail=f"须先始后终、最长 {EXPORT_DAYS_MAX} 天"
            f" / The end has to come after the beginning, {EXPORT_DAYS_MAX} days later at most",
        )
    wanted = exporting.Export(sheet, await exporting.units_of(database, unit), begin, until)
    body = (
        exporting.as_json(database, wanted)
        if format is Format.JSON
        else exporting.as_workbook(database, wanted, zone)
    )
    headers = {"Content-Disposition": f'attachment; filename="{name}.{format}"', "Cache-Control": "no-store"}
    return StreamingResponse(body, media_type=MEDIA_TYPES[format], headers=headers)


async def _may_export(database: Database, unit_id: str, who: SignedIn) -> tuple[ZoneInfo, datetime]:
    """Where local times are written in, and the time; 403 outside the units one administers now."""
    async with database.transaction() as tx:
        if (found := await things.one(tx, Unit, unit_id)) is None:
            raise not_found(f"没有单位 {unit_id} / There is no unit {unit_id}")
        now = await tx.now()
        known = await things.known_about(tx, [found[0]], who.person_id)
        if not may_act(rights_of(who.person_id, known, now), (Role.ADMINISTRATOR,), unit_id, known):
            raise not_allowed([Role.ADMINISTRATOR])
        calendars = await things.page(tx, Calendar, "", 1, retired=False)
        zone = ZoneInfo(calendars[0].time_zone if calendars else steps.LOCAL_ZONE)
        return zone, now
