"""The small changes that the folds of every source are made of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from services.insight.rules.facts import CaseRow, Clock, FollowUp, Part, PartState, Round, Work
from shared.events.dispatch import PartEvent
from shared.vocabulary import DeadlineKind

T = TypeVar("T")
HELD = frozenset({PartState.ACCEPTED, PartState.ARRIVED})


def changed(value: T, **changes: Any) -> T:
    """A frozen value with other fields. What dataclasses.replace does, without running the constructor of a hundred
    fields: every event of the city passes through here several times."""
    assert changes.keys() <= value.__dict__.keys(), changes.keys() - value.__dict__.keys()
    new = object.__new__(type(value))
    new.__dict__.update(value.__dict__, **changes)
    return new


def part_of(row: CaseRow, event: PartEvent) -> Part | None:
    return next((part for part in row.parts if part.part_id == event.part_id), None)


def with_part(row: CaseRow, event: PartEvent, **changes: Any) -> CaseRow:
    """The part the event is about with `changes`; opened if this is its first event."""
    known = part_of(row, event)
    old = known or Part(event.part_id, event.part_role, event.level, event.round)
    new = changed(old, role=event.part_role, level=event.level, round=event.round, **changes)
    if known is None:
        return changed(row, parts=(*row.parts, new))
    return changed(row, parts=tuple(new if part is known else part for part in row.parts))


def put_back(row: CaseRow, event: PartEvent, **changes: Any) -> CaseRow:
    return with_part(row, event, state=PartState.WAITING, person_id=None, accepted_at=None, **changes)


def with_work(
    row: CaseRow,
    person_id: str | None,
    at: datetime,
    change: Callable[[Work], Work],
    unit_id: str | None = None,
) -> CaseRow:
    """What the person did on the case, changed; kept in the order of the persons."""
    if person_id is None:
        return row
    works = {work.person_id: work for work in row.works}
    old = works.get(person_id, Work(person_id, first_at=at))
    works[person_id] = change(changed(old, unit_id=unit_id or old.unit_id))
    return changed(row, works=tuple(works[known] for known in sorted(works)))


def commanded(
    row: CaseRow, person_id: str, at: datetime, *, fields: int = 0, photos: int = 0, twice: bool = False
) -> CaseRow:
    """One command of the person's, with what had to be filled in for it."""
    return with_work(
        row,
        person_id,
        at,
        lambda work: changed(
            work,
            commands=work.commands + 1,
            fields=work.fields + fields,
            photos=work.photos + photos,
            double_entries=work.double_entries + twice,
        ),
    )


def relieved(row: CaseRow, event: PartEvent) -> CaseRow:
    """The holder's time on a part that goes is over; to be called before the part changes."""
    part = part_of(row, event)
    if part is None or part.state not in HELD or not part.goes or part.accepted_at is None:
        return row
    spent = max(0, round((event.at - part.accepted_at).total_seconds()))
    return with_work(row, part.person_id, event.at, lambda work: changed(work, seconds=work.seconds + spent))


def with_round(row: CaseRow, number: int, **changes: Any) -> CaseRow:
    rounds = {known.round: known for known in row.rounds}
    rounds[number] = changed(rounds.get(number, Round(number)), **changes)
    return changed(row, rounds=tuple(rounds[known] for known in sorted(rounds)))


def round_of(row: CaseRow, number: int) -> Round:
    return next((known for known in row.rounds if known.round == number), Round(number))


def with_clock(
    row: CaseRow,
    kind: DeadlineKind,
    due_at: datetime,
    about: UUID | None,
    change: Callable[[Clock], Clock],
) -> CaseRow:
    """The open clock of that kind, matter and due time, changed; one already stopped keeps what it ended with."""
    return changed(
        row,
        clocks=tuple(
            change(clock)
            if (clock.kind, clock.about, clock.due_at, clock.stopped_at) == (kind, about, due_at, None)
            else clock
            for clock in row.clocks
        ),
    )


def stopped(clock: Clock, at: datetime, met: bool | None) -> Clock:
    return changed(clock, stopped_at=at, met=False if clock.missed_at and met is None else met)


def with_follow_up(
    row: CaseRow, follow_up_id: UUID, round_: int, change: Callable[[FollowUp], FollowUp]
) -> CaseRow:
    known = next((f for f in row.follow_ups if f.follow_up_id == follow_up_id), None)
    new = change(known or FollowUp(follow_up_id, round_))
    if known is None:
        return changed(row, follow_ups=(*row.follow_ups, new))
    return changed(row, follow_ups=tuple(new if f is known else f for f in row.follow_ups))
