"""Work that is no case, as dispatch tells it: a mass task, and what a grid's rounds came to on one day. Each has a
story of its own, and a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.event import RoundDayEvent, TaskEvent
from shared.events.fieldwork import (
    MassTaskClosed,
    MassTaskOpened,
    MassTaskSplit,
    NotDoneCount,
    RoundDayClosed,
)

FieldworkEvent = TaskEvent | RoundDayEvent
FIELDWORK_EVENTS: tuple[type[FieldworkEvent], ...] = (
    MassTaskOpened,
    MassTaskSplit,
    MassTaskClosed,
    RoundDayClosed,
)


class FieldworkKind(StrEnum):
    MASS_TASK = "mass_task"
    ROUND_DAY = "round_day"


@dataclass(frozen=True)
class FieldworkRow:
    """`done` of the `listed` people or stops, and of each other one why not. It counts from `counts_at` on: when a mass
    task was closed, the midnight with which a day began; until then there is no result. `number` is what people call
    it: the task's title, the grid and the day."""

    work_id: UUID
    kind: FieldworkKind
    number: str
    unit_path: tuple[str, ...]
    listed: int
    done: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    counts_at: datetime | None = None
    events: int = 0


class NotOpenedError(ValueError):
    """An event of a mass task that was never opened: the story has a hole before it."""


def apply(row: FieldworkRow | None, event: FieldworkEvent) -> FieldworkRow:
    """The row after `event`; of a day what is told last stands. Whose list grew or shrank is no result."""
    match event:
        case MassTaskOpened():
            kind = FieldworkKind.MASS_TASK
            row = FieldworkRow(event.task_id, kind, event.title, event.unit_path, event.total)
        case RoundDayClosed():
            row = replace(
                row or _day(event),
                unit_path=event.unit_path,
                listed=event.owed,
                done=event.done,
                missing=_by_reason(event.not_done),
            )
    if row is None:
        raise NotOpenedError(f"{event.type} of mass task {event.subject} was heard before it was opened")
    if isinstance(event, MassTaskClosed):
        row = replace(
            row,
            listed=event.total,
            done=event.done,
            missing=_by_reason(event.missing),
            counts_at=event.at,
        )
    return replace(row, events=row.events + 1)


def _day(event: RoundDayClosed) -> FieldworkRow:
    number, path = f"{event.grid_id} {event.day}", event.unit_path
    return FieldworkRow(event.day_id, FieldworkKind.ROUND_DAY, number, path, 0, counts_at=event.begins_at)


def _by_reason(counts: tuple[NotDoneCount, ...]) -> dict[str, int]:
    return {one.reason.value: one.count for one in counts}
