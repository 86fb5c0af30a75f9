"""Somebody's day as one walk: what was agreed for a time is kept, the rest stands in a short way between; what cannot
be met is named, with why. Pure: whoever plans brings the ways and the order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from math import hypot, isinf

import numpy as np
from numpy.typing import NDArray

from services.dispatch.rules.day_order import Call, day_order
from services.dispatch.rules.touring import Tour
from shared.things import Point

REST = -1
"""The place of the break in an order."""
VISITS_MAX = 100
"""Of one plan: what is agreed and what is under way, then the nearest."""
STEP = timedelta(minutes=5)
"""An order is asked for as if one set out at the next full five minutes: it holds for whoever asks until then, and
asking again gives the same one."""
STAYS_SCATTER = 0.3
"""How far stays scatter, as a share of what is planned."""
NINE_IN_TEN = 1.2816
"""Standard deviations by which nine arrivals of ten are there."""
FIRM_WEIGHT = 100
"""Of what was agreed with a resident."""
WEIGHTS_TO_ONE = 25
"""What is not agreed weighs 1 to 4: twenty-five stops at least before a promise is broken for them."""
WAITS_AT_MOST = timedelta(hours=1)
PUT_OFF = 0.02
"""What a second weighs, in seconds of way, by which one stands waiting for longer than that before a visit that could
be done at any time."""
MENDED_MAX = 10
"""So many promises left out and wishes met late are tried at every place of a plan, at most."""
TRIED_MAX = 400
"""Walks that are tried for them, of one order: a second of a core where a hundred visits stand in each other's way."""

Floats = NDArray[np.float64]


class VisitKind(StrEnum):
    CASE = "case"
    APPOINTMENT = "appointment"
    STOP = "stop"
    DOORS = "doors"


class WhyNot(StrEnum):
    """WINDOW_OVER: even going at once one is there too late. WINDOW_TAKEN: something else agreed stands in its time.
    SHIFT_ENDS: no time is left for it today. UNREACHABLE: no way leads there. TOO_MANY: it waits behind nearer ones."""

    WINDOW_OVER = "window_over"
    WINDOW_TAKEN = "window_taken"
    SHIFT_ENDS = "shift_ends"
    UNREACHABLE = "unreachable"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Visit:
    """One place to be at. It is begun between `opens_at` and `closes_at`: `firm` if that was agreed with somebody or
    ends by itself, else it is a wish, met late rather than not at all. `under_way` goes first, whatever the time.
    `weight` (0 to 100): the larger, the sooner it is in where not everything fits."""

    key: str
    kind: VisitKind
    place: Point | None
    stay: timedelta
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    firm: bool = False
    under_way: bool = False
    weight: int = 0
    overdue_days: int = 0


@dataclass(frozen=True, slots=True)
class Rest:
    """A break of this length, begun between the two times."""

    earliest: datetime
    latest: datetime
    length: timedelta


@dataclass(frozen=True, slots=True)
class Day:
    """From now, or from the beginning of the shift, to its end."""

    starts_at: datetime
    ends_at: datetime
    rest: Rest | None = None


@dataclass(frozen=True, slots=True)
class Ways:
    """Seconds from where one is (0) and from each visit (its place in the list, plus 1) to each other, and sigma of
    their logarithm. (n + 1, n + 1); infinite where no way leads."""

    median: Floats
    sigma: Floats


@dataclass(frozen=True, slots=True)
class Planned:
    """One is there between `arrive_at` and, nine times in ten, `arrive_until`; what begins only at `begin_at` is waited
    for. `late` is by how much a wish or an emergency is missed."""

    visit: Visit
    arrive_at: datetime
    arrive_until: datetime
    begin_at: datetime
    leave_at: datetime
    late: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """`earliest_at` is when one could begin going there at once."""

    visit: Visit
    why: WhyNot
    earliest_at: datetime | None


@dataclass
class Plan:
    """`way_seconds` is all the way walked; `put_off_seconds` the long waiting for opening times before visits without
    one, added up over these; `rest_at` when the break begins, if it falls into the work."""

    planned: list[Planned] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    rest_at: datetime | None = None
    way_seconds: float = 0.0
    put_off_seconds: float = 0.0

    @property
    def late_seconds(self) -> float:
        return sum(one.late.total_seconds() for one in self.planned)

    @property
    def badness(self) -> tuple[int, int, float]:
        """The weight of promises broken, then what else is left out, then seconds late, on the way, and a little for
        what is put off while one stands waiting."""
        broken = sum(one.visit.weight for one in self.left_out if one.visit.firm)
        others = sum(1 + one.visit.weight for one in self.left_out if not one.visit.firm)
        return broken, others, self.late_seconds + self.way_seconds + PUT_OFF * self.put_off_seconds


# ── what is planned ───────────────────────────────────────────────────────────────────────────────────────────────


def within_reach(visits: Sequence[Visit], seconds: Floats) -> tuple[list[Visit], list[LeftOut]]:
    """The visits of one plan, and those beyond its measure. `seconds` is the way to each from where one is."""
    ranked = sorted(
        range(len(visits)),
        key=lambda at: (not visits[at].under_way, not visits[at].firm, seconds[at], visits[at].key),
    )
    taken = sorted(ranked[:VISITS_MAX])
    rest = [LeftOut(visits[at], WhyNot.TOO_MANY, None) for at in ranked[VISITS_MAX:]]
    return [visits[at] for at in taken], rest


def tour_of(day: Day, visits: Sequence[Visit], ways: Ways) -> Tour:
    """What the solver is asked: everything not under way, from where and when that ends."""
    free, here, begin = _after_what_is_under_way(day, visits, ways)
    free = [at for at in free if not isinf(ways.median[here, at + 1])]
    begin += timedelta(seconds=-begin.timestamp() % STEP.total_seconds())
    ends = _seconds(day.ends_at - begin)
    rows = [here, *(at + 1 for at in free)]
    table = np.nan_to_num(np.rint(ways.median[np.ix_(rows, rows)]), posinf=Tour.NO_WAY)
    rest = day.rest
    return Tour(
        visits=tuple(free),
        ways=np.minimum(table, Tour.NO_WAY).astype(np.uint32).tobytes(),
        stays=tuple(_seconds(visits[at].stay) for at in free),
        windows=tuple(_window(visits[at], begin, ends, wishes=True) for at in free),
        relaxed=tuple(_window(visits[at], begin, ends, wishes=False) for at in free),
        weights=tuple(_weight(visits[at]) for at in free),
        ends=ends,
        rest=(
            (max(0, _seconds(rest.earliest - begin)), _seconds(rest.latest - begin), _seconds(rest.length))
            if rest is not None and rest.latest >= begin
            else None
        ),
    )


def _after_what_is_under_way(
    day: Day, visits: Sequence[Visit], ways: Ways
) -> tuple[list[int], int, datetime]:
    """Which visits are free to be put in order, and where (row of the ways) and when the free part begins."""
    begun = [at for at, visit in enumerate(visits) if visit.under_way]
    free = [at for at, visit in enumerate(visits) if not visit.under_way]
    first = walk(day, visits, ways, begun)
    if not first.planned:
        return free, 0, day.starts_at
    last = first.planned[-1]
    return free, visits.index(last.visit) + 1, last.leave_at


def _weight(visit: Visit) -> int:
    return visit.weight if visit.firm else 1 + min(visit.weight, 99) // WEIGHTS_TO_ONE


def _window(visit: Visit, begin: datetime, ends: int, *, wishes: bool) -> tuple[int, int]:
    opens = max(0, _seconds(visit.opens_at - begin)) if visit.opens_at is not None else 0
    bound = visit.closes_at is not None and (visit.firm or wishes)
    closes = _seconds(visit.closes_at - begin) if bound and visit.closes_at is not None else ends
    return opens, max(opens, min(closes, ends))


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())


# ── the walk ──────────────────────────────────────────────────────────────────────────────────────────────────────


def whole_order(visits: Sequence[Visit], order: Iterable[int]) -> list[int]:
    """What is under way, then the order, then whatever it leaves out: the walk finds room for it, or says why not."""
    begun = [at for at, visit in enumerate(visits) if visit.under_way]
    found = [*begun, *(at for at in order if not visits[at].under_way)]
    return [*found, *(at for at in range(len(visits)) if at not in found)]


def greedy_order(day: Day, visits: Sequence[Visit], ways: Ways) -> list[int]:
    """As a round is walked by hand: timed ones at their time, overdue ones first, else the nearest."""
    free, here, begin = _after_what_is_under_way(day, visits, ways)
    row = {Point(lon=float(at), lat=0.0): at + 1 for at in free}
    start = Point(lon=-1.0, lat=0.0)
    row[start] = here
    places = {at: point for point, at in row.items()}
    calls = [
        Call(
            str(at),
            places[at + 1],
            visits[at].stay,
            visits[at].overdue_days,
            max(opens, begin) if (opens := visits[at].opens_at) is not None else None,
        )
        for at in free
    ]
    seconds: Callable[[Point, Point], int] = lambda a, b: int(min(ways.median[row[a], row[b]], Tour.NO_WAY))  # noqa: E731
    return [int(one.call.key) for one in day_order(calls, start, begin, seconds)]


def walk(day: Day, visits: Sequence[Visit], ways: Ways, order: Iterable[int]) -> Plan:
    """The visits in this order, with their times. One that cannot be met where it stands is left out and the others go
    on without it; REST is the break, which is taken in time if the order has none."""
    plan, going = Plan(), _Going(day.starts_at)
    order = list(order)
    rests = REST in order
    for at in order:
        if at == REST:
            going.rest(day, plan)
            continue
        if not rests and going.must_rest(day, plan, visits[at], ways.median[going.here, at + 1]):
            going.rest(day, plan)
        met = going.met(visits[at], ways.median[going.here, at + 1], ways.sigma[going.here, at + 1])
        if visits[at].under_way or (met is not None and _fits(met, day)):
            assert met is not None
            plan.planned.append(met)
            plan.way_seconds += float(ways.median[going.here, at + 1])
            plan.put_off_seconds += going.waited if visits[at].opens_at is None else 0.0
            going.go(at + 1, met, ways.sigma[going.here, at + 1])
        else:
            plan.left_out.append(_left_out(day, visits[at], ways, at, plan, visits))
    return plan


@dataclass
class _Going:
    """Where one is (a row of the ways), since when, and by how many seconds it may be later."""

    clock: datetime
    here: int = 0
    margin: float = 0.0
    waited: float = 0.0

    def met(self, visit: Visit, way: float, sigma: float) -> Planned | None:
        """`None` where no way leads; somebody under way there is taken to get there."""
        if isinf(way):
            if not visit.under_way:
                return None
            way = 0.0
        arrive = self.clock + timedelta(seconds=float(way))
        until = arrive + timedelta(seconds=hypot(self.margin, NINE_IN_TEN * float(sigma * way)))
        begin = arrive if visit.opens_at is None or visit.under_way else max(arrive, visit.opens_at)
        over = begin - visit.closes_at if visit.closes_at is not None else timedelta(0)
        return Planned(visit, arrive, until, begin, begin + visit.stay, max(over, timedelta(0)))

    def go(self, row: int, met: Planned, sigma: float) -> None:
        waited = max(met.arrive_until, met.begin_at) - met.begin_at
        stay = NINE_IN_TEN * STAYS_SCATTER * met.visit.stay.total_seconds()
        self.here, self.clock = row, met.leave_at
        self.waited += max(0.0, (met.begin_at - met.arrive_at - WAITS_AT_MOST).total_seconds())
        self.margin = hypot(waited.total_seconds(), stay)

    def must_rest(self, day: Day, plan: Plan, visit: Visit, way: float) -> bool:
        """Whether going there first would put the break off for too long."""
        if day.rest is None or plan.rest_at is not None or visit.under_way:
            return False
        met = self.met(visit, way, 0.0)
        return met is not None and met.leave_at > day.rest.latest

    def rest(self, day: Day, plan: Plan) -> None:
        if day.rest is not None and plan.rest_at is None:
            plan.rest_at = max(self.clock, day.rest.earliest)
            self.clock = plan.rest_at + day.rest.length


def _fits(met: Planned, day: Day) -> bool:
    return met.leave_at <= day.ends_at and not (met.visit.firm and met.late)


def _left_out(day: Day, visit: Visit, ways: Ways, at: int, plan: Plan, visits: Sequence[Visit]) -> LeftOut:
    """Why it is not met: by what would be if one went there at once, after what is under way."""
    begun = [one for one in plan.planned if one.visit.under_way]
    here = visits.index(begun[-1].visit) + 1 if begun else 0
    at_once = _Going(begun[-1].leave_at if begun else day.starts_at)
    met = at_once.met(visit, ways.median[here, at + 1], 0.0)
    if met is None:
        return LeftOut(visit, WhyNot.UNREACHABLE, None)
    if visit.firm and met.late:
        return LeftOut(visit, WhyNot.WINDOW_OVER, met.begin_at)
    if met.leave_at > day.ends_at or not visit.firm:
        return LeftOut(visit, WhyNot.SHIFT_ENDS, met.begin_at)
    return LeftOut(visit, WhyNot.WINDOW_TAKEN, met.begin_at)


def best(day: Day, visits: Sequence[Visit], ways: Ways, orders: Iterable[Iterable[int]]) -> Plan:
    """The best walk of these orders, each mended; of equally good ones the first."""
    plans = [_mended(day, visits, ways, whole_order(visits, order)) for order in orders]
    return min(plans, key=lambda plan: plan.badness)


def _mended(day: Day, visits: Sequence[Visit], ways: Ways, order: list[int]) -> Plan:
    """A promise that finds no room behind the others may find it before them, and a wish a better place: at whose cost,
    the measure says."""
    plan, order = _with_a_break(day, visits, ways, order)
    broken = [one.visit for one in plan.left_out if one.visit.firm and one.why is WhyNot.WINDOW_TAKEN]
    late = sorted(
        (one for one in plan.planned if one.late and not one.visit.under_way), key=lambda one: -one.late
    )
    tried_max = TRIED_MAX
    for visit in [*broken, *(one.visit for one in late)][:MENDED_MAX]:
        at = visits.index(visit)
        others = [one for one in order if one != at]
        begun = sum(one != REST and visits[one].under_way for one in others)
        tried_max -= len(others) + 1 - begun
        if tried_max < 0:
            break
        for place in range(begun, len(others) + 1):
            tried = [*others[:place], at, *others[place:]]
            if (found := walk(day, visits, ways, tried)).badness < plan.badness:
                plan, order = found, tried
    return plan


def _with_a_break(day: Day, visits: Sequence[Visit], ways: Ways, order: list[int]) -> tuple[Plan, list[int]]:
    """The break where it costs least, of the places that its time allows."""
    plan = walk(day, visits, ways, order)
    if day.rest is None or plan.rest_at is None:
        return plan, order
    best_plan, best_order = plan, order
    begun = sum(visits[at].under_way for at in order)
    done = {one.visit.key: one for one in plan.planned}
    for place in range(begun, len(order) + 1):
        before = done.get(visits[order[place - 1]].key) if place else None
        after = done.get(visits[order[place]].key) if place < len(order) else None
        if (before is not None and before.leave_at > day.rest.latest) or (
            after is not None and after.leave_at < day.rest.earliest
        ):
            continue
        tried = [*order[:place], REST, *order[place:]]
        if (found := walk(day, visits, ways, tried)).badness < best_plan.badness:
            best_plan, best_order = found, tried
    return best_plan, best_order
