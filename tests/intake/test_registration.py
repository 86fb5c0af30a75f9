"""Taking a case in: from whom, where it belongs, what is answered, and what is refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.api import limits
from services.intake.api.limits import Limit
from services.intake.rules.numbering import understood
from shared.database import Database
from shared.directory import Directory
from shared.events.intake import CaseRegistered
from shared.service import Service
from shared.vocabulary import REGISTRATION_CHANNELS, Role
from tests.intake.world import OPERATOR, START, a_call, count, headers, inside, journal_of


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


async def test_a_repeated_call_is_answered_although_its_category_was_retired_since(
    client: httpx.AsyncClient, database: Database, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = headers(*OPERATOR) | {"Idempotency-Key": "call-1"}
    first = await client.post("/cases", json=a_call(), headers=asked)
    retired = directory.categories["manhole-cover"].model_copy(update={"retired_at": START})
    monkeypatch.setitem(directory.categories, "manhole-cover", retired)

    again = await client.post("/cases", json=a_call(), headers=asked)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await client.post("/cases", json=a_call(description="另一件"), headers=asked)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    new = await client.post("/cases", json=a_call(), headers=headers(*OPERATOR))
    assert (new.status_code, new.json()["code"]) == (422, "unknown-category")
    assert await count(database, "cases") == 1


async def test_who_does_not_sign_in_may_report_so_often(client: httpx.AsyncClient, service: Service) -> None:
    service.app.state.reports = Limit(2, clock=lambda: 0.0)
    taken = [await client.post("/reports", json=a_call(channel="web")) for _ in range(3)]
    assert [answer.status_code for answer in taken] == [201, 201, 429]
    assert taken[2].json()["code"] == "too-many-reports"
    assert taken[2].headers["retry-after"] == "30"
    assert (await register(client, a_call())).status_code == 201


def test_a_source_may_go_on_when_its_bucket_has_filled_again() -> None:
    now = 0.0
    limit = Limit(30, clock=lambda: now)
    assert [limit.seconds_to_wait("here") for _ in range(31)] == [0.0] * 30 + [2.0]
    assert limit.seconds_to_wait("there") == 0
    now = 2.0
    assert limit.seconds_to_wait("here") == 0
    assert limit.seconds_to_wait("here") == pytest.approx(2)


def test_sources_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SOURCES_MAX", 3)
    limit = Limit(1, clock=lambda: 0.0)
    assert [limit.seconds_to_wait(source) for source in "abcd"] == [0] * 4
    assert limit.seconds_to_wait("d") > 0
    assert limit.seconds_to_wait("a") == 0


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_one_household_is_one_source(host: str, source: str) -> None:
    assert limits.source_of(host) == source
