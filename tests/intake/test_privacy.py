"""Who asked stays in intake, sealed: what the database holds, who may see it, and what a resident's code opens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.intake.rules.privacy import RequesterRevealed
from shared.database import Database
from shared.service import Service
from shared.vocabulary import Role
from tests.intake.world import (
    FOLLOW_UP_CALLER,
    OFFICER,
    OPERATOR,
    WORKER,
    Others,
    a_call,
    count,
    headers,
    hear,
    journal_of,
)

SECRETS = ("13812345678", "王小明", "门口的井盖不见了", "听不清", "核验说明")


async def registered(client: httpx.AsyncClient, **change: Any) -> dict[str, Any]:
    answer = await client.post("/cases", json=a_call(**change), headers=headers(*OPERATOR))
    case: dict[str, Any] = answer.json()
    return case


def internal(service: Service) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.settings.internal_tokens[0].value.hex()}"}


async def dump(database: Database) -> str:
    """Every row of every table as text, bytes as hex, as pg_dump would write it."""
    async with database.transaction() as tx:
        tables = await tx.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows: list[Sequence[Any]] = [
            await tx.rows(f"SELECT t::text AS line FROM {table['tablename']} AS t") for table in tables
        ]
    return "\n".join(row["line"] for found in rows for row in found)


async def test_the_database_holds_no_name_phone_or_free_text(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    case = await registered(client)
    await hear(database, *Others(UUID(case["case_id"])).work())
    contact = await client.get(
        f"/internal/contacts/{case['case_id']}",
        params={"purpose": "please_answer"},
        headers=internal(service),
    )
    link = contact.json()["follow_up_url"].rpartition("/")[2]
    listed = await client.get("/follow-ups", params={"state": "open"}, headers=headers(*FOLLOW_UP_CALLER))
    follow_up_id = listed.json()["items"][0]["follow_up_id"]
    remark = {"channel": "phone", "reached": False, "remark": "听不清"}
    await client.post(
        f"/follow-ups/{follow_up_id}/attempts",
        json=remark,
        headers=headers(*FOLLOW_UP_CALLER) | {"Idempotency-Key": "k"},
    )
    await client.post(
        f"/cases/{case['case_id']}/reveal",
        json={"purpose": "call_resident"},
        headers=headers(*OPERATOR) | {"Idempotency-Key": "k"},
    )
    patrol = await registered(client, channel="patrol")
    await hear(database, *Others(UUID(patrol["case_id"])).work())
    await client.post(
        f"/cases/{patrol['case_id']}/verification",
        json={"solved": True, "remark": "核验说明"},
        headers=headers(*FOLLOW_UP_CALLER),
    )
    assert await count(database, "verification_remarks") == 1
    written = await dump(database)
    assert case["number"] in written
    for secret in (*SECRETS, link):
        assert secret not in written
        assert secret.encode().hex() not in written
    # Six digits may stand inside of something else by chance.
    assert not re.search(rf"(?<![0-9a-f]){case['pickup_code']}(?![0-9a-f])", written)


async def test_staff_see_it_masked(client: httpx.AsyncClient) -> None:
    case = await registered(client)
    shown = (await client.get(f"/cases/{case['case_id']}", headers=headers(*OPERATOR))).json()
    assert shown["requester"] == {
        "name": "王*",
        "phone": "138****5678",
        "language": "zh",
        "can_be_asked": True,
        "on_behalf_of": None,
    }
    assert shown["place"]["label"] == "春和路 12 号"
    assert "description" not in shown


@pytest.mark.parametrize(
    ("person_id", "role", "unit_id", "sees", "reveals"),
    [
        ("p-operator-1", Role.OPERATOR, "civil-affairs", True, True),
        ("p-community-a-o1", Role.UNIT_OFFICER, "community-a", True, True),
        ("p-community-b-o1", Role.UNIT_OFFICER, "community-b", False, False),
        ("p-caller-1", Role.FOLLOW_UP_CALLER, "street", True, True),
        ("p-protection-1", Role.DATA_PROTECTION_OFFICER, "civil-affairs", True, True),
        ("p-grid-a1-b", Role.GRID_WORKER, "grid-a1", True, False),
        ("p-grid-a2-a", Role.GRID_WORKER, "grid-a2", False, False),
        (WORKER, Role.VOLUNTEER, "grid-b1", True, True),
        ("p-reader-1", Role.READER, "civil-affairs", False, False),
        ("p-evaluator-1", Role.EVALUATOR, "civil-affairs", False, False),
        ("p-administrator-1", Role.ADMINISTRATOR, "civil-affairs", False, False),
    ],
)
async def test_who_sees_the_case_and_who_sees_who_asked(
    client: httpx.AsyncClient,
    database: Database,
    person_id: str,
    role: Role,
    unit_id: str,
    sees: bool,
    reveals: bool,
) -> None:
    """By office in the unit or above, or by having held the case."""
    case = await registered(client)
    await hear(database, Others(UUID(case["case_id"])).accepted())
    asking = headers(person_id, role, unit_id)
    shown = await client.get(f"/cases/{case['case_id']}", headers=asking)
    revealed = await client.post(
        f"/cases/{case['case_id']}/reveal", json={"purpose": "handling"}, headers=asking
    )
    assert (shown.status_code == 200, revealed.status_code == 200) == (sees, reveals)
    if reveals:
        assert revealed.json() == {
            "name": "王小明",
            "phone": "13812345678",
            "language": "zh",
            "description": "门口的井盖不见了，我叫王小明",
            "on_behalf_of": None,
            "author": None,
            "answer": None,
            "questions": [],
            "remarks": [],
        }
        assert revealed.headers["cache-control"] == "no-store"


async def test_a_reveal_needs_a_purpose_and_stays_in_the_journal(
    client: httpx.AsyncClient, database: Database
) -> None:
    case_id = (await registered(client))["case_id"]
    asking = headers(*OPERATOR)
    assert (await client.post(f"/cases/{case_id}/reveal", json={}, headers=asking)).status_code == 422
    curious = await client.post(f"/cases/{case_id}/reveal", json={"purpose": "curious"}, headers=asking)
    assert curious.status_code == 422
    await client.post(f"/cases/{case_id}/reveal", json={"purpose": "visit"}, headers=asking)
    noted = (await journal_of(database, UUID(case_id)))[-1]
    assert isinstance(noted, RequesterRevealed)
    assert (noted.purpose, noted.actor.person_id) == ("visit", "p-operator-1")
    assert await count(database, "outbox") == 1  # the registration only


async def test_what_is_not_there_is_not_found(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    nowhere = uuid4()
    asking = headers(*OPERATOR)
    assert (await client.get(f"/cases/{nowhere}", headers=asking)).status_code == 404
    assert (
        await client.post(f"/cases/{nowhere}/reveal", json={"purpose": "visit"}, headers=asking)
    ).status_code == 404
    asked = {"params": {"purpose": "registered"}, "headers": internal(service)}
    assert (await client.get(f"/internal/contacts/{nowhere}", **asked)).status_code == 404  # type: ignore[arg-type]
    assert await count(database, "heads") == 0


# ── number and code ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_number_and_code_show_where_the_case_stands(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client)
    others = Others(UUID(case["case_id"]))
    await hear(database, others.offered(), others.accepted(), others.raised())
    said = case["number"].replace("-", " ")
    shown = await client.get(f"/track/{said}", params={"code": case["pickup_code"]})
    assert shown.status_code == 200, shown.text
    assert (shown.json()["state"], shown.json()["level"]) == ("accepted", "community")
    for secret in (*SECRETS, "春和路", WORKER, OFFICER):
        assert secret not in shown.text


async def test_wrong_codes_are_limited_per_number(client: httpx.AsyncClient, database: Database) -> None:
    case, other = await registered(client), await registered(client)
    wrong = "000000" if case["pickup_code"] != "000000" else "000001"
    for _ in range(5):
        guessed = await client.get(f"/track/{case['number']}", params={"code": wrong})
        assert (guessed.status_code, guessed.json()["code"]) == (404, "not-tracked")
    right = await client.get(f"/track/{case['number']}", params={"code": case["pickup_code"]})
    assert (right.status_code, right.headers["retry-after"]) == (429, "900")
    assert (
        await client.get(f"/track/{other['number']}", params={"code": other["pickup_code"]})
    ).status_code == 200
    async with database.transaction() as tx:
        await tx.rows("UPDATE requesters SET wrong_codes_since = wrong_codes_since - interval '15 minutes'")
    assert (
        await client.get(f"/track/{case['number']}", params={"code": case["pickup_code"]})
    ).status_code == 200


async def test_an_unknown_number_and_a_wrong_code_are_told_alike(client: httpx.AsyncClient) -> None:
    case = await registered(client)
    wrong = "000000" if case["pickup_code"] != "000000" else "000001"
    answers = [
        await client.get(f"/track/{number}", params={"code": wrong})
        for number in (case["number"], "222-2222-2222")
    ]
    assert (
        len({(answer.status_code, answer.json()["title"], answer.json()["code"]) for answer in answers}) == 1
    )


# ── for notify ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_notify_is_told_where_one_message_goes(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    case = await registered(client)
    url = f"/internal/contacts/{case['case_id']}"
    answer = await client.get(url, params={"purpose": "registered"}, headers=internal(service))
    assert answer.json() == {
        "name": "王小明",
        "phone": "13812345678",
        "language": "zh",
        "number": case["number"],
        "pickup_code": case["pickup_code"],
        "tracking_url": case["tracking_url"],
        "follow_up_url": None,
        "text": None,
    }
    noted = (await journal_of(database, UUID(case["case_id"])))[-1]
    assert isinstance(noted, RequesterRevealed)
    assert noted.purpose == "registered"
    early = await client.get(url, params={"purpose": "please_answer"}, headers=internal(service))
    assert (early.status_code, early.json()["code"]) == (409, "no-open-link")


async def test_nobody_else_is_told(client: httpx.AsyncClient) -> None:
    case = await registered(client)
    url = f"/internal/contacts/{case['case_id']}"
    for asking in ({}, headers(*OPERATOR), {"Authorization": "Bearer guessed"}):
        assert (await client.get(url, params={"purpose": "registered"}, headers=asking)).status_code == 401


async def test_without_a_phone_there_is_nowhere_to_send_it(
    client: httpx.AsyncClient, service: Service
) -> None:
    case = await registered(client, requester={"name": "王小明"})
    answer = await client.get(
        f"/internal/contacts/{case['case_id']}", params={"purpose": "registered"}, headers=internal(service)
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "no-contact")
