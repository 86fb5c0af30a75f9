"""今日: the stops of somebody's round, in the order and at the times that their day has them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.dispatch.handlers.day_plans import Asked, DayPlan
from services.dispatch.rules.day_order import Call, Planned, day_order
from services.dispatch.rules.day_plan import Visit, VisitKind
from services.dispatch.rules.round_story import Stop
from services.dispatch.travel.model import MODES
from services.dispatch.travel.straight import travel_seconds
from shared.things import Point


@dataclass(frozen=True)
class PlannedStop:
    """`details` are whom a visit is for."""

    stop: Stop
    planned: Planned
    details: dict[str, Any] | None


async def todays_round(found: DayPlan) -> list[PlannedStop]:
    """Every stop that is due once. What has no room in the day stands behind everything that has, as a walk of its own:
    it is owed all the same."""
    met = [
        (one.visit, Planned(_call(one.visit), one.begin_at, one.leave_at))
        for one in found.plan.planned
        if one.visit.kind is VisitKind.STOP
    ]
    left = [one.visit for one in found.left_out if one.visit.kind is VisitKind.STOP]
    behind = await asyncio.to_thread(_behind, found, left)
    return [
        PlannedStop(stop, planned, about.details)
        for visit, planned in [*met, *behind]
        if (stop := (about := found.asked.about[visit.key]).stop) is not None
    ]


def _behind(found: DayPlan, left: Sequence[Visit]) -> list[tuple[Visit, Planned]]:
    """`left` from where and when the day ends."""
    asked, planned = found.asked, found.plan.planned
    begin = planned[-1].leave_at if planned else asked.day.starts_at
    visits = {visit.key: visit for visit in left}

    def seconds(start: Point, end: Point) -> int:
        return travel_seconds(start, end, MODES[asked.mode])

    walk = day_order([_call(visit) for visit in left], _last_place(asked, found), begin, seconds)
    return [(visits[one.call.key], one) for one in walk]


def _last_place(asked: Asked, found: DayPlan) -> Point | None:
    places = (one.visit.place for one in reversed(found.plan.planned))
    return next((place for place in places if place is not None), asked.start)


def _call(visit: Visit) -> Call:
    return Call(visit.key, visit.place, visit.stay, visit.overdue_days, visit.opens_at)
