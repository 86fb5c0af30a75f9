"""Entries looked at again: what is odd about them, corrected by their authors, dated by the phone; and the photos."""

from __future__ import annotations

import io
from datetime import timedelta
from random import Random

import pytest
from PIL import Image

from services.dispatch.commands import Position
from services.dispatch.handlers.work import distance_from
from services.dispatch.queries.photos import BANDS, LIKENESS_BITS_MAX, bands_of
from services.dispatch.rules import heard
from services.dispatch.rules.entries import Moved, odd_arrival, odd_photo
from shared.events.dispatch import DeviceTimeAccepted, EntryCorrected, EntryFlagged
from shared.going import EntryFlag, EntryKind
from shared.photos import likeness
from shared.service import Service
from shared.things import Point
from shared.vocabulary import Role
from tests.dispatch.phones import Phone, queued
from tests.dispatch.world import START, A, B, Scene, a_closing, a_registration

MINUTE = timedelta(minutes=1)
SEEN, OLD = EntryFlag.SEEN_BEFORE, EntryFlag.OLDER_THAN_CASE
FAR, FAST = EntryFlag.FAR_FROM_PLACE, EntryFlag.IMPOSSIBLE_SPEED


@pytest.mark.parametrize(
    ("taken_after", "reported_before", "distance_m", "seen", "flags"),
    [
        (5, None, 40, False, ()),
        (None, None, None, False, ()),
        (-1, None, 40, False, ()),  # clocks differ
        (-30, None, 40, False, (OLD,)),
        (-30, 60, 40, False, ()),  # said in a chat an hour before it was registered
        (5, None, 500, False, ()),
        (5, None, 501, False, (FAR,)),
        (-30, None, 900, True, (SEEN, OLD, FAR)),
    ],
)
def test_what_is_odd_about_a_photo(
    taken_after: float | None,
    reported_before: float | None,
    distance_m: int | None,
    seen: bool,
    flags: tuple[EntryFlag, ...],
) -> None:
    reported = None if reported_before is None else START - reported_before * MINUTE
    case = heard.registered(a_registration(reported_at=reported)).case
    taken_at = None if taken_after is None else START + taken_after * MINUTE
    assert odd_photo(case, taken_at=taken_at, distance_m=distance_m, seen_before=seen) == flags


@pytest.mark.parametrize(
    ("metres", "server_minutes", "phone_minutes", "flags"),
    [
        (400, 0, None, ()),  # nobody moved
        (5_000, 10, None, ()),
        (5_000, 1, None, (FAST,)),
        (5_000, 0, 10, ()),  # both waited in the phone's queue: its own clock says how long it took
        (5_000, 10, 0, ()),
        (5_000, 0, 1, (FAST,)),
    ],
)
def test_what_is_odd_about_an_arrival(
    metres: float, server_minutes: float, phone_minutes: float | None, flags: tuple[EntryFlag, ...]
) -> None:
    phone = None if phone_minutes is None else phone_minutes * MINUTE
    assert odd_arrival(20, Moved(metres, server_minutes * MINUTE, phone)) == flags
    assert odd_arrival(None, None) == ()


def a_scene(seed: int, width: int = 900) -> Image.Image:
    """Something with light and dark places, as the world has."""
    random, small = Random(seed), Image.new("L", (9, 7))
    small.putdata([random.randrange(256) for _ in range(63)])
    return small.resize((width, width * 3 // 4), Image.Resampling.BICUBIC).convert("RGB")


def as_jpeg(image: Image.Image, quality: int = 90) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def test_a_photo_is_known_again_when_it_is_smaller_and_compressed_anew() -> None:
    for seed in range(20):
        first = likeness(a_scene(seed))
        again = likeness(Image.open(io.BytesIO(as_jpeg(a_scene(seed, 320), quality=40))))
        other = likeness(a_scene(seed + 1000))
        assert (first ^ again).bit_count() <= LIKENESS_BITS_MAX
        assert set(bands_of(first)) & set(bands_of(again))
        assert (first ^ other).bit_count() > 10
        assert len(bands_of(first)) == BANDS


async def test_a_photo_seen_before_is_flagged_for_the_supervisor_and_counts_all_the_same(
    service: Service, scene: Scene
) -> None:
    first, second = await scene.registered(), await scene.registered("grid-a2")
    phones = {}
    for case in (first, second):
        offer = await scene.offer(case)
        await scene.accept(offer)
        phones[case] = (Phone(service, offer.person_id), offer.part_id)
    phone, part = phones[first]
    assert (await phone.photograph(part, as_jpeg(a_scene(7)))).status_code == 201
    assert (await phone.photograph(part, as_jpeg(a_scene(7), 50))).status_code == 201
    assert not await scene.events(first, EntryFlagged), "two photos of one case may look alike"

    phone, part = phones[second]
    added = await phone.photograph(part, as_jpeg(a_scene(7, 640), 60))
    assert added.status_code == 201
    evidence_id = added.json()["evidence_id"]
    [flagged] = await scene.events(second, EntryFlagged)
    assert (flagged.flags, flagged.entry, str(flagged.entry_id)) == ((SEEN,), EntryKind.EVIDENCE, evidence_id)

    small = await phone.get(f"/evidence/{evidence_id}/thumbnail")
    assert max(Image.open(io.BytesIO(small.content)).size) == 320
    assert (await Phone(service, "p-x").get(f"/evidence/{evidence_id}/thumbnail")).status_code == 403

    supervisor = Phone(service, "p-community-a-s1", Role.SUPERVISOR, "community-a")
    elsewhere = Phone(service, "p-community-b-s1", Role.SUPERVISOR, "community-b")
    [row] = (await supervisor.get("/flags?limit=1")).json()["flags"]
    assert (row["entry_id"], row["flags"]) == (evidence_id, ["seen_before"])
    assert (await elsewhere.get("/flags")).json()["flags"] == []
    assert (await phone.get("/flags")).status_code == 403
    assert (await supervisor.get("/flags?cursor=nonsense")).status_code == 422
    assert len((await supervisor.get(f"/cases/{second}")).json()["flags"]) == 1
    assert (await phone.get(f"/cases/{second}")).json()["flags"] == []
    await scene.check_books(second)


async def test_an_arrival_faster_than_anybody_travels_is_flagged_and_accepted(scene: Scene) -> None:
    case = await scene.registered()
    offer, place = await scene.offer(case), (await scene.state(case)).case.place
    assert place.lon is not None
    assert place.lat is not None
    away = Position(lon=place.lon, lat=place.lat + 0.2)
    await scene.accept(offer, position=away)
    await scene.until(30)
    await scene.arrive(offer.part_id, A, position=Position(lon=place.lon, lat=place.lat))
    [flagged] = await scene.events(case, EntryFlagged)
    assert flagged.flags == (FAST,)
    state = await scene.state(case)
    assert flagged.entry_id == state.arrivals[0].id
    assert distance_from(state.case, Point(lon=away.lon, lat=away.lat)) == pytest.approx(22_240, abs=20)
    await scene.check_books(case)


async def test_an_officer_is_not_shown_the_flags_of_a_case_they_worked_on(
    service: Service, scene: Scene
) -> None:
    """Their own entries or a worker's: who handles a case does not supervise it."""
    case = await scene.registered(category="road-damage")
    offer = await scene.offer(case)
    await scene.accept(offer)
    old = (START - timedelta(days=2)).isoformat()
    phone = Phone(service, offer.person_id)
    assert (await phone.photograph(offer.part_id, as_jpeg(a_scene(5)), taken_at=old)).status_code == 201
    await scene.raised(case)
    asked = await scene.offer(case)
    others = {f"p-community-a-o{n}" for n in (1, 2, 3)} - {asked.person_id}
    desks = {
        person: Phone(service, person, Role.UNIT_OFFICER, "community-a")
        for person in (asked.person_id, *others)
    }
    assert len((await desks[asked.person_id].get("/flags")).json()["flags"]) == 1, "only asked as yet"
    await scene.accept(asked)
    for person, desk in desks.items():
        seen = 0 if person == asked.person_id else 1
        assert len((await desk.get("/flags")).json()["flags"]) == seen
        assert len((await desk.get(f"/cases/{case}")).json()["flags"]) == seen
    await scene.hear(a_closing(case, at=scene.now))
    assert (await desks[asked.person_id].get("/flags")).json()["flags"] == []


async def test_9_what_was_done_in_the_basement_counts_by_the_phone_once_a_supervisor_says_so(
    service: Service, scene: Scene
) -> None:
    """Accept, arrive, photo and handle wait on the phone for an hour, and come in their order; both times are kept,
    the server's decides, until a supervisor accepts the phone's with a reason."""
    case, phone = await scene.registered(category="road-damage"), Phone(service, A)
    offer = await scene.offer(case)
    await scene.until(3600 - 1800 - 1)
    assert (await scene.offer(case)).id == offer.id, "a routine offer lasts half an hour"
    begin = [
        queued("accept", 60, None, offer_id=str(offer.id)),
        queued("arrive", 840, offer.part_id, method="qr_code", code=scene.code()),
    ]
    rest = [
        queued("note", 900, offer.part_id, note="account", text="地下室漏水"),
        queued("handle", 1200, offer.part_id, outcome="solved"),
    ]
    for queue in (begin, rest):
        results = (await phone.post("/sync", commands=queue)).json()["results"]
        assert [one["status"] for one in results] == ["done", "done"]
        if queue is begin:
            assert (await phone.photograph(offer.part_id, as_jpeg(a_scene(1)))).status_code == 201
    state = await scene.state(case)
    [arrival] = state.arrivals
    assert (arrival.at, arrival.device_at) == (scene.now, START + timedelta(seconds=840))
    assert arrival.counts_at == arrival.at

    path = f"/parts/{offer.part_id}/device-time"
    reason = {"reason": "地下车库无信号，物业证实"}
    for person, role, unit in (
        (A, Role.GRID_WORKER, "grid-a1"),
        ("p-community-b-s1", Role.SUPERVISOR, "community-b"),
    ):
        assert (
            await Phone(service, person, role, unit).post(path, headers=None, **reason)
        ).status_code == 403
    supervisor = Phone(service, "p-community-a-s1", Role.SUPERVISOR, "community-a")
    for _ in range(2):
        assert (await supervisor.post(path, headers=None, **reason)).status_code == 200
    [told] = await scene.events(case, DeviceTimeAccepted)
    assert (told.person_id, told.device_at, told.received_at) == (A, arrival.device_at, arrival.at)
    [arrival] = (await scene.state(case)).arrivals
    assert arrival.counts_at == arrival.device_at
    await scene.check_books(case)


async def test_every_refusal_of_the_queue_says_what_to_do_in_both_languages(
    service: Service, scene: Scene
) -> None:
    case, phone = await scene.registered(), Phone(service, A)
    gone = await scene.offer(case)
    await scene.until(61)
    held = await scene.offer(case)
    await scene.accept(held)
    queue = [
        queued("accept", 30, None, offer_id=str(gone.id)),
        queued("arrive", 40, gone.part_id, method="qr_code"),
        queued("note", 50, case, note="account", text="不存在"),
        queued("note", 55, gone.part_id, note="lyrics", text="不认识"),
        queued("handle", 56, gone.part_id, outcome="withdrawn"),
        queued("done", 57, gone.part_id),
        queued("help", 58, gone.part_id, text="来人"),
        queued("return", 59, gone.part_id, basis="law", rightful_unit_id="nowhere", text="x"),
        queued("correct", 60, gone.part_id, entry_id=str(case), text="x"),
        {**queued("contact", 60, gone.part_id), "part_id": None},
    ]
    results = (await phone.post("/sync", commands=queue)).json()["results"]
    assert {one["status"] for one in results} == {"refused"}
    for one in results:
        assert " / " in one["problem"]["title"], one
        assert " / " in one["problem"]["detail"], one
    assert results[0]["problem"]["holder"] == B
    assert f"{B} holds it now" in results[0]["problem"]["detail"]


async def test_whoever_entered_something_may_say_that_it_was_wrong(service: Service, scene: Scene) -> None:
    case, phone = await scene.registered(category="road-damage"), Phone(service, A)
    offer = await scene.offer(case)
    await scene.accept(offer)
    await scene.arrive(offer.part_id, A)
    noted = await phone.post(f"/parts/{offer.part_id}/notes", note="account", text="三号井盖")
    path, note_id = f"/parts/{offer.part_id}/corrections", noted.json()["note_id"]
    corrected = await phone.post(path, entry_id=note_id, text="应为五号井盖")
    assert corrected.status_code == 201
    [told] = await scene.events(case, EntryCorrected)
    assert (str(told.entry_id), told.entry, len(told.digest)) == (note_id, EntryKind.ACCOUNT, 64)
    page = (await phone.get(f"/cases/{case}")).json()
    assert page["notes"][0]["text"] == "三号井盖", "the first entry stays"
    [words] = page["statements"]
    assert (words["entry_id"], words["text"]) == (note_id, "应为五号井盖")

    other = await Phone(service, B).post(path, entry_id=note_id, text="x")
    assert (other.status_code, other.json()["code"]) == (409, "not-your-entry")
    unknown = await phone.post(path, entry_id=str(case), text="x")
    assert unknown.status_code == 404
    arrival = page["arrivals"][0]["id"]
    assert (await phone.post(path, entry_id=arrival, text="到的是北门")).status_code == 201
    await scene._set(START + timedelta(hours=25))
    late = await phone.post(path, entry_id=note_id, text="x")
    assert (late.json()["code"], late.json()["within_hours"]) == ("correction-too-late", 24)
    await scene.check_books(case)
