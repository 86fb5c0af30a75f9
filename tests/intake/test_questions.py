"""The list of open questions: who sees which, in which order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.queries.open_questions import OPEN
from shared.database import Database
from shared.vocabulary import Role
from tests.intake.world import (
    FOLLOW_UP_CALLER,
    HOURS,
    OPERATOR,
    START,
    SUPERVISOR,
    WORKER,
    Others,
    a_call,
    headers,
    hear,
    inside,
    set_clock,
)

Person = tuple[str, Role, str]
HOLDER: Person = (WORKER, Role.GRID_WORKER, "grid-a1")


async def asked(
    client: httpx.AsyncClient, database: Database, hour: int, grid: str, person: Person = OPERATOR
) -> dict[str, Any]:
    await set_clock(database, START + hour * HOURS)
    registered = await client.post("/cases", json=a_call(place=inside(grid)), headers=headers(*OPERATOR))
    case: dict[str, Any] = registered.json()
    others = Others(UUID(case["case_id"]))
    await hear(database, others.offered(), others.accepted())
    url = f"/cases/{case['case_id']}/questions"
    question = await client.post(url, json={"text": "哪一侧？"}, headers=headers(*person))
    assert question.status_code == 201, question.text
    asked: dict[str, Any] = question.json()
    return case | asked


async def listed(client: httpx.AsyncClient, person: Person, **given: Any) -> list[str]:
    numbers: list[str] = []
    while True:
        answer = await client.get("/questions", params=given, headers=headers(*person))
        assert answer.status_code == 200, answer.text
        assert "哪一侧" not in answer.text
        numbers += [item["number"] for item in answer.json()["items"]]
        given["cursor"] = answer.json()["next_cursor"]
        if given["cursor"] is None:
            return numbers


async def test_open_questions_oldest_first_of_ones_units_and_ones_own(
    client: httpx.AsyncClient, database: Database
) -> None:
    later, first = (
        await asked(client, database, 2, "grid-a1", HOLDER),
        await asked(client, database, 1, "grid-b1"),
    )
    third = await asked(client, database, 3, "grid-a2")
    for limit in (1, 50):
        assert await listed(client, OPERATOR, limit=limit) == [
            first["number"],
            later["number"],
            third["number"],
        ]
    assert await listed(client, SUPERVISOR) == [later["number"], third["number"]]
    assert await listed(client, HOLDER) == [later["number"]]
    assert await listed(client, ("p-community-b-o1", Role.UNIT_OFFICER, "community-b")) == [first["number"]]

    url = f"/cases/{third['case_id']}/questions/{third['question_id']}/answer"
    answered = await client.post(url, json={"text": "左边"}, headers=headers(*OPERATOR))
    assert answered.status_code < 300, answered.text
    assert await listed(client, SUPERVISOR) == [later["number"]]


@pytest.mark.parametrize(
    "person",
    [FOLLOW_UP_CALLER, ("p-reader", Role.READER, "civil-affairs"), ("p-admin", Role.ADMINISTRATOR, "street")],
)
async def test_who_asks_nobody_has_no_list(client: httpx.AsyncClient, person: Person) -> None:
    assert (await client.get("/questions", headers=headers(*person))).status_code == 403
    assert (await client.get("/questions")).status_code == 401


async def test_the_list_walks_its_index(database: Database) -> None:
    given = {
        "units": ["street"],
        "person_id": WORKER,
        "after_at": START,
        "after_id": UUID(int=0),
        "rows_max": 51,
    }
    async with database.transaction() as tx:
        for planner in ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin"):
            await tx.rows(f"SET LOCAL {planner} = off")
        plan = "\n".join(str(row["QUERY PLAN"]) for row in await tx.rows(f"EXPLAIN {OPEN}", **given))
    assert "questions_open" in plan, plan
    assert "Sort" not in plan, plan
