"""The story of one stop of a grid's round, kept in dispatch's own journal: nobody else acts on it, so it is not
published; what a day comes to is (round_days.py). State = fold(journal); whom a visit is for and every word are
sealed, the story has their digests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import reduce
from typing import ClassVar
from uuid import UUID

from services.dispatch.rules.periods import Period
from shared.event import Event
from shared.fieldwork import NotDoneReason, PeriodUnit, StopKind
from shared.going import ArrivalMethod
from shared.things import Point, Value


class StopPlan(Value):
    """How often, from when on, at what time of the day if that matters, and whose stop it is if somebody's. Label and
    place are a patrol point's; of a visit they are sealed with the person."""

    period: PeriodUnit
    amount: int
    since: date
    preferred_at: time | None = None
    stay_minutes: int
    person_id: str | None = None
    label: str | None = None
    place: Point | None = None

    @property
    def every(self) -> Period:
        return Period(self.period, self.amount)


class StopEvent(Event):
    topic: ClassVar[str] = ""
    subject_field: ClassVar[str] = "stop_id"
    stop_id: UUID


class Worded(StopEvent):
    """With words beside it, under `words_id`."""

    words_id: UUID | None = None
    words_digest: str | None = None


class StopAdded(StopEvent, type="yike.dispatch.stop_added", source="dispatch"):
    kind: StopKind
    grid_id: str
    plan: StopPlan
    digest: str | None = None


class StopChanged(Worded, type="yike.dispatch.stop_changed", source="dispatch"):
    """`missed` are days of the plan before that will not be owed any more; the oldest one stays owed."""

    plan: StopPlan
    digest: str | None = None
    due_on: date
    missed: tuple[date, ...] = ()


class StopEnded(Worded, type="yike.dispatch.stop_ended", source="dispatch"):
    missed: tuple[date, ...] = ()


class StopDone(Worded, type="yike.dispatch.stop_done", source="dispatch"):
    """Counts for the day `counts_for`, or for none where the next one was done before; older days that were owed as
    well are passed over."""

    entry_id: UUID
    person_id: str
    day: date
    method: ArrivalMethod
    distance_m: int | None = None
    due_on: date
    counts_for: date | None
    missed: tuple[date, ...] = ()
    next_due_on: date
    device_at: datetime | None = None


class StopNotDone(Worded, type="yike.dispatch.stop_not_done", source="dispatch"):
    """It stays owed, and comes up again on `again_on`."""

    entry_id: UUID
    person_id: str
    reason: NotDoneReason
    due_on: date
    again_on: date
    device_at: datetime | None = None


class StopCorrected(Worded, type="yike.dispatch.stop_corrected", source="dispatch"):
    """Whoever entered it says it was wrong. `undone`: as the latest entry of the plan that stands it is as if it had
    not been, and `reopened` days are owed again; otherwise the plan went on from it, and they are not done instead.
    Beside it stand `done_on` and `done_by` of the last visit, and `reason` of the last entry."""

    entry_id: UUID
    person_id: str
    undone: bool
    due_on: date
    reopened: tuple[date, ...] = ()
    done_on: date | None = None
    done_by: str | None = None
    reason: NotDoneReason | None = None


class StopRevealed(StopEvent, type="yike.dispatch.stop_revealed", source="dispatch"):
    """Somebody at a desk saw whom the visit is for."""

    person_id: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Stop:
    """`due_on` is the oldest day still owed; nothing is asked before `not_before`. `reason` is why it was not done the
    last time somebody tried; `entry_id` is the latest entry of the plan, while it stands."""

    id: UUID
    kind: StopKind
    grid_id: str
    plan: StopPlan
    digest: str | None
    due_on: date
    not_before: date
    added_at: datetime
    done_on: date | None = None
    done_by: str | None = None
    entry_id: UUID | None = None
    reason: NotDoneReason | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody entered at a stop."""

    id: UUID
    person_id: str
    at: datetime
    done: bool
    due_on: date
    reason: NotDoneReason | None = None
    method: ArrivalMethod | None = None
    distance_m: int | None = None
    counts_for: date | None = None
    missed: tuple[date, ...] = ()
    device_at: datetime | None = None
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A day that was owed and is settled."""

    due_on: date
    done: bool
    reason: NotDoneReason | None = None


def fold(events: Iterable[Event]) -> Stop | None:
    return reduce(lambda stop, event: apply(stop, event), events, None)


def apply(stop: Stop | None, event: Event) -> Stop | None:
    """The stop after `event`."""
    if isinstance(event, StopAdded):
        since = event.plan.since
        return Stop(
            event.stop_id, event.kind, event.grid_id, event.plan, event.digest, since, since, event.at
        )
    if stop is None:
        return None
    match event:
        case StopChanged():
            planned = replace(stop, plan=event.plan, digest=event.digest, entry_id=None)
            return replace(planned, due_on=event.due_on, not_before=event.due_on)
        case StopEnded():
            return replace(stop, ended_at=event.at)
        case StopDone():
            after = event.next_due_on
            done = replace(stop, due_on=after, not_before=after, done_on=event.day, done_by=event.person_id)
            return replace(done, entry_id=event.entry_id, reason=None)
        case StopNotDone():
            return replace(stop, not_before=event.again_on, reason=event.reason, entry_id=event.entry_id)
        case StopCorrected():
            stands = replace(stop, done_on=event.done_on, done_by=event.done_by, reason=event.reason)
            if not event.undone:
                return stands
            return replace(stands, due_on=event.due_on, not_before=event.due_on, entry_id=None)
    return stop


def entry_of(event: Event) -> Entry | None:
    """The entry that an event adds."""
    match event:
        case StopDone():
            return Entry(
                event.entry_id,
                event.person_id,
                event.at,
                True,
                event.due_on,
                method=event.method,
                distance_m=event.distance_m,
                counts_for=event.counts_for,
                missed=event.missed,
                device_at=event.device_at,
            )
        case StopNotDone():
            return Entry(
                event.entry_id,
                event.person_id,
                event.at,
                False,
                event.due_on,
                reason=event.reason,
                device_at=event.device_at,
            )
    return None


def settled_by(before: Stop, event: Event) -> list[Due]:
    """The days that an event settles: done, passed over for the reason given last, or not done after all."""
    match event:
        case StopDone():
            passed = [_passed_over(before, day) for day in event.missed]
            return [*passed, Due(event.counts_for, True)] if event.counts_for else passed
        case StopChanged() | StopEnded():
            return [_passed_over(before, day) for day in event.missed]
        case StopCorrected() if not event.undone:
            return [Due(day, False, NotDoneReason.TAKEN_BACK) for day in event.reopened]
    return []


def _passed_over(stop: Stop, day: date) -> Due:
    return Due(day, False, stop.reason or NotDoneReason.NOT_REACHED)
