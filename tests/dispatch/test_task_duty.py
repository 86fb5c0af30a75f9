"""Splitting a mass task again takes long and may fail: no emergency's timer waits for it, nor is taken back with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.dispatch.handlers import mass_tasks, task_duty
from services.dispatch.handlers.task_duty import SPLIT_WITHIN
from services.dispatch.queries import mass_tasks as rows
from services.dispatch.rules.splitting import Share
from shared.database import Transaction
from shared.service import Service
from tests.dispatch.test_mass_tasks import Desk, a_task, residents
from tests.dispatch.world import START, A, Scene

HOUR = timedelta(hours=1)


async def look_again_at(scene: Scene, task_id: str) -> datetime:
    async with scene.database.transaction() as tx:
        [row] = await tx.rows(
            "SELECT due_at FROM timers WHERE subject_id = :id AND kind = :kind",
            id=UUID(task_id),
            kind=mass_tasks.LOOK_AGAIN,
        )
    due_at: datetime = row["due_at"]
    return due_at


async def test_a_task_that_cannot_be_split_holds_up_no_timer_and_no_other_task(
    service: Service, scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(service)
    broken, sound = [await a_task(desk, residents(40, ["grid-a1"])) for _ in range(2)]
    case = await scene.registered()
    monkeypatch.setattr(task_duty, "FAULT_RESTS_SECONDS", 0.0)
    whole = rows.assign

    async def fails(tx: Transaction, task_id: UUID, given: Sequence[Share]) -> None:
        await whole(tx, task_id, given)
        if str(task_id) == broken:
            raise ZeroDivisionError

    monkeypatch.setattr(rows, "assign", fails)
    later = START + 2 * HOUR
    await scene._set(later)

    await scene.timers.fire()

    await scene.matching.turn(scene.database)
    assert (await scene.offer(case)).person_id != A, "the offer lapsed in that turn"
    assert not [one for one in caplog.records if "batch of timers failed" in one.message]
    assert {str(task_id) for task_id in scene.duty.due()} == {broken, sound}
    assert await look_again_at(scene, sound) == later + SPLIT_WITHIN, "the process may die before it is split"

    for task_id in scene.duty.due():
        await scene.duty.split(scene.database, task_id)

    assert await look_again_at(scene, sound) == later + HOUR
    assert await look_again_at(scene, broken) == later + SPLIT_WITHIN
    assert [str(task_id) for task_id in scene.duty.due()] == [broken], "it is tried again"
    monkeypatch.setattr(rows, "assign", whole)
    await scene.settle()
    assert await look_again_at(scene, broken) == later + HOUR
    assert scene.duty.due() == []


async def test_a_task_that_was_closed_meanwhile_is_not_split(service: Service, scene: Scene) -> None:
    desk = Desk(service)
    task_id = await a_task(desk, residents(40, ["grid-a1"]))
    await scene._set(START + 2 * HOUR)
    await scene.timers.fire()
    assert (await desk.post(f"/mass-tasks/{task_id}/close")).status_code == 200
    [waiting] = scene.duty.due()
    await scene.duty.split(scene.database, waiting)
    assert scene.duty.due() == []
