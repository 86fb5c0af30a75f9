"""SOS: an alarm has a story of its own; the board shows it until the worker is safe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.insight.api.board import make_picture
from services.insight.rules.alarms import NotRaisedError, apply
from shared.database import Database
from shared.event import AlarmEvent
from shared.events.dispatch import AlarmAnswered, AlarmEnded, AlarmRaised
from shared.events.notify import (
    AlarmNoticeDelivered,
    AlarmNoticeFailed,
    AlarmNoticeRead,
    AlarmNoticeReceived,
)
from shared.ids import uuid7
from shared.vocabulary import Role
from tests.insight.conftest import Fold
from tests.insight.stories import manhole_at_night
from tests.insight.story import CALLED
from tests.people import an_issuer

PATH = ("civil-affairs", "street", "community-a", "grid-a1")
FoldStories = Callable[..., Awaitable[None]]


def an_alarm(events: int = 3, *, minute: float = 0, alarm_id: UUID | None = None) -> list[AlarmEvent]:
    of: dict[str, Any] = {"alarm_id": alarm_id or uuid7(), "person_id": "p-grid-a1-a"}
    began = CALLED + timedelta(minutes=minute)
    told: list[AlarmEvent] = [
        AlarmRaised(**of, at=began, sequence=1, unit_path=PATH),
        AlarmAnswered(**of, at=began + timedelta(minutes=1), sequence=2, answered_by="p-community-a-o1"),
        AlarmEnded(**of, at=began + timedelta(minutes=9), sequence=3, by_mistake=True),
    ]
    return told[:events]


def as_(role: Role, unit: str) -> dict[str, str]:
    return an_issuer().headers("p-somebody", (role, unit))


def test_an_alarm_that_was_never_raised_is_a_hole_in_the_story() -> None:
    with pytest.raises(NotRaisedError):
        apply(None, an_alarm()[1])


def test_whoever_answered_first_takes_care_of_it() -> None:
    raised, answered, _ = an_alarm()
    again = AlarmAnswered(
        alarm_id=raised.alarm_id, at=CALLED, person_id="p-grid-a1-a", answered_by="p-other", sequence=3
    )
    row = apply(apply(apply(None, raised), answered), again)
    assert (row.answered_by, row.events) == ("p-community-a-o1", 3)


async def test_the_board_shows_it_until_the_worker_is_safe(database: Database, fold: Fold) -> None:
    raised, answered, ended = an_alarm()
    for event, shown in ((raised, [None]), (answered, ["p-community-a-o1"]), (ended, [])):
        await fold([event])
        board = await make_picture(database, ("community-a",))
        assert [alarm["answered_by"] for alarm in board.alarms] == shown
    assert (await make_picture(database, ("community-b",))).alarms == []


async def test_alarms_and_cases_come_in_one_batch(
    database: Database, fold: Fold, client: httpx.AsyncClient
) -> None:
    story = manhole_at_night()
    await fold([*story.events, *an_alarm(1)])
    board = await make_picture(database, ("street",))
    assert (board.counts["running"], len(board.alarms)) == (1, 1)


@pytest.mark.parametrize(
    ("role", "unit", "status", "named"),
    [
        (Role.SUPERVISOR, "street", 200, True),
        (Role.OPERATOR, "civil-affairs", 200, True),
        (Role.GRID_LEADER, "grid-a1", 200, True),
        (Role.READER, "street", 200, False),
        (Role.SUPERVISOR, "community-b", 404, False),
        (Role.GRID_WORKER, "grid-a1", 403, False),
    ],
)
async def test_who_reads_an_alarm(
    client: httpx.AsyncClient, fold: Fold, role: Role, unit: str, status: int, named: bool
) -> None:
    events = an_alarm()
    await fold(events)
    one = await client.get(f"/alarms/{events[0].alarm_id}", headers=as_(role, unit))
    assert one.status_code == status
    listed = await client.get("/alarms", headers=as_(role, unit))
    assert listed.status_code == (200 if status == 404 else status)
    if status == 200:
        assert len(listed.json()["alarms"]) == 1
    for text in (one.text, listed.text):
        assert ("p-grid-a1-a" in text) is named
    if named:
        [first, *_, last] = one.json()["lines"]
        assert (first["sentence"], last["sentence"]) == (
            "人p-grid-a1-a紧急求助",
            "人p-grid-a1-a的求助解除（误按）",
        )
    elif status == 404:
        assert listed.json()["alarms"] == []


async def test_alarms_are_listed_page_by_page(client: httpx.AsyncClient, fold: Fold) -> None:
    for minute in range(5):
        await fold(an_alarm(1 if minute == 4 else 3, minute=minute))
    headers = as_(Role.SUPERVISOR, "street")
    first = (await client.get("/alarms", headers=headers, params={"limit": 3})).json()
    cursor = first["next_cursor"]
    rest = (await client.get("/alarms", headers=headers, params={"limit": 3, "cursor": cursor})).json()
    assert len({alarm["alarm_id"] for alarm in first["alarms"] + rest["alarms"]}) == 5
    assert rest["next_cursor"] is None
    still_open = (await client.get("/alarms", headers=headers, params={"state": "open"})).json()["alarms"]
    assert [alarm["raised_at"] for alarm in still_open] == [
        (CALLED + timedelta(minutes=4)).isoformat().replace("+00:00", "Z")
    ]
    elsewhere = await client.get("/alarms", headers=headers, params={"unit": "civil-affairs"})
    assert elsewhere.status_code == 403


async def test_the_story_shows_who_was_reached_when(client: httpx.AsyncClient, fold: Fold) -> None:
    """Notify's part of it: told over every channel, taken by the device, read, or not reached."""
    raised, answered, ended = an_alarm()
    lead = {"alarm_id": raised.alarm_id, "notice_id": uuid7(), "kind": "alarm_raised", "person_id": "p-lead"}
    at = CALLED + timedelta(seconds=2)
    told = [
        AlarmNoticeDelivered(**lead, at=at, sequence=1, via="feed"),
        AlarmNoticeFailed(**lead, at=at, sequence=2, via="sms", attempt=8, because="HTTP 503"),
        AlarmNoticeReceived(**lead, at=at + timedelta(seconds=1), sequence=3, via="webpush"),
        AlarmNoticeRead(**lead, at=at + timedelta(seconds=9), sequence=4, via="feed"),
    ]
    await fold([raised, *told[:2]])
    await fold([told[2], answered, told[3], ended])
    one = await client.get(f"/alarms/{raised.alarm_id}", headers=as_(Role.SUPERVISOR, "street"))
    lines = [
        (line["at"], line["sentence"])
        for line in one.json()["lines"]
        if line["type"].startswith("yike.alarm_notice.")
    ]
    assert [sentence for _, sentence in lines] == [
        "已通知p-lead：紧急求助（站内消息）",
        "通知p-lead失败：紧急求助（短信）",
        "p-lead的设备已收到：紧急求助（推送）",
        "p-lead已读：紧急求助",
    ]
    assert [at for at, _ in lines] == sorted(at for at, _ in lines)
    assert one.json()["answered_by"] == "p-community-a-o1"
    reader = await client.get(f"/alarms/{raised.alarm_id}", headers=as_(Role.READER, "street"))
    assert "p-lead" not in reader.text
