"""What dispatch tells of mass tasks and of the grids' rounds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from shared import vocabulary as v
from shared.event import Event
from shared.events import fieldwork as e
from shared.fieldwork import NotDoneReason
from tests.contracts.examples import world as w

TASK = {"task_id": w.OTHER, "actor": w.BY_OFFICER, "channel": v.Channel.DESK}
SAID = {"title": "全员采样", "unit_path": (w.CIVIL, w.STREET, w.COMMUNITY)}
DUE = {"due_at": w.AT + timedelta(hours=14)}

FIELDWORK: tuple[Event, ...] = (
    e.MassTaskOpened(
        **w.attributes(26),
        **TASK,
        **SAID,
        **DUE,
        total=7815,
        loads=(
            e.TaskLoad(person_id=w.WORKER, people=4000),
            e.TaskLoad(person_id="p-w1-3-b", people=3815),
        ),
    ),
    e.MassTaskSplit(
        **w.attributes(27),
        **TASK,
        **SAID,
        **DUE,
        loads=(
            e.TaskLoad(person_id=w.WORKER, people=0, before=1200),
            e.TaskLoad(person_id="p-w1-3-b", people=2100, before=900),
        ),
    ),
    e.MassTaskClosed(
        **w.attributes(28),
        **TASK,
        **SAID,
        prepared_by=w.OFFICER,
        total=7815,
        done=7387,
        missing=(
            e.NotDoneCount(reason=NotDoneReason.MOVED_AWAY, count=28),
            e.NotDoneCount(reason=NotDoneReason.NOT_HOME, count=400),
        ),
        loads=(e.TaskLoad(person_id="p-w1-3-b", people=0, before=400),),
    ),
    e.RoundDayClosed(
        **w.attributes(29),
        day_id=w.OTHER,
        grid_id=w.GRID,
        unit_path=(w.CIVIL, w.STREET, w.COMMUNITY, w.GRID),
        day=date(2026, 11, 22),
        begins_at=datetime(2026, 11, 21, 16, tzinfo=UTC),
        owed=12,
        done=11,
        not_done=(e.NotDoneCount(reason=NotDoneReason.NO_ACCESS, count=1),),
    ),
    e.PlaceAdvised(
        **w.attributes(30),
        advice_id=w.OTHER,
        street_id=w.STREET,
        unit_path=(w.CIVIL, w.STREET, w.COMMUNITY, w.GRID),
        person_id=w.WORKER,
        grid_id=w.GRID,
        covered_before=0.81,
        covered_after=0.88,
    ),
)
