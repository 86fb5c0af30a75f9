"""What dispatch tells of work that is no case: mass tasks, the grids' rounds, and where to wait. Of lists and visits
counts only: nobody outside dispatch is told whom they are about."""

from __future__ import annotations

from datetime import date, datetime

from shared.event import AdviceEvent, RoundDayEvent, TaskEvent
from shared.fieldwork import NotDoneReason
from shared.things import Value


class TaskLoad(Value):
    """How many people still to be reached are on somebody's list, and how many were before."""

    person_id: str
    people: int
    before: int = 0


class NotDoneCount(Value):
    """So many are not done, for this reason."""

    reason: NotDoneReason
    count: int


class MassTaskOpened(TaskEvent, type="yike.mass_task.opened", source="dispatch"):
    """开始: `total` people, and how many are on whose list; the rest wait for somebody at work."""

    title: str
    unit_path: tuple[str, ...]
    due_at: datetime
    total: int
    loads: tuple[TaskLoad, ...]


class MassTaskSplit(TaskEvent, type="yike.mass_task.split", source="dispatch"):
    """What is left was split again: `loads` are the lists that became longer or shorter by it. Who had nobody left was
    given a part, who has nobody left now had it taken away."""

    title: str
    unit_path: tuple[str, ...]
    due_at: datetime
    loads: tuple[TaskLoad, ...]


class MassTaskClosed(TaskEvent, type="yike.mass_task.closed", source="dispatch"):
    """结束: `done` of `total`, and of each other one why not. `loads` are the lists that had people left on them;
    `prepared_by` planned it."""

    title: str
    unit_path: tuple[str, ...]
    prepared_by: str
    total: int
    done: int
    missing: tuple[NotDoneCount, ...]
    loads: tuple[TaskLoad, ...]


class RoundDayClosed(RoundDayEvent, type="yike.round_day.closed", source="dispatch"):
    """What a grid's rounds came to on one day: `done` of the stops owed on it, and of each other one why not. Told when
    the day is over or nothing owed on it is left, and again where that changes later: what is told last stands.
    `begins_at` is the grid's midnight."""

    grid_id: str
    unit_path: tuple[str, ...]
    day: date
    begins_at: datetime
    owed: int
    done: int
    not_done: tuple[NotDoneCount, ...]


class PlaceAdvised(AdviceEvent, type="yike.place.advised", source="dispatch"):
    """待命建议 to one free person: in which grid they would best wait for what comes next. Never an order; nobody asks
    whether it was followed, and where the person is stands nowhere. `covered_before` and `covered_after`: which share
    of the emergencies to be expected somebody free reaches in time, from 0 to 1."""

    street_id: str
    unit_path: tuple[str, ...]
    person_id: str
    grid_id: str
    covered_before: float
    covered_after: float
