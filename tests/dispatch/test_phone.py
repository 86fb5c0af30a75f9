"""The phone's routes and its queue: the same rules by both ways; evidence; nothing personal in the clear."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from services.dispatch.evidence import original_path
from services.dispatch.timers import Forgetting
from shared.events.dispatch import EvidenceAdded, ProgressNoted, WorkerArrived
from shared.files import Files
from shared.ids import uuid7
from shared.routes import rules_of
from shared.service import Service
from shared.vocabulary import Role
from tests.dispatch.phones import Phone, a_photo, names_the_place, queued
from tests.dispatch.world import START, A, B, Scene


async def test_a_case_by_the_phones_routes(service: Service, scene: Scene) -> None:
    case, phone = await scene.registered(), Phone(service, A)
    on_hand = (await phone.get("/me")).json()
    assert on_hand["on_duty"] is True
    [asked] = on_hand["offers"]
    assert asked["offer"]["chosen_because"] == "a_holder"
    assert asked["offer"]["candidates"][0]["person_id"] == A
    assert asked["case"]["musts_missing"] == ["arrive", "photograph_and_account", "measure"]

    offer_id, part_id = asked["offer"]["offer_id"], asked["offer"]["part_id"]
    accepted = await phone.post(f"/offers/{offer_id}/accept", position={"lon": 102.7, "lat": 25.04})
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    again = await phone.post(f"/offers/{offer_id}/accept")
    assert again.json() == accepted.json()
    refused = await Phone(service, B).post(f"/offers/{offer_id}/accept")
    assert (refused.status_code, refused.json()["code"]) == (409, "not-yours")
    assert refused.json()["holder"] is None, "a colleague who is not on the case is not told who is"

    await scene.until(14 * 60)
    assert (await phone.post(f"/parts/{part_id}/arrive", method="position")).json()[
        "code"
    ] == "position-needed"
    assert (await phone.post(f"/parts/{part_id}/arrive", method="self_declared")).json()[
        "code"
    ] == "reason-needed"
    place = asked["case"]["place"]
    here = {"lon": place["lon"], "lat": place["lat"] + 0.0001}
    arrived = await phone.post(f"/parts/{part_id}/arrive", method="position", position=here)
    assert arrived.json()["arrived_at"]
    [event] = await scene.events(case, WorkerArrived)
    assert event.distance_m == 11

    missing = await phone.post(f"/parts/{part_id}/handle", outcome="solved")
    assert (missing.status_code, missing.json()["missing"]) == (409, ["photograph_and_account", "measure"])
    assert (await phone.photograph(part_id, a_photo(place["lon"], place["lat"]))).status_code == 201
    await phone.post(f"/parts/{part_id}/notes", note="account", text="井盖不见了，已围挡")
    await phone.post(f"/parts/{part_id}/notes", note="measure", text="换新井盖", measure="replace")
    assert (await phone.post(f"/parts/{part_id}/contact")).json()["contacted_at"]
    wrong = await phone.post(f"/parts/{part_id}/handle", outcome="withdrawn")
    assert wrong.status_code == 422
    handled = await phone.post(f"/parts/{part_id}/handle", outcome="solved", text="居民在场")
    assert (handled.status_code, handled.json()["case"]["state"]) == (200, "handled")

    page = (await phone.get(f"/cases/{case}")).json()
    assert [note["text"] for note in page["notes"]] == ["井盖不见了，已围挡", "换新井盖", "居民在场"]
    assert page["notes"][1]["measure"] == "replace"
    stranger = Phone(service, "p-reader", Role.GRID_WORKER, "grid-b1")
    assert (await stranger.get(f"/cases/{case}")).status_code == 403
    supervisor = Phone(service, "p-street-s1", Role.SUPERVISOR, "street")
    assert (await supervisor.get(f"/cases/{case}")).status_code == 200
    await scene.check_books(case)


async def test_what_people_write_and_where_they_are_is_nowhere_in_the_clear(
    service: Service, scene: Scene
) -> None:
    case, phone = await scene.registered(), Phone(service, A)
    offer = await scene.offer(case)
    await phone.post(f"/offers/{offer.id}/accept", position={"lon": 102.7654321, "lat": 25.1234567})
    reason = "地下室没有信号"
    await phone.post(f"/parts/{offer.part_id}/arrive", method="self_declared", reason=reason)
    await phone.post(f"/parts/{offer.part_id}/notes", note="account", text="王小明家漏水")
    await phone.photograph(offer.part_id, a_photo(102.765, 25.123))
    async with service.database.transaction() as tx:
        for table in (
            "journal",
            "outbox",
            "notes",
            "arrivals",
            "whereabouts",
            "evidence",
            "idempotency_keys",
        ):
            text = str([dict(row) for row in await tx.rows(f"SELECT {table}::text AS row FROM {table}")])
            assert "王小明" not in text, table
            assert reason not in text, table
            assert not names_the_place(text), table
        [kept] = await tx.rows("SELECT count(*) AS n FROM whereabouts")
    assert kept["n"] == 1
    [noted] = await scene.events(case, ProgressNoted)
    assert len(noted.digest) == 64

    forgetting = Forgetting(30)
    assert await forgetting.forget(service.database) == 0
    await scene._set(START + timedelta(days=31))
    assert await forgetting.forget(service.database) == 2  # where the worker was, and where the camera was
    await scene.check_books(case)


@pytest.mark.parametrize(
    ("taken_at", "status"),
    [
        ("", 201),
        (" ", 201),
        ("2026-03-02T02:20:00Z", 201),
        ("null", 422),
        ("2026-03-02T02:20:00", 422),
        ("yesterday", 422),
        ("9999-12-31T23:59:59-23:59", 422),
    ],
)
async def test_when_a_photo_was_taken_is_a_time_or_left_empty(
    service: Service, scene: Scene, taken_at: str, status: int
) -> None:
    case, phone = await scene.registered(), Phone(service, A)
    offer = await scene.offer(case)
    await scene.accept(offer)
    plain = io.BytesIO()
    Image.new("RGB", (8, 8)).save(plain, "PNG")
    added = await phone.photograph(offer.part_id, plain.getvalue(), taken_at=taken_at)
    assert added.status_code == status, added.text
    if status == 422:
        assert added.headers["content-type"] == "application/problem+json"
    else:
        [event] = await scene.events(case, EvidenceAdded)
        assert event.taken_at == (datetime.fromisoformat(taken_at) if taken_at.strip() else None)


async def test_a_photo_is_shown_without_what_the_camera_wrote(service: Service, scene: Scene) -> None:
    case, phone = await scene.registered(), Phone(service, A)
    offer = await scene.offer(case)
    await scene.accept(offer)
    place = (await scene.state(case)).case.place
    assert place.lon is not None
    assert place.lat is not None
    photo = a_photo(place.lon, place.lat + 0.0009)

    key = {"Idempotency-Key": "photo-1"}
    added = await phone.photograph(offer.part_id, photo, "not-a-photo.txt", **key)
    assert added.status_code == 201, added.text
    assert (await phone.photograph(offer.part_id, photo, "not-a-photo.txt", **key)).json() == added.json()
    [event] = await scene.events(case, EvidenceAdded)
    assert event.media_type == "image/jpeg"
    assert event.taken_at == START + timedelta(minutes=10)
    assert event.distance_m == pytest.approx(100, abs=2)

    shown = await phone.get(f"/evidence/{event.evidence_id}")
    assert shown.headers["content-type"] == "image/jpeg"
    assert not Image.open(io.BytesIO(shown.content)).getexif()
    files: Files = service.files
    assert await files.get(original_path(case, event.evidence_id)) == photo
    stranger = Phone(service, "p-stranger", Role.GRID_WORKER, "grid-b1")
    assert (await stranger.get(f"/evidence/{event.evidence_id}")).status_code == 403


async def test_what_is_no_photo_too_large_or_not_theirs_is_not_kept(
    service: Service, scene: Scene, tmp_path: Path
) -> None:
    offer = await scene.offer(await scene.registered())
    phone, photo = Phone(service, A), a_photo(102.7, 25.0)
    assert (await phone.photograph(offer.part_id, photo)).json()["code"] == "accept-first"
    await scene.accept(offer)
    assert (await phone.photograph(offer.part_id, b"#!/bin/sh\nrm -rf /" * 100)).status_code == 415
    # Above the limit of other requests (1 MB) it is still the limit of files that speaks.
    too_large = await phone.photograph(offer.part_id, photo + bytes(2_000_000))
    assert (too_large.status_code, too_large.json()["bytes_max"]) == (413, 300_000)
    assert (await phone.photograph(offer.part_id, photo[:600])).status_code == 422
    assert (await Phone(service, B).photograph(offer.part_id, photo)).json()["code"] == "not-yours"
    assert not [file for file in (tmp_path / "files").rglob("*") if file.is_file()]


async def test_9_what_was_queued_in_the_basement_is_reconciled_in_order(
    service: Service, scene: Scene
) -> None:
    case, phone = await scene.registered(), Phone(service, A)
    offer = await scene.offer(case)
    await phone.post(f"/offers/{offer.id}/accept")
    await phone.photograph(offer.part_id, a_photo(102.7, 25.0))
    await scene.until(3600)
    queue = [
        queued("arrive", 840, offer.part_id, method="qr_code", code=scene.code()),
        queued("note", 900, offer.part_id, note="account", text="已关总阀"),
        queued("note", 960, offer.part_id, note="measure", text="换阀门"),
        queued("handle", 1200, offer.part_id, outcome="solved", late_cause="other"),
    ]
    results = (await phone.post("/sync", commands=queue)).json()["results"]
    assert [(result["id"], result["status"]) for result in results] == [(one["id"], "done") for one in queue]
    [arrived] = await scene.events(case, WorkerArrived)
    assert arrived.at == START + timedelta(hours=1)
    assert arrived.device_at == START + timedelta(seconds=840)

    before = await scene.state(case)
    assert (await phone.post("/sync", commands=queue)).json()["results"] == results
    assert await scene.state(case) == before
    await scene.check_books(case)
    await scene._set(START + timedelta(days=31))
    assert await Forgetting(30).forget(service.database) == len(queue) + 1  # and where the camera was


async def test_a_refused_command_stops_nothing_and_later_ones_say_why(service: Service, scene: Scene) -> None:
    lost, kept = await scene.registered(), await scene.registered("grid-a2")
    gone, phone = await scene.offer(lost), Phone(service, A)
    await scene.until(61)
    other = next(offer for offer in (await scene.state(kept)).offers if offer.live)
    queue = [
        queued("accept", 30, None, offer_id=str(gone.id)),
        queued("arrive", 40, gone.part_id, method="qr_code"),
        queued("contact", 45, other.part_id),
        queued("note", 50, uuid7(), note="account", text="不存在"),
        queued("note", 55, gone.part_id, note="lyrics", text="不认识"),
    ]
    first, second, third, fourth, fifth = (await phone.post("/sync", commands=queue)).json()["results"]
    assert first["problem"]["code"] == "offer-gone"
    assert second["problem"]["code"] == "offer-gone"
    assert second["problem"]["after_refused"] == first["id"]
    assert third["problem"]["code"] == "not-yours"
    assert "after_refused" not in third["problem"]
    assert fourth["problem"]["status"] == 404
    assert (fifth["problem"]["status"], fifth["problem"]["after_refused"]) == (422, first["id"])
    assert (
        await phone.get(f"/cases/{lost}")
    ).status_code == 403  # having been asked once is no reason to read on


def test_every_route_has_exactly_one_rule(service: Service) -> None:
    assert {path for path, rules in rules_of(service.app).items() if len(rules) != 1} == set()
