"""Where limits end: four kinds of clock, opening hours, holidays, make-up workdays, midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.escalation.rules.working_time import UNKNOWN_CALENDAR, WorkingTime, amber_at, count
from shared.things import Calendar, Limit, OpeningHours
from shared.vocabulary import ClockKind
from tests.escalation.story import CALENDAR, OFFICE, WORKING

CHINA = ZoneInfo("Asia/Shanghai")
HOURS, DAYS = ClockKind.WORKING_HOURS, ClockKind.WORKING_DAYS


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)


def ends(clock: ClockKind, amount: int, start: str, working: WorkingTime = WORKING) -> str:
    due_at = count(Limit(clock=clock, amount=amount), local(start), working).due_at
    assert due_at.tzinfo is UTC
    return due_at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("clock", "amount", "start", "end"),
    [
        # Natural time runs through the night, the weekend and the festival.
        (ClockKind.MINUTES, 15, "2026-02-16 23:50", "2026-02-17 00:05"),
        (ClockKind.NATURAL_DAYS, 1, "2026-02-16 02:10", "2026-02-17 02:10"),
        (ClockKind.NATURAL_DAYS, 3, "2026-02-27 23:59", "2026-03-02 23:59"),
        # Working hours: office 8:30–12 and 13:30–17:30.
        (HOURS, 2, "2026-03-02 09:00", "2026-03-02 11:00"),
        (HOURS, 2, "2026-03-02 11:00", "2026-03-02 14:30"),
        (HOURS, 2, "2026-03-02 10:00", "2026-03-02 12:00"),  # used up exactly at closing: that is its end
        (HOURS, 2, "2026-03-02 12:40", "2026-03-02 15:30"),
        (HOURS, 2, "2026-03-02 16:30", "2026-03-03 09:30"),
        (HOURS, 2, "2026-03-02 02:10", "2026-03-02 10:30"),
        (HOURS, 2, "2026-03-02 23:59", "2026-03-03 10:30"),
        (HOURS, 2, "2026-03-06 17:00", "2026-03-09 10:00"),  # over a weekend
        (HOURS, 8, "2026-03-02 09:00", "2026-03-03 09:30"),
        (HOURS, 2, "2026-02-13 17:00", "2026-02-14 10:00"),  # 调休: this Saturday is worked
        (HOURS, 2, "2026-02-14 17:00", "2026-02-24 10:00"),  # then the festival
        # Working days: the day of the start is not counted; the end is closing time.
        (DAYS, 2, "2026-03-02 09:00", "2026-03-04 17:30"),
        (DAYS, 2, "2026-03-02 00:00", "2026-03-04 17:30"),
        (DAYS, 2, "2026-03-02 23:59", "2026-03-04 17:30"),
        (DAYS, 2, "2026-03-05 10:00", "2026-03-09 17:30"),
        (DAYS, 2, "2026-03-07 10:00", "2026-03-10 17:30"),
        (DAYS, 2, "2026-02-13 10:00", "2026-02-24 17:30"),  # Saturday 14 (调休) is the first of them
        (DAYS, 2, "2026-02-26 10:00", "2026-02-28 17:30"),  # Saturday 28 (调休) is the second
        (DAYS, 1, "2026-02-18 10:00", "2026-02-24 17:30"),
        (DAYS, 3, "2026-09-29 10:00", "2026-10-05 17:30"),
    ],
)  # fmt: skip
def test_a_limit_ends(clock: ClockKind, amount: int, start: str, end: str) -> None:
    assert ends(clock, amount, start) == end


def test_a_make_up_saturday_has_the_hours_of_the_first_weekday() -> None:
    short_fridays = tuple(
        OpeningHours(weekday=day, opens=time(9), closes=time(12) if day == 5 else time(18))
        for day in range(1, 6)
    )
    saturday_window = OpeningHours(weekday=6, opens=time(9), closes=time(11))
    working = WorkingTime((*short_fridays, saturday_window), CALENDAR)
    assert ends(DAYS, 1, "2026-02-27 10:00", working) == "2026-02-28 18:00"
    assert ends(HOURS, 1, "2026-03-06 11:30", working) == "2026-03-09 09:30"  # a window is not working time


def test_a_day_the_unit_does_not_open_is_no_working_day_for_it() -> None:
    no_wednesdays = WorkingTime(tuple(one for one in OFFICE if one.weekday != 3), CALENDAR)
    assert ends(DAYS, 2, "2026-03-02 09:00", no_wednesdays) == "2026-03-05 17:30"


def test_an_opening_over_midnight_closes_on_the_next_day() -> None:
    night = WorkingTime(
        tuple(OpeningHours(weekday=day, opens=time(20), closes=time(4)) for day in range(1, 6)), CALENDAR
    )
    assert ends(HOURS, 2, "2026-03-03 03:00", night) == "2026-03-03 21:00"
    assert ends(HOURS, 8, "2026-03-02 20:00", night) == "2026-03-03 04:00"
    assert ends(DAYS, 1, "2026-03-02 09:00", night) == "2026-03-04 04:00"


def test_openings_that_overlap_count_once() -> None:
    both = tuple(OpeningHours(weekday=1, opens=opens, closes=time(12)) for opens in (time(9), time(10)))
    assert ends(HOURS, 3, "2026-03-02 08:00", WorkingTime(both, CALENDAR)) == "2026-03-02 12:00"


def test_a_unit_that_never_opens_gets_an_ordinary_week() -> None:
    assert ends(HOURS, 2, "2026-03-02 08:00", WorkingTime((), CALENDAR)) == "2026-03-02 11:00"
    weekends = tuple(OpeningHours(weekday=day, opens=time(9), closes=time(12)) for day in (6, 7))
    assert ends(DAYS, 1, "2026-03-02 08:00", WorkingTime(weekends, CALENDAR)) == "2026-03-03 18:00"


@pytest.mark.parametrize(
    ("clock", "start", "assumed"),
    [
        (DAYS, "2026-12-29 09:00", False),
        (DAYS, "2026-12-30 09:00", True),
        (HOURS, "2026-12-31 17:00", True),
        (ClockKind.NATURAL_DAYS, "2026-12-31 17:00", False),
        (ClockKind.MINUTES, "2027-05-01 17:00", False),
    ],
)
def test_past_the_calendar_weekdays_are_taken_and_it_is_said(
    clock: ClockKind, start: str, assumed: bool
) -> None:
    assert count(Limit(clock=clock, amount=2), local(start), WORKING).assumed is assumed


def test_without_a_calendar_everything_in_working_time_is_assumed() -> None:
    counted = count(
        Limit(clock=DAYS, amount=1), local("2026-03-02 09:00"), WorkingTime(OFFICE, UNKNOWN_CALENDAR)
    )
    assert counted.assumed
    assert counted.due_at == local("2026-03-03 17:30")


def test_a_natural_day_keeps_the_time_of_day_where_clocks_change() -> None:
    berlin = Calendar(
        id="de", time_zone="Europe/Berlin", holidays=(), workdays=(), known_until=date(2026, 12, 31)
    )
    start = datetime(2026, 3, 28, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    ends_at = count(Limit(clock=ClockKind.NATURAL_DAYS, amount=1), start, WorkingTime(OFFICE, berlin)).due_at
    assert ends_at - start == timedelta(hours=23)


def test_amber_is_a_share_of_the_whole_stretch() -> None:
    start = local("2026-03-02 09:00")
    assert amber_at(start, start + timedelta(minutes=15), 80) == start + timedelta(minutes=12)


YEAR_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 334 * 24 * 60).map(lambda minutes: YEAR_BEGAN + timedelta(minutes=minutes))
LIMITS = st.builds(Limit, clock=st.sampled_from(ClockKind), amount=st.integers(1, 40))


@given(MOMENTS, LIMITS)
def test_a_limit_ends_after_it_begins(start: datetime, limit: Limit) -> None:
    assert count(limit, start, WORKING).due_at > start


@given(MOMENTS, MOMENTS, LIMITS)
def test_who_starts_later_never_ends_earlier(one: datetime, other: datetime, limit: Limit) -> None:
    first, second = sorted((one, other))
    assert count(limit, first, WORKING).due_at <= count(limit, second, WORKING).due_at


@given(MOMENTS, LIMITS)
def test_a_longer_limit_ends_later(start: datetime, limit: Limit) -> None:
    longer = limit.model_copy(update={"amount": limit.amount + 1})
    assert count(limit, start, WORKING).due_at < count(longer, start, WORKING).due_at


@given(MOMENTS, st.integers(1, 20), st.integers(1, 20))
def test_working_hours_add_up(start: datetime, first: int, second: int) -> None:
    halfway = count(Limit(clock=HOURS, amount=first), start, WORKING).due_at
    there = count(Limit(clock=HOURS, amount=second), halfway, WORKING).due_at
    assert there == count(Limit(clock=HOURS, amount=first + second), start, WORKING).due_at
