"""The rules of the round: which days are due, who walks, in what order, and what an entry changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.rules import round_story, rounds
from services.dispatch.rules.day_order import UNKNOWN_WAY, Call, day_order
from services.dispatch.rules.passing import Words
from services.dispatch.rules.periods import Period, due_between, next_due
from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.round_story import (
    Due,
    Stop,
    StopChanged,
    StopCorrected,
    StopDone,
    StopNotDone,
    StopPlan,
)
from services.dispatch.rules.rounds import Holder, Proof, Standing, overdue_days, owed, walkers
from services.dispatch.travel.straight import travel_seconds
from shared.fieldwork import NotDoneReason, PeriodUnit, StopKind
from shared.going import ArrivalMethod, TravelMode
from shared.ids import uuid7
from shared.things import Point
from shared.vocabulary import Post
from tests.dispatch.world import LEADER, A, B, doer

DAYS, WEEK, MONTH = PeriodUnit.DAYS, PeriodUnit.WEEK, PeriodUnit.MONTH
MONDAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
WORDS = Words(uuid7(), "0" * 64)
PROOF = Proof(ArrivalMethod.QR_CODE, 12)
W = "p-grid-a1-w"


# ── periods ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("unit", "amount", "since", "first_days"),
    [
        (DAYS, 1, MONDAY, [2, 3, 4, 5]),
        (DAYS, 3, MONDAY, [2, 5, 8, 11]),
        (WEEK, 1, MONDAY, [2, 9, 16]),
        (WEEK, 2, MONDAY, [2, 5, 9, 12]),
        (WEEK, 7, MONDAY, [2, 3, 4, 5, 6, 7, 8]),
        (MONTH, 2, MONDAY, [2, 17]),
        (MONTH, 4, date(2026, 3, 1), [1, 8, 16, 24]),
    ],
)
def test_the_days_by_period(unit: PeriodUnit, amount: int, since: date, first_days: list[int]) -> None:
    found = due_between(Period(unit, amount), since, since, since + timedelta(days=31))
    assert [day.day for day in found[: len(first_days)]] == first_days


@pytest.mark.parametrize(
    ("after", "then"),
    [
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2026, 2, 28), date(2026, 3, 31)),
        (date(2028, 2, 1), date(2028, 2, 29)),
        (date(2025, 1, 1), date(2026, 1, 31)),
    ],
)
def test_a_month_without_a_31st_ends_on_its_last_day(after: date, then: date) -> None:
    assert next_due(Period(MONTH, 1), date(2026, 1, 31), after) == then


PERIODS = st.one_of(
    st.builds(Period, st.just(DAYS), st.integers(1, 365)),
    st.builds(Period, st.just(WEEK), st.integers(1, 7)),
    st.builds(Period, st.just(MONTH), st.integers(1, 28)),
)
SOME_DAY = st.dates(date(2024, 1, 1), date(2028, 12, 31))


@given(PERIODS, SOME_DAY, SOME_DAY)
def test_next_and_between_tell_the_same_days(period: Period, since: date, after: date) -> None:
    """Whatever the period: the days are each later than the one before, none is left out, and a month or week has
    as many as it should."""
    found = due_between(period, since, after + timedelta(days=1), max(since, after) + timedelta(days=800))
    assert all(one < other for one, other in pairwise(found))
    assert found[0] == next_due(period, since, after) >= since
    for one, other in pairwise(found[:20]):
        assert next_due(period, since, one) == other
    if period.unit is WEEK and after >= since:
        assert len([day for day in found if day <= after + timedelta(days=700)]) == 100 * period.amount


@pytest.mark.parametrize(
    ("unit", "amount", "possible"),
    [
        (DAYS, 365, True),
        (DAYS, 366, False),
        (WEEK, 7, True),
        (WEEK, 8, False),
        (MONTH, 28, True),
        (MONTH, 29, False),
    ],
)
def test_how_often_is_possible(unit: PeriodUnit, amount: int, possible: bool) -> None:
    assert Period(unit, amount).possible is possible


# ── who walks ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("on_duty", "own", "walk"),
    [
        ({W, A, B, LEADER}, None, {W, A}),
        ({A, B}, None, {A}),
        ({B, LEADER}, None, {B}),
        ({LEADER}, None, {LEADER}),
        (set(), None, {W, A}),
        ({W, A, B}, W, {W}),
        ({A, B, LEADER}, W, {A, B}),
        ({B, LEADER}, W, {B}),
        ({LEADER}, W, {LEADER}),
        (set(), W, {W}),
    ],
    ids=lambda given: " ".join(sorted(given)) if isinstance(given, set) else str(given),
)
def test_who_walks(on_duty: set[str], own: str | None, walk: set[str]) -> None:
    posts = {W: Post.WORKER, A: Post.A, B: Post.B, LEADER: Post.LEADER}
    holders = [Holder(person, post, person in on_duty) for person, post in posts.items()]
    assert walkers(holders, own) == walk


# ── entries ───────────────────────────────────────────────────────────────────────────────────────────────────────


def a_stop(amount: int = 1, unit: PeriodUnit = DAYS, since: date = MONDAY) -> Stop:
    plan = StopPlan(period=unit, amount=amount, since=since, stay_minutes=5, label="东门配电箱")
    return Stop(uuid7(), StopKind.PATROL_POINT, "grid-a1", plan, None, since, since, NOON)


def after(stop: Stop, days: int, *, done: bool = True, by: str = A) -> tuple[Stop, StopDone | StopNotDone]:
    """The stop after somebody entered something `days` after Monday, and the event."""
    today, now = MONDAY + timedelta(days=days), NOON + timedelta(days=days)
    event: StopDone | StopNotDone | Refused | None
    if done:
        event = rounds.do(stop, uuid7(), doer(by), now, today, PROOF, None)
    else:
        event = rounds.leave_undone(stop, uuid7(), doer(by), now, today, NotDoneReason.NOT_HOME, None)
    assert isinstance(event, StopDone | StopNotDone)
    applied = round_story.apply(stop, event)
    assert applied is not None
    return applied, event


def corrected(stop: Stop, event: StopDone | StopNotDone, now: datetime, without: Standing) -> StopCorrected:
    entry = round_story.entry_of(event)
    assert entry is not None
    decision = rounds.correct(stop, entry, without, doer(entry.person_id), now, WORDS, within_hours=24)
    assert isinstance(decision, StopCorrected)
    return decision


def planned_anew(stop: Stop, plan: StopPlan, today: date, settled_to: date | None = None) -> StopChanged:
    return rounds.change(stop, plan, None, doer(LEADER), NOON, today, WORDS, settled_to=settled_to)


def test_done_on_its_day_is_due_again_by_its_period() -> None:
    stop, _ = after(a_stop(3), 0)
    assert (stop.due_on, stop.not_before) == (MONDAY + timedelta(days=3),) * 2
    assert stop.done_on == MONDAY


def test_done_late_counts_once_and_moves_nothing() -> None:
    """Every day since Monday, done on Thursday: three days stay missed, Friday is due as if nothing had been."""
    stop = a_stop()
    assert overdue_days(stop, MONDAY + timedelta(days=3)) == 3
    stop, event = after(stop, 3)
    assert isinstance(event, StopDone)
    assert (event.counts_for, len(event.missed)) == (MONDAY + timedelta(days=3), 3)
    assert stop.due_on == MONDAY + timedelta(days=4)
    settled = round_story.settled_by(a_stop(), event)
    assert [(due.done, due.reason) for due in settled] == [(False, NotDoneReason.NOT_REACHED)] * 3 + [
        (True, None)
    ]


def test_done_ahead_counts_for_the_next_day_owed() -> None:
    stop, event = after(a_stop(since=MONDAY + timedelta(days=4)), 1)
    assert isinstance(event, StopDone)
    assert event.counts_for == MONDAY + timedelta(days=4)
    assert stop.due_on == MONDAY + timedelta(days=5)


def test_done_on_days_running_it_counts_for_one_day_ahead_and_no_more() -> None:
    """A weekly stop done on Monday, Tuesday and Wednesday is owed again in two weeks, not in three."""
    stop, counted = a_stop(1, WEEK), []
    for day in (0, 1, 2, 7, 8):
        before = stop
        stop, event = after(stop, day)
        assert isinstance(event, StopDone)
        counted.append((event.counts_for - MONDAY).days if event.counts_for else None)
        assert {due.due_on for due in round_story.settled_by(before, event)} == {event.counts_for} - {None}
    assert counted == [0, 7, None, None, 14]
    assert stop.due_on == MONDAY + timedelta(days=21)


@given(PERIODS, st.lists(st.integers(1, 40), max_size=20))
def test_whenever_it_is_done_it_is_owed_again_after_the_next_day_that_is_due(
    period: Period, pauses: list[int]
) -> None:
    stop, day = a_stop(period.amount, period.unit), 0
    for pause in pauses:
        day += pause
        stop, _ = after(stop, day)
        upcoming = next_due(period, MONDAY, MONDAY + timedelta(days=day - 1))
        assert stop.due_on <= next_due(period, MONDAY, upcoming)


def test_nobody_home_is_tried_again_tomorrow_and_stays_owed_since_when_it_was() -> None:
    stop, _ = after(a_stop(7), 0, done=False)
    assert (stop.due_on, stop.not_before) == (MONDAY, MONDAY + timedelta(days=1))
    assert overdue_days(stop, MONDAY + timedelta(days=1)) == 1
    assert stop.reason is NotDoneReason.NOT_HOME
    passed = round_story.settled_by(stop, after(stop, 7)[1])
    assert passed[0].reason is NotDoneReason.NOT_HOME


def test_twice_on_one_day_is_once_and_somebody_else_is_told_by_whom() -> None:
    stop, _ = after(a_stop(), 0)
    assert rounds.do(stop, uuid7(), doer(A), NOON, MONDAY, PROOF, None) is None
    refused = rounds.do(stop, uuid7(), doer(B), NOON, MONDAY, PROOF, None)
    assert isinstance(refused, Refused)
    assert refused.extra == {"done_by": A}
    also = rounds.leave_undone(stop, uuid7(), doer(B), NOON, MONDAY, NotDoneReason.ILL, None)
    assert isinstance(also, Refused)


@pytest.mark.parametrize("done", [True, False])
def test_a_wrong_entry_is_as_if_it_had_not_been(done: bool) -> None:
    """The visit before it stays the last one, and so does why it was not done since."""
    visited, _ = after(a_stop(), 0)
    before, _ = after(visited, 2, done=False)
    stop, event = after(before, 4, done=done)
    without = Standing(MONDAY, A, NotDoneReason.NOT_HOME)
    back = corrected(stop, event, NOON + timedelta(days=4), without)
    assert back.undone
    assert set(back.reopened) == {due.due_on for due in round_story.settled_by(before, event)}
    assert round_story.settled_by(stop, back) == []
    assert round_story.apply(stop, back) == replace(before, not_before=before.due_on, entry_id=None)


def test_a_correction_has_its_author_and_its_hours() -> None:
    stop, event = after(a_stop(), 0)
    entry = round_story.entry_of(event)
    assert entry is not None
    soon, late = NOON + timedelta(hours=23), NOON + timedelta(hours=25)
    for who, when in ((B, soon), (A, late)):
        refused = rounds.correct(stop, entry, Standing(), doer(who), when, WORDS, within_hours=24)
        assert isinstance(refused, Refused)
    undone = replace(entry, undone_at=soon)
    assert rounds.correct(stop, undone, Standing(), doer(A), soon, WORDS, within_hours=24) is None


def test_what_was_taken_back_does_not_count_as_done_whatever_came_after() -> None:
    """A later entry, or another plan, goes on from it: the day is over, and was not done."""
    once, event = after(a_stop(), 0)
    later, _ = after(once, 1)
    other_plan = once.plan.model_copy(update={"period": MONTH})
    changed = round_story.apply(once, planned_anew(once, other_plan, MONDAY, MONDAY))
    assert changed is not None
    for stop, without in ((later, Standing(later.done_on, A)), (changed, Standing())):
        back = corrected(stop, event, NOON + timedelta(hours=1), without)
        assert (back.undone, back.reopened) == (False, (MONDAY,))
        assert round_story.settled_by(stop, back) == [Due(MONDAY, False, NotDoneReason.TAKEN_BACK)]
        kept = replace(stop, done_on=without.done_on, done_by=without.done_by)
        assert round_story.apply(stop, back) == kept


def test_a_changed_plan_does_not_hide_what_is_overdue() -> None:
    stop, today = a_stop(), MONDAY + timedelta(days=5)
    plan = stop.plan.model_copy(update={"period": MONTH, "since": today})
    event = planned_anew(stop, plan, today)
    changed = round_story.apply(stop, event)
    assert changed is not None
    assert overdue_days(changed, today) == 5
    assert [due.due_on.day for due in round_story.settled_by(stop, event)] == [3, 4, 5, 6]
    assert owed(changed, today) == [MONDAY, today]
    ended = round_story.apply(stop, rounds.end(stop, doer(LEADER), NOON, today, WORDS))
    assert ended is not None
    assert owed(ended, today) == []


def test_what_was_done_ahead_is_not_owed_again_by_another_plan() -> None:
    thursday = MONDAY + timedelta(days=3)
    stop, _ = after(a_stop(1, WEEK, since=thursday), 0)
    daily = stop.plan.model_copy(update={"period": DAYS, "since": MONDAY + timedelta(days=1)})
    changed = round_story.apply(stop, planned_anew(stop, daily, MONDAY + timedelta(days=1), thursday))
    assert changed is not None
    assert owed(changed, MONDAY + timedelta(days=5)) == [thursday + timedelta(days=n) for n in (1, 2)]


OFTEN = st.one_of(
    st.builds(Period, st.just(DAYS), st.integers(1, 4)),
    st.builds(Period, st.just(WEEK), st.integers(1, 7)),
    st.builds(Period, st.just(MONTH), st.integers(8, 28)),
)
ACTS = st.lists(
    st.tuples(
        st.integers(0, 4), st.sampled_from(["done", "not_done", "change", "correct"]), st.integers(0, 2)
    ),
    max_size=12,
)


class Books:
    """A stop with its entries and settled days, as the tables have them: a day that is settled twice is refused."""

    def __init__(self, period: Period) -> None:
        self.stop = a_stop(period.amount, period.unit)
        self.entries: list[StopDone | StopNotDone] = []
        self.settled: dict[date, bool] = {}

    def write(self, event: StopDone | StopNotDone | StopChanged | StopCorrected) -> None:
        before, stop = self.stop, round_story.apply(self.stop, event)
        assert stop is not None
        for day in event.reopened if isinstance(event, StopCorrected) else ():
            del self.settled[day]
        for due in round_story.settled_by(before, event):
            assert due.due_on not in self.settled
            self.settled[due.due_on] = due.done
        self.stop = stop

    def enter(self, day: int, *, done: bool) -> None:
        if self.stop.done_on != MONDAY + timedelta(days=day):
            _, event = after(self.stop, day, done=done)
            self.write(event)
            self.entries.append(event)

    def plan_anew(self, today: date, period: Period) -> None:
        given = {"period": period.unit, "amount": period.amount, "since": today}
        plan = self.stop.plan.model_copy(update=given)
        self.write(planned_anew(self.stop, plan, today, max(self.settled, default=None)))

    def take_back(self, which: int) -> None:
        """Any entry, the latest first; the others stand."""
        if which < len(self.entries):
            event = self.entries.pop(-1 - which)
            visit = next((one for one in reversed(self.entries) if isinstance(one, StopDone)), None)
            last = self.entries[-1] if self.entries else None
            without = Standing(
                visit.day if visit else None,
                visit.person_id if visit else None,
                last.reason if isinstance(last, StopNotDone) else None,
            )
            self.write(corrected(self.stop, event, event.at, without))

    def days(self, until: date) -> list[date]:
        """Every day up to then, settled or owed; one that is both is there twice."""
        return sorted([day for day in self.settled if day <= until] + owed(self.stop, until))


@settings(max_examples=300)
@given(OFTEN, OFTEN, ACTS)
def test_every_day_is_settled_once_or_still_owed(
    first: Period, then: Period, acts: list[tuple[int, str, int]]
) -> None:
    """In whatever order it is done, not done, planned anew and taken back: no day that is over is lost, and none
    counts twice; what counts as done are the entries that stand."""
    books, day = Books(first), 0
    for wait, act, which in acts:
        day += wait
        today = MONDAY + timedelta(days=day)
        yesterday = today - timedelta(days=1)
        before = books.days(yesterday)
        match act:
            case "change":
                books.plan_anew(today, then if which % 2 else first)
            case "correct":
                books.take_back(which)
            case _:
                books.enter(day, done=act == "done")
        assert books.days(yesterday) == before
        far = books.days(today + timedelta(days=90))
        assert len(set(far)) == len(far)
        stands = [one for one in books.entries if isinstance(one, StopDone)]
        assert {day for day, done in books.settled.items() if done} == {one.counts_for for one in stands} - {
            None
        }
        assert books.stop.done_on == (stands[-1].day if stands else None)


# ── the day's order ───────────────────────────────────────────────────────────────────────────────────────────────


def seconds(a: Point, b: Point) -> int:
    return travel_seconds(a, b, TravelMode.WALK)


def at(metres: float) -> Point:
    return Point(lon=102.7, lat=25.0 + metres / 111_195)


def a_call(key: str, metres: float | None, overdue: int = 0, minutes: int | None = None) -> Call:
    wanted = NOON + timedelta(minutes=minutes) if minutes is not None else None
    place = at(metres) if metres is not None else None
    return Call(key, place, timedelta(minutes=5), overdue, wanted)


@pytest.mark.parametrize(
    ("calls", "order"),
    [
        ([a_call("far", 900), a_call("near", 100), a_call("mid", 500)], "near mid far"),
        ([a_call("near", 100), a_call("late", 900, overdue=2)], "late near"),
        ([a_call("late", 900, overdue=9), a_call("also", 200, overdue=1)], "also late"),
        ([a_call("near", 100), a_call("now", 400, minutes=0)], "now near"),
        ([a_call("near", 100), a_call("later", 400, minutes=60)], "near later"),
        ([a_call("near", 100), a_call("unknown", None)], "near unknown"),
        ([a_call("two", 10, minutes=20), a_call("one", 900, minutes=10)], "one two"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_the_order_of_the_day(calls: list[Call], order: str) -> None:
    planned = day_order(calls, at(0), NOON, seconds)
    assert [one.call.key for one in planned] == order.split()


def test_early_for_a_time_means_waiting_for_it() -> None:
    [planned] = day_order([a_call("breakfast", 100, minutes=45)], at(0), NOON, seconds)
    assert planned.arrive_at == NOON + timedelta(minutes=45)
    assert planned.leave_at == NOON + timedelta(minutes=50)
    [without] = day_order([a_call("somewhere", None)], None, NOON, seconds)
    assert without.arrive_at == NOON + UNKNOWN_WAY


CALLS = st.lists(
    st.builds(
        a_call,
        st.text("abcdef", min_size=1, max_size=4),
        st.none() | st.integers(0, 2000),
        st.integers(0, 3),
        st.none() | st.integers(0, 480),
    ),
    max_size=15,
    unique_by=lambda call: call.key,
)


@given(CALLS, st.booleans())
def test_a_walk_has_every_stop_once_and_never_goes_back_in_time(calls: list[Call], known: bool) -> None:
    planned = day_order(calls, at(0) if known else None, NOON, seconds)
    assert sorted(one.call.key for one in planned) == sorted(call.key for call in calls)
    assert all(one.leave_at <= other.arrive_at for one, other in pairwise(planned))
    assert all(one.call.at is None or one.arrive_at >= one.call.at for one in planned)
    free = [one.call.overdue_days > 0 for one in planned if one.call.at is None]
    assert free == sorted(free, reverse=True)
    timed = [one.call.at for one in planned if one.call.at is not None]
    assert timed == sorted(timed)
    assert planned == day_order(calls[::-1], at(0) if known else None, NOON, seconds)
