"""SOS: pressed in need, seen by those who may help, and by nobody else."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from services.dispatch.queries import alarms as rows
from services.dispatch.rules.alarms import fold
from services.dispatch.timers import Forgetting
from shared.codec import decode, encode_body, headers
from shared.events.dispatch import AlarmAnswered, AlarmEnded, AlarmRaised
from shared.ids import uuid7
from shared.journal import story, verify
from shared.service import Service
from shared.vocabulary import Role
from tests.dispatch.phones import Phone
from tests.dispatch.world import LEADER, START, A, B, Scene

PLACE = {"lon": 102.7654321, "lat": 25.1234567}


async def test_an_alarm_from_the_press_to_its_end(service: Service, scene: Scene) -> None:
    case, worker = await scene.registered(), Phone(service, A)
    pressed = await worker.post("/alarms", case_id=str(case), position=PLACE)
    assert pressed.status_code == 201
    alarm_id = pressed.json()["alarm_id"]
    assert pressed.json()["unit_path"] == ["civil-affairs", "street", "community-a", "grid-a1"]
    again = await asyncio.gather(*(worker.post("/alarms", position=PLACE) for _ in range(3)))
    assert {one.json()["alarm_id"] for one in again} == {alarm_id}

    leader = Phone(service, LEADER, Role.GRID_LEADER, "grid-a1")
    desk = Phone(service, "p-operator-1", Role.OPERATOR, "civil-affairs")
    officer = Phone(service, "p-community-a-o1", Role.UNIT_OFFICER, "community-a")
    supervisor = Phone(service, "p-street-s1", Role.SUPERVISOR, "street")
    for who in (leader, desk, officer, supervisor):
        assert [one["alarm_id"] for one in (await who.get("/alarms")).json()["alarms"]] == [alarm_id]
        place = (await who.get(f"/alarms/{alarm_id}/place")).json()["place"]
        assert (round(place["lon"], 4), round(place["lat"], 4)) == (102.7654, 25.1235)
    for stranger in (
        Phone(service, "p-grid-b1-l", Role.GRID_LEADER, "grid-b1"),
        Phone(service, "p-community-b-o1", Role.UNIT_OFFICER, "community-b"),
        Phone(service, B),
        Phone(service, "p-reader-1", Role.READER, "civil-affairs"),
    ):
        assert (await stranger.get(f"/alarms/{alarm_id}/place")).status_code == 403
        assert (await stranger.post(f"/alarms/{alarm_id}/answer")).status_code == 403
        assert (await stranger.post(f"/alarms/{alarm_id}/end")).status_code == 403
        listed = await stranger.get("/alarms")
        assert listed.status_code == 403 or listed.json()["alarms"] == []
    assert len((await worker.get("/alarms")).json()["alarms"]) == 1

    answers = await asyncio.gather(
        leader.post(f"/alarms/{alarm_id}/answer"), desk.post(f"/alarms/{alarm_id}/answer")
    )
    assert sorted(one.status_code for one in answers) == [200, 409]
    told = next(one.json() for one in answers if one.status_code == 409)
    assert told["code"] == "alarm-answered"
    assert told["answered_by"] in (LEADER, "p-operator-1")
    ended = await worker.post(f"/alarms/{alarm_id}/end", by_mistake=True)
    assert (ended.json()["by_mistake"], ended.json()["ended_by"]) == (True, A)
    assert (await leader.get("/alarms")).json()["alarms"] == []
    assert len((await leader.get("/alarms?open=false&limit=1")).json()["alarms"]) == 1
    assert (await worker.post("/alarms")).json()["alarm_id"] != alarm_id
    assert (await desk.get(f"/alarms/{uuid7()}/place")).status_code == 404
    await _check_books(scene, UUID(alarm_id))


async def _check_books(scene: Scene, alarm_id: UUID) -> None:
    """An alarm's story is read, hashed, sent and decoded like a case's, though there is no case of that id."""
    async with scene.database.transaction() as tx:
        assert await verify(tx, alarm_id) == 3
        events = await story(tx, alarm_id)
        assert fold(events) == await rows.find(tx, alarm_id)
        sent = await tx.rows("SELECT * FROM outbox WHERE subject_id = :id ORDER BY sequence", id=alarm_id)
        text = str([dict(row) for row in await tx.rows("SELECT alarms::text AS row FROM alarms")]) + str(sent)
    assert [type(event) for event in events] == [AlarmRaised, AlarmAnswered, AlarmEnded]
    assert len(sent) == 3
    assert "102.765" not in text
    for event in events:
        carried = headers(
            id=event.id,
            type=event.type,
            source=event.source,
            at=event.at,
            subject=event.subject,
            sequence=event.sequence,
            traceparent="",
        )
        given = {name: value.decode() for name, value in carried}
        assert decode(given, encode_body(event).encode()) == event


async def test_where_somebody_was_in_need_is_forgotten_too(service: Service, scene: Scene) -> None:
    alarm_id = (await Phone(service, A).post("/alarms", position=PLACE)).json()["alarm_id"]
    await scene._set(START + timedelta(days=31))
    assert await Forgetting(30).forget(service.database) == 1
    desk = Phone(service, "p-operator-1", Role.OPERATOR, "civil-affairs")
    assert (await desk.get(f"/alarms/{alarm_id}/place")).json()["place"] is None


async def test_an_alarm_is_never_refused_for_what_it_names(service: Service, scene: Scene) -> None:
    """A case nobody knows, a person without a post: it is raised all the same, and the desk sees it."""
    nobody = Phone(service, "p-of-no-unit")
    pressed = await nobody.post("/alarms", case_id=str(uuid7()))
    assert (pressed.status_code, pressed.json()["case_id"]) == (201, None)
    desk = Phone(service, "p-operator-1", Role.OPERATOR, "civil-affairs")
    [seen] = (await desk.get("/alarms")).json()["alarms"]
    assert seen["person_id"] == "p-of-no-unit"
    assert (await desk.post(f"/alarms/{seen['alarm_id']}/answer")).status_code == 200
