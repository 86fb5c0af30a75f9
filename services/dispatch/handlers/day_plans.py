"""The day of one person, planned when it is asked for: what they hold, what is agreed, the stops of their round and the
doors of mass tasks, from where they are to the end of their shift."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from services.dispatch.handlers.day_solver import DaySolver, Fallback
from services.dispatch.handlers.local_days import midnight, zone_of
from services.dispatch.handlers.round_lists import due_today, grids_of
from services.dispatch.handlers.ways import Ways
from services.dispatch.queries.day_plans import Doors, doors_of
from services.dispatch.queries.reads import on_hand
from services.dispatch.queries.search import last_place
from services.dispatch.rules import day_plan
from services.dispatch.rules.day_order import UNKNOWN_WAY, Call
from services.dispatch.rules.day_plan import Day, LeftOut, Plan, Rest, Visit, VisitKind
from services.dispatch.rules.facts import HELD, CaseState, Offer, OfferState, State
from services.dispatch.rules.musts import arrive_by
from services.dispatch.rules.round_story import Stop
from services.dispatch.settings import Settings
from services.dispatch.travel.model import MODES, Floats, Places
from services.dispatch.travel.straight import travel_seconds
from shared.database import Database, Transaction
from shared.directory import Directory
from shared.sealing import Sealer
from shared.things import Person, Point, Shift
from shared.vocabulary import ShiftKind, Urgency

DAY_AT_MOST = timedelta(hours=16)
"""Longer shifts are planned as they go on."""
BREAK_FROM_HOURS_ON = timedelta(hours=6)
"""Shorter shifts have no break of their own."""
EMERGENCY_STAYS, CASE_STAYS = timedelta(minutes=22), timedelta(minutes=30)
STILL_STAYS = timedelta(minutes=5)
"""Who has been there for longer than planned stays so long at least."""
WANTED_WITHIN = timedelta(minutes=30)
"""A stop of the round with a time of its own is met so long after it at the latest, if it can be."""
DOORS_AT_ONCE = 20
"""Doors of a mass task are done by the score, so that other things find their place between."""
DOORS_WEIGHT, STOP_WEIGHT, CASE_WEIGHT = 20, 25, 50
PER_DAY, OLD_AT_MOST = 5, 49


@dataclass(frozen=True, slots=True)
class About:
    """What a visit is about: one of these."""

    state: State | None = None
    offer: Offer | None = None
    stop: Stop | None = None
    details: dict[str, Any] | None = None
    doors: Doors | None = None


@dataclass(frozen=True)
class Asked:
    """Everything a day is planned from. `more_stops`: more are due than a round's list holds."""

    person_id: str
    now: datetime
    today: date
    on_duty: bool
    day: Day
    start: Point | None
    mode: int
    hour: int
    visits: list[Visit]
    about: dict[str, About]
    more_stops: bool


@dataclass(frozen=True)
class DayPlan:
    asked: Asked
    plan: Plan
    fallback: Fallback | None = None
    left_out: list[LeftOut] = field(default_factory=list)


class DayPlans:
    """Who plans: with these settings, by what this process knows of ways."""

    def __init__(self, settings: Settings, ways: Ways) -> None:
        self.settings, self.ways = settings, ways
        self.solver = DaySolver(settings.day_plan_seconds_max)

    async def of(
        self, database: Database, person_id: str, sealer: Sealer, position: Point | None, *, own: bool
    ) -> DayPlan:
        """The reading ends before the planning begins: a connection held meanwhile would be missing to the search.
        For anybody but oneself the way begins at the base: nobody learns where somebody is."""
        async with database.transaction() as tx:
            tx.read_only = True
            asked = await _asked(tx, person_id, sealer, self.settings, position, own=own)
        return await self.planned(asked)

    async def planned(self, asked: Asked) -> DayPlan:
        near, far = day_plan.within_reach(asked.visits, _straight(asked))
        ways = await self._ways(asked, near)
        tour = day_plan.tour_of(asked.day, near, ways)
        greedy = day_plan.greedy_order(asked.day, near, ways)
        found = await self.solver.order(tour) if len(tour.visits) > 1 else tour.visits
        fallback = found if isinstance(found, Fallback) else None
        orders = [greedy] if isinstance(found, Fallback) else [found, greedy]
        plan = await asyncio.to_thread(day_plan.best, asked.day, near, ways, orders)
        return DayPlan(asked, plan, fallback, [*plan.left_out, *far])

    async def _ways(self, asked: Asked, visits: Sequence[Visit]) -> day_plan.Ways:
        """From each place, the start being the first, to all of them. From or to a place nobody knows it takes what a
        walk inside a grid takes."""
        points = [asked.start, *(visit.place for visit in visits)]
        known = np.array([point is not None for point in points])
        somewhere = next((point for point in points if point is not None), Point(lon=0.0, lat=0.0))
        places = Places(
            np.array([(point or somewhere).lon for point in points]),
            np.array([(point or somewhere).lat for point in points]),
        )
        modes, shape = np.full(len(points), asked.mode, dtype=np.int8), (len(points), len(points))
        who, to = (one.ravel() for one in np.indices(shape))
        travel = await self.ways.travel_for(places, modes, places, asked.hour, urgent=False)
        trips = await asyncio.to_thread(travel.trips, places, modes, places, who, to, asked.hour)
        median = np.where(known[who] & known[to], trips.median, UNKNOWN_WAY.total_seconds())
        median = np.where(who == to, 0.0, median)
        return day_plan.Ways(median.reshape(shape), trips.sigma.reshape(shape))


def _straight(asked: Asked) -> Floats:
    """Seconds to each visit as the crow flies: it only chooses which of too many are planned."""

    def seconds(visit: Visit) -> float:
        if asked.start is None or visit.place is None:
            return UNKNOWN_WAY.total_seconds()
        return travel_seconds(asked.start, visit.place, MODES[asked.mode])

    return np.array([seconds(visit) for visit in asked.visits], dtype=np.float64)


# ── what it is planned from ───────────────────────────────────────────────────────────────────────────────────────


async def _asked(
    tx: Transaction,
    person_id: str,
    sealer: Sealer,
    settings: Settings,
    position: Point | None,
    *,
    own: bool,
) -> Asked:
    now, directory = await tx.now(), tx.directory
    person = directory.people.get(person_id)
    due = await due_today(tx, person_id, now, sealer)
    day = day_of(directory, person_id, now, settings)
    visits, about = list[Visit](), dict[str, About]()
    found = [
        *_of_cases(await on_hand(tx, person_id), person_id, directory, now, day),
        *((_of_stop(call), About(stop=stop, details=details)) for stop, call, details in due.stops),
        *_of_doors(await doors_of(tx, person_id), directory, day, settings.door_minutes),
    ]
    for visit, what in found:
        visits.append(visit)
        about[visit.key] = what
    if own and position is None and (seen := await last_place(tx, person_id, now, sealer)) is not None:
        position = seen.point
    base = person.base if person is not None else None
    zone = zone_of(directory, _first_unit(directory, person_id))
    return Asked(
        person_id=person_id,
        now=now,
        today=due.day,
        on_duty=directory.is_on_duty(person_id, now),
        day=day,
        start=position or base or due.centre,
        mode=MODES.index(person.mode) if person is not None else 0,
        hour=day.starts_at.astimezone(zone).hour,
        visits=visits,
        about=about,
        more_stops=due.left_out,
    )


def _of_cases(
    states: Sequence[State], person_id: str, directory: Directory, now: datetime, day: Day
) -> Iterator[tuple[Visit, About]]:
    """The parts somebody goes for. A parked case waits for its review, a handled one for nobody; what is agreed for
    another day is of that day."""
    for state in sorted(states, key=lambda one: (not one.case.urgent, one.case.registered_at, one.case.id)):
        case = state.case
        if case.state is not CaseState.OPEN or (case.review_at is not None and case.review_at > now):
            continue
        for offer in state.offers:
            goes = state.part(offer.part_id).goes
            if offer.person_id == person_id and offer.state in HELD and goes:
                visit = _of_case(state, offer, directory, now)
                if visit.under_way or visit.opens_at is None or visit.opens_at < day.ends_at:
                    yield visit, About(state=state, offer=offer)


def _of_case(state: State, offer: Offer, directory: Directory, now: datetime) -> Visit:
    case = state.case
    lon, lat = case.place.lon, case.place.lat
    place = Point(lon=lon, lat=lat) if lon is not None and lat is not None else None
    unit = directory.units.get(case.lowest_unit_id)
    stay = EMERGENCY_STAYS if case.urgent else CASE_STAYS
    if offer.arrived_at is not None:
        stay = max(STILL_STAYS, offer.arrived_at + stay - now)
    there = offer.state is OfferState.ARRIVED
    window = case.appointment if not case.urgent and not there else None
    owed = arrive_by(case) if case.urgent and not there else None
    days = max(0, (now - case.registered_at).days)
    return Visit(
        key=f"case:{offer.part_id}",
        kind=VisitKind.APPOINTMENT if case.urgency is Urgency.APPOINTMENT else VisitKind.CASE,
        place=place or (unit.centre if unit is not None else None),
        stay=stay,
        opens_at=window.starts_at if window is not None else None,
        closes_at=window.ends_at if window is not None else owed,
        firm=window is not None,
        under_way=case.urgent or there,
        weight=day_plan.FIRM_WEIGHT if window is not None else CASE_WEIGHT + min(PER_DAY * days, OLD_AT_MOST),
    )


def _of_stop(call: Call) -> Visit:
    return Visit(
        key=f"stop:{call.key}",
        kind=VisitKind.STOP,
        place=call.place,
        stay=call.stay,
        opens_at=call.at,
        closes_at=call.at + WANTED_WITHIN if call.at is not None else None,
        weight=STOP_WEIGHT + min(PER_DAY * call.overdue_days, OLD_AT_MOST),
        overdue_days=call.overdue_days,
    )


def _of_doors(
    lists: Sequence[Doors], directory: Directory, day: Day, door_minutes: int
) -> Iterator[tuple[Visit, About]]:
    """A list by the score. Addresses are sealed and have no coordinates: it stands at the middle of its grid."""
    for of_grid in lists:
        unit = directory.units.get(of_grid.grid_id)
        for nth, first in enumerate(range(0, of_grid.doors, DOORS_AT_ONCE)):
            doors = min(DOORS_AT_ONCE, of_grid.doors - first)
            stay = timedelta(minutes=door_minutes * doors)
            ends_today = of_grid.due_at < day.ends_at
            visit = Visit(
                key=f"doors:{of_grid.task_id}:{of_grid.grid_id}:{nth}",
                kind=VisitKind.DOORS,
                place=unit.centre if unit is not None else None,
                stay=stay,
                closes_at=of_grid.due_at - stay if ends_today else None,
                firm=ends_today,
                weight=DOORS_WEIGHT,
            )
            yield (
                visit,
                About(doors=Doors(of_grid.task_id, of_grid.title, of_grid.due_at, of_grid.grid_id, doors)),
            )


# ── when ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def day_of(directory: Directory, person_id: str, now: datetime, settings: Settings) -> Day:
    """The rest of the shift, with those that follow on it; before it the next one of today; else today."""
    unit_id = _first_unit(directory, person_id)
    today = now.astimezone(zone_of(directory, unit_id)).date()
    tomorrow = midnight(directory, unit_id, today + timedelta(days=1))
    begin, end = _shift(directory.shifts_of(person_id), now, tomorrow) or (None, tomorrow)
    starts_at = max(now, begin) if begin is not None else now
    ends_at = min(end, starts_at + DAY_AT_MOST)
    rest = None
    if begin is not None and end - begin >= BREAK_FROM_HOURS_ON and settings.break_minutes:
        rest = _rest(directory, unit_id, starts_at, ends_at, settings)
    return Day(starts_at, ends_at, rest)


def _shift(shifts: Sequence[Shift], now: datetime, tomorrow: datetime) -> tuple[datetime, datetime] | None:
    working = sorted(
        (shift.starts_at, shift.ends_at)
        for shift in shifts
        if shift.kind is ShiftKind.ON_DUTY and shift.retired_at is None and shift.ends_at > now
    )
    if not working or (working[0][0] > now and working[0][0] >= tomorrow):
        return None
    begin, end = working[0]
    for following, until in working[1:]:
        if following <= end:
            end = max(end, until)
    return begin, end


def _rest(
    directory: Directory, unit_id: str, starts_at: datetime, ends_at: datetime, settings: Settings
) -> Rest | None:
    """The break of this or, for whoever works over midnight, of the next day, if it is still to come."""
    zone, length = zone_of(directory, unit_id), timedelta(minutes=settings.break_minutes)
    first = starts_at.astimezone(zone).date()

    def at(days: int, wall: time) -> datetime:
        return datetime.combine(first + timedelta(days=days), wall, zone).astimezone(UTC)

    for days in (0, 1):
        earliest, latest = at(days, settings.break_from), at(days, settings.break_until)
        if latest >= starts_at and max(earliest, starts_at) + length <= ends_at:
            return Rest(max(earliest, starts_at), latest, length)
    return None


def _first_unit(directory: Directory, person_id: str) -> str:
    person = directory.people.get(person_id)
    grids = grids_of(directory, person_id)
    return grids[0] if grids else next(iter(_units(person)), "")


def _units(person: Person | None) -> list[str]:
    if person is None:
        return []
    return [post.unit_id for post in person.posts] or [grant.unit_id for grant in person.grants]
