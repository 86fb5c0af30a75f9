"""The story of a mass task: prepared and listed by an officer, opened, split again as people come and go, closed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import reduce
from typing import Any, ClassVar
from uuid import UUID

from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.work import Doer
from shared.event import Event, TaskEvent
from shared.events.fieldwork import MassTaskClosed, MassTaskOpened, MassTaskSplit, NotDoneCount, TaskLoad
from shared.fieldwork import NotDoneReason


class TaskState(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"


class MassTaskPrepared(TaskEvent, type="yike.dispatch.mass_task_prepared", source="dispatch"):
    """A draft, of which nobody needs to know: `digest` is of what is to be done, in words."""

    topic: ClassVar[str] = ""
    title: str
    unit_path: tuple[str, ...]
    due_at: datetime
    digest: str


class MassTaskListed(TaskEvent, type="yike.dispatch.mass_task_listed", source="dispatch"):
    """People were put on the list of a draft."""

    topic: ClassVar[str] = ""
    people: int


@dataclass(frozen=True, slots=True)
class MassTask:
    """`done` and `missing` are of the closing; until then they are counted."""

    id: UUID
    title: str
    unit_path: tuple[str, ...]
    state: TaskState
    due_at: datetime
    digest: str
    prepared_by: str
    prepared_at: datetime
    total: int = 0
    opened_at: datetime | None = None
    split_at: datetime | None = None
    closed_at: datetime | None = None
    done: int | None = None
    missing: Mapping[str, int] | None = None

    @property
    def unit_id(self) -> str:
        return self.unit_path[-1]


TASK_CLOSED = Refused(
    "task-closed",
    "任务已结束，数字已固定 / The task is closed and its numbers stand",
    "仍需补做请由街道或社区另开任务 / If it still has to be done, ask for a new task",
)
TASK_NOT_OPEN = Refused(
    "task-not-open",
    "任务尚未开始 / The task has not begun",
    "由管理人员先“开始”任务 / An officer has to open it first",
)
TASK_BEGUN = Refused(
    "task-begun",
    "任务已开始，名单不能再改 / The task has begun, its list stands",
    "遗漏的人请另开任务 / For people left out make another task",
)
NOBODY_LISTED = Refused(
    "nobody-listed",
    "名单为空 / Nobody is on the list",
    "先导入名单，再开始任务 / Import the list first, then open the task",
)


def fold(events: Iterable[Event]) -> MassTask | None:
    return reduce(lambda task, event: apply(task, event), events, None)


def apply(task: MassTask | None, event: Event) -> MassTask | None:
    """The task after `event`."""
    if isinstance(event, MassTaskPrepared):
        by = event.actor.person_id or ""
        path, draft = event.unit_path, TaskState.DRAFT
        return MassTask(event.task_id, event.title, path, draft, event.due_at, event.digest, by, event.at)
    if task is None:
        return None
    match event:
        case MassTaskListed():
            return replace(task, total=task.total + event.people)
        case MassTaskOpened():
            return replace(task, state=TaskState.OPEN, opened_at=event.at, split_at=event.at)
        case MassTaskSplit():
            return replace(task, split_at=event.at)
        case MassTaskClosed():
            missing = {one.reason.value: one.count for one in event.missing}
            closed = replace(task, state=TaskState.CLOSED, closed_at=event.at)
            return replace(closed, done=event.done, missing=missing)
    return task


def open_(task: MassTask, doer: Doer, now: datetime, loads: Sequence[TaskLoad]) -> list[Event] | Refused:
    """开始. Opened twice is opened once."""
    if task.state is TaskState.OPEN:
        return []
    if task.state is TaskState.CLOSED:
        return TASK_CLOSED
    if task.total == 0:
        return NOBODY_LISTED
    return [
        MassTaskOpened(
            **_common(task, doer, now),
            title=task.title,
            unit_path=task.unit_path,
            due_at=task.due_at,
            total=task.total,
            loads=tuple(loads),
        )
    ]


def split_again(
    task: MassTask, doer: Doer, now: datetime, changed: Sequence[TaskLoad]
) -> list[Event] | Refused:
    """`changed` are the lists that became longer or shorter; without any nobody needs to know."""
    if task.state is not TaskState.OPEN:
        return TASK_CLOSED if task.state is TaskState.CLOSED else TASK_NOT_OPEN
    if not changed:
        return []
    said = {"title": task.title, "unit_path": task.unit_path, "due_at": task.due_at}
    return [MassTaskSplit(**_common(task, doer, now), **said, loads=tuple(changed))]


def close(
    task: MassTask,
    doer: Doer,
    now: datetime,
    done: int,
    missing: Mapping[NotDoneReason, int],
    loads: Sequence[TaskLoad],
) -> list[Event]:
    """It stands as it is: so many done, and of each other one why not. `loads` are the lists that end by it."""
    if task.state is TaskState.CLOSED:
        return []
    counts = tuple(NotDoneCount(reason=reason, count=n) for reason, n in sorted(missing.items()) if n)
    assert done + sum(one.count for one in counts) == task.total
    return [
        MassTaskClosed(
            **_common(task, doer, now),
            title=task.title,
            unit_path=task.unit_path,
            prepared_by=task.prepared_by,
            total=task.total,
            done=done,
            missing=counts,
            loads=tuple(loads),
        )
    ]


def changed_loads(before: Mapping[str, int], after: Mapping[str, int]) -> list[TaskLoad]:
    """The lists that are longer or shorter than before, in the order of the names."""
    return [
        TaskLoad(person_id=who, people=after.get(who, 0), before=before.get(who, 0))
        for who in sorted({*before, *after})
        if after.get(who, 0) != before.get(who, 0)
    ]


def _common(task: MassTask, doer: Doer, now: datetime) -> dict[str, Any]:
    return {"task_id": task.id, "at": now, "actor": doer.actor, "channel": doer.channel}
