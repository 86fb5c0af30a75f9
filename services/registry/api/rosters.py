"""Who is there when: leave and absence, shifts handed over, people called in, and the gaps ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Query
from fastapi.responses import Response

from services.registry.api.answers import Cursored, HandedOver
from services.registry.api.plans import After, unreadable_cursor
from services.registry.api.things import MUST_MATCH, STAFF, Limit
from services.registry.commands import CallIn, EndAbsence, EnterAbsence, HandOver, Moment
from services.registry.handlers import absences as handlers
from services.registry.queries import ahead, rosters, things
from services.registry.rules.absence import Absence
from services.registry.rules.rosters import Gap, gaps, rotas
from services.registry.rules.spans import Span
from shared.openapi import VERSIONED
from shared.problems import Problem, not_found
from shared.routes import Caller, Tx, allow, router_for
from shared.things import Calendar, Shift

GAP_DAYS_MAX = 31
ABSENCE_DAYS_SHOWN = 90

router = router_for("registry")
staff = [allow(*STAFF)]

MAY_MATCH: dict[int | str, dict[str, Any]] = {412: MUST_MATCH[412]}
MayMatch = Annotated[str | None, Header(alias="If-Match", description="end only this version")]
From = Annotated[Moment | None, Query(alias="from")]
To = Annotated[Moment | None, Query(alias="to")]


@router.get("/rosters/gaps", dependencies=staff)
async def roster_gaps(
    tx: Tx,
    unit: str,
    from_: From = None,
    to: To = None,
    cursor: After = None,
    limit: Limit = 100,
) -> Cursored[Gap]:
    """Where nobody is on duty in the unit and below it: in a grid neither A nor B, at a rung or in a department no
    duty officer, at the desk no operator, while a walk-in post is open nobody who holds a post there. From now on for
    a week, if not said otherwise."""
    period = _period(from_ or await tx.now(), to)
    units = await rosters.units_below(tx, unit)
    if not units:
        raise not_found(f"没有单位 {unit} / There is no unit {unit}")
    ids = [each.id for each in units]
    staff_there = await rosters.staff_of(tx, ids)
    shifts = await rosters.shifts_in(tx, ids, period.starts_at, period.ends_at)
    calendars = await things.present(tx, Calendar, {each.calendar_id for each in units})
    found = [gap for rota in rotas(units, staff_there) for gap in gaps(rota, shifts, period, calendars)]
    return _page(found, cursor, limit)


def _page(found: list[Gap], cursor: str | None, limit: int) -> Cursored[Gap]:
    """`found` is in order of unit, rota and time, as the cursor counts."""
    rest = [gap for gap in found if cursor is None or _place_of(gap) > _place(cursor)]
    more = len(rest) > limit
    next_cursor = "~".join(_place_of(rest[limit - 1])) if more else None
    return Cursored(items=tuple(rest[:limit]), next_cursor=next_cursor)


def _place_of(gap: Gap) -> tuple[str, ...]:
    return gap.unit_id, gap.rota, gap.starts_at.isoformat()


def _place(cursor: str) -> tuple[str, ...]:
    parts = tuple(cursor.rsplit("~", 2))
    if len(parts) != 3:
        raise unreadable_cursor()
    return parts


def _period(from_: datetime, to: datetime | None) -> Span:
    until = to or from_ + timedelta(days=7)
    longest = timedelta(days=GAP_DAYS_MAX)
    if not from_ < until <= from_ + longest:
        raise Problem(
            422,
            "period-out-of-range",
            "时段不合适 / This period is not possible",
            detail=f"须先始后终、最长 {GAP_DAYS_MAX} 天"
            f" / The end has to come after the beginning, {GAP_DAYS_MAX} days later at most",
        )
    return Span(
        from_.astimezone(UTC), until.astimezone(UTC)
    )  # a page's cursor compares times as they are written


# ── leave and absence ─────────────────────────────────────────────────────────────────────────────────────────────


@router.post("/absences", status_code=201, dependencies=staff)
async def enter_absence(body: EnterAbsence, tx: Tx, who: Caller) -> Absence:
    return await handlers.enter_absence(tx, body, who)


@router.get("/absences", dependencies=staff)
async def absences(
    tx: Tx,
    who: Caller,
    from_: From = None,
    to: To = None,
    person_id: str | None = None,
    unit: str | None = None,
    cursor: UUID = UUID(int=0),
    limit: Limit = 100,
) -> Cursored[Absence]:
    """One's own, and those of the units one plans or leads, that touch the time; from now on for 90 days, if not said
    otherwise. `unit`: of whoever holds a post in it or below."""
    begin = from_ or await tx.now()
    until = to or begin + timedelta(days=ABSENCE_DAYS_SHOWN)
    below = None if unit is None else [each.id for each in await rosters.units_below(tx, unit)]
    reader = await handlers.reader(tx, who)
    found = await ahead.absence_page(
        tx, reader, cursor, limit + 1, from_=begin, until=until, person_id=person_id, unit_ids=below
    )
    next_cursor = str(found[limit - 1].id) if len(found) > limit else None
    return Cursored(items=tuple(found[:limit]), next_cursor=next_cursor)


@router.get("/absences/{id}", dependencies=staff, responses=VERSIONED)
async def absence(id: UUID, tx: Tx, who: Caller, response: Response) -> Absence:
    if (found := await ahead.absence_seen(tx, await handlers.reader(tx, who), id)) is None:
        raise not_found()
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.post("/absences/{id}/end", dependencies=staff, responses=MAY_MATCH)
async def end_absence(
    id: UUID, body: EndAbsence, tx: Tx, who: Caller, response: Response, if_match: MayMatch = None
) -> Absence:
    ended = await handlers.end_absence(tx, id, body, who, if_match)
    response.headers["ETag"] = f'"{ended.version}"'
    return ended


# ── by hand ───────────────────────────────────────────────────────────────────────────────────────────────────────


@router.post("/shifts/{id}/hand-over", dependencies=staff)
async def hand_over(id: str, body: HandOver, tx: Tx, who: Caller) -> HandedOver:
    return HandedOver(shifts=tuple(await handlers.hand_over(tx, id, body, who)))


@router.post("/shifts/{id}/call-in", dependencies=staff)
async def call_in(id: str, body: CallIn, tx: Tx, who: Caller) -> Shift:
    return await handlers.call_in(tx, id, body, who)
