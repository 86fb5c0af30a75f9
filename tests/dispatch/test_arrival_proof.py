"""到场凭证: no method proves anything without what it is called after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from PIL import Image

from services.dispatch.rules.arrival_proof import Shown, code_of, lacking, unit_of
from shared.events.dispatch import WorkerArrived
from shared.going import ArrivalMethod
from shared.ids import uuid7
from shared.keys import Secret
from shared.sealing import Sealer
from shared.service import Service
from shared.vocabulary import Role
from tests.dispatch.phones import Phone, queued
from tests.dispatch.test_entries import as_jpeg
from tests.dispatch.world import LEADER, SEALER, START, A, B, Scene

MINUTE = timedelta(minutes=1)
POSITION, QR_CODE = ArrivalMethod.POSITION, ArrivalMethod.QR_CODE
PHOTO_TIME, SELF_DECLARED = ArrivalMethod.PHOTO_TIME, ArrivalMethod.SELF_DECLARED


def a_photo(minutes: float | None) -> Shown:
    taken_at = None if minutes is None else START + minutes * MINUTE
    return Shown(PHOTO_TIME, photo=True, photo_taken_at=taken_at)


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (Shown(POSITION), "position-needed"),
        (Shown(POSITION, position=True), None),
        (Shown(SELF_DECLARED, position=True, code=True, code_fits=True), "reason-needed"),
        (Shown(SELF_DECLARED, reason=True), None),
        (Shown(QR_CODE, position=True, reason=True), "code-needed"),
        (Shown(QR_CODE, code=True), "code-not-of-here"),
        (Shown(QR_CODE, code=True, code_fits=True), None),
        (Shown(PHOTO_TIME, reason=True), "photo-needed"),
        (a_photo(None), "photo-not-fresh"),
        (a_photo(30), None),
        (a_photo(20), None),
        (a_photo(19.9), "photo-not-fresh"),
        (a_photo(32), None),  # clocks differ
        (a_photo(33), "photo-not-fresh"),
    ],
)
def test_what_each_method_needs(shown: Shown, code: str | None) -> None:
    refused = lacking(shown, said_at=START + 30 * MINUTE, since=START)
    assert (refused.code if refused else None) == code


def test_a_photo_from_before_somebody_was_asked_shows_nothing() -> None:
    """A phone that says it arrived yesterday may have a photo of yesterday."""
    long_ago = START - 60 * MINUTE
    shown = Shown(PHOTO_TIME, photo=True, photo_taken_at=long_ago)
    assert lacking(shown, said_at=long_ago, since=START) is not None


def test_a_code_is_good_under_every_key_that_is_still_there_and_none_is_made_up() -> None:
    old, new = Secret("old", b"o" * 32), Secret("new", b"n" * 32)
    printed = code_of("grid-a1", Sealer([old]))
    assert unit_of(printed, Sealer([new, old])) == "grid-a1"
    assert unit_of(printed, Sealer([new])) is None
    unit, _, signature = printed.rpartition(".")
    for forged in (unit, f"{unit}.", f"grid-a2.{signature}", f"{unit}.{signature[:-1]}", "", "码.码"):
        assert unit_of(forged, Sealer([old])) is None


async def test_nobody_arrives_by_a_code_from_home(service: Service, scene: Scene) -> None:
    case, phone = await scene.registered(), Phone(service, A)
    offer = await scene.offer(case)
    await scene.accept(offer)
    path = f"/parts/{offer.part_id}/arrive"
    foreign, made_up = scene.code("grid-a2"), code_of("grid-a1", SEALER)
    for body, code in (
        ({}, "code-needed"),
        ({"code": foreign}, "code-not-of-here"),
        ({"code": scene.code("community-a")}, "code-not-of-here"),
        ({"code": made_up}, "code-not-of-here"),
    ):
        refused = await phone.post(path, method="qr_code", headers=None, **body)
        assert (refused.status_code, refused.json()["code"]) == (409, code)
        assert " / " in refused.json()["detail"]
        [result] = (await phone.post("/sync", commands=[a_queued(offer.part_id, body)])).json()["results"]
        assert (result["status"], result["problem"]["code"]) == ("refused", code)
    assert await scene.events(case, WorkerArrived) == []

    leader = Phone(service, LEADER, Role.GRID_LEADER)
    read = (await leader.get("/arrival-codes/grid-a1")).json()["code"]
    assert (await phone.post(path, method="qr_code", code=read)).status_code == 200
    assert (await phone.post(path, method="qr_code")).status_code == 200, "there already"
    assert len(await scene.events(case, WorkerArrived)) == 1
    await scene.check_books(case)


def a_queued(part_id: Any, body: dict[str, Any]) -> dict[str, Any]:
    return queued("arrive", 60, part_id, method="qr_code", **body)


async def test_nobody_arrives_by_a_photo_they_did_not_just_take(service: Service, scene: Scene) -> None:
    case, phone = await scene.registered(), Phone(service, A)
    offer = await scene.offer(case)
    await scene.accept(offer)
    await scene.until(14 * 60)
    path, photo = f"/parts/{offer.part_id}/arrive", as_jpeg(Image.linear_gradient("L"))

    async def refused(**body: Any) -> str:
        answer = await phone.post(path, method="photo_time", **body)
        assert answer.status_code == 409
        code: str = answer.json()["code"]
        return code

    async def added(minutes: float | None) -> str:
        taken_at = None if minutes is None else (START + minutes * MINUTE).isoformat()
        answer = await phone.photograph(offer.part_id, photo, taken_at=taken_at)
        evidence_id: str = answer.json()["evidence_id"]
        return evidence_id

    assert await refused() == "photo-needed"
    assert await refused(evidence_id=str(uuid7())) == "photo-needed"
    assert await refused(evidence_id=await added(None)) == "photo-not-fresh"
    assert await refused(evidence_id=await added(3.9)) == "photo-not-fresh"
    # Of another case of one's own.
    other = await scene.offer(await scene.registered(category="road-damage"))
    await scene.accept(other)
    beside = await phone.photograph(other.part_id, photo, taken_at=(START + 13 * MINUTE).isoformat())
    assert await refused(evidence_id=beside.json()["evidence_id"]) == "photo-needed"

    fresh = await added(13)
    assert (await phone.post(path, method="photo_time", evidence_id=fresh)).status_code == 200
    [event] = await scene.events(case, WorkerArrived)
    assert event.method is PHOTO_TIME
    await scene.check_books(case)


async def test_a_photo_taken_in_the_basement_counts_by_the_phones_own_clock(
    service: Service, scene: Scene
) -> None:
    case, phone = await scene.registered(), Phone(service, A)
    offer = await scene.offer(case)
    await scene.accept(offer)
    await scene.until(3600)
    photo = as_jpeg(Image.linear_gradient("L"))
    added = await phone.photograph(offer.part_id, photo, taken_at=(START + 12 * MINUTE).isoformat())
    arrive = queued(
        "arrive", 14 * 60, offer.part_id, method="photo_time", evidence_id=added.json()["evidence_id"]
    )
    [result] = (await phone.post("/sync", commands=[arrive])).json()["results"]
    assert result["status"] == "done", result


async def test_who_leads_a_grid_prints_its_code(service: Service, scene: Scene) -> None:
    path = "/arrival-codes/grid-a1"
    for person, role, unit in (
        (A, Role.GRID_WORKER, "grid-a1"),
        (B, Role.GRID_LEADER, "grid-a2"),
        ("p-community-b-o1", Role.UNIT_OFFICER, "community-b"),
        ("p-street-s1", Role.SUPERVISOR, "street"),
    ):
        assert (await Phone(service, person, role, unit).get(path)).status_code == 403
    officer = Phone(service, "p-community-a-o1", Role.UNIT_OFFICER, "community-a")
    for phone in (Phone(service, LEADER, Role.GRID_LEADER), officer):
        printed = (await phone.get(path)).json()
        assert printed["code"] == scene.code("grid-a1")
        assert printed["svg"].startswith("<svg")
        assert printed["name"]["zh"]
    assert (await officer.get("/arrival-codes/nowhere")).status_code == 404
