"""全员任务: whoever is given people to reach, or has them no more; and whoever planned it, how it ended. 待命建议:
whoever might wait elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.notify.rules.facts import Notice
from shared.events.fieldwork import MassTaskClosed, MassTaskOpened, MassTaskSplit, PlaceAdvised, TaskLoad
from shared.vocabulary import NoticeKind

TaskTold = MassTaskOpened | MassTaskSplit | MassTaskClosed


def task_tells(event: TaskTold) -> list[Notice]:
    """Every notice an event of a mass task owes, once per person. A list that only became longer or shorter is on the
    phone as it is: nobody is rung for it."""
    says = {"task_id": event.task_id, "task": event.title, "unit_id": event.unit_path[-1]}
    if isinstance(event, MassTaskClosed):
        told = dict.fromkeys([event.prepared_by, *(load.person_id for load in event.loads)])
        ended = says | {"done": event.done, "total": event.total}
        return [Notice(NoticeKind.MASS_TASK_CLOSED, person_id, ended) for person_id in told]
    return [*_given(event.loads, says | {"due_at": event.due_at}), *_taken(event.loads, says)]


def _given(loads: Iterable[TaskLoad], says: dict[str, Any]) -> list[Notice]:
    return [
        Notice(NoticeKind.MASS_TASK_GIVEN, load.person_id, says | {"people": load.people})
        for load in loads
        if load.people and not load.before
    ]


def _taken(loads: Iterable[TaskLoad], says: dict[str, Any]) -> list[Notice]:
    return [
        Notice(NoticeKind.MASS_TASK_TAKEN, load.person_id, says)
        for load in loads
        if load.before and not load.people
    ]


def advice(event: PlaceAdvised) -> Notice:
    """Where it is, and nothing of why it is them: whoever reads over their shoulder learns nothing of anybody."""
    return Notice(NoticeKind.ADVICE, event.person_id, {"unit_id": event.grid_id})
