"""Everything intake holds about a person is in their copy and gone after their erasure. What is held is read from the
tables: a column that is added and forgotten in either fails here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import LargeBinary

from services.intake.commands.personal import PersonsCase
from services.intake.queries import cases
from services.intake.tables import CaseRow, Table
from services.intake.upkeep import Indexing
from shared.database import Database
from shared.service import Service
from shared.vocabulary import Role
from tests.intake.world import (
    FOLLOW_UP_CALLER,
    OPERATOR,
    START,
    SUPERVISOR,
    Others,
    a_call,
    headers,
    hear,
    search,
    set_clock,
)

PROTECTION = ("p-protection-1", Role.DATA_PROTECTION_OFFICER, "civil-affairs")
PHONE = "13812345678"
PLUMBING = {"heads", "journal", "outbox", "positions", "seen", "dead_letters", "timers", "clock_anchors"}
PLUMBING |= {"idempotency_keys"}

HELD = {
    ("requesters", "name_sealed"): "赵钱孙",
    ("requesters", "phone_sealed"): PHONE,
    ("requesters", "description_sealed"): "井盖不见了请尽快",
    ("requesters", "beneficiary_sealed"): "周吴郑",
    ("requesters", "author_sealed"): "群友冯陈",
    ("requesters", "answer_sealed"): "窗口周一开门",
    ("questions", "text_sealed"): "是哪个单元门口",
    ("questions", "answer_sealed"): "三单元东边",
    ("follow_up_attempts", "remark_sealed"): "师傅人很好",
    ("contests", "remark_sealed"): "其实还是坏的",
    ("verification_remarks", "remark_sealed"): "现场照片清楚",
}
"""What is held of a person and told to them, with the words planted there."""
NOT_TOLD = {
    ("requesters", "wrapped_key"): "the key of all of it",
    ("requesters", "phone_index"): "a keyed digest of the phone",
    ("requesters", "pickup_code_sealed"): "opens the person's page: who asks by phone gets no key to it",
    ("follow_ups", "link_hash"): "a digest of the link",
    ("follow_ups", "link_sealed"): "answers in the person's name",
    ("likenesses", "signature"): "keyed digests of the description's words",
}
STAYS = {("import_lines", "said"): "a keyed digest, so that the same file makes no second case"}
OF_THE_WORK = {
    # who works on it and how it goes: told as `history`, `follow_ups` and state
    "round", "level", "accepted_at", "arrived_at", "handled_at", "handled_by", "handled_level", "handled_outcome",
    "reopened_at", "closed_by", "resolved_level", "amended_at", "return_pending", "parked_until", "extended_until",
    "excluded", "registry_revision", "ends_at_once", "snippet_id", "not_accepted", "service", "rightful_unit_id",
    "requester_can_be_asked", "parent_id", "parent_round", "merged_at", "is_root", "parent_is_root", "erased_at",
    "withdrawn_by_staff",
    "lon", "lat", "place_label", "grid_id", "unit_path",  # as `place` and `unit_id`
}  # fmt: skip


@pytest.fixture(autouse=True)
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


def sealed_columns() -> set[tuple[str, str]]:
    return {
        (table.name, column.name)
        for table in Table.metadata.sorted_tables
        if table.name not in PLUMBING
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }


async def registered(client: httpx.AsyncClient, **change: Any) -> dict[str, Any]:
    requester = {"name": HELD["requesters", "name_sealed"], "phone": PHONE, **change.pop("requester", {})}
    answer = await client.post(
        "/cases", json=a_call(requester=requester, **change), headers=headers(*OPERATOR)
    )
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def done(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def asked_and_contested(client: httpx.AsyncClient, database: Database) -> str:
    """A proxy's case from a chat, with a question, a follow-up and a contest; closed in the end."""
    told = await registered(
        client,
        channel="chat_forward",
        description=HELD["requesters", "description_sealed"],
        forwarded={"author": HELD["requesters", "author_sealed"]},
        requester={
            "kind": "proxy",
            "on_behalf_of": {"name": HELD["requesters", "beneficiary_sealed"], "relation": "父亲"},
        },
    )
    case = f"/cases/{told['case_id']}"
    question = {"text": HELD["questions", "text_sealed"]}
    asked = await done(await client.post(f"{case}/questions", json=question, headers=headers(*OPERATOR)))
    given = {"text": HELD["questions", "answer_sealed"]}
    url = f"{case}/questions/{asked['question_id']}/answer"
    await done(await client.post(url, json=given, headers=headers(*OPERATOR)))
    await close(client, database, told, 1)
    contest = {"code": told["pickup_code"], "remark": HELD["contests", "remark_sealed"]}
    await done(await client.post(f"/track/{told['number']}/contest", json=contest))
    await close(client, database, told, 2)
    return str(told["number"])


async def close(client: httpx.AsyncClient, database: Database, told: dict[str, Any], round: int) -> None:
    case_id = UUID(told["case_id"])
    await hear(database, *Others(case_id, round=round).work())
    async with database.transaction() as tx:
        case = await cases.load(tx, case_id)
    assert case is not None
    assert case.follow_up is not None
    body = {
        "channel": "phone",
        "reached": True,
        "contacted": True,
        "solved": True,
        "satisfaction": "satisfied",
        "remark": HELD["follow_up_attempts", "remark_sealed"],
    }
    url = f"/follow-ups/{case.follow_up.id}/attempts"
    await done(await client.post(url, json=body, headers=headers(*FOLLOW_UP_CALLER)))


async def answered_at_once(client: httpx.AsyncClient) -> str:
    told = await registered(client, answer={"text": HELD["requesters", "answer_sealed"]})
    return str(told["number"])


async def verified(client: httpx.AsyncClient, database: Database) -> str:
    """Who does not want to be called is not asked: somebody looks at the evidence instead."""
    told = await registered(client, requester={"consent": []}, category_code="rubbish-heap")
    await hear(database, *Others(UUID(told["case_id"])).work())
    remark = {"solved": True, "remark": HELD["verification_remarks", "remark_sealed"]}
    url = f"/cases/{told['case_id']}/verification"
    await done(await client.post(url, json=remark, headers=headers(*SUPERVISOR)))
    return str(told["number"])


async def not_null(database: Database) -> set[tuple[str, str]]:
    async with database.transaction() as tx:
        return {
            (table, column)
            for table, column in sealed_columns()
            if await tx.rows(f"SELECT 1 FROM {table} WHERE {column} IS NOT NULL LIMIT 1")
        }


def test_every_sealed_column_is_told_or_said_why_not() -> None:
    assert sealed_columns() == HELD.keys() | NOT_TOLD.keys() | STAYS.keys()


def test_every_fact_of_a_case_is_told_or_of_the_work() -> None:
    told, held = set(PersonsCase.model_fields), set(CaseRow.model_fields)
    assert held - told == OF_THE_WORK, "a new column: is it about the person? Then PersonsCase tells it"


async def test_what_is_held_is_in_the_copy_and_gone_after_the_erasure(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    numbers = {
        await asked_and_contested(client, database),
        await answered_at_once(client),
        await verified(client, database),
    }
    await Indexing(service.sealer).turn(database)
    planted = await not_null(database)
    assert planted >= HELD.keys(), "each kind of thing is really there"

    asked, officer = {"phone": PHONE}, headers(*PROTECTION)
    copy = await client.post("/personal-data/export", json=asked, headers=officer)
    assert {case["number"] for case in copy.json()["cases"]} == numbers
    for column, words in HELD.items():
        assert words in copy.text, column
    for somebody in (FOLLOW_UP_CALLER[0], OPERATOR[0], SUPERVISOR[0]):
        assert somebody not in copy.text, "who works here is not the person's data"

    erased = await client.post("/personal-data/erasure", json=asked, headers=officer)
    assert set(erased.json()["erased"]) == numbers
    await Indexing(service.sealer).turn(database)
    assert await not_null(database) == set()
    again = await client.post("/personal-data/export", json=asked, headers=officer)
    assert again.json()["cases"] == []
    found = await search(client, text="井盖不见了")
    assert found.json()["items"] == []
