"""One's own history and burden; and who comes, as far as the community shows it to residents."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.dispatch.queries.mine import ON_LISTS, ON_ROUNDS
from services.dispatch.rules.burden import Burden, is_night
from services.dispatch.rules.coming import who_comes
from shared.directory import Directory
from shared.identity import internal_headers
from shared.ids import uuid7
from shared.service import Service
from shared.vocabulary import Level
from tests.dispatch.phones import Phone
from tests.dispatch.test_entries import a_scene, as_jpeg
from tests.dispatch.test_mass_tasks import Desk, a_task, everybody, residents
from tests.dispatch.test_rounds import a_stop, a_visit
from tests.dispatch.world import START, A, B, Scene, directory

CHINA = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def town() -> Directory:
    """Community B shows the posted names of who comes, community A only the role."""
    world = directory()
    world.units["community-b"] = world.units["community-b"].model_copy(update={"shows_posted_names": True})
    for person_id in (A, "p-grid-b1-a"):
        world.people[person_id] = world.people[person_id].model_copy(update={"badge": "A-017"})
    return world


async def test_my_history_and_what_it_cost_me(service: Service, scene: Scene) -> None:
    first, phone = await scene.registered(category="road-damage"), Phone(service, A)
    offer = await scene.offer(first)
    await phone.post(f"/offers/{offer.id}/accept")
    await scene.until(30 * 60)
    await phone.post(f"/parts/{offer.part_id}/arrive", method="qr_code", code=scene.code())
    await phone.photograph(offer.part_id, as_jpeg(a_scene(3)))
    await phone.post(f"/parts/{offer.part_id}/notes", note="account", text="坑已填")
    await phone.post(f"/parts/{offer.part_id}/handle", outcome="solved")
    second = await scene.registered()
    declined = await scene.offer(second)
    await phone.post(f"/offers/{declined.id}/decline", reason="too_far")

    page = (await phone.get("/me/history?limit=1")).json()
    assert [(one["case_id"], one["state"]) for one in page["items"]] == [(str(second), "declined")]
    page = (await phone.get(f"/me/history?limit=1&cursor={page['next_cursor']}")).json()
    assert [(one["case_id"], one["state"]) for one in page["items"]] == [(str(first), "handled")]
    page = (await phone.get(f"/me/history?limit=1&cursor={page['next_cursor']}")).json()
    assert page == {"items": [], "next_cursor": None}
    assert (await Phone(service, B).get("/me/history")).json()["items"] == []

    mine = (await phone.get("/me/burden")).json()
    # Accept, arrive, photo, note, handle, and the decline: six acts, four values, one photo. It was ten past two at
    # night.
    expected = {
        "cases": 2,
        "offers": 2,
        "night_offers": 2,
        "taps": 11,
        "fields": 4,
        "photos": 1,
        "minutes": 30,
    }
    assert mine["total"] == expected
    assert {one["case_id"]: one["taps"] for one in mine["cases"]} == {str(first): 9, str(second): 2}
    assert (
        await phone.get("/me/burden?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z")
    ).status_code == 422
    assert mine["complete"] is True


async def test_rounds_and_doors_are_work_as_well(service: Service, scene: Scene) -> None:
    phone, point, visit = Phone(service, A), await a_stop(service), await a_visit(service)
    case = await scene.registered(category="road-damage")
    task_id = await a_task(Desk(service), residents(3, ["grid-a1"]))
    doors = list(await everybody(scene, task_id))
    await scene.until(60)
    there = {"method": "qr_code", "code": scene.code()}
    stops = [one["stop_id"] for one in (point, visit)]
    entered = [
        await phone.post(f"/rounds/stops/{stops[0]}/done", headers=None, **there),
        await phone.post(f"/rounds/stops/{stops[1]}/not-done", reason="not_home"),
        await phone.post(f"/mass-tasks/people/{doors[0]}/done"),
        await phone.post(f"/mass-tasks/people/{doors[1]}/not-done", reason="refused"),
    ]
    assert [one.status_code for one in entered] == [200] * 4
    wrong = await phone.post(
        f"/mass-tasks/people/{doors[1]}/corrections",
        try_id=entered[3].json()["try_id"],
        text="误点",
    )
    assert wrong.status_code == 201

    whole = (await phone.get("/me/history")).json()["items"]
    assert [one["kind"] for one in whole[-1:]] == ["case"], "asked a minute earlier"
    assert Counter(one["kind"] for one in whole) == {"round": 2, "mass_task": 2, "case": 1}
    titles = {(one["kind"], one["title"], one["done"]) for one in whole[:-1]}
    assert titles == {
        ("round", "东门配电箱", True),
        ("round", None, False),
        ("mass_task", "全员采样", True),
        ("mass_task", "全员采样", False),
    }
    assert "王小明" not in str(whole)
    assert [one["undone_at"] is not None for one in whole if one.get("listed_id") == str(doors[1])] == [True]
    paged: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        page = (await phone.get(f"/me/history?limit=2&cursor={page['next_cursor']}")).json()
        paged += page["items"]
    assert paged == whole
    assert (await Phone(service, B).get("/me/history")).json()["items"] == []

    mine = (await phone.get("/me/burden")).json()
    assert mine["rounds"] == {"entries": 2, "taps": 4, "fields": 2}
    assert mine["mass_tasks"] == {"entries": 2, "taps": 5, "fields": 2}, (
        "one of them said why, and was taken back"
    )
    assert (mine["total"]["taps"], mine["total"]["fields"], mine["total"]["cases"]) == (9, 4, 1)
    assert (await scene.offer(case)).person_id == A


async def test_my_own_entries_are_read_by_an_index(service: Service, scene: Scene) -> None:
    given = {"person_id": A, "before_at": START, "before_id": uuid7(), "most": 50}
    async with service.database.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        for sql, index in ((ON_ROUNDS, "round_entries_by_author"), (ON_LISTS, "mass_task_tries_by_author")):
            plan = "\n".join(row["QUERY PLAN"] for row in await tx.rows("EXPLAIN " + sql, **given))
            assert index in plan, plan


def test_night_is_by_the_clock_on_the_wall() -> None:
    # START is 02:10 in China.
    for hours, night in ((0, True), (3.8, True), (4, False), (19.8, False), (19.9, True)):
        assert is_night(START + timedelta(hours=hours), CHINA) is night
    assert Burden(1, 1, 1, 1, 1, 1) + Burden(taps=2) == Burden(1, 1, 3, 1, 1, 1)


async def test_residents_see_a_posted_name_only_where_the_community_says_so(
    service: Service, scene: Scene
) -> None:
    phone, internal = Phone(service, A), internal_headers(service.settings)
    shown: dict[str, dict[str, object]] = {}
    for grid in ("grid-a1", "grid-b1"):
        case = await scene.registered(grid)
        path = f"/internal/who-comes/{case}"
        before = (await phone.get(path, headers=internal)).json()
        assert (before["post"], before["name"]) == (None, None)
        await scene.accept(await scene.offer(case))
        shown[grid] = (await phone.get(path, headers=internal)).json()
        assert (await phone.get(path)).status_code == 401
    for grid, comes in shown.items():
        assert (comes["post"], comes["role"]) == ("a", "grid_worker")
        assert comes["accepted_at"], grid
    assert (shown["grid-a1"]["name"], shown["grid-a1"]["badge"]) == (None, None)
    assert shown["grid-b1"]["badge"] == "A-017"
    assert shown["grid-b1"]["name"]
    assert "phone" not in shown["grid-b1"]


async def test_whoever_is_there_comes_before_whoever_owns_it(scene: Scene) -> None:
    case = await scene.registered()
    going = await scene.offer(case)
    await scene.accept(going)
    await scene.raised(case)
    officer = await scene.offer(case)
    await scene.accept(officer)
    state = await scene.state(case)
    assert state.owner is not None
    assert state.owner.level is Level.COMMUNITY
    coming = who_comes(state)
    assert coming is not None
    assert coming.person_id == A
