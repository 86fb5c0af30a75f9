"""`If-Match`: whoever decides about a case one has read, decides about that case or is told to look again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.database import Database
from tests.intake.test_changes import act, registered
from tests.intake.world import OPERATOR, START, SUPERVISOR, Others, headers, hear, set_clock


@pytest.fixture(autouse=True)
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


async def test_whoever_read_an_older_case_is_told_to_look_again(client: httpx.AsyncClient) -> None:
    case = await registered(client)
    read = await client.get(f"/cases/{case['case_id']}", headers=headers(*OPERATOR))
    etag = read.headers["etag"]
    first = await act(client, case, "amend", {"care": True}, if_match=etag)
    assert first.status_code == 200
    second = await act(client, case, "amend", {"care": False}, SUPERVISOR, etag)
    assert (second.status_code, second.json()["code"]) == (412, "changed-meanwhile")
    again = first.headers["etag"]
    assert (await act(client, case, "amend", {"care": False}, SUPERVISOR, again)).status_code == 200


async def version(client: httpx.AsyncClient, case: dict[str, Any]) -> str:
    read = await client.get(f"/cases/{case['case_id']}", headers=headers(*OPERATOR))
    etag: str = read.headers["etag"]
    return etag


async def test_the_work_that_goes_on_does_not_make_it_another_case(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client)
    others = Others(UUID(case["case_id"]))
    etag = await version(client, case)
    await hear(database, others.offered(), others.accepted(), others.arrived())
    assert await version(client, case) == etag
    amended = await act(client, case, "amend", {"care": True}, if_match=etag)
    assert amended.status_code == 200, amended.text
    assert amended.headers["etag"] == await version(client, case) != etag


@pytest.mark.parametrize("what", ["withdraw", "merge", "unmerge", "answer"])
async def test_each_of_them_asks_for_the_case_that_was_read(client: httpx.AsyncClient, what: str) -> None:
    parent, case = await registered(client), await registered(client)
    into, body = {"with_case_id": parent["case_id"]}, None
    if what == "merge":
        body = into
    elif what == "unmerge":
        assert (await act(client, case, "merge", into)).headers["etag"] == await version(client, case)
    elif what == "answer":
        asked = await act(client, case, "questions", {"text": "哪一侧？"})
        what, body = f"questions/{asked.json()['question_id']}/answer", {"text": "左边"}
    read = await version(client, case)
    urged = await act(client, case, "urge")
    assert urged.status_code == 200, urged.text
    refused = await act(client, case, what, body, if_match=read)
    assert (refused.status_code, refused.json()["code"]) == (412, "changed-meanwhile")
    assert urged.headers["etag"] == await version(client, case), "nothing was done"
    done = await act(client, case, what, body, if_match=f"{read}, {urged.headers['etag']}")
    assert done.status_code == 200, done.text
    assert done.headers["etag"] == await version(client, case) != urged.headers["etag"]


async def test_any_version_will_do_where_it_is_said_so(client: httpx.AsyncClient) -> None:
    case = await registered(client)
    assert (await act(client, case, "withdraw", if_match="*")).status_code == 200
