"""Who is on duty when. A shift hangs on its date alone, so that overlapping periods give the same shifts.

A and B holders and grid leaders are on call by the week, day and night; workers and volunteers come every other
day; three officers share the day of each unit in turns of 8 h that move on by the week.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.registry.defaults.calendar import TIME_ZONE
from shared.things import Person, Shift
from shared.vocabulary import Post

ON_CALL = frozenset({Post.A, Post.B, Post.LEADER})
ON_DAYS = {Post.WORKER: (8, 10), Post.VOLUNTEER: (18, 4)}
"""Opening hour and length in hours."""

OFFICER_HOURS = 8


def shifts(people: Sequence[Person], first: date, days: int) -> tuple[Shift, ...]:
    """Everybody's shifts that touch the `days` days from `first`, by their local dates."""
    dates = [first + timedelta(days=day) for day in range(days)]
    turns = {person.id: turn for turn, person in enumerate(people)}
    return tuple(shift for person in people for shift in _of(person, turns[person.id], dates))


def _of(person: Person, turn: int, dates: Sequence[date]) -> Iterator[Shift]:
    post = person.posts[0].post
    if post in ON_CALL:
        mondays = dict.fromkeys(day - timedelta(days=day.weekday()) for day in dates)
        yield from (_shift(person, monday, 0, 7 * 24) for monday in mondays)
    elif post in ON_DAYS:
        opens, hours = ON_DAYS[post]
        working = (day for day in dates if (day.toordinal() + turn) % 2)
        yield from (_shift(person, day, opens, hours) for day in working)
    elif post is Post.DUTY_OFFICER:
        number = int(person.id[-1])
        yield from (_shift(person, day, _turn(number, day) * OFFICER_HOURS, OFFICER_HOURS) for day in dates)


def _turn(number: int, day: date) -> int:
    """Which third of `day` the unit's officer `number` (1 to 3) takes."""
    return (number + day.toordinal() // 7) % 3


def _shift(person: Person, day: date, opens: int, hours: int) -> Shift:
    starts_at = datetime.combine(day, time(opens), ZoneInfo(TIME_ZONE)).astimezone(ZoneInfo("UTC"))
    return Shift(
        id=f"{person.id}:{day:%Y%m%d}",
        person_id=person.id,
        unit_id=person.posts[0].unit_id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=hours),
    )


def covered(shifts: Iterable[Shift], unit_id: str, at: datetime) -> bool:
    """Whether anybody of `unit_id` is on duty `at`."""
    return any(shift.unit_id == unit_id and shift.starts_at <= at < shift.ends_at for shift in shifts)
