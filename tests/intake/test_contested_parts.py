"""Whoever was merged into another case may contest the end like everybody else, once: the part is open again, and the
case it is part of goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.rules.facts import Case
from shared.database import Database
from shared.events.intake import CaseMerged, CaseReopened
from tests.intake.test_asking import a_card, enter
from tests.intake.test_following import SATISFIED, attempt, case_of, follow_up_of
from tests.intake.test_merging import fire_all, folded, merge, of_type
from tests.intake.world import (
    FOLLOW_UP_CALLER,
    OFFICER,
    OPERATOR,
    START,
    Others,
    a_call,
    count,
    headers,
    hear,
    journal_of,
    set_clock,
)


class Family:
    """A case and those that were merged into it, as their requesters were told of them."""

    def __init__(self, client: httpx.AsyncClient, database: Database) -> None:
        self.client, self.database = client, database
        self.parent, self.parts = UUID(int=0), list[UUID]()
        self.told: dict[UUID, dict[str, Any]] = {}

    async def grow(self, parts: int, **requester: Any) -> Family:
        self.parent = await self.reported(0)
        self.parts = [await self.reported(place + 1, **requester) for place in range(parts)]
        for part in self.parts:
            assert (await merge(self.client, part, self.parent)).status_code == 200
        return self

    async def reported(self, minute: int, **change: Any) -> UUID:
        await set_clock(self.database, START + timedelta(minutes=minute))
        call = a_call(category_code="flooding") | change
        told = (await self.client.post("/cases", json=call, headers=headers(*OPERATOR))).json()
        self.told[UUID(told["case_id"])] = told
        return UUID(told["case_id"])

    async def handled(self, round: int = 1) -> None:
        await hear(self.database, *Others(self.parent, round=round).work(OFFICER))
        await fire_all(self.database)

    async def answered(self, *case_ids: UUID) -> None:
        for case_id in case_ids:
            answer = await attempt(self.client, await follow_up_of(self.database, case_id), SATISFIED)
            assert answer.json().get("state") == "closed", answer.text
        await fire_all(self.database)

    async def contest(self, case_id: UUID) -> httpx.Response:
        told = self.told[case_id]
        body = {"code": told["pickup_code"], "remark": "还在漏"}
        return await self.client.post(f"/track/{told['number']}/contest", json=body)

    async def contested(self, case_id: UUID) -> None:
        answer = await self.contest(case_id)
        assert (answer.status_code, answer.json()["state"]) == (200, "merged"), answer.text
        await fire_all(self.database)

    async def case(self, case_id: UUID) -> Case:
        return await folded(self.database, case_id)


@pytest.fixture
async def family(client: httpx.AsyncClient, database: Database) -> Family:
    return Family(client, database)


async def reopenings(family: Family) -> list[str]:
    story = await journal_of(family.database, family.parent)
    return [f"{event.round} {event.because}" for event in of_type(story, CaseReopened)]


async def test_all_contests_of_parts_reopen_the_parent_once_and_all_are_asked_again(family: Family) -> None:
    await family.grow(3)
    await family.handled()
    await family.answered(family.parent, *family.parts)
    for part in family.parts:
        await family.contested(part)
    assert await reopenings(family) == ["2 contested"]
    assert await count(family.database, "follow_ups WHERE closed_at IS NULL") == 0
    for part in family.parts:
        case = await family.case(part)
        assert (case.state, case.parent_id, case.closed_at, case.handled_at) == (
            "merged",
            family.parent,
            None,
            None,
        )
        refused = await family.contest(part)
        assert (refused.status_code, refused.json()["code"]) == (409, "contested-before")
    assert await count(family.database, "contests") == 3
    assert "还在漏" not in str(await journal_of(family.database, family.parts[0]))

    await family.handled(2)
    assert await count(family.database, "follow_ups WHERE closed_at IS NULL") == 4
    await family.answered(family.parent, *family.parts)
    assert {(await family.case(part)).outcome for part in family.parts} == {"merged"}


async def test_what_the_parts_contest_leaves_the_parents_requester_their_own(family: Family) -> None:
    await family.grow(1)
    await family.handled()
    await family.answered(family.parent, *family.parts)
    await family.contested(family.parts[0])
    await family.handled(2)
    await family.answered(family.parent)
    answer = await family.contest(family.parent)
    assert (answer.status_code, answer.json()["state"]) == (200, "reopened"), answer.text
    assert await reopenings(family) == ["2 contested", "3 contested"]


async def test_three_attempts_are_contested_before_the_parent_is_closed(family: Family) -> None:
    await family.grow(1)
    await family.handled()
    [part] = family.parts
    for hour in (1, 5, 9):
        await set_clock(family.database, START + timedelta(hours=hour))
        asked = await follow_up_of(family.database, part)
        await attempt(family.client, asked, {"channel": "phone", "reached": False})
    assert (await case_of(family.database, part)).closed_by == "three_attempts"
    await family.contested(part)
    assert await reopenings(family) == ["2 contested"]
    assert (await family.case(family.parent)).state == "reopened"


async def test_a_parent_that_was_handled_again_meanwhile_is_asked_about_first(family: Family) -> None:
    await family.grow(2)
    await family.handled()
    contesting, other = family.parts
    await family.answered(contesting)
    await attempt(family.client, await follow_up_of(family.database, other), SATISFIED | {"solved": False})
    await fire_all(family.database)
    await family.handled(2)
    await family.contested(contesting)
    assert await reopenings(family) == ["2 not_solved"]
    case = await family.case(contesting)
    assert case.open_follow_up is not None
    assert case.parent_round == 2


async def test_whoever_cannot_be_asked_contests_as_well_and_ends_with_the_parent_again(
    family: Family,
) -> None:
    await family.grow(1, requester={"anonymous": True})
    [part] = family.parts
    await family.handled()
    await family.answered(family.parent)
    await family.contested(part)
    assert await reopenings(family) == ["2 contested"]
    assert (await family.case(part)).state == "merged"
    await family.handled(2)
    await family.answered(family.parent)
    case = await family.case(part)
    assert (case.state, case.outcome, case.open_follow_up) == ("closed", "merged", None)


async def test_where_the_parent_was_taken_back_the_part_goes_on_by_itself(family: Family) -> None:
    await family.grow(1)
    [part] = family.parts
    await family.handled()
    await family.answered(part)
    not_solved = SATISFIED | {"solved": False}
    await attempt(family.client, await follow_up_of(family.database, family.parent), not_solved)
    url = f"/cases/{family.parent}/withdraw"
    taken_back = await family.client.post(url, json={}, headers=headers(*OPERATOR))
    assert taken_back.json()["state"] == "closed", taken_back.text
    answer = await family.contest(part)
    assert (answer.status_code, answer.json()["state"]) == (200, "reopened"), answer.text
    await fire_all(family.database)
    case = await family.case(part)
    assert (case.state, case.round, case.parent_id) == ("reopened", 2, None)
    assert (await family.case(family.parent)).state == "closed"


async def test_a_card_that_comes_too_late_contests_a_part_too(family: Family) -> None:
    await family.grow(1)
    [part] = family.parts
    await family.handled()
    await family.answered(family.parent, part)
    [card] = await enter(family.client, a_card("K-1", family.told[part]["number"], solved=False))
    assert (card["result"], card["state"]) == ("contested", "merged")
    await fire_all(family.database)
    told = of_type(await journal_of(family.database, part), CaseMerged)[-1]
    assert (told.actor.person_id, told.channel) == (FOLLOW_UP_CALLER[0], "paper_card")
    assert await reopenings(family) == ["2 contested"]
    await family.case(part)
