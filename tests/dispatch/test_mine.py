"""One's own history and burden; and who comes, as far as the community shows it to residents."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from services.dispatch.rules.burden import Burden, is_night
from services.dispatch.rules.coming import who_comes
from shared.directory import Directory
from shared.identity import internal_headers
from shared.service import Service
from shared.vocabulary import Level
from tests.dispatch.phones import Phone
from tests.dispatch.test_entries import a_scene, as_jpeg
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
    # accept, arrive, photo, note, handle; and the decline. It was ten past two at night.
    expected = {
        "cases": 2,
        "offers": 2,
        "night_offers": 2,
        "taps": 6,
        "fields": 4,
        "photos": 1,
        "minutes": 30,
    }
    assert mine["total"] == expected
    assert {one["case_id"]: one["taps"] for one in mine["cases"]} == {str(first): 5, str(second): 1}
    assert (
        await phone.get("/me/burden?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z")
    ).status_code == 422
    assert mine["complete"] is True


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
