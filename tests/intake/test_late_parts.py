"""`handle` was missed: whoever was merged into the case asked for the same thing, and is told how it stands as well."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import httpx
import pytest

from services.intake.rules.cases import fold
from services.intake.rules.merging import told_of_delay
from shared.database import Database
from shared.ids import uuid7
from shared.vocabulary import CaseState
from tests.intake.test_asking import CALLED, attempt, case_of, missed, registered
from tests.intake.test_merging import fire_all
from tests.intake.world import (
    FOLLOW_UP_CALLER,
    OPERATOR,
    START,
    Others,
    a_registration,
    count,
    headers,
    hear,
    set_clock,
)


@pytest.fixture
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


async def a_late_family(client: httpx.AsyncClient, database: Database, parts: int = 3) -> list[UUID]:
    """A case, and others merged into it; the first of them asked for nothing to be said."""
    nameless = {"requester": {"anonymous": True}}
    told = [await registered(client, **change) for change in ({}, nameless, *[{}] * (parts - 1))]
    parent, *children = [UUID(one["case_id"]) for one in told]
    for child in children:
        merged = await client.post(
            f"/cases/{child}/merge", json={"with_case_id": str(parent)}, headers=headers(*OPERATOR)
        )
        assert merged.json()["parent_id"] == str(parent), merged.text
    await hear(database, Others(parent).accepted("p-held"), missed(parent))
    await fire_all(database)
    return [parent, *children]


@pytest.mark.usefixtures("standing_clock")
async def test_everybody_whose_case_was_merged_is_owed_a_call_too(
    client: httpx.AsyncClient, database: Database
) -> None:
    parent, nameless, *others = await a_late_family(client, database)
    listed = await client.get("/follow-ups", headers=headers(*FOLLOW_UP_CALLER))
    lines = {UUID(line["case_id"]): line for line in listed.json()["items"]}
    assert lines.keys() == {parent, *others}
    assert {line["kind"] for line in lines.values()} == {"progress"}
    assert (await case_of(database, str(nameless))).progress_call is None

    await hear(database, missed(parent))
    await fire_all(database)
    assert await count(database, "follow_ups") == 3, "one call is open at a time"

    answered, waiting = others
    said = CALLED | {"contacted": False, "solved": False, "satisfaction": "dissatisfied"}
    answer = await attempt(client, UUID(lines[answered]["follow_up_id"]), said)
    assert (answer.status_code, answer.json()["state"]) == (200, "merged"), answer.text
    assert await count(database, "timers") == 0, "it sends nobody back"

    await hear(database, *Others(parent).work())
    await fire_all(database)
    case = await case_of(database, str(waiting))
    assert case.progress_call is not None
    assert case.follow_up is not None
    assert (case.progress_call.open, case.follow_up.open) == (False, True)


@pytest.mark.usefixtures("standing_clock")
async def test_whoever_holds_the_parent_calls_none_of_those_merged_into_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    _, _, child = await a_late_family(client, database, 2)
    call = (await case_of(database, str(child))).progress_call
    assert call is not None
    holder = headers("p-held", *FOLLOW_UP_CALLER[1:])
    assert (await client.get("/follow-ups", headers=holder)).json()["items"] == []
    body = CALLED | {"contacted": True}
    refused = await client.post(f"/follow-ups/{call.id}/attempts", json=body, headers=holder)
    assert (refused.status_code, refused.json()["code"]) == (403, "held-by-you")


def test_a_part_taken_out_before_the_call_is_opened_is_owed_none() -> None:
    """It has its own clock."""
    child, parent = [fold([a_registration(uuid7())]) for _ in range(2)]
    merged = replace(child, state=CaseState.MERGED, parent_id=parent.case_id)
    assert told_of_delay(merged, parent, uuid7(), START) is not None
    assert told_of_delay(child, parent, uuid7(), START) is None
    assert told_of_delay(merged, replace(parent, state=CaseState.HANDLED), uuid7(), START) is None
