"""Who may see a case's clocks, who may raise it, and what the others are told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.database import Database
from shared.events.escalation import CaseEscalated
from shared.ids import uuid7
from shared.journal import story as journalled
from shared.routes import rules_of
from shared.service import Service
from shared.vocabulary import Level, Role
from tests.escalation.conftest import Clock, hear
from tests.escalation.story import LADDER, Story, after
from tests.people import an_issuer

Who = tuple[str, Role, str]
HOLDER: Who = ("p-grid-a1-a", Role.GRID_WORKER, "grid-a1")
NEIGHBOUR: Who = ("p-grid-b1-a", Role.GRID_WORKER, "grid-b1")
OFFICER: Who = ("p-community-a-o1", Role.UNIT_OFFICER, "community-a")
SUPERVISOR: Who = ("p-street-s1", Role.SUPERVISOR, "street")
OTHER_OFFICER: Who = ("p-community-b-o1", Role.UNIT_OFFICER, "community-b")
CALLER: Who = ("p-caller-1", Role.FOLLOW_UP_CALLER, "civil-affairs")
READER: Who = ("p-reader-1", Role.READER, "civil-affairs")
REASON: dict[str, Any] = {"reason": "beyond_our_powers", "text": "需要吊车 13812345678"}


def headers(who: Who, **more: str) -> dict[str, str]:
    return an_issuer().headers(who[0], who[1:]) | more


async def a_case(database: Database, *, accepted: bool = True) -> Story:
    story = Story()
    await hear(database, story.registered)
    if accepted:
        await hear(database, story.accepted(0))
    return story


async def escalate(client: httpx.AsyncClient, case_id: UUID, who: Who, **body: Any) -> httpx.Response:
    return await client.post(f"/cases/{case_id}/escalate", json=body or REASON, headers=headers(who))


@pytest.mark.parametrize("who", [HOLDER, OFFICER, SUPERVISOR])
async def test_holders_officers_and_supervisors_raise_a_case(
    client: httpx.AsyncClient, database: Database, clock: Clock, who: Who
) -> None:
    story = await a_case(database)
    await clock.stand_at(after(4))
    answer = await escalate(client, story.case_id, who)
    assert answer.status_code == 200, answer.text
    raised = answer.json()
    assert (raised["level"], raised["unit_id"]) == ("community", "community-a")
    [step] = raised["raises"]
    assert (step["cause"], step["by_person_id"], step["reason"]) == ("by_hand", who[0], "beyond_our_powers")
    assert step["text"] == REASON["text"]


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        (NEIGHBOUR, 409, "holder-unknown"),
        (OTHER_OFFICER, 403, "forbidden"),
        (CALLER, 403, "forbidden"),
        (READER, 403, "forbidden"),
    ],
)
async def test_nobody_else_does(
    client: httpx.AsyncClient, database: Database, clock: Clock, who: Who, status: int, code: str
) -> None:
    story = await a_case(database)
    answer = await escalate(client, story.case_id, who)
    assert answer.status_code == status
    assert answer.json()["type"].endswith(code)


async def test_whoever_is_not_known_as_a_holder_yet_is_told_to_wait(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    story = await a_case(database, accepted=False)
    answer = await escalate(client, story.case_id, HOLDER)
    assert answer.status_code == 409
    assert "重试" in answer.json()["detail"]
    await hear(database, story.accepted(0))
    assert (await escalate(client, story.case_id, HOLDER)).status_code == 200


async def test_a_case_that_cannot_be_raised_says_why(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    story = await a_case(database)
    await hear(database, story.handled(0))
    assert (await escalate(client, story.case_id, SUPERVISOR)).json()["type"].endswith("handled")
    await hear(database, story.closed(0))
    assert (await escalate(client, story.case_id, SUPERVISOR)).json()["type"].endswith("closed")
    top = Story(ladder=LADDER[3:])
    await hear(database, top.registered)
    director: Who = ("p-civil-affairs-s1", Role.SUPERVISOR, "civil-affairs")
    assert (await escalate(client, top.case_id, director)).json()["type"].endswith("last-level")
    assert (await escalate(client, uuid7(), director)).status_code == 404
    assert (await escalate(client, top.case_id, director, reason="because")).status_code == 422


async def test_the_same_command_sent_twice_raises_once(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    story = await a_case(database)
    sent = headers(HOLDER, **{"Idempotency-Key": str(uuid7())})
    answers = [
        await client.post(f"/cases/{story.case_id}/escalate", json=REASON, headers=sent) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].json()["level"] == Level.COMMUNITY


async def test_what_somebody_wrote_is_nowhere_in_the_clear(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    story = await a_case(database)
    await escalate(client, story.case_id, HOLDER)
    async with database.transaction() as tx:
        for table in ("journal", "outbox", "raises", "texts", "cases"):
            rows = await tx.rows(f"SELECT t::text AS line FROM {table} AS t")
            assert not [row for row in rows if "吊车" in row["line"] or "13812345678" in row["line"]]
    seen = {
        who: (await client.get(f"/cases/{story.case_id}", headers=headers(who))).json()["raises"][0]["text"]
        for who in (OFFICER, READER)
    }
    assert seen == {OFFICER: REASON["text"], READER: None}


async def test_a_reader_sees_that_a_case_was_raised_and_not_by_whom(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    story = await a_case(database)
    await escalate(client, story.case_id, HOLDER)
    leader: Who = ("p-grid-a1-l", Role.GRID_LEADER, "grid-a1")
    seen = {
        who: (await client.get(f"/cases/{story.case_id}", headers=headers(who))).json()["raises"][0]
        for who in (READER, leader)
    }
    assert {who: one["by_person_id"] for who, one in seen.items()} == {READER: None, leader: HOLDER[0]}
    assert seen[READER]["reason"] == "beyond_our_powers"


@pytest.mark.parametrize(("who", "channel"), [(HOLDER, "mobile"), (OFFICER, "desk"), (SUPERVISOR, "desk")])
async def test_a_raise_names_the_way_it_came(
    client: httpx.AsyncClient, database: Database, clock: Clock, who: Who, channel: str
) -> None:
    story = await a_case(database)
    await escalate(client, story.case_id, who)
    async with database.transaction() as tx:
        told = [event for event in await journalled(tx, story.case_id) if isinstance(event, CaseEscalated)]
    assert [event.channel for event in told] == [channel]


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (HOLDER, 200),
        (OFFICER, 200),
        (SUPERVISOR, 200),
        (READER, 200),
        (OTHER_OFFICER, 403),
        (NEIGHBOUR, 403),
        (CALLER, 403),
    ],
)
async def test_who_sees_a_case(
    client: httpx.AsyncClient, database: Database, clock: Clock, who: Who, status: int
) -> None:
    story = await a_case(database)
    answer = await client.get(f"/cases/{story.case_id}", headers=headers(who))
    assert answer.status_code == status
    if status == 200:
        assert {one["kind"]: one["colour"] for one in answer.json()["deadlines"]} == {
            "arrive": "running",
            "handle": "running",
        }


async def test_open_deadlines_come_in_pages_first_due_first(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    for _ in range(3):
        await a_case(database, accepted=False)
    found, cursor = [], ""
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        page = (await client.get(f"/deadlines?limit=2{more}", headers=headers(OFFICER))).json()
        found += page["deadlines"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [one["kind"] for one in found] == ["acknowledge"] * 3 + ["arrive"] * 3 + ["handle"] * 3
    assert len({(one["case_id"], one["kind"]) for one in found}) == 9


async def test_deadlines_by_colour_and_unit(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    story = await a_case(database)
    await clock.fast_forward(12)

    async def kinds(who: Who, query: str = "") -> list[str]:
        answer = await client.get(f"/deadlines{query}", headers=headers(who))
        assert answer.status_code == 200
        return [one["kind"] for one in answer.json()["deadlines"]]

    assert await kinds(OFFICER, "?state=amber") == ["arrive"]
    assert await kinds(OFFICER, "?state=running&unit=grid-a1") == ["handle"]
    assert await kinds(OFFICER, "?unit=grid-a2") == []
    assert await kinds(OTHER_OFFICER) == []
    await clock.fast_forward(15)
    assert await kinds(SUPERVISOR, "?state=red") == ["arrive"]
    await hear(database, story.arrived(15))
    assert await kinds(SUPERVISOR, "?state=red") == []
    assert (await client.get("/deadlines?unit=grid-b1", headers=headers(OFFICER))).status_code == 403
    assert (await client.get("/deadlines?cursor=!!", headers=headers(OFFICER))).status_code == 422
    assert (await client.get("/deadlines")).status_code == 401


def test_every_route_has_one_rule(service: Service) -> None:
    assert {path: len(rules) for path, rules in rules_of(service.app).items() if len(rules) != 1} == {}
