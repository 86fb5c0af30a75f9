"""How long each clock of a case runs and from when: its own beginning, which nothing that happens later moves.

Pure, so that the same clock can be computed anew when the case, its appointment or the calendar changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.escalation.rules.case import Case, Parking
from services.escalation.rules.working_time import Counted, WorkingTime, amber_at, count
from shared.events.escalation import Deadline
from shared.things import Limit
from shared.vocabulary import ClockKind, DeadlineKind, Level, PartRole, Ruling, Urgency

FOUR_WORKING_HOURS = Limit(clock=ClockKind.WORKING_HOURS, amount=4)
TWO_WORKING_DAYS = Limit(clock=ClockKind.WORKING_DAYS, amount=2)
FIVE_WORKING_DAYS = Limit(clock=ClockKind.WORKING_DAYS, amount=5)
WHERE_POLICY_IS_SILENT = {
    DeadlineKind.RULING: FOUR_WORKING_HOURS,
    DeadlineKind.SUPERVISION: TWO_WORKING_DAYS,
    DeadlineKind.REPLY: TWO_WORKING_DAYS,
}
"""A side matter is owed an answer in time under every policy, also one written before it could name the limit."""

OF_THE_RESIDENT = frozenset({DeadlineKind.ARRIVE, DeadlineKind.CONTACT})
"""The resident's own clock: set at registration, never again."""


@dataclass(frozen=True)
class Station:
    """A rung of the ladder as the registry knows it now: its working time, why nobody can be there, if so (see
    SkippedLevel), and who is named on its daily list."""

    working: WorkingTime
    empty_because: str | None = None
    named_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clock:
    """Which clock of the case: its kind, at which level, in which round, and about what."""

    kind: DeadlineKind
    level: Level
    round: int
    about: UUID | None = None


def deadline_of(case: Case, clock: Clock, stations: Sequence[Station]) -> Deadline | None:
    """The clock as it is by the case's own beginning; `None` where the policy sets no such limit."""
    working = stations[_place(case, clock)].working
    if clock.kind is DeadlineKind.ARRIVE:
        return _arrive(case, clock, working)
    if clock.kind is DeadlineKind.CO_HANDLE:
        running = (one for one in case.open(clock.kind) if one.about == clock.about)
        asked_at = next((one.counts_from for one in running), None)
        return of_a_task(case, clock, asked_at, stations) if asked_at else None
    limit = limit_of(case, clock)
    if limit is None:
        return None
    starts_at = begins_at(case, clock)
    if clock.kind is DeadlineKind.HANDLE and (window := _window(case)) is not None:
        starts_at = max(starts_at, window[1])
    counted = count(limit, starts_at, working)
    if clock.kind is DeadlineKind.HANDLE and case.handle_until and case.handle_until > counted.due_at:
        counted = Counted(case.handle_until)
    return _deadline(case, clock, starts_at, counted)


def of_a_task(case: Case, clock: Clock, asked_at: datetime, stations: Sequence[Station]) -> Deadline | None:
    """By the policy's limit from when it was asked for, which is kept with the clock and nowhere else."""
    limit = limit_of(case, clock)
    if limit is None:
        return None
    counted = count(limit, asked_at, stations[_place(case, clock)].working)
    return _deadline(case, clock, asked_at, counted).model_copy(update={"counts_from": asked_at})


def limit_of(case: Case, clock: Clock) -> Limit | None:
    policy = case.policy
    match clock.kind:
        case DeadlineKind.ACKNOWLEDGE | DeadlineKind.ARRIVE | DeadlineKind.CONTACT | DeadlineKind.HANDLE:
            limit: Limit | None = getattr(policy.limits(clock.level), clock.kind.value)
        case _:
            limit = getattr(policy, clock.kind.value, None)
    return limit or WHERE_POLICY_IS_SILENT.get(clock.kind)


def begins_at(case: Case, clock: Clock) -> datetime:
    """Where the clock's limit counts from."""
    match clock.kind:
        case DeadlineKind.ACKNOWLEDGE:
            return max([entered_at(case, clock), *_freed_at(case, clock)])
        case DeadlineKind.HANDLE:
            return entered_at(case, clock)
        case DeadlineKind.FOLLOW_UP:
            return case.follow_up_from or case.registered_at
        case DeadlineKind.RULING:
            return next(one.at for one in case.returns if one.id == clock.about)
        case DeadlineKind.SUPERVISION:
            return next(one.at for one in case.orders if one.id == clock.about)
        case DeadlineKind.REPLY:
            return next(one.at for one in case.raises if one.id == clock.about)
        case _:
            return case.registered_at


def entered_at(case: Case, clock: Clock) -> datetime:
    """When the case entered the level in this round: where its last raise to there counts from, else registration."""
    froms = (
        one.counts_from
        for one in reversed(case.raises)
        if (one.to_level, one.round) == (clock.level, clock.round) and not one.voided
    )
    return next(froms, case.registered_at)


def _freed_at(case: Case, clock: Clock) -> list[datetime]:
    """A unit that the case was sent to by a ruling has its own time to take it, and nobody who has it after that unit
    has less."""
    return [
        one.ruled_at
        for one in case.returns
        if one.ruling is Ruling.REDISPATCH and one.ruled_at and one.part_role is PartRole.OWNER
        if (one.level, one.round) == (clock.level, clock.round)
    ]


def _arrive(case: Case, clock: Clock, working: WorkingTime) -> Deadline | None:
    """Within the policy's limit; inside the window of an appointment; within a quarter of an hour for somebody on a
    care register in urgent need. Where several hold, the earliest."""
    found = []
    window = _window(case)
    if window is not None:
        found.append(_deadline(case, clock, window[0], Counted(window[1])))
    limits = [case.policy.care_arrive] if case.care else []
    if window is None and (limit := limit_of(case, clock)) is not None:
        limits.append(limit)
    begun_at = case.registered_at
    found += [_deadline(case, clock, begun_at, count(limit, begun_at, working)) for limit in limits]
    return min(found, key=lambda one: one.due_at, default=None)


def _window(case: Case) -> tuple[datetime, datetime] | None:
    if case.urgency is not Urgency.APPOINTMENT or case.appointment is None:
        return None
    return case.appointment.starts_at, case.appointment.ends_at


def _deadline(case: Case, clock: Clock, starts_at: datetime, counted: Counted) -> Deadline:
    return Deadline(
        kind=clock.kind,
        due_at=counted.due_at,
        amber_at=amber_at(starts_at, counted.due_at, case.policy.amber_percent),
        assumed=counted.assumed,
        about=clock.about,
    )


def named(case: Case, clock: Clock, starts_at: datetime, due_at: datetime) -> Deadline:
    """A clock whose end somebody named."""
    return _deadline(case, clock, starts_at, Counted(due_at))


def _place(case: Case, clock: Clock) -> int:
    """The rung in whose working time the clock counts: that of the unit that owes the answer."""
    level = clock.level
    if clock.kind is DeadlineKind.RULING:
        returned = next(one for one in case.returns if one.id == clock.about)
        level = case.above(returned.level).level
    elif clock.kind is DeadlineKind.REPLY:
        level = next(one.to_level for one in case.raises if one.id == clock.about)
    place = case.rung_of(level)
    return case.rung if place is None else place


def unit_of(case: Case, clock: Clock) -> str:
    """Whose list the clock stands on: the unit that owes what it asks for."""
    match clock.kind:
        case DeadlineKind.RULING:
            return next(one.supervising_unit_id for one in case.returns if one.id == clock.about)
        case DeadlineKind.SUPERVISION:
            return next(one.unit_id for one in case.orders if one.id == clock.about)
        case DeadlineKind.REPLY:
            return next(one.to_unit_id for one in case.raises if one.id == clock.about)
    if clock.level == case.level:
        return case.unit_id
    return next((rung.unit_id for rung in case.ladder if rung.level == clock.level), case.unit_id)


def extension_ends_by(case: Case, due_at: datetime, working: WorkingTime) -> datetime:
    """How far `handle` may be put off from `due_at`."""
    return count(case.policy.extension_max or FIVE_WORKING_DAYS, due_at, working).due_at


def handle_after_parking(parking: Parking, unparked_at: datetime) -> datetime | None:
    """When `handle` is due once a parked case goes on: the span that was left of it when it was parked, nights and
    weekends included, counted from unparking. The resident's own clock, from registration, never stopped; it is only
    the limit of `handle` that gave way to the review. `None`: none did."""
    if parking.handle_due_at is None:
        return None
    return unparked_at + max(timedelta(0), parking.handle_due_at - parking.at)
