"""What is read of the rounds: today's list of somebody in the order of the walk, and what is seen of whole grids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.dispatch.handlers.local_days import today_in, zone_of
from services.dispatch.handlers.rounds import place_in
from services.dispatch.queries import rounds as rows
from services.dispatch.rules.day_order import Call
from services.dispatch.rules.round_story import Stop
from services.dispatch.rules.rounds import WALKING, Holder, overdue_days, owed, walkers
from shared.database import Transaction
from shared.directory import Directory
from shared.fieldwork import NotDoneReason, StopKind
from shared.problems import Problem
from shared.sealing import Sealer
from shared.things import Point

ONE_LIST_STOPS_MAX = 500
REPORT_STOPS_MAX = 5000
BEFORE_ALL = date(1, 1, 1), UUID(int=0)


@dataclass(frozen=True)
class DueToday:
    """`centre` is that of the first grid where somebody walks; `left_out`: more are due than one list holds."""

    day: date
    centre: Point | None
    stops: list[tuple[Stop, Call, dict[str, Any] | None]]
    left_out: bool


async def due_today(tx: Transaction, person_id: str, now: datetime, sealer: Sealer) -> DueToday:
    """In no order: the stops due in the grids where somebody has a post and that are theirs to walk now."""
    directory = tx.directory
    grids = grids_of(directory, person_id)
    if not grids:
        return DueToday(today_in(directory, "", now), None, [], False)
    day = today_in(directory, grids[0], now)
    holders = {grid: holders_of(directory, grid, now) for grid in grids}
    whose = [
        (grid, own)
        for grid, own in await rows.due_for(tx, grids, day)
        if person_id in walkers(holders[grid], own)
    ]
    found = await rows.todays(tx, whose, day, ONE_LIST_STOPS_MAX + 1)
    mine = found[:ONE_LIST_STOPS_MAX]
    visits = [stop.id for stop in mine if stop.kind is StopKind.VISIT]
    details = await rows.details_of(tx, visits, sealer) if visits else {}
    stops = [(stop, _call(stop, details.get(stop.id), day, directory), details.get(stop.id)) for stop in mine]
    return DueToday(day, directory.units[grids[0]].centre, stops, len(found) > ONE_LIST_STOPS_MAX)


def grids_of(directory: Directory, person_id: str) -> list[str]:
    """Where somebody walks."""
    person = directory.people.get(person_id)
    posts = person.posts if person is not None and person.retired_at is None else ()
    return list(dict.fromkeys(post.unit_id for post in posts if post.post in WALKING))


def holders_of(directory: Directory, grid_id: str, now: datetime) -> list[Holder]:
    return [
        Holder(person.id, post, directory.is_on_duty(person.id, now))
        for post in WALKING
        for person in directory.holders(grid_id, post)
    ]


def _call(stop: Stop, details: dict[str, Any] | None, day: date, directory: Directory) -> Call:
    wanted = stop.plan.preferred_at
    zone = zone_of(directory, stop.grid_id)
    return Call(
        key=str(stop.id),
        place=stop.plan.place or place_in(details),
        stay=timedelta(minutes=stop.plan.stay_minutes),
        overdue_days=overdue_days(stop, day),
        at=datetime.combine(day, wanted, zone).astimezone(UTC) if wanted is not None else None,
    )


# ── what a supervisor sees ────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class GridReport:
    """Of one grid in a period: `done` of `due` days, and why the others are not. `overdue` stops are owed now, the
    longest for `longest_days`."""

    grid_id: str
    due: int = 0
    done: int = 0
    overdue: int = 0
    longest_days: int = 0
    reasons: Counter[NotDoneReason] = field(default_factory=Counter)


async def report(
    tx: Transaction, grids: Sequence[str], begin: date, until: date, today: date
) -> list[GridReport]:
    """One line per grid that has stops, in the order of the grids; no line is about a person."""
    found = {grid: GridReport(grid) for grid in grids}
    for row in await rows.settled(tx, grids, begin, until):
        line = found[row["grid_id"]]
        line.due += row["n"]
        if row["done"]:
            line.done += row["n"]
        else:
            line.reasons[NotDoneReason(row["reason"])] += row["n"]
    open_stops = await rows.page(tx, grids, max(until, today), BEFORE_ALL, REPORT_STOPS_MAX + 1)
    if len(open_stops) > REPORT_STOPS_MAX:
        raise Problem(
            422,
            "too-many-stops",
            "站点太多 / Too many stops for one report",
            detail="请选下一级单位分别查看 / Ask for the units below it one by one",
            stops_max=REPORT_STOPS_MAX,
        )
    for stop in open_stops:
        _add_open(found[stop.grid_id], stop, begin, min(until, today), today)
    return [line for line in found.values() if line.due or line.overdue]


def _add_open(line: GridReport, stop: Stop, begin: date, until: date, today: date) -> None:
    days = [day for day in owed(stop, until) if day >= begin]
    line.due += len(days)
    if days:
        line.reasons[stop.reason or NotDoneReason.NOT_REACHED] += len(days)
    late = overdue_days(stop, today)
    line.overdue += late > 0
    line.longest_days = max(line.longest_days, late)


def grids_below(directory: Directory, unit_ids: Iterable[str]) -> list[str]:
    """The lowest units of these: wherever somebody has a round."""
    wanted = set(unit_ids)
    return [
        unit_id
        for unit_id in sorted(directory.units)
        if wanted & {unit.id for unit in directory.path(unit_id)}
    ]
