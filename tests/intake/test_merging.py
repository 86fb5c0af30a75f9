"""One burst pipe, forty callers: what is the same becomes one case, and everybody is asked afterwards."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest

from services.intake.queries import cases
from services.intake.rules.cases import fold
from services.intake.rules.facts import Case
from shared.database import Database
from shared.event import Event
from shared.events.intake import CaseClosed, CaseMerged, CaseReopened, FollowUpOpened
from shared.service import Service
from shared.vocabulary import Role
from tests.intake.test_following import CONTENT, SATISFIED, attempt, case_of, follow_up_of, link_of
from tests.intake.world import (
    CALLER,
    FOLLOW_UP_CALLER,
    OFFICER,
    OPERATOR,
    START,
    SUPERVISOR,
    WORKER,
    Others,
    a_call,
    count,
    fire_timers,
    headers,
    hear,
    inside,
    journal_of,
    set_clock,
)

E = TypeVar("E", bound=Event)
NOT_SOLVED = CONTENT | {"solved": False}


@pytest.fixture(autouse=True)
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


async def reported(client: httpx.AsyncClient, database: Database, minute: int = 0, **change: Any) -> UUID:
    await set_clock(database, START + timedelta(minutes=minute))
    call = a_call(category_code="flooding", description="水管爆了，路面全是水") | change
    answer = await client.post("/cases", json=call, headers=headers(*OPERATOR))
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["case_id"])


async def merge(
    client: httpx.AsyncClient,
    case_id: UUID,
    other: UUID,
    person: tuple[str, Role, str] = OPERATOR,
) -> httpx.Response:
    return await client.post(
        f"/cases/{case_id}/merge", json={"with_case_id": str(other)}, headers=headers(*person)
    )


async def fire_all(database: Database) -> None:
    while await fire_timers(database):
        pass


def of_type(story: list[Event], kind: type[E]) -> list[E]:
    return [event for event in story if isinstance(event, kind)]


async def folded(database: Database, case_id: UUID) -> Case:
    """The case as its rows have it, which is what its journal tells."""
    case = await case_of(database, case_id)
    assert fold(await journal_of(database, case_id)) == case
    return case


async def test_forty_callers_of_a_burst_pipe_are_one_case_and_each_is_asked(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    parent, *others = [await reported(client, database, minute // 4) for minute in range(40)]
    for other in others:
        looked = await client.get(f"/cases/{other}/duplicates", headers=headers(*OPERATOR))
        assert str(parent) in {found["case_id"] for found in looked.json()["items"]}
        assert (await merge(client, other, parent)).status_code == 200
    family = (await client.get(f"/cases/{parent}/family", headers=headers(*OPERATOR))).json()
    assert (family["parent_id"], len(family["children"]), family["next_cursor"]) == (str(parent), 39, None)
    assert await family_by(client, parent, limit=13) == family["children"]
    [told] = of_type(await journal_of(database, others[0]), CaseMerged)
    assert told.parent_id == parent
    assert told.score is not None
    assert told.score >= 90
    assert {"same_building", "same_category", "recent", "alike_words"} <= set(told.because)

    await hear(database, *Others(parent).work())
    await fire_all(database)
    assert await count(database, "follow_ups WHERE closed_at IS NULL") == 40
    for case_id in (parent, *others):
        token = await link_of(client, service, case_id)
        answer = await client.post(f"/follow-up-links/{token}", json=CONTENT)
        assert answer.json()["state"] == "closed", answer.text
    assert await count(database, "cases WHERE outcome = 'merged'") == 39
    assert await count(database, "cases WHERE outcome = 'solved'") == 1
    await folded(database, others[-1])


async def family_by(client: httpx.AsyncClient, case_id: UUID, limit: int) -> list[str]:
    """The children, page by page."""
    children: list[str] = []
    asked: dict[str, Any] = {"limit": limit}
    while True:
        page = await client.get(f"/cases/{case_id}/family", params=asked, headers=headers(*OPERATOR))
        assert len(page.json()["children"]) <= limit
        children += page.json()["children"]
        asked["cursor"] = page.json()["next_cursor"]
        if asked["cursor"] is None:
            return children


async def test_the_earlier_case_is_the_parent_whichever_is_named_first(
    client: httpx.AsyncClient, database: Database
) -> None:
    early, late = [await reported(client, database, minute) for minute in (0, 1)]
    assert (await merge(client, early, late)).json()["parent_id"] == str(early)
    again = await merge(client, late, early)
    assert (again.status_code, again.json()["children"]) == (200, [str(late)])
    assert len(of_type(await journal_of(database, late), CaseMerged)) == 1
    assert (await case_of(database, late)).state == "merged"
    assert (await case_of(database, early)).open


async def test_a_child_of_a_child_goes_to_the_root(client: httpx.AsyncClient, database: Database) -> None:
    first, second, third, fourth = [await reported(client, database, minute) for minute in range(4)]
    await merge(client, third, second)
    assert (await merge(client, fourth, third)).json()["parent_id"] == str(second)
    moved = await merge(client, second, first)
    assert set(moved.json()["children"]) == {str(second), str(third), str(fourth)}
    for child in (second, third, fourth):
        assert (await folded(database, child)).parent_id == first
    elsewhere = await reported(client, database, 5)
    refused = await merge(client, fourth, elsewhere)
    assert (refused.status_code, refused.json()["code"]) == (409, "case-merged")


async def test_the_database_knows_no_chains(client: httpx.AsyncClient, database: Database) -> None:
    first, second, third = [await reported(client, database, minute) for minute in range(3)]
    await merge(client, third, second)
    with pytest.raises(Exception, match="merged_into_a_root"):
        async with database.transaction() as tx:
            await tx.rows("UPDATE cases SET parent_id = :to WHERE case_id = :of", to=first, of=second)


async def test_operators_merging_crosswise_at_once_make_one_family(
    client: httpx.AsyncClient, database: Database
) -> None:
    """Each merges another two, in any direction; whoever was too slow looks again."""
    found = [await reported(client, database, minute) for minute in range(6)]
    draw = random.Random(7)
    pairs = [(one, other) for one in found for other in found if one != other]
    draw.shuffle(pairs)
    asked = await asyncio.gather(*(merge(client, *pair) for pair in pairs))
    assert {answer.status_code for answer in asked} <= {200, 409, 412}
    for one, other in itertools.pairwise(found):
        assert (await merge(client, one, other)).status_code in {200, 409}
    every = [await folded(database, case_id) for case_id in found]
    assert [case.parent_id for case in every] == [None] + [found[0]] * 5


@pytest.mark.parametrize(
    ("change", "code"),
    [({"with": "itself"}, "merged-with-itself"), ({"with": "nothing"}, "not-found")],
)
async def test_a_case_is_merged_with_another_that_exists(
    client: httpx.AsyncClient, database: Database, change: dict[str, str], code: str
) -> None:
    case_id = await reported(client, database)
    other = case_id if change["with"] == "itself" else UUID(int=1)
    assert (await merge(client, case_id, other)).json()["code"] == code


async def test_what_is_handled_is_no_parent_of_what_is_reported_now(
    client: httpx.AsyncClient, database: Database
) -> None:
    early, late = [await reported(client, database, minute) for minute in (0, 1)]
    await hear(database, *Others(early).work())
    refused = await merge(client, late, early)
    assert (refused.status_code, refused.json()["code"]) == (409, "case-ended")
    looked = await client.get(f"/cases/{late}/duplicates", headers=headers(*OPERATOR))
    assert looked.json()["items"] == []


async def test_an_emergency_is_no_part_of_something_less_urgent(
    client: httpx.AsyncClient, database: Database
) -> None:
    calm = await reported(client, database, category_code="road-damage")
    urgent = await reported(client, database, 1)
    refused = await merge(client, urgent, calm)
    assert (refused.status_code, refused.json()["code"]) == (409, "parent-less-urgent")


async def test_unmerged_it_goes_on_by_itself(client: httpx.AsyncClient, database: Database) -> None:
    early, late = [await reported(client, database, minute) for minute in (0, 1)]
    await hear(database, Others(late).offered(), Others(late).accepted())
    await merge(client, late, early)
    await hear(database, Others(late).arrived())
    assert (await case_of(database, late)).state == "merged"
    answer = await client.post(f"/cases/{late}/unmerge", headers=headers(*OPERATOR))
    assert answer.json()["children"] == []
    case = await folded(database, late)
    assert (str(case.state), case.parent_id, case.accepted_at) == ("registered", None, None)
    assert case.registered_at == START + timedelta(minutes=1)
    again = await client.post(f"/cases/{late}/unmerge", headers=headers(*OPERATOR))
    assert (again.status_code, again.json()["code"]) == (409, "not-merged")


async def test_a_merge_stands_once_the_parent_was_handled(
    client: httpx.AsyncClient, database: Database
) -> None:
    early, late = [await reported(client, database, minute) for minute in (0, 1)]
    await merge(client, late, early)
    await hear(database, *Others(early).work())
    refused = await client.post(f"/cases/{late}/unmerge", headers=headers(*OPERATOR))
    assert (refused.status_code, refused.json()["code"]) == (409, "parent-handled")


async def test_not_solved_from_any_of_them_reopens_the_parent_once(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    parent, *parts = [await reported(client, database, minute) for minute in range(4)]
    for part in parts:
        await merge(client, part, parent)
    await hear(database, *Others(parent).work())
    await fire_all(database)
    token = await link_of(client, service, parent)
    assert (await client.post(f"/follow-up-links/{token}", json=CONTENT)).json()["state"] == "closed"
    for part in parts[:2]:
        token = await link_of(client, service, part)
        assert (await client.post(f"/follow-up-links/{token}", json=NOT_SOLVED)).json()["state"] == "merged"
    await fire_all(database)
    [reopened] = of_type(await journal_of(database, parent), CaseReopened)
    assert (reopened.round, str(reopened.because)) == (2, "not_solved")
    case = await folded(database, parent)
    assert (str(case.state), case.closed_at, case.outcome) == ("reopened", None, None)
    # The third was still to be asked: there is nothing to ask while the case goes on.
    assert await count(database, "follow_ups WHERE closed_at IS NULL") == 0

    await hear(database, *Others(parent, round=2).work(OFFICER))
    await fire_all(database)
    assert await count(database, "follow_ups WHERE closed_at IS NULL") == 4
    for part in parts:
        opened = of_type(await journal_of(database, part), FollowUpOpened)
        assert len(opened) == 2
        assert (await attempt(client, await follow_up_of(database, part), SATISFIED)).json()[
            "outcome"
        ] == "merged"
        await folded(database, part)


async def test_three_attempts_end_a_part_as_well(client: httpx.AsyncClient, database: Database) -> None:
    early, late = [await reported(client, database, minute) for minute in (0, 1)]
    await merge(client, late, early)
    await hear(database, *Others(early).work())
    await fire_all(database)
    follow_up_id = await follow_up_of(database, late)
    for hour in (1, 5, 9):
        await set_clock(database, START + timedelta(hours=hour))
        await attempt(client, follow_up_id, {"channel": "phone", "reached": False})
    case = await case_of(database, late)
    assert (case.outcome, case.closed_by) == ("merged", "three_attempts")


async def test_whoever_handled_the_parent_asks_none_of_the_parts(
    client: httpx.AsyncClient, database: Database
) -> None:
    early, late = [await reported(client, database, minute) for minute in (0, 1)]
    await merge(client, late, early)
    await hear(database, *Others(early).work(CALLER))
    await fire_all(database)
    refused = await attempt(client, await follow_up_of(database, late), SATISFIED)
    assert (refused.status_code, refused.json()["code"]) == (403, "held-by-you")


async def test_where_nobody_can_be_asked_a_part_ends_with_its_parent(
    client: httpx.AsyncClient, database: Database
) -> None:
    early = await reported(client, database)
    nameless = await reported(client, database, 1, requester={"anonymous": True})
    await merge(client, nameless, early)
    await hear(database, *Others(early).work())
    await fire_all(database)
    assert (await case_of(database, nameless)).state == "merged"
    await attempt(client, await follow_up_of(database, early), SATISFIED)
    await fire_all(database)
    [closed] = of_type(await journal_of(database, nameless), CaseClosed)
    assert (str(closed.outcome), str(closed.closed_by)) == ("merged", "follow_up")
    await folded(database, nameless)


@pytest.mark.parametrize(
    ("person", "status"),
    [
        (OPERATOR, 200),
        (SUPERVISOR, 200),
        ((OFFICER, Role.UNIT_OFFICER, "community-a"), 200),
        (("p-community-b-o1", Role.UNIT_OFFICER, "community-b"), 403),
        ((WORKER, Role.GRID_WORKER, "grid-a1"), 403),
        (FOLLOW_UP_CALLER, 403),
        (("p-reader-1", Role.READER, "civil-affairs"), 403),
    ],
)
async def test_who_may_merge_and_part(
    client: httpx.AsyncClient, database: Database, person: tuple[str, Role, str], status: int
) -> None:
    early, late = [await reported(client, database, minute) for minute in (0, 1)]
    assert (await merge(client, late, early, person)).status_code == status
    await merge(client, late, early)
    parted = await client.post(f"/cases/{late}/unmerge", headers=headers(*person))
    assert parted.status_code == status


async def test_nobody_merges_into_a_unit_that_is_not_theirs(
    client: httpx.AsyncClient, database: Database
) -> None:
    here = await reported(client, database)
    there = await reported(client, database, 1, place=inside("grid-b1"))
    assert (await merge(client, here, there, SUPERVISOR)).status_code == 403


async def test_candidates_are_of_the_askers_own_units(client: httpx.AsyncClient, database: Database) -> None:
    await reported(client, database)
    asked = {"category_code": "flooding", "place": inside("grid-a1"), "description": "路面全是水"}
    for person, expected in ((OPERATOR, 1), (("p-x", Role.GRID_WORKER, "grid-b1"), 0)):
        answer = await client.post("/duplicates", json=asked, headers=headers(*person))
        assert len(answer.json()["items"]) == expected, answer.text
    refused = await client.post("/duplicates", json=asked, headers=headers("p-r", Role.READER, "street"))
    assert refused.status_code == 403


async def test_the_rows_of_a_case_can_be_read_again(client: httpx.AsyncClient, database: Database) -> None:
    case_id = await reported(client, database)
    async with database.transaction() as tx:
        case = await cases.load(tx, case_id)
        assert case is not None
        await tx.lock(case_id)
        await cases.save(tx, case)
        assert await cases.load(tx, case_id) == case
