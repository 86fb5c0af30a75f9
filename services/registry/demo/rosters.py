"""Who is on duty when. A shift hangs on its date alone, so that overlapping periods give the same shifts.

A and B holders and grid leaders are on duty by the week, day and night; workers and volunteers come every other
day, the many volunteers of 惠民社区 one day in five; three officers share the day of each rung of the ladder, and
three operators that of the desk, in turns of 8 h that move on by the week; departments have two, a week each, and
whoever is not on duty there is on call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.registry.defaults.calendar import TIME_ZONE
from services.registry.demo.organisation import DEPARTMENT_IDS
from shared.things import Person, Shift
from shared.vocabulary import Post, Role, ShiftKind

BY_THE_WEEK = frozenset({Post.A, Post.B, Post.LEADER})
ON_DAYS = {Post.WORKER: (8, 10), Post.VOLUNTEER: (18, 4)}
"""Opening hour and length in hours."""

OFFICER_HOURS = 8


def shifts(people: Sequence[Person], first: date, days: int) -> tuple[Shift, ...]:
    """Everybody's shifts that touch the `days` days from `first`, by their local dates."""
    dates = [first + timedelta(days=day) for day in range(days)]
    turns = {person.id: turn for turn, person in enumerate(people)}
    return tuple(shift for person in people for shift in _of(person, turns[person.id], dates))


def _of(person: Person, turn: int, dates: Sequence[date]) -> Iterator[Shift]:
    post, unit_id = person.posts[0].post, person.posts[0].unit_id
    if post in BY_THE_WEEK:
        yield from (_week(person, unit_id, monday) for monday in _mondays(dates))
    elif post in ON_DAYS:
        opens, hours = ON_DAYS[post]
        every = 5 if unit_id.startswith("grid-e") else 2
        working = (day for day in dates if (day.toordinal() + turn) % every == 1)
        yield from (_shift(person, unit_id, day, opens, hours) for day in working)
    elif post is Post.DUTY_OFFICER and unit_id in DEPARTMENT_IDS:
        for monday in _mondays(dates):
            on_duty = (_number(person) + monday.toordinal() // 7) % 2
            kind = ShiftKind.ON_DUTY if on_duty else ShiftKind.ON_CALL
            yield _week(person, unit_id, monday).model_copy(update={"kind": kind})
    elif post is Post.DUTY_OFFICER:
        yield from _in_turns(person, unit_id, dates)
    elif person.grants[0].role is Role.OPERATOR:
        yield from _in_turns(person, "desk", dates)


def _mondays(dates: Sequence[date]) -> list[date]:
    return list(dict.fromkeys(day - timedelta(days=day.weekday()) for day in dates))


def _in_turns(person: Person, unit_id: str, dates: Sequence[date]) -> Iterator[Shift]:
    for day in dates:
        yield _shift(person, unit_id, day, _turn(_number(person), day) * OFFICER_HOURS, OFFICER_HOURS)


def _number(person: Person) -> int:
    return int(person.id[-1])


def _turn(number: int, day: date) -> int:
    """Which third of `day` number 1, 2 or 3 of those who share it takes."""
    return (number + day.toordinal() // 7) % 3


def _week(person: Person, unit_id: str, monday: date) -> Shift:
    return _shift(person, unit_id, monday, 0, 7 * 24)


def _shift(person: Person, unit_id: str, day: date, opens: int, hours: int) -> Shift:
    starts_at = datetime.combine(day, time(opens), ZoneInfo(TIME_ZONE)).astimezone(ZoneInfo("UTC"))
    return Shift(
        id=f"{person.id}:{day:%Y%m%d}",
        person_id=person.id,
        unit_id=unit_id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=hours),
    )
