"""Whether a street is worth deciding on again: only if it has something that the last decision did not have.

Else every photo and every position would be an occasion to call somebody off their way, and a window would begin anew
with each of them.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.dispatch.handlers.moments import Moment, Posed, swappable_trips
from services.dispatch.matching.situation import Assignment, Standing
from services.dispatch.matching.when import LOOKS_AGAIN, match_at


@dataclass(frozen=True)
class Open:
    """What could be decided at a moment: parts that wait, people to be had, those of them who are free, trips that
    somebody may be called off; whom hard filters keep from which part, and the parts whose fixed step has come."""

    parts: frozenset[UUID]
    people: frozenset[str]
    free: frozenset[str]
    trips: frozenset[UUID]
    shut: frozenset[tuple[UUID, str]]
    pinned: frozenset[UUID]

    @classmethod
    def of(cls, moment: Moment, posed: Posed) -> Open:
        cases, waiting, rows = rows_of(moment), len(moment.seeking), moment.to_be_had
        return cls(
            parts=frozenset(cases[:waiting]),
            people=frozenset(moment.people[row].id for row in rows),
            free=frozenset(
                moment.people[row].id for row in rows if posed.people.standing[row] == Standing.FREE
            ),
            trips=frozenset(cases[waiting:]),
            shut=frozenset((cases[case], moment.people[row].id) for case, row in posed.removed),
            pinned=frozenset(cases[row] for row in (posed.cases.pinned >= 0).nonzero()[0].tolist()),
        )

    def has_news_for(self, before: Open) -> bool:
        """Whether something may be decided now that could not be then."""
        opened = any(part in self.parts and person in self.people for part, person in before.shut - self.shut)
        return opened or any(
            now - then
            for now, then in (
                (self.parts, before.parts),
                (self.people, before.people),
                (self.free, before.free),
                (self.trips, before.trips),
                (self.pinned, before.pinned),
            )
        )

    def without(self, cases: Collection[UUID], people: Collection[str]) -> Open:
        """What is left once these parts and trips are put to these people."""
        return replace(
            self,
            parts=self.parts - set(cases),
            people=self.people - set(people),
            free=self.free - set(people),
            trips=self.trips - set(cases),
            pinned=self.pinned - set(cases),
        )


def rows_of(moment: Moment) -> list[UUID]:
    """The part that waits, or the trip, behind each row of the cases."""
    return [*(one.part.id for one in moment.seeking), *(trip.offer_id for trip in swappable_trips(moment))]


NOTHING = Open(frozenset(), frozenset(), frozenset(), frozenset(), frozenset(), frozenset())


@dataclass
class Decided:
    """The last decision on a street: what was left open, when, and when somebody was asked last. `ways`: the trips that
    went on when it was last asked whether there is news."""

    left: Open = NOTHING
    at: datetime | None = None
    asked_at: datetime | None = None
    ways: frozenset[UUID] = frozenset()

    def again_at(self, moment: Moment, what: Open) -> datetime | None:
        """When it is decided on again: where there is news at once or, while people are short, when the window closes;
        a fixed step keeps nobody waiting for it. Where something waits without news, after a while; else not."""
        if self.at is None or what.has_news_for(self.left):
            due = moment.now
        elif what.parts:
            due = max(moment.now, self.at + LOOKS_AGAIN)
        else:
            return None
        if what.pinned:
            return due
        return max(due, match_at(moment.now, len(what.parts), len(what.people), self.asked_at))

    def is_news(self, people: Set[str], free: Set[str], trips: Set[UUID]) -> bool:
        """Whether somebody among them could not be had at the last decision, or has set out since this was asked last.
        Who could be had then and is gone is forgotten: they are news when they come back."""
        left, set_out = self.left, trips - self.ways
        self.ways = frozenset(trips)
        if self.at is None or set_out or people - left.people or free - left.free:
            return True
        self.left = replace(left, people=left.people & people, free=left.free & free)
        return False

    def keep(self, moment: Moment, what: Open, assignment: Assignment) -> None:
        """Who is asked for what."""
        rows = rows_of(moment)
        cases = [rows[row] for row in assignment.case.tolist()]
        people = [moment.people[row].id for row in assignment.person.tolist()]
        self.left, self.at = what.without(cases, people), moment.now
        if cases:
            self.asked_at = moment.now
