"""What others are told of a mass task: whose list came to how many people, and nobody who is on one."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from services.dispatch.rules.task_story import changed_loads
from shared.events.fieldwork import MassTaskClosed, MassTaskOpened, MassTaskSplit, TaskLoad
from shared.journal import story
from shared.service import Service
from tests.dispatch.phones import Phone
from tests.dispatch.test_mass_tasks import Desk, W, a_task, check_books, my_people, residents
from tests.dispatch.world import START, A, B, Scene


async def told(scene: Scene, task_id: str) -> list[MassTaskOpened | MassTaskSplit | MassTaskClosed]:
    """What was published, in its order; the draft is nobody's business."""
    async with scene.database.transaction() as tx:
        events = [event for event in await story(tx, UUID(task_id)) if event.sequence]
        rows = await tx.rows("SELECT type FROM outbox WHERE subject_id = :id ORDER BY id", id=UUID(task_id))
    assert [event.type for event in events] == [row["type"] for row in rows]
    return [one for one in events if isinstance(one, MassTaskOpened | MassTaskSplit | MassTaskClosed)]


async def test_lists_given_and_taken_away_are_told_in_numbers(service: Service, scene: Scene) -> None:
    desk, phone = Desk(service), Phone(service, A)
    task_id = await a_task(desk, residents(240, ["grid-a1"]))
    for one in (await my_people(phone, task_id))[:5]:
        await phone.post(f"/mass-tasks/people/{one['listed_id']}/done")
    assert (await desk.post(f"/mass-tasks/{task_id}/split")).status_code == 200
    shifts = scene.database.directory.shifts
    leaving = shifts[f"s-{A}"]
    shifts[f"s-{A}"] = leaving.model_copy(update={"ends_at": START + timedelta(minutes=20)})
    scene.database.directory._forget()
    await scene.until(3600)
    closed = await desk.post(f"/mass-tasks/{task_id}/close")
    assert closed.status_code == 200

    opened, *splits, ended = await told(scene, task_id)
    assert isinstance(opened, MassTaskOpened)
    assert isinstance(ended, MassTaskClosed)
    assert {load.person_id: load.before for load in opened.loads} == dict.fromkeys((A, B, W), 0)
    left = {load.person_id: load.people for load in opened.loads}
    assert sum(left.values()) == opened.total == 240
    left[A] -= 5
    for split in splits:
        assert isinstance(split, MassTaskSplit)
        assert [load for load in split.loads if load.people == load.before] == []
        for load in split.loads:
            assert left.get(load.person_id, 0) == load.before
            left[load.person_id] = load.people
    assert (left[A], left[B] + left[W]) == (0, 235), "whose shift is over has nobody left"
    assert {load.person_id: load.before for load in ended.loads} == {B: left[B], W: left[W]}
    assert (ended.done, ended.total, ended.prepared_by) == (5, 240, "p-community-a-o1")
    await check_books(scene, task_id)

    async with scene.database.transaction() as tx:
        bodies = str([row["body"] for row in await tx.rows("SELECT body FROM outbox")])
    assert [word for word in ("演示", "1380000", "栋", "逐户") if word in bodies] == []


async def test_splitting_what_is_split_well_tells_nothing(service: Service, scene: Scene) -> None:
    task_id = await a_task(Desk(service), residents(120, ["grid-a1"]))
    for _ in range(2):
        assert (await Desk(service).post(f"/mass-tasks/{task_id}/split")).status_code == 200
    assert len(await told(scene, task_id)) == 1


def test_lists_that_stay_as_long_are_not_named() -> None:
    assert changed_loads({"a": 3, "b": 4, "c": 5}, {"b": 4, "c": 6, "d": 1}) == [
        TaskLoad(person_id="a", people=0, before=3),
        TaskLoad(person_id="c", people=6, before=5),
        TaskLoad(person_id="d", people=1, before=0),
    ]
