"""The rounds at a desk: who is named for a stop, what is read of it and by whom, how it went by grid and period."""

from __future__ import annotations

from typing import Any

from services.dispatch.queries import round_days
from services.dispatch.queries import rounds as rows
from services.dispatch.timers import Forgetting
from shared.database import Transaction
from shared.ids import uuid7
from shared.service import Service
from shared.vocabulary import Role
from tests.dispatch.phones import Phone
from tests.dispatch.test_at_once import _plan
from tests.dispatch.test_rounds import (
    POINT,
    THERE,
    W,
    a_leader,
    a_stop,
    a_visit,
    check_books,
    move,
    nothing_in_the_open,
)
from tests.dispatch.world import LEADER, START, A, B, Scene


async def test_who_may_be_named_for_a_stop(service: Service, scene: Scene) -> None:
    """Whoever has a post in the grid; nobody of next door, nobody who left, nobody of a unit that has ended."""
    leader, directory = a_leader(service), service.database.directory
    stop = await a_stop(service, person_id=W)
    path = f"/rounds/stops/{stop['stop_id']}/change"
    directory.people["p-grid-a1-b"] = directory.people[B].model_copy(update={"retired_at": START})
    directory._forget()
    for person_id, status in ((A, 200), (LEADER, 200), ("p-grid-a2-w", 422), (B, 422), ("p-nobody", 422)):
        changed = await leader.post(path, **POINT, person_id=person_id, why="换人")
        assert changed.status_code == status, changed.text
        added = await leader.post("/rounds/stops", grid_id="grid-a1", **POINT, person_id=person_id)
        assert added.status_code == (201 if status == 200 else 422), added.text
        assert status == 200 or added.json()["code"] == changed.json()["code"] == "not-of-this-grid"
    directory.units["grid-a1"] = directory.units["grid-a1"].model_copy(update={"retired_at": START})
    bodies: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/rounds/stops", {"grid_id": "grid-a1"}),
        (path, {"why": "换人"}),
    )
    for act, body in bodies:
        assert (await leader.post(act, **POINT, **body)).json()["code"] == "unit-ended"


async def test_what_was_said_at_a_visit_is_read_by_who_said_what_for(service: Service, scene: Scene) -> None:
    visit, leader = await a_visit(service), a_leader(service)
    other = Phone(service, "p-street-s1", Role.SUPERVISOR, "street")
    path = f"/rounds/stops/{visit['stop_id']}"
    await Phone(service, A).post(f"{path}/done", **THERE, note="身体好")

    async def said(phone: Phone) -> list[str | None]:
        return [line["words"] for line in (await phone.get(f"{path}/history")).json()["lines"]]

    assert await said(leader) == [None, None]
    assert (await leader.post(f"{path}/reveal", purpose="planning")).status_code == 200
    mine = await said(leader)
    assert "身体好" in str(mine[1])
    assert await said(other) == [None, None, None]
    lines = (await leader.get(f"{path}/history")).json()["lines"]
    assert [line["what"] for line in lines] == ["added", "done", "revealed"]
    await move(scene, 1 / 12)
    assert await said(leader) == [None, None, None]
    await nothing_in_the_open(scene, ["身体"])


async def test_the_report_is_of_grids_and_adds_up(service: Service, scene: Scene) -> None:
    """Three points every day for five days: what was done, what was not and why, and what is owed now."""
    stops = [(await a_stop(service, label=f"点 {n}"))["stop_id"] for n in range(3)]
    other = Phone(service, "p-grid-a2-l", Role.GRID_LEADER, "grid-a2")
    assert (await other.post("/rounds/stops", grid_id="grid-a2", **POINT)).status_code == 201
    phone = Phone(service, A)
    for day in range(5):
        await phone.post(f"/rounds/stops/{stops[0]}/done", **THERE)
        if day == 2:
            await phone.post(f"/rounds/stops/{stops[1]}/not-done", reason="no_access")
        await move(scene, 1)
    desk = Phone(service, "p-street-s1", Role.SUPERVISOR, "street")
    answer = (await desk.get("/rounds/report?unit=community-a&from=2026-03-02&to=2026-03-06")).json()
    first, second = answer["grids"]
    assert (first["grid_id"], first["due"], first["done"]) == ("grid-a1", 15, 5)
    assert first["reasons"] == {"no_access": 5, "not_reached": 5}
    assert (first["overdue"], first["longest_days"]) == (2, 5)
    assert (second["due"], second["done"], second["reasons"]) == (5, 0, {"not_reached": 5})
    for line in answer["grids"]:
        assert line["due"] == line["done"] + sum(line["reasons"].values())
    assert "p-grid" not in str(answer)
    await a_leader(service).post(f"/rounds/stops/{stops[1]}/end", why="拆了")
    again = (await desk.get("/rounds/report?unit=grid-a1&from=2026-03-02&to=2026-03-06")).json()["grids"]
    assert (again[0]["due"], again[0]["done"], again[0]["overdue"]) == (15, 5, 1)
    for period in ("from=2026-03-06&to=2026-03-02", "from=2025-01-01&to=2026-03-02", "to=0001-01-01"):
        assert (await desk.get(f"/rounds/report?unit=street&{period}")).status_code == 422


async def test_stops_are_paged_the_longest_owed_first(service: Service, scene: Scene) -> None:
    for n in range(5):
        await a_stop(service, label=f"点 {n}", since=f"2026-03-{7 - n:02}")
    leader, found, cursor = a_leader(service), list[str](), ""
    while True:
        page = (await leader.get(f"/rounds/stops?unit=grid-a1&limit=2{cursor}")).json()
        found += [stop["due_on"] for stop in page["stops"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == [f"2026-03-0{n}" for n in range(3, 8)]
    await move(scene, 2)
    for state, n in (("due", 2), ("overdue", 1), ("all", 5), ("ended", 0)):
        assert len((await leader.get(f"/rounds/stops?unit=grid-a1&state={state}")).json()["stops"]) == n


async def test_whom_an_ended_visit_was_for_is_forgotten(service: Service, scene: Scene) -> None:
    visit, leader = await a_visit(service), a_leader(service)
    path = f"/rounds/stops/{visit['stop_id']}"
    await leader.post(f"{path}/end", why="已搬走")
    await move(scene, 89)
    assert await Forgetting(30, 90).forget(service.database) == 0
    await move(scene, 2)
    assert await Forgetting(30, 90).forget(service.database) == 1
    assert await Forgetting(30, 90).forget(service.database) == 0
    assert (await leader.get(path)).json()["person"] is None
    assert [line["words"] for line in (await leader.get(f"{path}/history")).json()["lines"]] == [None, None]
    await check_books(scene, visit["stop_id"])


async def test_the_rounds_hot_queries_use_their_indexes(service: Service) -> None:
    async with service.database.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        page: dict[str, object] = {"grids": ["g"], "after_due": START.date(), "after_id": uuid7(), "most": 50}
        await _uses(tx, "round_stops_due", rows.PAGE, due_until=START.date(), **page)
        await _uses(tx, "round_stops_ended_by_grid", rows.PAGE_OF_ENDED, **page)
        day: dict[str, object] = {"grids": ["g"], "day": START.date()}
        await _uses(tx, "round_stops_due", rows.DUE_FOR, **day)
        await _uses(tx, "round_stops_due", rows.TODAY, **day, whose=[""], most=50)
        begin, until = START.date(), START.date()
        await _uses(tx, "round_dues_by_grid", rows.SETTLED, grids=["g"], begin=begin, until=until)
        await _uses(tx, "round_dues_by_grid", round_days.SETTLED, grid_id="g", days=[begin])
        await _uses(tx, "round_stops_due", rows.OWING, grid_id="g", until=until)
        await _uses(tx, "round_stops_due", round_days.STANDS, grid_id="g")
        before: dict[str, object] = {"before_at": START, "before_id": uuid7(), "most": 50}
        await _uses(tx, "round_entries_by_stop", rows.ENTRIES, stop_id=uuid7(), **before)
        beside: dict[str, object] = {"stop_id": uuid7(), "besides": uuid7(), "visits": True}
        await _uses(tx, "round_entries_by_stop", rows.LATEST_BESIDE, **beside)


async def _uses(tx: Transaction, index: str, sql: str, **parameters: object) -> None:
    plan = await _plan(tx, sql, **parameters)
    assert index in plan, plan
