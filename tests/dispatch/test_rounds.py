"""The grid's round as the routes show it: planned at a desk, walked with a phone, read by grid and period."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.handlers import round_lists
from services.dispatch.queries import rounds as rows
from services.dispatch.rules import round_story
from services.dispatch.rules.arrival_proof import code_of
from shared.ids import uuid7
from shared.journal import verify
from shared.service import Service
from shared.vocabulary import Role
from tests.dispatch.phones import Phone, queued
from tests.dispatch.world import LEADER, A, B, Scene

W = "p-grid-a1-w"
POINT: dict[str, Any] = {"label": "东门配电箱", "period": "days", "amount": 1, "preferred_at": "09:00:00"}
VISIT: dict[str, Any] = {
    "period": "week",
    "amount": 1,
    "person": {
        "name": "王小明（演示）",
        "address": "建设社区 3 栋 201",
        "phone": "13800001234",
        "about": "独居，听力不好",
        "place": {"lon": 102.71, "lat": 25.02},
    },
}


THERE: dict[str, Any] = {"method": "self_declared", "reason": "没有信号"}


def a_leader(service: Service, unit: str = "grid-a1") -> Phone:
    return Phone(service, LEADER, Role.GRID_LEADER, unit)


async def a_stop(service: Service, **more: Any) -> dict[str, Any]:
    answer = await a_leader(service).post("/rounds/stops", **{"grid_id": "grid-a1", **POINT} | more)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def a_visit(service: Service, **more: Any) -> dict[str, Any]:
    answer = await a_leader(service).post("/rounds/stops", **{"grid_id": "grid-a1", **VISIT} | more)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def labels(phone: Phone, query: str = "") -> list[str]:
    stops = (await phone.get(f"/rounds/today{query}")).json()["stops"]
    return [one["stop"]["label"] or one["stop"]["person"]["name"] for one in stops]


async def move(scene: Scene, days: float) -> None:
    await scene._set(scene.now + timedelta(days=days))


async def check_books(scene: Scene, stop_id: str) -> None:
    """The chain holds; folding the story gives the stop, its entries and its settled days again."""
    async with scene.database.transaction() as tx:
        subject = UUID(stop_id)
        await verify(tx, subject)
        story = [event for _, event in await rows.story_of(tx, subject, 0, 1000)]
        assert round_story.fold(story) == await rows.find(tx, subject)
        told = {entry.id for event in story if (entry := round_story.entry_of(event))}
        stored = await tx.rows("SELECT id FROM round_entries WHERE stop_id = :id", id=subject)
        assert told == {row["id"] for row in stored}
        stop: round_story.Stop | None = None
        dues: dict[Any, tuple[bool, str | None]] = {}
        for event in story:
            before, stop = stop, round_story.apply(stop, event)
            assert stop is not None
            for day in getattr(event, "reopened", ()):
                del dues[day]
            for due in round_story.settled_by(before or stop, event):
                dues[due.due_on] = (due.done, due.reason)
        kept = await tx.rows("SELECT due_on, done, reason FROM round_dues WHERE stop_id = :id", id=subject)
        assert dues == {row["due_on"]: (row["done"], row["reason"]) for row in kept}


async def test_a_visit_from_the_plan_to_the_door(service: Service, scene: Scene) -> None:
    visit, phone = await a_visit(service), Phone(service, W)
    assert visit["person"] == {
        "name": "王*",
        "phone": "138****1234",
        "address": None,
        "about": None,
        "place": None,
    }
    [today] = (await phone.get("/rounds/today")).json()["stops"]
    assert today["stop"]["person"]["address"] == "建设社区 3 栋 201"
    assert today["stop"]["person"]["about"] == "独居，听力不好"
    path = f"/rounds/stops/{visit['stop_id']}"
    away = await phone.post(f"{path}/not-done", reason="not_home", note="邻居说去了医院")
    assert away.status_code == 200, away.text
    assert away.json()["found_something"] == {
        "method": "POST",
        "path": "/api/intake/cases",
        "channel": "patrol",
        "grid_id": "grid-a1",
    }
    assert await labels(phone) == []
    await move(scene, 1)
    [again] = (await phone.get("/rounds/today")).json()["stops"]
    assert (again["stop"]["overdue_days"], again["stop"]["reason"]) == (1, "not_home")
    there = await phone.post(
        f"{path}/done", method="position", position={"lon": 102.7101, "lat": 25.02}, note="身体好"
    )
    assert there.status_code == 200, there.text
    assert await labels(phone) == []
    [done, left] = (await a_leader(service).get(f"{path}/entries")).json()["entries"]
    assert (done["done"], done["distance_m"], left["reason"]) == (True, 10, "not_home")
    await check_books(scene, visit["stop_id"])
    await nothing_in_the_open(scene, ["王小明", "3 栋", "13800001234", "医院", "身体", "102.71"])


async def nothing_in_the_open(scene: Scene, words: Iterable[str]) -> None:
    """`words` that no id can contain: three digits are in every hundredth one."""
    async with scene.database.transaction() as tx:
        text = ""
        for table in ("round_stops", "round_entries", "round_words", "journal"):
            text += str([dict(row) for row in await tx.rows(f"SELECT t::text AS row FROM {table} AS t")])
    assert [word for word in words if word in text] == []


async def test_the_order_of_the_day_with_times(service: Service, scene: Scene) -> None:
    """Ten past two at night: what is due at nine waits, the rest is a short way; what is under way comes before all."""
    centre = scene.database.directory.units["grid-a1"].centre
    assert centre is not None
    for label, metres, wanted in (
        ("近", 50, None),
        ("远", 900, None),
        ("中", 400, None),
        ("九点", 10, "09:00"),
    ):
        place = {"lon": centre.lon, "lat": centre.lat + metres / 111_195}
        await a_stop(service, label=label, place=place, preferred_at=wanted)
    phone = Phone(service, A)
    assert await labels(phone) == ["近", "中", "远", "九点"]
    far = f"?lon={centre.lon}&lat={centre.lat + 0.01}"
    assert await labels(phone, far) == ["远", "中", "近", "九点"]
    stops = (await phone.get("/rounds/today")).json()["stops"]
    assert stops[-1]["arrive_at"] == "2026-03-02T01:00:00Z"
    times = [one["arrive_at"] for one in stops]
    assert times == sorted(times)
    of_day = (await phone.get("/me/day")).json()["visits"]
    assert [one["visit"]["stop_id"] for one in of_day] == [one["stop"]["stop_id"] for one in stops]
    assert [one["begin_at"] for one in of_day] == times

    emergency = await scene.registered()
    await scene.accept(await scene.offer(emergency), A)
    after = (await phone.get("/rounds/today")).json()["stops"]
    assert sorted(one["stop"]["stop_id"] for one in after) == sorted(one["stop"]["stop_id"] for one in stops)
    assert after[0]["arrive_at"] > stops[0]["arrive_at"], "the day is planned anew behind it"
    assert (await phone.get("/rounds/today?lon=1")).status_code == 422


async def test_b_stands_in_while_the_worker_is_away(service: Service, scene: Scene) -> None:
    await a_stop(service)
    phones = {person: Phone(service, person) for person in (W, A, B, "p-grid-a2-w")}
    assert {person for person, phone in phones.items() if await labels(phone)} == {W, A}
    shifts = service.database.directory.shifts
    for person in (W, A):
        shift = shifts.pop(f"s-{person}")
        assert shift.person_id == person
    service.database.directory._forget()
    assert {person for person, phone in phones.items() if await labels(phone)} == {B}


async def test_who_may_plan_read_walk(service: Service, scene: Scene) -> None:
    stop, visit = await a_stop(service), await a_visit(service)
    path = f"/rounds/stops/{stop['stop_id']}"
    change: dict[str, Any] = {**POINT, "why": "位置有变"}
    planning = [
        a_leader(service),
        Phone(service, "p-street-s1", Role.SUPERVISOR, "street"),
        Phone(service, "p-admin", Role.ADMINISTRATOR, "community-a"),
    ]
    others = [
        Phone(service, A),
        Phone(service, "p-grid-b1-l", Role.GRID_LEADER, "grid-b1"),
        Phone(service, "p-community-b-s1", Role.SUPERVISOR, "community-b"),
        Phone(service, "p-operator-1", Role.OPERATOR, "civil-affairs"),
    ]
    officer = Phone(service, "p-community-a-o1", Role.UNIT_OFFICER, "community-a")
    for who in planning:
        assert (await who.post("/rounds/stops", grid_id="grid-a1", **POINT)).status_code == 201
        assert (await who.post(f"{path}/change", **change)).status_code == 200
        assert (
            await who.post(f"/rounds/stops/{visit['stop_id']}/reveal", purpose="complaint")
        ).status_code == 200
        assert (await who.get(f"{path}/history")).status_code == 200
    for who in [*others, officer]:
        assert (await who.post("/rounds/stops", grid_id="grid-a1", **POINT)).status_code == 403
        assert (await who.post(f"{path}/change", **change)).status_code == 403
        assert (await who.post(f"{path}/end", why="x")).status_code == 403
        assert (
            await who.post(f"/rounds/stops/{visit['stop_id']}/reveal", purpose="planning")
        ).status_code == 403
        assert (await who.get(f"{path}/history")).status_code == 403
    reader = Phone(service, "p-reader-1", Role.READER, "civil-affairs")
    for reading in (path, f"{path}/entries", "/rounds/stops?unit=grid-a1", "/rounds/report?unit=grid-a1"):
        for who in [*planning, officer]:
            assert (await who.get(reading)).status_code == 200
        for who in others:
            assert (await who.get(reading)).status_code == 403
        assert (await reader.get(reading)).status_code == (200 if "report" in reading else 403)
    for stranger in (Phone(service, "p-grid-b1-w", unit="grid-b1"), Phone(service, "p-nobody")):
        assert (await stranger.post(f"{path}/done", **THERE)).status_code == 403
        assert (await stranger.post(f"{path}/not-done", reason="ill")).status_code == 403
        body: dict[str, Any] = {"entry_id": str(uuid7()), "text": "x"}
        assert (await stranger.post(f"{path}/corrections", **body)).status_code == 403
    assert (await a_leader(service).get(f"/rounds/stops/{uuid7()}")).status_code == 404
    assert (await a_leader(service).get("/rounds/stops?unit=nowhere")).status_code == 404
    assert (await reader.get("/rounds/today")).status_code == 403


async def test_an_act_on_an_older_version_is_refused(service: Service, scene: Scene) -> None:
    stop = await a_stop(service)
    path, leader = f"/rounds/stops/{stop['stop_id']}", a_leader(service)
    seen = (await leader.get(path)).headers["etag"]
    changed = await leader.post(f"{path}/change", **POINT, why="早一点", headers={"If-Match": seen})
    assert changed.headers["etag"] != seen
    for act, body in (
        ("end", {"why": "不需要"}),
        ("done", THERE),
        ("not-done", {"reason": "ill"}),
    ):
        phone = Phone(service, A) if "done" in act else leader
        late = await phone.post(f"{path}/{act}", **body, headers={"If-Match": seen})
        assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")
    ended = await leader.post(f"{path}/end", why="已拆除", headers={"If-Match": changed.headers["etag"]})
    assert ended.json()["ended_at"]
    assert (await leader.post(f"{path}/end", why="再一次")).status_code == 200
    assert (await Phone(service, A).post(f"{path}/done", **THERE)).json()["code"] == "stop-ended"
    assert (await leader.post(f"{path}/change", **POINT, why="x")).json()["code"] == "stop-ended"
    history = (await leader.get(f"{path}/history?limit=2")).json()
    assert [line["words"] for line in history["lines"]] == [None, "早一点"]
    rest = (await leader.get(f"{path}/history?after_line={history['next_line']}")).json()
    assert [(line["what"], line["words"], line["by"]) for line in rest["lines"]] == [
        ("ended", "已拆除", LEADER)
    ]
    [gone] = (await leader.get("/rounds/stops?unit=grid-a1&state=ended")).json()["stops"]
    assert gone["stop_id"] == stop["stop_id"]
    await check_books(scene, stop["stop_id"])


IMPOSSIBLE: tuple[dict[str, Any], ...] = (
    {"period": "week", "amount": 8},
    {"period": "month", "amount": 29},
    {"period": "days", "amount": 0},
    {"label": None},
    {"person": VISIT["person"]},
    {"stay_minutes": 241},
    {"preferred_at": "09:00:00+08:00"},
    {"grid_id": "nowhere"},
)
ENTRIES: tuple[tuple[str, dict[str, Any], int], ...] = (
    ("done", {"method": "position"}, 409),
    ("done", {"method": "self_declared"}, 409),
    ("done", {"method": "qr_code"}, 409),
    ("done", {"method": "qr_code", "code": "grid-a1.nonsense"}, 409),
    ("done", {"method": "photo_time"}, 409),
    ("not-done", {"reason": "not_reached"}, 422),
    ("not-done", {"reason": "taken_back"}, 422),
    ("not-done", {"reason": "other"}, 422),
    ("not-done", {"reason": "other", "note": "施工封路"}, 200),
    ("done", {"method": "self_declared", "reason": "没有信号"}, 200),
)


async def test_what_a_plan_and_an_entry_need(service: Service, scene: Scene) -> None:
    for wrong in IMPOSSIBLE:
        answer = await a_leader(service).post("/rounds/stops", **{"grid_id": "grid-a1", **POINT} | wrong)
        assert answer.status_code in (404, 422), answer.text
    stop = await a_stop(service)
    for act, body, status in ENTRIES:
        answer = await Phone(service, A).post(f"/rounds/stops/{stop['stop_id']}/{act}", **body)
        assert answer.status_code == status, answer.text


async def test_a_code_that_hangs_in_the_grid_shows_that_one_is_there(service: Service, scene: Scene) -> None:
    stop, phone = await a_stop(service), Phone(service, A)
    path = f"/rounds/stops/{stop['stop_id']}/done"
    for unit, status in (("grid-a2", 409), ("community-a", 409), ("grid-a1", 200)):
        answer = await phone.post(path, method="qr_code", code=code_of(unit, service.sealer))
        assert answer.status_code == status, answer.text


async def test_ones_own_stops_come_up_however_many_are_due_to_others(
    service: Service, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(round_lists, "ONE_LIST_STOPS_MAX", 3)
    for n in range(4):
        await a_stop(service, label=f"别人的 {n}", person_id=W)
    put_off = await a_stop(service, label="明天再来")
    phone = Phone(service, A)
    await phone.post(f"/rounds/stops/{put_off['stop_id']}/not-done", reason="no_access")
    for n in range(3):
        await a_stop(service, label=f"网格的 {n}")
    assert sorted(await labels(phone)) == [f"网格的 {n}" for n in range(3)]
    assert not (await phone.get("/rounds/today")).json()["more"]
    await a_stop(service, label="网格的 3", person_id=A)
    today = (await phone.get("/rounds/today")).json()
    assert (len(today["stops"]), today["more"]) == (3, True)
    assert len(await labels(Phone(service, W))) == 3
    assert await labels(Phone(service, B)) == []


async def test_two_at_one_stop_in_the_same_second(service: Service, scene: Scene) -> None:
    stop = await a_stop(service)
    path = f"/rounds/stops/{stop['stop_id']}/done"
    phones = [Phone(service, person) for person in (A, W)]
    answers = await asyncio.gather(*(phone.post(path, **THERE) for phone in phones * 3))
    assert sorted(one.status_code for one in answers) == [200] * 3 + [409] * 3
    refused = next(one.json() for one in answers if one.status_code == 409)
    assert refused["done_by"] in (A, W)
    await check_books(scene, stop["stop_id"])


async def test_a_wrong_entry_is_taken_back_within_its_hours(service: Service, scene: Scene) -> None:
    stop, phone = await a_stop(service), Phone(service, A)
    path = f"/rounds/stops/{stop['stop_id']}"
    await move(scene, 2)
    await phone.post(f"{path}/done", **THERE)
    [entry] = (await a_leader(service).get(f"{path}/entries")).json()["entries"]
    body: dict[str, Any] = {"entry_id": entry["entry_id"], "text": "点错了，是西门"}
    assert (await Phone(service, W).post(f"{path}/corrections", **body)).json()["code"] == "not-your-entry"
    back = await phone.post(f"{path}/corrections", **body)
    assert (back.status_code, back.json()["stop"]["overdue_days"]) == (201, 2)
    assert (await phone.post(f"{path}/corrections", **body)).status_code == 201
    [entry] = (await a_leader(service).get(f"{path}/entries")).json()["entries"]
    assert entry["undone_at"]
    await phone.post(f"{path}/done", **THERE)
    [entry, _] = (await a_leader(service).get(f"{path}/entries")).json()["entries"]
    await move(scene, 2)
    late = await phone.post(f"{path}/corrections", entry_id=entry["entry_id"], text="晚了")
    assert (late.status_code, late.json()["code"]) == (409, "correction-too-late")
    assert (await phone.post(f"{path}/corrections", entry_id=str(uuid7()), text="x")).status_code == 404
    await check_books(scene, stop["stop_id"])


async def test_what_was_taken_back_counts_as_done_no_more(service: Service, scene: Scene) -> None:
    """Once more was entered, or another plan made, the day is not done: it is in the books with this reason. The
    visit before it is the last one again."""
    stop, phone, leader = await a_stop(service), Phone(service, A), a_leader(service)
    path = f"/rounds/stops/{stop['stop_id']}"
    for _ in range(3):
        assert (await phone.post(f"{path}/done", **THERE)).status_code == 200
        await move(scene, 1)
    await phone.post(f"{path}/not-done", reason="no_access")
    _, *done = (await leader.get(f"{path}/entries")).json()["entries"]
    back = await phone.post(f"{path}/corrections", entry_id=done[0]["entry_id"], text="走错了门")
    assert back.json()["stop"]["done_on"] == "2026-03-03"
    report = "/rounds/report?unit=grid-a1&from=2026-03-02&to=2026-03-05"
    [line] = (await leader.get(report)).json()["grids"]
    assert (line["due"], line["done"], line["reasons"]) == (4, 2, {"taken_back": 1, "no_access": 1})
    await phone.post(f"{path}/done", **THERE)
    changed = await leader.post(f"{path}/change", **{**POINT, "amount": 3}, why="改为每三天")
    assert changed.json()["due_on"] == "2026-03-08"
    latest = (await leader.get(f"{path}/entries")).json()["entries"][0]
    back = await phone.post(f"{path}/corrections", entry_id=latest["entry_id"], text="没有去")
    assert (back.json()["stop"]["done_on"], back.json()["stop"]["reason"]) == ("2026-03-03", "no_access")
    [line] = (await leader.get(report)).json()["grids"]
    assert (line["due"], line["done"], line["reasons"]) == (4, 2, {"taken_back": 2})
    assert (await phone.post(f"{path}/done", **THERE)).status_code == 200
    await check_books(scene, stop["stop_id"])


async def test_a_phone_without_signal_sends_its_round_later(service: Service, scene: Scene) -> None:
    stops = [(await a_stop(service, label=f"点 {n}"))["stop_id"] for n in range(3)]
    case = await scene.registered(category="road-damage")
    offer = await scene.offer(case)
    queue = [
        {**queued("round_done", 60, None, **THERE), "stop_id": stops[0]},
        queued("accept", 90, None, offer_id=str(offer.id)),
        {**queued("round_not_done", 120, None, reason="no_access"), "stop_id": stops[1]},
        {**queued("round_done", 130, None, method="nonsense"), "stop_id": stops[2]},
        {**queued("round_done", 140, None, **THERE), "stop_id": str(uuid7())},
        {**queued("accept", 150, None), "stop_id": stops[2]},
        queued("round_done", 160, offer.part_id, **THERE),
    ]
    phone = Phone(service, A)
    for _ in range(2):
        results = (await phone.post("/sync", commands=queue)).json()["results"]
        assert [one["status"] for one in results] == ["done"] * 3 + ["refused"] * 4
        assert results[0]["due_on"] == "2026-03-03"
        assert [one["problem"]["status"] for one in results[3:]] == [422, 404, 422, 422]
    [entry] = (await a_leader(service).get(f"/rounds/stops/{stops[0]}/entries")).json()["entries"]
    assert entry["device_at"] == "2026-03-01T18:11:00Z"
    await check_books(scene, stops[1])
