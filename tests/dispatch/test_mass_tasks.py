"""全员任务: what a list goes through, from the file to the last door."""

from __future__ import annotations

import asyncio
import io
import json
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from openpyxl import Workbook

from services.dispatch.handlers import mass_tasks
from services.dispatch.queries import mass_tasks as rows
from services.dispatch.rules import task_story
from services.dispatch.rules.listed_people import TRIED_AGAIN
from services.dispatch.timers import Forgetting
from shared.ids import uuid7
from shared.journal import story, verify
from shared.service import Service
from shared.vocabulary import Role
from tests.dispatch.phones import Phone, queued
from tests.dispatch.test_at_once import _plan
from tests.dispatch.world import START, A, B, Scene

W = "p-grid-a1-w"
HEADINGS = "编号,姓名,电话,地址,网格"
TASK: dict[str, Any] = {
    "unit_id": "community-a",
    "title": "全员采样",
    "instructions": "逐户上门，每人一份",
    "due_at": "2026-03-02T16:00:00Z",
}
GRIDS = [f"grid-a{n}" for n in range(1, 8)]


class Desk(Phone):
    """An officer of community A, who also sends files."""

    def __init__(
        self,
        service: Service,
        person_id: str = "p-community-a-o1",
        role: Role = Role.UNIT_OFFICER,
        unit: str = "community-a",
    ) -> None:
        super().__init__(service, person_id, role, unit)

    async def send(self, task_id: str, content: bytes, *, dry_run: bool = False) -> httpx.Response:
        return await self._client.post(
            f"/mass-tasks/{task_id}/people",
            files={"file": ("list", content)},
            data={"dry_run": str(dry_run).lower()},
        )


def a_list(*people: str) -> bytes:
    return "\n".join((HEADINGS, *people)).encode("utf-8-sig")


def residents(n: int, grids: list[str]) -> bytes:
    """So many people in houses of up to forty, spread over the grids."""
    return a_list(
        *(
            f"R{i:05},演示{i},1380000{i % 10000:04},{grids[i % len(grids)]}路 {i // len(grids) // 40 + 1} 栋 {i % 40},"
            f"{grids[i % len(grids)]}"
            for i in range(n)
        )
    )


async def a_task(desk: Desk, people: bytes | None = None, *, begun: bool = True) -> str:
    made = await desk.post("/mass-tasks", **TASK)
    assert made.status_code == 201, made.text
    task_id: str = made.json()["task_id"]
    if people is not None:
        sent = await desk.send(task_id, people)
        assert sent.status_code == 200, sent.text
    if begun:
        opened = await desk.post(f"/mass-tasks/{task_id}/open")
        assert opened.status_code == 200, opened.text
    return task_id


async def my_people(phone: Phone, task_id: str, query: str = "?limit=200") -> list[dict[str, Any]]:
    answer = await phone.get(f"/me/mass-tasks/{task_id}/people{query}")
    people: list[dict[str, Any]] = answer.json()["people"]
    return people


async def everybody(scene: Scene, task_id: str) -> dict[UUID, str | None]:
    async with scene.database.transaction() as tx:
        found = await tx.rows(
            "SELECT id, worker_id FROM mass_task_people WHERE task_id = :id ORDER BY place", id=UUID(task_id)
        )
    return {row["id"]: row["worker_id"] for row in found}


async def check_books(scene: Scene, task_id: str) -> None:
    async with scene.database.transaction() as tx:
        await verify(tx, UUID(task_id))
        assert task_story.fold(await story(tx, UUID(task_id))) == await rows.find(tx, UUID(task_id))


async def test_a_list_is_checked_first_and_told_line_by_line(service: Service, scene: Scene) -> None:
    desk = Desk(service)
    task_id = await a_task(desk, begun=False)
    good = ["1,王小明,13800001234,建设社区 3 栋 201,grid-a1", "2,李丽,,建设社区 3 栋 202,"]
    bad = [
        "3,,,无名路 1 号,",
        "4,张三,电话不详,某路 1 号,",
        "5,李四,,某路 2 号,grid-b1",
        "1,又一个,,某路 3 号,",
    ]
    dry = (await desk.send(task_id, a_list(*good, *bad), dry_run=True)).json()
    assert (dry["dry_run"], dry["lines"], dry["taken"], dry["known"], dry["refused"]) == (True, 6, 2, 0, 4)
    assert [(one["line"], one["column"], one["code"]) for one in dry["wrong"]] == [
        (4, "name", "missing"),
        (5, "phone", "not-a-phone"),
        (6, "grid_id", "unknown-grid"),
        (7, "ref", "twice"),
    ]
    assert await everybody(scene, task_id) == {}
    assert (await desk.post(f"/mass-tasks/{task_id}/open")).json()["code"] == "nobody-listed"
    taken = (await desk.send(task_id, a_list(*good, *bad))).json()
    assert (taken["taken"], taken["refused"]) == (2, 4)
    again = (await desk.send(task_id, a_list(*good))).json()
    assert (again["taken"], again["known"]) == (0, 2)

    book, out = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in (HEADINGS.split(","), [101, "赵一（演示）", 13800001111, "建设社区 4 栋 1", "grid-a2"]):
        sheet.append(row)
    book.save(out)
    lines = [{"ref": "x1", "name": "钱二（演示）", "address": "5 栋 1", "grid_id": "grid-a3"}]
    for content in (
        out.getvalue(),
        "\n".join(map(json.dumps, lines)).encode(),
        a_list("y,孙,,6栋,").decode("utf-8-sig").encode("gb18030"),
    ):
        sent = await desk.send(task_id, content)
        assert (sent.status_code, sent.json()["taken"]) == (200, 1), sent.text
    for unreadable in (
        b"PK\x03\x04nonsense",
        b"\xff\xff\xff",
        "编号,身份证\n1,2".encode(),
        b'{"ref": ',
        b"",
        b"{}\n[1]",
    ):
        refused = await desk.send(task_id, unreadable)
        assert (refused.status_code, refused.json()["code"]) == (422, "unreadable")
    many = await desk.send(task_id, residents(20_001, ["grid-a1"]))
    assert (many.status_code, many.json()["code"]) == (413, "too-many-lines")

    assert (await desk.get(f"/mass-tasks/{task_id}")).json()["task"]["total"] == 5
    await desk.post(f"/mass-tasks/{task_id}/open")
    assert (await desk.send(task_id, a_list("9,周,,7栋,"))).json()["code"] == "task-begun"
    async with scene.database.transaction() as tx:
        text = str([dict(row) for row in await tx.rows("SELECT t::text AS row FROM mass_task_people AS t")])
        text += str([dict(row) for row in await tx.rows("SELECT t::text AS row FROM mass_tasks AS t")])
        text += str([dict(row) for row in await tx.rows("SELECT data FROM journal")])
    assert [word for word in ("王小明", "1380000", "3栋", "3 栋", "逐户") if word in text] == []
    await check_books(scene, task_id)


async def test_the_worker_walks_his_own_list(service: Service, scene: Scene) -> None:
    task_id = await a_task(Desk(service), residents(120, ["grid-a1"]))
    phones = {who: Phone(service, who) for who in (W, A, B)}
    lists = {who: await my_people(phone, task_id) for who, phone in phones.items()}
    assert sorted(len(people) for people in lists.values()) == [40, 40, 40]
    assert len({one["address"].split(" 栋")[0] for one in lists[A]}) == 1, "neighbours stay together"
    [own] = (await phones[A].get("/me/mass-tasks")).json()["tasks"]
    assert (own["task"]["title"], own["listed"], own["left"]) == ("全员采样", 40, 40)
    first, second = lists[A][:2]
    path = f"/mass-tasks/people/{first['listed_id']}"
    away = (await phones[A].post(f"{path}/not-done", reason="not_home", note="晚上再来")).json()
    assert (away["state"], away["reason"], away["tries"]) == ("not_done", "not_home", 1)
    assert len(await my_people(phones[A], task_id, "?state=left&limit=200")) == 40
    done = (await phones[A].post(f"{path}/done")).json()
    assert (done["state"], done["tries"]) == ("done", 2)
    assert (await phones[A].post(f"{path}/done")).json() == done
    other = await phones[B].post(f"{path}/done")
    assert (other.status_code, other.json()["code"], other.json()["done_by"]) == (409, "done-already", A)
    assert (await phones[A].post(f"{path}/not-done", reason="ill")).json()["code"] == "done-already"

    wrong: dict[str, Any] = {"try_id": done["try_id"], "text": "点错了"}
    assert (await phones[B].post(f"{path}/corrections", **wrong)).json()["code"] == "not-your-entry"
    for _ in range(2):
        back = await phones[A].post(f"{path}/corrections", **wrong)
        assert (back.status_code, back.json()["reason"], back.json()["tries"]) == (201, "not_home", 1)
    unknown = await phones[A].post(f"{path}/corrections", try_id=str(uuid7()), text="x")
    assert unknown.status_code == 404
    helped = await phones[B].post(f"/mass-tasks/people/{second['listed_id']}/done")
    assert helped.status_code == 200, "a colleague of the grid may help"
    stranger = Phone(service, "p-grid-b1-w", unit="grid-b1")
    refused = await stranger.post(f"{path}/done")
    assert (refused.status_code, refused.json()["worker_id"]) == (409, A)
    assert await my_people(stranger, task_id) == []
    page = (await phones[A].get(f"/me/mass-tasks/{task_id}/people?limit=15")).json()
    more = await my_people(phones[A], task_id, f"?limit=200&cursor={page['next_cursor']}")
    assert [one["ref"] for one in page["people"] + more] == [one["ref"] for one in lists[A]]


async def test_what_is_left_is_split_again_when_people_leave_and_come(service: Service, scene: Scene) -> None:
    desk, phone = Desk(service), Phone(service, A)
    task_id = await a_task(desk, residents(240, ["grid-a1"]))
    mine = await my_people(phone, task_id)
    done = [one["listed_id"] for one in mine[:5]]
    for listed_id in done:
        await phone.post(f"/mass-tasks/people/{listed_id}/done")
    gone_for_good = mine[5]["listed_id"]
    await phone.post(f"/mass-tasks/people/{gone_for_good}/not-done", reason="moved_away")
    shifts = scene.database.directory.shifts
    leaving = shifts[f"s-{A}"]
    shifts[f"s-{A}"] = leaving.model_copy(update={"ends_at": START + timedelta(minutes=20)})
    scene.database.directory._forget()
    await scene.until(3600)
    after = await everybody(scene, task_id)
    loads = Counter(after.values())
    assert (len(after), sum(loads.values())) == (240, 240)
    assert loads[A] == 6, "what is settled stays with who did it"
    assert abs(loads[W] - loads[B]) <= 40
    shifts[f"s-{A}"] = leaving
    shifts["s-other"] = leaving.model_copy(update={"id": "s-other", "person_id": "p-grid-a2-a"})
    scene.database.directory._forget()
    assert (await desk.post(f"/mass-tasks/{task_id}/split")).status_code == 200
    loads = Counter((await everybody(scene, task_id)).values())
    assert sum(loads.values()) == 240
    assert max(loads[A] - 6, loads[W], loads[B]) - min(loads[A] - 6, loads[W], loads[B]) <= 40
    await check_books(scene, task_id)


async def test_a_grid_without_anybody_is_walked_by_the_community(service: Service, scene: Scene) -> None:
    directory = scene.database.directory
    for person in (W, A, B):
        directory.shifts.pop(f"s-{person}")
    directory._forget()
    desk = Desk(service)
    task_id = await a_task(desk, residents(400, ["grid-a1"]))
    loads = Counter((await everybody(scene, task_id)).values())
    assert not {W, A, B} & set(loads)
    assert {str(who).rsplit("-", 1)[0] for who in loads} <= {f"p-grid-a{n}" for n in range(2, 8)}
    directory.shifts.clear()
    directory._forget()
    nobody = await a_task(desk, residents(40, ["grid-a1"]))
    seen = (await desk.get(f"/mass-tasks/{nobody}")).json()
    assert (seen["on_nobodys_list"], seen["missing"]) == (40, {"not_reached": 40})


async def test_every_n_of_the_overview_is_the_length_of_its_list(service: Service, scene: Scene) -> None:
    """Also of those whom the list gave no grid: they stand under the task's own unit, which is above all others."""
    desk = Desk(service)
    without = [f"X{n},演示,,无名路 {n} 号," for n in range(4)]
    people = residents(30, ["grid-a1", "grid-a2"]) + "\n".join(["", *without]).encode()
    task_id = await a_task(desk, people)
    lists = Counter((await everybody(scene, task_id)).values())
    phone = Phone(service, max((A, B, W), key=lambda who: lists[who]))
    mine = [one["listed_id"] for one in await my_people(phone, task_id)]
    await phone.post(f"/mass-tasks/people/{mine[0]}/done")
    await phone.post(f"/mass-tasks/people/{mine[1]}/not-done", reason="ill")
    path = f"/mass-tasks/{task_id}"

    async def n_of(query: str) -> int:
        return len((await desk.get(f"{path}/missing?limit=200{query}")).json()["people"])

    seen = (await desk.get(path)).json()
    assert {row["grid_id"] for row in seen["grids"]} == {"community-a", "grid-a1", "grid-a2"}
    for row in seen["grids"]:
        assert await n_of(f"&grid={row['grid_id']}") == row["listed"] - row["done"]
        for reason, n in row["missing"].items():
            assert await n_of(f"&grid={row['grid_id']}&reason={reason}") == n
    for reason, n in seen["missing"].items():
        assert await n_of(f"&reason={reason}") == n
    assert await n_of("") == await n_of("&unit=community-a") == 33
    assert await n_of("&grid=community-a") == 4
    for row in seen["workers"]:
        assert await n_of(f"&person={row['person_id']}") == row["listed"] - row["done"]
    assert sum(row["done"] for row in seen["workers"]) == seen["done"] == 1
    assert await n_of("&on_nobodys_list=true") == seen["on_nobodys_list"]
    houses = (await desk.get(f"{path}/buildings?limit=200")).json()["buildings"]
    for house in houses:
        where = f"&grid={house['grid_id']}&building={house['building']}"
        assert await n_of(where) == house["listed"] - house["done"] == sum(house["missing"].values())
        for reason, n in house["missing"].items():
            assert await n_of(f"{where}&reason={reason}") == n
    assert (sum(house["listed"] for house in houses), sum(house["done"] for house in houses)) == (34, 1)


async def test_houses_come_page_by_page_and_none_is_named_that_is_a_household(
    service: Service, scene: Scene
) -> None:
    desk = Desk(service)
    few = ["S1,王小明,,建设社区 9 栋 101,grid-a1", "S2,李丽,,建设社区 9 栋 102,grid-a1"]
    people = residents(170, ["grid-a1", "grid-a2"]) + "\n".join(["", *few]).encode()
    path = f"/mass-tasks/{await a_task(desk, people)}/buildings"
    found, query = list[dict[str, Any]](), "?limit=3"
    while True:
        page = (await desk.get(f"{path}{query}")).json()
        found += page["buildings"]
        if page["next_cursor"] is None:
            break
        query = f"?limit=3&cursor={page['next_cursor']}"
    houses = [
        (grid, name, listed)
        for grid in ("grid-a1", "grid-a2")
        for name, listed in ((f"{grid}路1栋", 40), (f"{grid}路2栋", 40), (f"{grid}路3栋", 5))
    ]
    told = [(house["grid_id"], house["name"], house["listed"]) for house in found]
    assert sorted(told, key=str) == sorted([*houses, ("grid-a1", None, 2)], key=str)
    assert [grid for grid, _, _ in told] == sorted(grid for grid, _, _ in told)
    below = (await desk.get(f"{path}?unit=grid-a2")).json()["buildings"]
    assert {house["grid_id"] for house in below} == {"grid-a2"}
    assert "9栋" not in str(found)


async def test_a_task_is_of_a_unit_that_there_is_and_no_longer_than_one_split(
    service: Service, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mass_tasks, "LISTED_PEOPLE_MAX", 10)
    desk, units = Desk(service), service.database.directory.units
    task_id = await a_task(desk, residents(8, ["grid-a1"]), begun=False)
    more = a_list(*(f"Y{n},演示,,无名路 {n} 号," for n in range(3)))
    for dry_run in (True, False):
        refused = await desk.send(task_id, more, dry_run=dry_run)
        assert (refused.status_code, refused.json()["code"]) == (413, "too-many-people")
        assert (refused.json()["people"], refused.json()["people_max"]) == (11, 10)
    assert (await desk.send(task_id, residents(10, ["grid-a1"]))).json()["taken"] == 2
    units["grid-a2"] = units["grid-a2"].model_copy(update={"retired_at": START})
    wrong = (await desk.send(task_id, a_list("Z,演示,,路 1 号,grid-a2"))).json()["wrong"]
    assert [one["code"] for one in wrong] == ["unknown-grid"]
    for unit_id, status in (("grid-a1", 201), ("grid-a2", 422), ("grid-b1", 403), ("nowhere", 404)):
        assert (await desk.post("/mass-tasks", **TASK | {"unit_id": unit_id})).status_code == status


async def test_who_may_run_a_task_and_who_may_not(service: Service, scene: Scene) -> None:
    officer = Desk(service)
    draft, begun = await a_task(officer, begun=False), await a_task(officer, residents(3, ["grid-a1"]))
    path = f"/mass-tasks/{begun}"
    reads = [path, f"{path}/missing", f"{path}/buildings", f"{path}/people.csv"]
    supervisor = Desk(service, "p-street-s1", Role.SUPERVISOR, "street")
    for who in (officer, supervisor):
        assert {one["task_id"] for one in (await who.get("/mass-tasks")).json()["tasks"]} == {draft, begun}
        for read in reads:
            assert (await who.get(read)).status_code == 200
    for who in (
        Desk(service, "p-community-b-o1", Role.UNIT_OFFICER, "community-b"),
        Desk(service, "p-grid-a1-l", Role.GRID_LEADER, "grid-a1"),
        Desk(service, A, Role.GRID_WORKER, "grid-a1"),
        Desk(service, "p-operator-1", Role.OPERATOR, "civil-affairs"),
        Desk(service, "p-reader-1", Role.READER, "civil-affairs"),
    ):
        listed = await who.get("/mass-tasks")
        assert listed.status_code == 403 or listed.json()["tasks"] == []
        assert (await who.post("/mass-tasks", **TASK)).status_code == 403
        assert (await who.send(draft, a_list())).status_code == 403
        for act in ("open", "split", "close"):
            assert (await who.post(f"{path}/{act}")).status_code == 403
        for read in reads:
            assert (await who.get(read)).status_code == 403
    listed_id = next(iter(await everybody(scene, begun)))
    reader = Phone(service, "p-reader-1", Role.READER, "civil-affairs")
    for route in (f"/mass-tasks/people/{listed_id}/done", f"/mass-tasks/people/{uuid7()}/not-done"):
        assert (await reader.post(route, reason="ill")).status_code == 403
    assert (await reader.get("/me/mass-tasks")).status_code == 403
    assert (await officer.post("/mass-tasks", **TASK | {"unit_id": "nowhere"})).status_code == 404
    past = await officer.post("/mass-tasks", **TASK | {"due_at": "2026-03-01T00:00:00Z"})
    assert (past.status_code, past.json()["code"]) == (422, "due-in-the-past")
    assert (await officer.get(f"/mass-tasks/{uuid7()}")).status_code == 404
    page = (await officer.get("/mass-tasks?limit=1")).json()
    rest = (await officer.get(f"/mass-tasks?limit=1&cursor={page['next_cursor']}")).json()
    assert {page["tasks"][0]["task_id"], rest["tasks"][0]["task_id"]} == {draft, begun}
    assert [one["task_id"] for one in (await officer.get("/mass-tasks?state=draft")).json()["tasks"]] == [
        draft
    ]


async def test_a_closed_task_stands_and_is_forgotten_later(service: Service, scene: Scene) -> None:
    desk, phone = Desk(service), Phone(service, A)
    task_id = await a_task(desk, residents(9, ["grid-a1"]), begun=False)
    seen = (await desk.get(f"/mass-tasks/{task_id}")).headers["etag"]
    listed_id = next(iter(await everybody(scene, task_id)))
    assert (await phone.post(f"/mass-tasks/people/{listed_id}/done")).status_code == 404, "not begun"
    assert (await desk.post(f"/mass-tasks/{task_id}/split")).json()["code"] == "task-not-open"
    opened = await desk.post(f"/mass-tasks/{task_id}/open", headers={"If-Match": seen})
    for act in ("open", "split", "close"):
        late = await desk.post(f"/mass-tasks/{task_id}/{act}", headers={"If-Match": seen})
        assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")
    assert (await desk.post(f"/mass-tasks/{task_id}/open")).headers["etag"] == opened.headers["etag"]
    answers = await asyncio.gather(
        *(desk.post(f"/mass-tasks/{task_id}/close") for _ in range(2)),
        *(phone.post(f"/mass-tasks/people/{one}/done") for one in await everybody(scene, task_id)),
    )
    entered = [answer.status_code for answer in answers[2:]]
    assert set(entered) <= {200, 409}
    for closed in answers[:2]:
        assert (closed.json()["done"], closed.json()["missing"].get("not_reached", 0)) == (
            entered.count(200),
            entered.count(409),
        )
    assert (await phone.post(f"/mass-tasks/people/{listed_id}/not-done", reason="ill")).json()[
        "code"
    ] == "task-closed"
    assert (await desk.post(f"/mass-tasks/{task_id}/split")).json()["code"] == "task-closed"
    assert (await desk.post(f"/mass-tasks/{task_id}/open")).json()["code"] == "task-closed"
    assert await my_people(phone, task_id) == []
    await check_books(scene, task_id)
    await scene._set(scene.now + timedelta(days=91))
    assert await Forgetting(30, 90).forget(service.database) == 1
    overview = (await desk.get(f"/mass-tasks/{task_id}")).json()
    assert (overview["instructions"], overview["task"]["total"]) == (None, 9)
    assert all(
        one["name"] is None for one in (await desk.get(f"/mass-tasks/{task_id}/missing")).json()["people"]
    )


async def test_a_phone_without_signal_sends_its_list_later(service: Service, scene: Scene) -> None:
    task_id = await a_task(Desk(service), residents(3, ["grid-a1"]))
    listed = [str(one) for one in await everybody(scene, task_id)]
    queue = [
        {**queued("task_done", 60, None), "listed_id": listed[0]},
        {**queued("task_not_done", 70, None, reason="refused", note="不需要"), "listed_id": listed[1]},
        {**queued("task_not_done", 80, None, reason="not_reached"), "listed_id": listed[2]},
        {**queued("task_done", 90, None), "listed_id": str(uuid7())},
        {**queued("round_done", 95, None, method="qr_code"), "listed_id": listed[2]},
    ]
    phone = Phone(service, A)
    for _ in range(2):
        results = (await phone.post("/sync", commands=queue)).json()["results"]
        assert [one["status"] for one in results] == ["done", "done", "refused", "refused", "refused"]
        assert (results[0]["listed_state"], results[1]["reason"]) == ("done", "refused")
        assert [one["problem"]["status"] for one in results[2:]] == [422, 404, 422]
    fix = {
        **queued("task_correct", 99, None, try_id=results[1]["try_id"], text="误点"),
        "listed_id": listed[1],
    }
    [corrected] = (await phone.post("/sync", commands=[fix])).json()["results"]
    assert (corrected["status"], corrected["listed_state"]) == ("done", "open")


async def test_two_at_one_door_in_the_same_second(service: Service, scene: Scene) -> None:
    task_id = await a_task(Desk(service), residents(1, ["grid-a1"]))
    [listed_id] = await everybody(scene, task_id)
    phones = [Phone(service, who) for who in (A, B, W)]
    path = f"/mass-tasks/people/{listed_id}/done"
    splitting = Desk(service).post(f"/mass-tasks/{task_id}/split")
    *answers, split = await asyncio.gather(*(phone.post(path) for phone in phones * 3), splitting)
    assert sorted(one.status_code for one in answers) == [200] * 3 + [409] * 6
    assert split.status_code == 200
    async with scene.database.transaction() as tx:
        [row] = await tx.rows("SELECT count(*) AS n FROM mass_task_tries")
    assert row["n"] == 1


async def test_the_lists_hot_queries_use_their_indexes(service: Service) -> None:
    task: dict[str, object] = {"task_id": uuid7()}
    page: dict[str, object] = {"after_place": 0, "after_id": uuid7(), "most": 50}
    again: dict[str, object] = {"again": list(TRIED_AGAIN)}
    async with service.database.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        own: dict[str, object] = {"person_id": "p", "state": None, "left": False}
        assert "mass_task_people_" in await _plan(tx, rows.WALK, **task, **page, **again, **own)
        every: dict[str, object] = {"grids": None, "reason": None, "everybody": False, "nobodys": False}
        every |= {"building": None, "worker": None}
        assert "mass_task_people_list" in await _plan(tx, rows.MISSING, **task, **page, **every)
        houses = await _plan(tx, rows.OF_BUILDINGS, grids=None, after_place=0, most=50, **task)
        assert houses.count("mass_task_people_") >= 2, houses
        for sql, given in ((rows.BUILDINGS, again), (rows.LOADS, again), (rows.COUNTS, {})):
            plan = await _plan(tx, sql, **task, **given)
            assert "mass_task_people_" in plan, plan
        assert "mass_task_people_" in await _plan(tx, rows.OWN_TASKS, person_id="p", most=5, **again)
