"""The story of a case through intake's handlers, on real PostgreSQL: heard, asked, ended, tracked."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.queries import cases
from services.intake.rules.cases import fold
from services.intake.rules.facts import LINK_VALID_FOR, Case
from shared.database import Database
from shared.events.intake import CaseClosed, CaseReopened, FollowUpOpened, FollowUpRecorded
from shared.events.notify import NoticeFailed
from shared.ids import uuid7
from shared.service import Service
from shared.vocabulary import NoticeKind, Outcome, Role
from tests.intake.world import (
    CALLER,
    FOLLOW_UP_CALLER,
    HOURS,
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

CONTENT = {"contacted": True, "solved": True, "satisfaction": "very_satisfied"}
SATISFIED = {"channel": "phone", "reached": True} | CONTENT
NOBODY_THERE = {"channel": "phone", "reached": False}


@pytest.fixture(autouse=True)
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


async def registered(client: httpx.AsyncClient, **change: Any) -> UUID:
    answer = await client.post("/cases", json=a_call(**change), headers=headers(*OPERATOR))
    return UUID(answer.json()["case_id"])


async def handled(
    client: httpx.AsyncClient, database: Database, person_id: str = WORKER, **change: Any
) -> UUID:
    case_id = await registered(client, **change)
    await hear(database, *Others(case_id).work(person_id))
    return case_id


async def case_of(database: Database, case_id: UUID) -> Case:
    async with database.transaction() as tx:
        case = await cases.load(tx, case_id)
    assert case is not None
    return case


async def follow_up_of(database: Database, case_id: UUID) -> UUID:
    follow_up = (await case_of(database, case_id)).follow_up
    assert follow_up is not None
    return follow_up.id


async def link_of(client: httpx.AsyncClient, service: Service, case_id: UUID) -> str:
    token = service.settings.internal_tokens[0].value.hex()
    answer = await client.get(
        f"/internal/contacts/{case_id}",
        params={"purpose": "please_answer"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["follow_up_url"]).rpartition("/")[2]


async def attempt(
    client: httpx.AsyncClient,
    follow_up_id: UUID,
    body: dict[str, Any],
    person: tuple[str, Role, str] = FOLLOW_UP_CALLER,
) -> httpx.Response:
    return await client.post(f"/follow-ups/{follow_up_id}/attempts", json=body, headers=headers(*person))


async def test_the_rows_are_the_fold_of_the_journal(client: httpx.AsyncClient, database: Database) -> None:
    case_id = await registered(client)
    others = Others(case_id)
    happened = [others.offered(), others.raised(), others.voided(), *others.work()]
    for event in happened:
        await hear(database, event)
        assert fold(await journal_of(database, case_id)) == await case_of(database, case_id)
    await attempt(client, await follow_up_of(database, case_id), NOBODY_THERE | {"remark": "无人接听"})
    await set_clock(database, START + 2 * HOURS)
    answer = await attempt(client, await follow_up_of(database, case_id), SATISFIED | {"solved": False})
    assert answer.json()["state"] == "reopened"
    again = Others(case_id, round=2)
    await hear(database, *again.work(OFFICER))
    await attempt(client, await follow_up_of(database, case_id), SATISFIED)
    case = await case_of(database, case_id)
    assert (str(case.state), case.round) == ("closed", 2)
    assert case.holders == {WORKER, OFFICER}
    assert fold(await journal_of(database, case_id)) == case


async def test_handled_opens_one_follow_up_and_sends_no_address(
    client: httpx.AsyncClient, database: Database
) -> None:
    case_id = await handled(client, database)
    opened = [event for event in await journal_of(database, case_id) if isinstance(event, FollowUpOpened)]
    assert [event.link_can_be_sent for event in opened] == [True]
    await hear(database, Others(case_id).handled(OFFICER))
    assert await count(database, "follow_ups") == 1


async def test_a_satisfied_resident_closes_the_case(client: httpx.AsyncClient, database: Database) -> None:
    case_id = await handled(client, database)
    answer = await attempt(client, await follow_up_of(database, case_id), SATISFIED)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["outcome"]) == ("closed", "solved")
    closed = (await journal_of(database, case_id))[-1]
    assert isinstance(closed, CaseClosed)
    assert closed.actor.person_id == CALLER
    assert await count(database, "timers") == 0


async def test_a_dissatisfied_resident_reopens_it(client: httpx.AsyncClient, database: Database) -> None:
    case_id = await handled(client, database)
    answer = await attempt(
        client, await follow_up_of(database, case_id), SATISFIED | {"satisfaction": "dissatisfied"}
    )
    assert (answer.json()["state"], answer.json()["round"]) == ("reopened", 2)
    assert isinstance((await journal_of(database, case_id))[-1], CaseReopened)


async def test_three_attempts_close_with_the_handler_s_outcome(
    client: httpx.AsyncClient, database: Database
) -> None:
    case_id = await registered(client)
    await hear(database, *Others(case_id).work(outcome=Outcome.PARTLY_SOLVED))
    follow_up_id = await follow_up_of(database, case_id)
    for hour in (0, 4):
        await set_clock(database, START + hour * HOURS)
        assert (await attempt(client, follow_up_id, NOBODY_THERE)).json()["state"] == "handled"
    again = await attempt(client, follow_up_id, NOBODY_THERE)
    assert (again.status_code, again.json()["code"]) == (409, "same-hour")
    assert again.json()["try_again_at"].startswith("2026-03-02T06:00:00")
    await set_clock(database, START + 10 * HOURS)
    last = (await attempt(client, follow_up_id, NOBODY_THERE)).json()
    assert (last["state"], last["closed_by"], last["outcome"]) == (
        "closed",
        "three_attempts",
        "partly_solved",
    )


async def test_the_link_works_once(client: httpx.AsyncClient, database: Database, service: Service) -> None:
    case_id = await handled(client, database)
    token = await link_of(client, service, case_id)
    assert await link_of(client, service, case_id) == token
    for _ in range(2):  # a messenger's preview uses nothing up
        shown = await client.get(f"/follow-up-links/{token}")
        assert shown.json()["handled_outcome"] == "solved", shown.text
    first = await client.post(f"/follow-up-links/{token}", json=CONTENT | {"coached": True})
    assert (first.status_code, first.json()["state"]) == (200, "closed")
    second = await client.post(f"/follow-up-links/{token}", json=CONTENT)
    assert (second.status_code, second.json()["code"]) == (410, "link-used")
    assert (await client.get(f"/follow-up-links/{token}")).status_code == 410
    recorded = [event for event in await journal_of(database, case_id) if isinstance(event, FollowUpRecorded)]
    assert [(event.channel, event.coached) for event in recorded] == [("link", True)]


async def test_an_unknown_link_is_nobody_s(client: httpx.AsyncClient) -> None:
    assert (await client.get("/follow-up-links/guessed")).status_code == 404


async def test_the_three_questions_are_answered_on_the_tracking_page(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = (await client.post("/cases", json=a_call(), headers=headers(*OPERATOR))).json()
    case_id, page = UUID(told["case_id"]), f"/track/{told['number']}"
    code = {"code": told["pickup_code"]}
    assert (await client.get(page, params=code)).json()["asked_at"] is None
    early = await client.post(f"{page}/follow-up", json=code | CONTENT)
    assert (early.status_code, early.json()["code"]) == (409, "follow-up-closed")
    await hear(database, *Others(case_id).work(WORKER))
    assert (await client.get(page, params=code)).json()["asked_at"] is not None
    await set_clock(
        database, START + LINK_VALID_FOR + timedelta(hours=1)
    )  # the link is over, the question is not
    wrong = await client.post(f"{page}/follow-up", json={"code": "no"} | CONTENT)
    assert (wrong.status_code, wrong.json()["code"]) == (404, "not-tracked")
    said = code | CONTENT | {"solved": False, "remark": "门还是关不上", "coached": True}

    answers = [await client.post(f"{page}/follow-up", json=said) for _ in range(2)]

    assert (answers[0].status_code, answers[0].json()["state"]) == (200, "reopened"), answers[0].text
    assert (answers[1].status_code, answers[1].json()["code"]) == (409, "follow-up-closed")
    assert (await client.get(page, params=code)).json()["asked_at"] is None
    story = await journal_of(database, case_id)
    recorded = [event for event in story if isinstance(event, FollowUpRecorded)]
    assert [(event.channel, event.solved, event.coached) for event in recorded] == [("web", False, True)]
    assert "门还是关不上" not in str(story)
    assert fold(story) == await case_of(database, case_id)


async def test_an_unanswered_link_is_one_attempt(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    case_id = await handled(client, database)
    token = await link_of(client, service, case_id)
    await set_clock(database, START + LINK_VALID_FOR - timedelta(seconds=1))
    assert await fire_timers(database) == 0
    await set_clock(database, START + LINK_VALID_FOR)
    assert (await client.post(f"/follow-up-links/{token}", json=CONTENT)).json()["code"] == "link-expired"
    assert await fire_timers(database) == 1
    assert await fire_timers(database) == 0
    follow_up = (await case_of(database, case_id)).follow_up
    assert follow_up is not None
    assert [(a.channel, a.reached) for a in follow_up.attempts] == [("link", False)]


async def test_a_link_that_was_never_sent_is_no_attempt(
    client: httpx.AsyncClient, database: Database
) -> None:
    case_id = await handled(client, database)
    await set_clock(database, START + LINK_VALID_FOR)
    assert await fire_timers(database) == 1
    follow_up = (await case_of(database, case_id)).follow_up
    assert follow_up is not None
    assert (follow_up.attempts, follow_up.open) == ((), True)


@pytest.mark.parametrize(("of_this_link", "attempts"), [(True, 0), (False, 1)])
async def test_a_link_that_the_gateway_refused_is_no_attempt(
    client: httpx.AsyncClient, database: Database, service: Service, of_this_link: bool, attempts: int
) -> None:
    """And what is told of the link of an older round, or of another message, changes nothing."""
    case_id = await handled(client, database)
    await link_of(client, service, case_id)
    asked = await follow_up_of(database, case_id)
    failed: dict[str, Any] = {"case_id": case_id, "via": "webhook", "attempt": 5, "because": "HTTP 422"}
    about: tuple[tuple[NoticeKind, UUID | None], ...] = (
        (NoticeKind.PLEASE_ANSWER, asked if of_this_link else uuid7()),
        (NoticeKind.REGISTERED, None),
    )
    for kind, link in about:
        event = NoticeFailed(
            at=START, notice_id=uuid7(), kind=kind, person_id=None, follow_up_id=link, **failed
        )
        await hear(database, event)
    await set_clock(database, START + LINK_VALID_FOR)
    assert await fire_timers(database) == attempts
    case = await case_of(database, case_id)
    assert case.follow_up is not None
    assert (len(case.follow_up.attempts), case.follow_up.open) == (attempts, True)
    assert fold(await journal_of(database, case_id)) == case


async def test_whoever_held_the_case_neither_asks_nor_sees_it_on_the_list(
    client: httpx.AsyncClient, database: Database
) -> None:
    case_id = await handled(client, database, CALLER)
    refused = await attempt(client, await follow_up_of(database, case_id), SATISFIED)
    assert (refused.status_code, refused.json()["code"]) == (403, "held-by-you")
    await set_clock(database, START + 4 * HOURS)
    mine = await client.get("/follow-ups", headers=headers(*FOLLOW_UP_CALLER))
    assert mine.json()["items"] == []
    others = await client.get("/follow-ups", headers=headers("p-caller-2", *FOLLOW_UP_CALLER[1:]))
    assert [item["case_id"] for item in others.json()["items"]] == [str(case_id)]


async def test_the_list_is_oldest_due_first_masked_and_paged(
    client: httpx.AsyncClient, database: Database
) -> None:
    expected = []
    for minute in range(5):
        await set_clock(database, START + timedelta(minutes=minute))
        expected.append(str(await handled(client, database)))
    asking = headers(*FOLLOW_UP_CALLER)
    assert (await client.get("/follow-ups", headers=asking)).json()["items"] == []
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (
            await client.get("/follow-ups", params={"state": "open", "limit": "2"} | cursor, headers=asking)
        ).json()
        found += [item["case_id"] for item in page["items"]]
        assert all(item["requester"]["phone"] == "138****5678" for item in page["items"])
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == expected
    await set_clock(database, START + 4 * HOURS)
    due = (await client.get("/follow-ups", headers=asking)).json()["items"]
    assert [item["case_id"] for item in due] == expected[:1]
    assert (await client.get("/follow-ups", params={"cursor": "x"}, headers=asking)).status_code == 422


async def test_a_caller_sees_and_asks_in_their_own_units_only(
    client: httpx.AsyncClient, database: Database
) -> None:
    case_id = await handled(client, database, place=inside("grid-b1"))
    of_a = (CALLER, Role.FOLLOW_UP_CALLER, "community-a")
    listed = await client.get("/follow-ups", params={"state": "open"}, headers=headers(*of_a))
    assert listed.json()["items"] == []
    assert (await attempt(client, await follow_up_of(database, case_id), SATISFIED, of_a)).status_code == 403


@pytest.mark.parametrize("role", [Role.GRID_WORKER, Role.SUPERVISOR, Role.READER])
async def test_only_follow_up_callers_ask(client: httpx.AsyncClient, database: Database, role: Role) -> None:
    case_id = await handled(client, database)
    answer = await attempt(
        client, await follow_up_of(database, case_id), SATISFIED, ("p-x", role, "civil-affairs")
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        NOBODY_THERE | {"solved": True},
        {"channel": "phone", "reached": True, "solved": True},
        SATISFIED | {"channel": "link"},
    ],
)
async def test_answers_belong_to_who_was_reached(
    client: httpx.AsyncClient, database: Database, body: dict[str, Any]
) -> None:
    case_id = await handled(client, database)
    assert (await attempt(client, await follow_up_of(database, case_id), body)).status_code == 422


async def test_two_callers_at_once_record_one_end(client: httpx.AsyncClient, database: Database) -> None:
    follow_up_id = await follow_up_of(database, await handled(client, database))
    answers = await asyncio.gather(
        *(
            attempt(client, follow_up_id, SATISFIED, (f"p-caller-{n}", *FOLLOW_UP_CALLER[1:]))
            for n in range(4)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_a_patrol_s_case_is_verified_by_somebody_else(
    client: httpx.AsyncClient, database: Database
) -> None:
    case_id = await handled(client, database, SUPERVISOR[0], channel="patrol")
    verify = {"json": {"solved": True, "remark": "照片清楚"}}
    listed = await client.get(
        "/follow-ups", params={"kind": "verify"}, headers=headers("p-community-a-s2", *SUPERVISOR[1:])
    )
    assert [item["case_id"] for item in listed.json()["items"]] == [str(case_id)]
    by_holder = await client.post(f"/cases/{case_id}/verification", headers=headers(*SUPERVISOR), **verify)  # type: ignore[arg-type]
    assert (by_holder.status_code, by_holder.json()["code"]) == (403, "held-by-you")
    other = headers("p-community-a-s2", *SUPERVISOR[1:])
    older = other | {"If-Match": '"1"'}
    refused = await client.post(f"/cases/{case_id}/verification", headers=older, **verify)  # type: ignore[arg-type]
    assert (refused.status_code, refused.json()["code"]) == (412, "changed-meanwhile")
    read = (await client.get(f"/cases/{case_id}", headers=other)).headers["etag"]
    answer = await client.post(
        f"/cases/{case_id}/verification",
        headers=other | {"If-Match": read},
        **verify,  # type: ignore[arg-type]
    )
    assert answer.headers["etag"] != read
    assert (answer.json()["state"], answer.json()["closed_by"]) == ("closed", "verification")
    assert await count(database, "verification_remarks") == 1


async def test_a_case_with_a_resident_is_not_verified_away(
    client: httpx.AsyncClient, database: Database
) -> None:
    case_id = await handled(client, database)
    answer = await client.post(
        f"/cases/{case_id}/verification", json={"solved": True}, headers=headers(*SUPERVISOR)
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "somebody-to-ask")


async def test_an_answer_given_twice_under_one_key_counts_once(
    client: httpx.AsyncClient, database: Database
) -> None:
    follow_up_id = await follow_up_of(database, await handled(client, database))
    asking = headers(*FOLLOW_UP_CALLER) | {"Idempotency-Key": "tap-1"}
    url = f"/follow-ups/{follow_up_id}/attempts"
    first = await client.post(url, json=NOBODY_THERE, headers=asking)
    second = await client.post(url, json=NOBODY_THERE, headers=asking)
    assert first.text == second.text
    assert await count(database, "follow_up_attempts") == 1
