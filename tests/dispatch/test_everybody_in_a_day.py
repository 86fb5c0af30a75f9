"""S0-d: 7,815 people in a day, who is missing and why, from the desk to the read side's figure."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from typing import Any

from services.dispatch.commands import DoListed, LeaveUndone
from services.dispatch.handlers import listed_people
from shared.fieldwork import NotDoneReason
from shared.service import Service
from tests.dispatch.read_side import reading
from tests.dispatch.test_mass_tasks import GRIDS, Desk, a_task, check_books, everybody, residents
from tests.dispatch.world import Scene, doer


async def test_s0_d_7815_people_in_a_day_7387_done_428_missing(
    service: Service,
    scene: Scene,
    fresh_database: Callable[[str], str],
    kafka_bootstrap: str,
    topic_prefix: str,
) -> None:
    """Over seven grids in one day; every one of the 428 has a reason, and every sum agrees: here, and as the figure
    that the read side makes of it."""
    desk = Desk(service)
    task_id = await a_task(desk, residents(7815, GRIDS))
    listed = await everybody(scene, task_id)
    loads = Counter(listed.values())
    assert (len(listed), sum(loads.values())) == (7815, 7815)
    assert None not in loads
    by_grid = {
        grid: [n for who, n in loads.items() if who and who.startswith(f"p-{grid}-")] for grid in GRIDS
    }
    assert all(max(of_grid) - min(of_grid) <= 40 for of_grid in by_grid.values())

    why = [NotDoneReason.NOT_HOME, NotDoneReason.MOVED_AWAY, NotDoneReason.REFUSED, NotDoneReason.ILL]
    expected: Counter[str] = Counter()
    for start in range(0, len(listed), 500):
        async with scene.database.transaction() as tx:
            for n, (listed_id, worker_id) in list(enumerate(listed.items()))[start : start + 500]:
                command: DoListed | LeaveUndone = DoListed()
                if n < 328:
                    command = LeaveUndone(reason=why[n % 4])
                    expected[why[n % 4]] += 1
                elif n < 428:
                    expected["not_reached"] += 1
                    continue
                await listed_people.try_listed(tx, listed_id, command, doer(worker_id or ""), scene.sealer)

    seen = (await desk.get(f"/mass-tasks/{task_id}")).json()
    assert (seen["task"]["total"], seen["done"], sum(seen["missing"].values())) == (7815, 7387, 428)
    assert seen["missing"] == expected
    assert (
        sum(grid["listed"] for grid in seen["grids"]) == sum(one["listed"] for one in seen["workers"]) == 7815
    )
    assert sum(grid["done"] for grid in seen["grids"]) == 7387
    for grid in seen["grids"]:
        assert grid["listed"] == grid["done"] + sum(grid["missing"].values())

    closed = await desk.post(f"/mass-tasks/{task_id}/close")
    assert (closed.json()["done"], closed.json()["missing"]) == (7387, expected)
    found, cursor = list[dict[str, Any]](), ""
    while True:
        page = (await desk.get(f"/mass-tasks/{task_id}/missing?limit=200{cursor}")).json()
        found += page["people"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len({one["ref"] for one in found}) == len(found) == 428
    assert Counter(one["reason"] for one in found) == expected
    table = list(csv.DictReader(io.StringIO((await desk.get(f"/mass-tasks/{task_id}/people.csv")).text[1:])))
    assert Counter(row["state"] for row in table)["done"] == 7387
    assert Counter(row["reason"] for row in table if row["state"] != "done") == expected
    assert "演示" not in str(table)
    await check_books(scene, task_id)

    async with reading(scene, fresh_database("insight"), kafka_bootstrap, topic_prefix) as read_side:
        assert await read_side.figure("mass_task_reached") == "7387/7815"
        [behind] = (await read_side.behind("mass_task_reached")).cases
    assert (str(behind.case_id), behind.number, behind.listed) == (task_id, "全员采样", 7815)
    assert behind.missing == expected
