"""今日安排: somebody's day in the order of the walk, with times; and what does not fit, with why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from pydantic import BaseModel

from services.dispatch.api.doing import WATCHING, WORKING, Sealing
from services.dispatch.api.people import GIVING
from services.dispatch.api.round_views import TodayView, planned_view
from services.dispatch.handlers.day_plans import About, DayPlan, DayPlans
from services.dispatch.handlers.day_solver import Fallback
from services.dispatch.handlers.todays_round import todays_round
from services.dispatch.rules.day_plan import LeftOut, Planned, Visit, VisitKind, WhyNot
from services.dispatch.rules.privacy import masked_name
from shared.directory import Directory
from shared.identity import SignedIn, not_allowed
from shared.problems import Problem, not_found
from shared.routes import Caller, Db, Registry, allow, router_for
from shared.things import Point

router = router_for("dispatch", one_transaction=False)

WORDS = {
    WhyNot.WINDOW_OVER: "现在出发也赶不上约定时间，请另约 / Too late even going now: agree another time",
    WhyNot.WINDOW_TAKEN: "这个时间已另有约定，请改派或另约"
    " / Something else is agreed for that time: hand it over or agree another",
    WhyNot.SHIFT_ENDS: "本班时间不够，留到下一班或移交 / Not before the shift ends: the next one, or hand it over",
    WhyNot.UNREACHABLE: "没有可到达的路线，请核对地点 / No way leads there: check the place",
    WhyNot.TOO_MANY: "今天太多，先做近处的，做完会排上 / Too many at once: nearer ones first, it comes up after them",
}


class VisitView(BaseModel):
    """One of a case (`case_id`, `part_id`), a stop of the round or so many `doors` of a mass task. `title` is the
    headline, the point's label, whom the visit is for or the task's title. It is to be begun from `opens_at` to
    `closes_at`: agreed if `firm`, otherwise wished for. `place` only to who walks."""

    kind: VisitKind
    title: str | None
    case_id: UUID | None = None
    part_id: UUID | None = None
    number: str | None = None
    stop_id: UUID | None = None
    task_id: UUID | None = None
    doors: int | None = None
    place: Point | None = None
    opens_at: datetime | None
    closes_at: datetime | None
    firm: bool
    under_way: bool


class PlannedVisit(BaseModel):
    """There from `arrive_from` to, nine times in ten, `arrive_until`; begun at `begin_at`, `late_minutes` after it
    should have been."""

    visit: VisitView
    arrive_from: datetime
    arrive_until: datetime
    begin_at: datetime
    leave_at: datetime
    late_minutes: int


class LeftOutVisit(BaseModel):
    """`earliest_at`: when it could be begun by going there at once."""

    visit: VisitView
    why: WhyNot
    text: str
    earliest_at: datetime | None


class BreakView(BaseModel):
    begin_at: datetime
    end_at: datetime


class DayView(BaseModel):
    """From `begins_at` to `ends_at` as things stand at `now`: whatever happens changes the next answer. `fallback` says
    why the order is the plain one (nearest next). `more_stops`: more stops of the round are due than one list holds."""

    person_id: str
    now: datetime
    on_duty: bool
    begins_at: datetime
    ends_at: datetime
    rest: BreakView | None
    visits: list[PlannedVisit]
    left_out: list[LeftOutVisit]
    way_minutes: int
    more_stops: bool
    fallback: Fallback | None


Lon = Annotated[float | None, Query(ge=-180, le=180)]
Lat = Annotated[float | None, Query(ge=-90, le=90)]


@router.get("/me/day", dependencies=[allow(*WORKING)])
async def my_day(
    request: Request,
    database: Db,
    registry: Registry,
    who: Caller,
    sealer: Sealing,
    lon: Lon = None,
    lat: Lat = None,
) -> DayView:
    """My day from where I say I am, else from where I was last at work, else from my base. The position is used and
    kept nowhere. Ask again after whatever happens: what is under way stays first."""
    found = await _plans(request).of(database, who.person_id, sealer, _position(lon, lat), own=True)
    return _shown(found, None, registry)


@router.get("/rounds/today", dependencies=[allow(*WORKING)])
async def today(
    request: Request, database: Db, who: Caller, sealer: Sealing, lon: Lon = None, lat: Lat = None
) -> TodayView:
    """The phone's 今日: what is due in my grids and mine to walk now, in the order and at the times that my day has it,
    so after what is under way; what has no room today stands at the end. Where the worker is away, B sees it."""
    found = await _plans(request).of(database, who.person_id, sealer, _position(lon, lat), own=True)
    asked = found.asked
    return TodayView(
        day=asked.today,
        now=asked.now,
        on_duty=asked.on_duty,
        stops=[
            planned_view(one.stop, one.planned, one.details, asked.today) for one in await todays_round(found)
        ],
        more=asked.more_stops,
    )


@router.get("/people/{person_id}/day", dependencies=[allow(*GIVING)])
async def day_of(
    person_id: str, request: Request, database: Db, registry: Registry, who: Caller, sealer: Sealing
) -> DayView:
    """Somebody's day for who leads their unit: what, in which order and when. No positions: the way begins at the base,
    and what belongs to a unit that the reader does not lead has no name."""
    _must_lead(who, person_id, registry)
    found = await _plans(request).of(database, person_id, sealer, None, own=False)
    return _shown(found, who, registry)


def _position(lon: float | None, lat: float | None) -> Point | None:
    if (lon is None) != (lat is None):
        raise Problem(
            422,
            "half-a-position",
            "位置不完整 / Half a position",
            detail="lon 与 lat 须同时给出，或都不给 / Give both lon and lat, or neither",
        )
    return Point(lon=lon, lat=lat) if lon is not None and lat is not None else None


def _plans(request: Request) -> DayPlans:
    plans = request.app.state.day_plans
    if not isinstance(plans, DayPlans):
        raise TypeError("dispatch was assembled without somebody who plans days")
    return plans


def _must_lead(who: SignedIn, person_id: str, directory: Directory) -> None:
    person = directory.people.get(person_id)
    if person is None:
        raise not_found("没有这个人 / No such person")
    units = [post.unit_id for post in person.posts] or [grant.unit_id for grant in person.grants]
    if not any(who.may(role, unit_id, directory) for role in GIVING for unit_id in units):
        raise not_allowed(GIVING)


def _shown(found: DayPlan, reader: SignedIn | None, directory: Directory) -> DayView:
    """`reader` is `None` where somebody reads their own."""
    asked, plan = found.asked, found.plan

    def view(visit: Visit) -> VisitView:
        return _visit(visit, asked.about[visit.key], reader, directory)

    rest = asked.day.rest
    return DayView(
        person_id=asked.person_id,
        now=asked.now,
        on_duty=asked.on_duty,
        begins_at=asked.day.starts_at,
        ends_at=asked.day.ends_at,
        rest=(
            BreakView(begin_at=plan.rest_at, end_at=plan.rest_at + rest.length)
            if rest is not None and plan.rest_at is not None
            else None
        ),
        visits=[_planned(one, view(one.visit)) for one in plan.planned],
        left_out=[_left_out(one, view(one.visit)) for one in found.left_out],
        way_minutes=round(plan.way_seconds / 60),
        more_stops=asked.more_stops,
        fallback=found.fallback,
    )


def _planned(one: Planned, visit: VisitView) -> PlannedVisit:
    return PlannedVisit(
        visit=visit,
        arrive_from=one.arrive_at,
        arrive_until=one.arrive_until,
        begin_at=one.begin_at,
        leave_at=one.leave_at,
        late_minutes=-(-one.late.total_seconds() // 60),
    )


def _left_out(one: LeftOut, visit: VisitView) -> LeftOutVisit:
    return LeftOutVisit(visit=visit, why=one.why, text=WORDS[one.why], earliest_at=one.earliest_at)


def _visit(visit: Visit, about: About, reader: SignedIn | None, directory: Directory) -> VisitView:
    times = VisitView(
        kind=visit.kind,
        title=None,
        opens_at=visit.opens_at,
        closes_at=visit.closes_at,
        firm=visit.firm,
        under_way=visit.under_way,
    )
    if reader is not None and not _may_read(reader, about, directory):
        return times
    return times.model_copy(
        update=_what(about, whole=reader is None) | ({"place": visit.place} if reader is None else {})
    )


def _may_read(reader: SignedIn, about: About, directory: Directory) -> bool:
    if about.state is not None:
        unit_id = about.state.case.lowest_unit_id
    elif about.stop is not None:
        unit_id = about.stop.grid_id
    else:
        return True
    return any(reader.may(role, unit_id, directory) for role in WATCHING)


def _what(about: About, *, whole: bool) -> dict[str, object]:
    if about.state is not None and about.offer is not None:
        case = about.state.case
        return {
            "title": case.headline,
            "case_id": case.id,
            "part_id": about.offer.part_id,
            "number": case.number,
        }
    if about.stop is not None:
        name = about.details.get("name") if about.details else None
        shown = name if whole or name is None else masked_name(name)
        return {"title": about.stop.plan.label or shown, "stop_id": about.stop.id}
    assert about.doors is not None
    return {"title": about.doors.title, "task_id": about.doors.task_id, "doors": about.doors.doors}
