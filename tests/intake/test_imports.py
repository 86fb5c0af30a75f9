"""A pile of paper surveys becomes cases: line by line, told what was refused, once however often it is sent."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from openpyxl import Workbook

from services.intake.handlers.reading import LINES_MAX
from shared.database import Database
from shared.events.intake import CaseRegistered
from shared.vocabulary import Role
from tests.intake.world import OPERATOR, a_call, count, headers, inside, journal_of

HEADINGS = "编号,事项,内容,地址,姓名,电话,反映时间,匿名"
GOOD = [
    "S-1,road-damage,路面有坑,春和路 12 号,王小明,138 1234-5678,2026/3/1 9:05,否",
    "S-2,manhole-cover,井盖没了,新亚洲体育城社区第3网格 5 栋,,,,是",
]
Person = tuple[str, Role, str]


def a_csv(*lines: str, encoding: str = "utf-8-sig") -> bytes:
    return "\n".join((HEADINGS, *lines)).encode(encoding)


def a_workbook(*lines: str) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (HEADINGS, *lines):
        sheet.append([cell or None for cell in row.split(",")])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


async def send(
    client: httpx.AsyncClient,
    content: bytes,
    *,
    dry_run: bool = False,
    source: str = "2026-03 问卷",
    person: Person = OPERATOR,
) -> httpx.Response:
    return await client.post(
        "/imports",
        files={"file": ("cases", content)},
        data={"source": source, "dry_run": str(dry_run).lower()},
        headers=headers(*person),
    )


def counts(report: dict[str, Any]) -> tuple[int, int, int]:
    return report["taken"], report["taken_before"], report["refused"]


@pytest.mark.parametrize(
    "content",
    [a_csv(*GOOD), a_csv(*GOOD, encoding="gb18030"), a_workbook(*GOOD)],
    ids=["utf-8", "gb18030", "xlsx"],
)
async def test_every_line_becomes_a_case(
    client: httpx.AsyncClient, database: Database, content: bytes
) -> None:
    answer = await send(client, content)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert counts(report) == (2, 0, 0), report
    assert [(item["line"], item["key"], item["unit_id"]) for item in report["items"]] == [
        (2, "S-1", "community-a"),
        (3, "S-2", "grid-b3"),
    ]
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT case_id, channel, reported_at FROM cases ORDER BY reported_at")
    assert [row["channel"] for row in rows] == ["survey", "survey"]
    assert rows[0]["reported_at"] == datetime(2026, 3, 1, 1, 5, tzinfo=UTC)
    first = (await journal_of(database, rows[0]["case_id"]))[0]
    assert isinstance(first, CaseRegistered)
    assert first.actor.person_id == OPERATOR[0]
    assert "138" not in answer.text


async def test_a_dry_run_says_the_same_and_writes_nothing(
    client: httpx.AsyncClient, database: Database
) -> None:
    report = (await send(client, a_csv(*GOOD), dry_run=True)).json()
    assert [item["state"] for item in report["items"]] == ["would_be_taken"] * 2
    assert report["items"][0]["urgency"] == "routine"
    for table in ("cases", "import_lines", "idempotency_keys"):
        assert await count(database, table) == 0


async def test_nobody_imports_without_saying_so(client: httpx.AsyncClient, database: Database) -> None:
    answer = await client.post(
        "/imports",
        files={"file": ("cases", a_csv(*GOOD))},
        data={"source": "x"},
        headers=headers(*OPERATOR),
    )
    assert answer.json()["dry_run"] is True
    assert await count(database, "cases") == 0


async def test_the_same_file_twice_makes_no_second_case(
    client: httpx.AsyncClient, database: Database
) -> None:
    first = (await send(client, a_csv(*GOOD))).json()
    async with database.transaction() as tx:
        await tx.rows("DELETE FROM idempotency_keys")  # they are forgotten after a week, the lines are not
    second = (await send(client, a_csv(*GOOD, "S-3,road-damage,新的一行,春和路,,,,"))).json()
    assert counts(second) == (1, 2, 0)
    assert [item["number"] for item in second["items"][:2]] == [item["number"] for item in first["items"]]
    other = (await send(client, a_csv(GOOD[0]), source="2026-04 问卷")).json()
    assert counts(other) == (1, 0, 0)
    assert await count(database, "cases") == 4


async def test_a_line_without_a_key_is_known_by_what_it_says(
    client: httpx.AsyncClient, database: Database
) -> None:
    line = GOOD[0].removeprefix("S-1")
    for expected in ((1, 1, 0), (0, 2, 0)):
        assert counts((await send(client, a_csv(line, line))).json()) == expected
    assert await count(database, "cases") == 1


async def test_the_same_key_with_other_words_is_reported(
    client: httpx.AsyncClient, database: Database
) -> None:
    await send(client, a_csv(GOOD[0]))
    changed = GOOD[0].replace("有坑", "全是坑")
    report = (await send(client, a_csv(changed))).json()
    assert counts(report) == (0, 0, 1)
    assert report["items"][0]["flaws"][0]["code"] == "idempotency-key-reused"
    assert await count(database, "cases") == 1


@pytest.mark.parametrize(
    ("line", "field", "code"),
    [
        ("S,no-such-thing,x,,,,,", "", "unknown-category"),
        ("S,,x,,,,,", "category_code", "missing"),
        ("S,road-damage,x,,,not a phone,,", "requester.phone", "value_error"),
        ("S,road-damage,x,,王小明,,,是", "requester", "value_error"),
        ("S,road-damage,x,,,,昨天,", "reported_at", "datetime_from_date_parsing"),
    ],
)
async def test_what_is_wrong_with_a_line_is_said_and_the_others_go_in(
    client: httpx.AsyncClient, database: Database, line: str, field: str, code: str
) -> None:
    report = (await send(client, a_csv(GOOD[0], line, GOOD[1]))).json()
    assert counts(report) == (2, 0, 1)
    refused = report["items"][1]
    assert (refused["line"], refused["state"]) == (3, "refused")
    assert (refused["flaws"][0]["field"], refused["flaws"][0]["code"]) == (field, code)
    assert "not a phone" not in json.dumps(refused, ensure_ascii=False).replace("is not a phone number", "")
    assert await count(database, "cases") == 2


async def test_json_takes_what_a_single_registration_takes(
    client: httpx.AsyncClient, database: Database
) -> None:
    calls = [{"key": "J-1"} | a_call(channel="council"), {"key": "J-2"} | a_call(place=inside("grid-b1"))]
    report = (await send(client, json.dumps({"cases": calls}).encode())).json()
    assert counts(report) == (2, 0, 0)
    assert [item["unit_id"] for item in report["items"]] == ["grid-a1", "grid-b1"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "unreadable"),
        ("编号,不认识的列\nS-1,x".encode(), 422, "unreadable"),
        (b"PK\x03\x04 broken", 422, "unreadable"),
        (b'{"cases": 1}', 422, "unreadable"),
        (b"{", 422, "unreadable"),
        (a_csv(*["S,road-damage,x,,,,,"] * (LINES_MAX + 1)), 413, "too-many-lines"),
    ],
)
async def test_a_file_that_is_none_is_refused_as_a_whole(
    client: httpx.AsyncClient, content: bytes, status: int, code: str
) -> None:
    answer = await send(client, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_many_lines_go_in_batches(client: httpx.AsyncClient, database: Database) -> None:
    lines = [f"S-{number},road-damage,坑 {number},春和路 {number} 号,,,," for number in range(450)]
    assert counts((await send(client, a_csv(*lines))).json()) == (450, 0, 0)
    assert await count(database, "cases") == await count(database, "import_lines") == 450


@pytest.mark.parametrize(
    ("person", "status", "expected"),
    [
        (("p-s", Role.SUPERVISOR, "community-b"), 200, (1, 0, 1)),
        (("p-o", Role.UNIT_OFFICER, "street"), 200, (2, 0, 0)),
        (("p-w", Role.GRID_WORKER, "grid-b3"), 403, None),
        (("p-r", Role.READER, "civil-affairs"), 403, None),
    ],
)
async def test_who_may_import_and_for_which_units(
    client: httpx.AsyncClient, person: Person, status: int, expected: tuple[int, int, int] | None
) -> None:
    answer = await send(client, a_csv(*GOOD), person=person)
    assert answer.status_code == status
    if expected is not None:
        assert counts(answer.json()) == expected
