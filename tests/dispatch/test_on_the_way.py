"""Positions on the way to an emergency: where they are taken, what is kept, and that nobody reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.queries.on_the_way import LAST
from services.dispatch.queries.search import last_seen
from services.dispatch.rules.entries import Moved
from services.dispatch.rules.on_the_way import Keeping, LastKept, keeping
from services.dispatch.timers import Forgetting
from shared.identity import internal_headers
from shared.service import Service
from shared.things import Point
from shared.vocabulary import Level, Role
from tests.dispatch.phones import Phone, names_the_place, queued
from tests.dispatch.world import START, A, B, Scene

SECONDS = timedelta(seconds=1)


async def on_the_way(service: Service, scene: Scene, **of_case: Any) -> tuple[UUID, UUID, Phone]:
    """A holds it and has set out."""
    case, phone = await scene.registered(**of_case), Phone(service, A)
    offer = await scene.offer(case)
    await phone.post(f"/offers/{offer.id}/accept")
    return case, offer.part_id, phone


async def place_of(scene: Scene, case: UUID, north: float = 0.0) -> dict[str, float]:
    place = (await scene.state(case)).case.place
    assert place.lon is not None
    assert place.lat is not None
    return {"lon": round(place.lon, 6), "lat": round(place.lat + north, 6)}


async def kept(service: Service) -> int:
    async with service.database.transaction() as tx:
        return int((await tx.rows("SELECT count(*) AS n FROM whereabouts"))[0]["n"])


async def test_the_search_knows_where_they_are_by_now(service: Service, scene: Scene) -> None:
    case, part, phone = await on_the_way(service, scene)
    here = await place_of(scene, case, 0.004)
    await scene.until(60)

    sent = await phone.post(f"/parts/{part}/position", position=here)

    assert (sent.status_code, sent.json()["state"]) == (200, "accepted")
    async with service.database.transaction() as tx:
        seen = await last_seen(tx, [A], scene.now, service.sealer)
    assert seen == {A: Point(**here)}
    await scene.check_books(case)


async def test_one_in_fifteen_seconds_is_kept_and_it_is_the_newest(service: Service, scene: Scene) -> None:
    case, part, phone = await on_the_way(service, scene)
    for second, north in ((60, 0.004), (64, 0.0039), (74, 0.0038), (75, 0.0037)):
        await scene.until(second)
        here = await place_of(scene, case, north)
        assert (await phone.post(f"/parts/{part}/position", position=here)).status_code == 200
        assert await kept(service) == (1 if second < 75 else 2)
        async with service.database.transaction() as tx:
            assert (await last_seen(tx, [A], scene.now, service.sealer))[A] == Point(**here)


@pytest.mark.parametrize(
    ("last", "device", "moved", "expected"),
    [
        (None, None, None, Keeping.NEW),
        (LastKept(START + 50 * SECONDS, None), None, None, Keeping.IN_PLACE),
        (LastKept(START + 45 * SECONDS, None), None, None, Keeping.NEW),
        (LastKept(START + 46 * SECONDS, None), None, None, Keeping.IN_PLACE),
        (LastKept(START, None), None, None, Keeping.NEW),
        (LastKept(START + 59 * SECONDS, START + 59 * SECONDS), START + 58 * SECONDS, None, Keeping.NOT),
        (LastKept(START + 59 * SECONDS, START + 57 * SECONDS), START + 58 * SECONDS, None, Keeping.IN_PLACE),
        (None, START - 61 * SECONDS, None, Keeping.NOT),
        (None, START - 60 * SECONDS, None, Keeping.NEW),
        (None, START + 3600 * SECONDS, None, Keeping.NEW),
        (None, None, Moved(3000, 10 * SECONDS), Keeping.NOT),
        (None, None, Moved(3000, 600 * SECONDS), Keeping.NEW),
    ],
)
def test_which_of_many_positions_are_kept(
    last: LastKept | None, device: Any, moved: Moved | None, expected: Keeping
) -> None:
    """A minute after the registration, accepted at once."""
    assert keeping(START, last, moved, device, START + 60 * SECONDS) is expected


async def test_the_position_at_accepting_stays_beside_the_next(service: Service, scene: Scene) -> None:
    case, phone = await scene.registered(), Phone(service, A)
    offer = await scene.offer(case)
    await phone.post(f"/offers/{offer.id}/accept", position=await place_of(scene, case, 0.005))
    await scene.until(5)

    await phone.post(f"/parts/{offer.part_id}/position", position=await place_of(scene, case, 0.0049))

    assert await kept(service) == 2


async def test_before_accepting_and_after_arriving_none_is_taken(service: Service, scene: Scene) -> None:
    case, phone = await scene.registered(), Phone(service, A)
    offer, here = await scene.offer(case), await place_of(scene, case)

    early = await phone.post(f"/parts/{offer.part_id}/position", position=here)
    assert (early.status_code, early.json()["code"]) == (409, "accept-first")
    other = await Phone(service, B).post(f"/parts/{offer.part_id}/position", position=here)
    assert (other.status_code, other.json()["code"]) == (409, "not-yours")
    await phone.post(f"/offers/{offer.id}/accept")
    await phone.post(f"/parts/{offer.part_id}/arrive", method="self_declared", reason="没有信号")
    late = await phone.post(f"/parts/{offer.part_id}/position", position=here)
    assert (late.status_code, late.json()["code"]) == (409, "position-not-taken")
    assert " / " in late.json()["detail"]
    assert await kept(service) == 0


async def test_on_the_way_to_anything_routine_none_is_taken(service: Service, scene: Scene) -> None:
    case, part, phone = await on_the_way(service, scene, category="road-damage")

    refused = await phone.post(f"/parts/{part}/position", position=await place_of(scene, case))

    assert (refused.status_code, refused.json()["code"]) == (409, "position-not-taken")
    assert await kept(service) == 0


async def test_of_an_officer_none_is_taken(service: Service, scene: Scene) -> None:
    case = await scene.registered()
    await scene.raised(case, Level.COMMUNITY)
    state = await scene.state(case)
    offer = next(one for one in state.offers if one.live and not one.goes)
    officer = Phone(service, offer.person_id, Role.UNIT_OFFICER, "community-a")
    await officer.post(f"/offers/{offer.id}/accept")

    refused = await officer.post(f"/parts/{offer.part_id}/position", position=await place_of(scene, case))

    assert (refused.status_code, refused.json()["code"]) == (409, "position-not-taken")
    assert await kept(service) == 0


async def test_the_phones_queue_sends_them_too(service: Service, scene: Scene) -> None:
    case, part, phone = await on_the_way(service, scene)
    await scene.until(300)
    near, nearer = await place_of(scene, case, 0.002), await place_of(scene, case, 0.001)
    lines = [
        queued("position", 20, part, position=await place_of(scene, case, 0.004)),
        queued("position", 290, part, position=near),
        queued("position", 298, part, position=nearer),
        queued("position", 295, part, position=near),
        queued("arrive", 299, part, method="self_declared", reason="没有信号"),
        queued("position", 300, part, position=nearer),
    ]

    results = (await phone.post("/sync", commands=lines)).json()["results"]

    assert [one["status"] for one in results] == ["done"] * 5 + ["refused"]
    assert results[-1]["problem"]["code"] == "position-not-taken"
    assert await kept(service) == 1, "one was too old, and of the others the newest stays"
    async with service.database.transaction() as tx:
        assert (await last_seen(tx, [A], scene.now, service.sealer))[A] == Point(**nearer)
    again = (await phone.post("/sync", commands=lines)).json()["results"]
    assert again == results
    assert await kept(service) == 1


async def test_nobody_reads_them_and_they_are_nowhere_in_the_clear(service: Service, scene: Scene) -> None:
    case, part, phone = await on_the_way(service, scene)
    there = {"lon": 102.7654321, "lat": 25.1234567}
    assert (await phone.post(f"/parts/{part}/position", position=there)).status_code == 200

    supervisor = Phone(service, "p-street-s1", Role.SUPERVISOR, "street")
    leader = Phone(service, "p-grid-a1-l", Role.GRID_LEADER, "grid-a1")
    for reader in (phone, supervisor, leader):
        for path in (f"/cases/{case}", "/me", "/me/history"):
            answer = await reader.get(path)
            assert not names_the_place(answer.text)
    async with service.database.transaction() as tx:
        for table in ("journal", "outbox", "synced_commands", "idempotency_keys", "whereabouts", "offers"):
            rows = await tx.rows(f"SELECT CAST(row_to_json(t) AS text) AS line FROM {table} AS t")
            assert not any(names_the_place(row["line"]) for row in rows), table


async def test_they_are_forgotten_after_thirty_days(service: Service, scene: Scene) -> None:
    case, part, phone = await on_the_way(service, scene)
    await phone.post(f"/parts/{part}/position", position=await place_of(scene, case, 0.004))

    await scene.until(30 * 86400 - 1)
    await Forgetting(30).forget(service.database)
    assert await kept(service) == 1
    await scene.until(30 * 86400 + 1)
    await Forgetting(30).forget(service.database)
    assert await kept(service) == 0


async def test_the_resident_is_told_how_long_from_where_they_are(service: Service, scene: Scene) -> None:
    case, part, phone = await on_the_way(service, scene)
    path, internal = f"/internal/who-comes/{case}", internal_headers(service.settings)
    before = (await phone.get(path, headers=internal)).json()
    offered = (await scene.state(case)).offers[0]
    assert (before["eta_seconds"], before["eta_at"]) == (offered.eta_seconds, "2026-03-01T18:10:00Z")
    await scene.until(120)

    await phone.post(f"/parts/{part}/position", position=await place_of(scene, case, 0.0001))

    now = (await phone.get(path, headers=internal)).json()
    assert now["eta_at"] == "2026-03-01T18:12:00Z"
    assert now["eta_seconds"] < 15
    assert not {"lon", "lat", "position"} & set(now)


async def test_the_last_position_of_a_case_is_found_by_an_index(scene: Scene) -> None:
    async with scene.database.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        lines = await tx.rows(f"EXPLAIN {LAST}", person_id=A, since=START, case_id=UUID(int=1))
    assert "whereabouts_latest" in "\n".join(str(row["QUERY PLAN"]) for row in lines)
