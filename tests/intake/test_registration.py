"""Taking a case in: from whom, where it belongs, what is answered, and what is refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.rules.numbering import understood
from shared.database import Database
from shared.events import CaseRegistered
from shared.vocabulary import REGISTRATION_CHANNELS, Role
from tests.intake.world import OPERATOR, a_call, count, headers, inside, journal_of


async def register(client: httpx.AsyncClient, call: dict[str, Any]) -> httpx.Response:
    return await client.post("/cases", json=call, headers=headers(*OPERATOR))


async def test_a_call_becomes_a_case_with_a_number_that_can_be_said(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await register(client, a_call())
    assert answer.status_code == 201, answer.text
    case = answer.json()
    assert understood(case["number"]) == case["number"]
    assert len(case["pickup_code"]) == 6
    assert case["urgency"] == "emergency"
    assert case["grid_id"] == case["unit_id"] == "grid-a1"
    assert case["tracking_url"] == f"https://yike.test/api/intake/track/{case['number']}"
    assert answer.headers["location"] == f"/api/intake/cases/{case['case_id']}"
    [event] = await journal_of(database, UUID(case["case_id"]))
    assert isinstance(event, CaseRegistered)
    assert event.unit_path == ("civil-affairs", "street", "community-a", "grid-a1")
    assert [rung.unit_id for rung in event.ladder] == ["grid-a1", "community-a", "street", "civil-affairs"]
    assert event.registry_revision == 7
    assert event.requester_can_be_asked
    assert event.headline == "井盖缺失 · Missing manhole cover · 春和路 12 号"
    assert event.actor.person_id == "p-operator-1"


@pytest.mark.parametrize("channel", sorted(REGISTRATION_CHANNELS))
async def test_every_registration_channel_is_taken(client: httpx.AsyncClient, channel: str) -> None:
    assert (await register(client, a_call(channel=channel))).status_code == 201


@pytest.mark.parametrize("channel", ["web", "wechat"])
async def test_a_resident_reports_without_signing_in(client: httpx.AsyncClient, channel: str) -> None:
    assert (await client.post("/reports", json=a_call(channel=channel))).status_code == 201


@pytest.mark.parametrize(
    ("change", "unit_id", "grid_id"),
    [
        ({"place": inside("grid-b4")}, "grid-b4", "grid-b4"),
        ({"place": inside("grid-b4"), "grid_id": "grid-a2"}, "grid-b4", "grid-b4"),
        ({"place": {"label": "菜市场"}, "grid_id": "grid-a2"}, "grid-a2", "grid-a2"),
        ({"place": {"label": "新亚洲体育城社区第3网格 5 栋"}}, "grid-b3", "grid-b3"),
        ({"place": {"label": "new asia sports city community, grid 3, house 5"}}, "grid-b3", "grid-b3"),
        ({"place": {"label": "新亚洲体育城社区菜市场"}}, "community-b", None),
        ({"place": {"label": "一刻街道"}}, "community-a", None),
        ({"place": {"label": "不知道在哪里"}}, "community-a", None),
        ({"place": {"lon": 0, "lat": 0}}, "community-a", None),
        ({"place": {}}, "community-a", None),
    ],
)
async def test_a_case_belongs_to_the_lowest_unit_known_and_is_never_lost(
    client: httpx.AsyncClient, change: dict[str, Any], unit_id: str, grid_id: str | None
) -> None:
    answer = await register(client, a_call(**change))
    assert answer.status_code == 201, answer.text
    assert (answer.json()["unit_id"], answer.json()["grid_id"]) == (unit_id, grid_id)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"category_code": "no-such-thing"}, "unknown-category"),
        ({"grid_id": "grid-z9"}, "unknown-grid"),
        ({"grid_id": "community-a"}, "unknown-grid"),
        ({"channel": "desk"}, "invalid"),
        ({"channel": "pigeon"}, "invalid"),
        ({"place": {"lon": 102.7}}, "invalid"),
        ({"place": {"lon": 181, "lat": 0}}, "invalid"),
        ({"place": {"lon": "NaN", "lat": 0}}, "invalid"),
        ({"requester": {"phone": "not a phone"}}, "invalid"),
        ({"requester": {"name": "王", "anonymous": True}}, "invalid"),
        ({"description": "x" * 4001}, "invalid"),
        ({"surprise": 1}, "invalid"),
    ],
)
async def test_what_cannot_be_taken_is_refused_and_nothing_is_stored(
    client: httpx.AsyncClient, database: Database, change: dict[str, Any], code: str
) -> None:
    answer = await register(client, a_call(**change))
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    for table in ("cases", "requesters", "heads", "journal", "outbox", "idempotency_keys"):
        assert await count(database, table) == 0


async def test_residents_report_by_web_and_wechat_only(client: httpx.AsyncClient) -> None:
    assert (await client.post("/reports", json=a_call(channel="hotline"))).status_code == 422


@pytest.mark.parametrize(
    ("call", "can_be_asked"),
    [
        (a_call(), True),
        (a_call(requester={"name": "王小明"}), True),
        (a_call(requester={"anonymous": True}), False),
        (a_call(requester={}), False),
        (a_call(channel="patrol"), False),
    ],
)
async def test_whether_there_is_somebody_to_ask_afterwards(
    client: httpx.AsyncClient, database: Database, call: dict[str, Any], can_be_asked: bool
) -> None:
    case_id = UUID((await register(client, call)).json()["case_id"])
    [event] = await journal_of(database, case_id)
    assert isinstance(event, CaseRegistered)
    assert event.requester_can_be_asked is can_be_asked


@pytest.mark.parametrize(
    "role", [Role.READER, Role.EVALUATOR, Role.ADMINISTRATOR, Role.DATA_PROTECTION_OFFICER]
)
async def test_who_takes_no_cases_in_may_not_register(client: httpx.AsyncClient, role: Role) -> None:
    asked = await client.post("/cases", json=a_call(), headers=headers("p-x", role, "civil-affairs"))
    assert asked.status_code == 403


async def test_staff_registration_needs_a_sign_in(client: httpx.AsyncClient) -> None:
    assert (await client.post("/cases", json=a_call())).status_code == 401
