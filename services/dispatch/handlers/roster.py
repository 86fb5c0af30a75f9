"""Who there is in a street and when they are on duty: made from the directory, kept until the directory changes."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import accumulate
from weakref import WeakKeyDictionary

from services.dispatch.matching.chain import OWN_GRID_POSTS
from shared.directory import Directory
from shared.things import Person, Shift
from shared.vocabulary import Post, ShiftKind

BREAK_MAX = timedelta(hours=1)
"""Whoever is off duty no longer than this had a break."""


class Roster:
    """The people with a post in the street or below it, and their hours."""

    def __init__(self, directory: Directory, street_id: str) -> None:
        self.units = {unit_id for unit_id in directory.units if directory.covers(street_id, unit_id)}
        self.people = [
            person
            for _, person in sorted(directory.people.items())
            if any(post.unit_id in self.units for post in person.posts)
        ]
        people_ids = {person.id for person in self.people}
        self._held: defaultdict[tuple[Post, str], list[tuple[Person, Post]]] = defaultdict(list)
        for person in self.people:
            if person.retired_at is None:
                for held in person.posts:
                    self._held[held.post, held.unit_id].append((person, held.post))
        self._hours = _hours_of(directory, people_ids, ShiftKind.ON_DUTY)
        self._reach = _hours_of(directory, people_ids, ShiftKind.ON_CALL)

    def own(self, grid_id: str) -> list[tuple[Person, Post]]:
        """The grid's A, B and leader, in this order."""
        return [one for post in OWN_GRID_POSTS for one in self._held.get((post, grid_id), ())]

    def on_duty(self, person_id: str, now: datetime) -> bool:
        return _within(self._hours.get(person_id), now)

    def on_duty_since(self, person_id: str, now: datetime) -> datetime:
        """When the running shift began; `now` for whoever has none."""
        starts, _ = self._hours.get(person_id, ([], []))
        begun = bisect_right(starts, now)
        return starts[begun - 1] if begun else now

    def at_work_since(self, person_id: str, now: datetime) -> datetime:
        """The same, but a break does not begin a new shift."""
        starts, ends = self._hours.get(person_id, ([], []))
        begun = bisect_right(starts, now)
        while begun > 1 and starts[begun - 1] - ends[begun - 2] <= BREAK_MAX:
            begun -= 1
        return starts[begun - 1] if begun else now

    def on_call(self, person_id: str, now: datetime) -> bool:
        """At home, within reach."""
        return _within(self._reach.get(person_id), now)

    def on_duty_from(self, person_id: str, now: datetime) -> datetime | None:
        """When the next shift starts; `None` if none is planned."""
        starts, _ = self._hours.get(person_id, ((), ()))
        begun = bisect_right(starts, now)
        return starts[begun] if begun < len(starts) else None


class Rosters:
    """One roster per unit asked for, dropped together when registry has published something new."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Directory, tuple[int, dict[str, Roster]]] = WeakKeyDictionary()

    def of(self, directory: Directory, unit_id: str) -> Roster:
        revision, rosters = self._known.get(directory, (-1, {}))
        if revision != directory.revision:
            rosters = {}
            self._known[directory] = directory.revision, rosters
        if unit_id not in rosters:
            rosters[unit_id] = Roster(directory, unit_id)
        return rosters[unit_id]


Hours = tuple[list[datetime], list[datetime]]


def _within(hours: Hours | None, now: datetime) -> bool:
    if hours is None:
        return False
    starts, latest_ends = hours
    begun = bisect_right(starts, now)
    return begun > 0 and latest_ends[begun - 1] > now


def _hours_of(directory: Directory, people: set[str], kind: ShiftKind) -> dict[str, Hours]:
    """For each person the starts of their shifts in order, and beside each the latest end so far: they may overlap."""
    shifts: defaultdict[str, list[Shift]] = defaultdict(list)
    for shift in directory.shifts.values():
        if shift.person_id in people and shift.kind is kind and shift.retired_at is None:
            shifts[shift.person_id].append(shift)
    return {person_id: _hours(of_person) for person_id, of_person in shifts.items()}


def _hours(shifts: list[Shift]) -> Hours:
    ordered = sorted(shifts, key=lambda shift: shift.starts_at)
    return [shift.starts_at for shift in ordered], list(accumulate((shift.ends_at for shift in ordered), max))
