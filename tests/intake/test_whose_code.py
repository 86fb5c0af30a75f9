"""Number and code are the requester's word only while nobody who works on the case knows the code: whoever handled it
never answers for the resident, whatever they were shown when they registered it."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.rules.cases import fold
from services.intake.rules.privacy import code_speaks, sees_code
from shared.database import Database
from shared.event import REQUESTER, SYSTEM, Actor
from shared.service import Service
from shared.vocabulary import ActorKind, Role
from tests.intake.test_changes import Person, act, own, page, window
from tests.intake.test_following import CONTENT, attempt, follow_up_of, link_of
from tests.intake.world import (
    OPERATOR,
    START,
    SUPERVISOR,
    WORKER,
    Others,
    a_call,
    a_registration,
    headers,
    hear,
    set_clock,
)

GOES: Person = (WORKER, Role.GRID_WORKER, "grid-a1")
OFFICER: Person = ("p-community-a-o1", Role.UNIT_OFFICER, "community-a")
SOCIAL_WORKER: Person = ("p-social-1", Role.SOCIAL_WORKER, "community-a")
PHONE, NO_PHONE = {"name": "王小明", "phone": "13812345678"}, {"name": "王小明"}
STAFF = Actor(kind=ActorKind.STAFF, person_id=WORKER)
BEFORE_THE_END = [
    ("withdraw", None),
    ("consent", {"purpose": "contact", "given": False}),
    ("appointment", window()),
]


@pytest.fixture(autouse=True)
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


@pytest.mark.parametrize(
    ("actor", "at_desk", "sent", "seen"),
    [
        (REQUESTER, False, True, True),
        (REQUESTER, False, False, True),
        (SYSTEM, False, True, True),
        (STAFF, True, True, True),
        (STAFF, True, False, True),
        (STAFF, False, False, True),
        (STAFF, False, True, False),
    ],
)
def test_who_is_shown_the_code(actor: Actor, at_desk: bool, sent: bool, seen: bool) -> None:
    assert sees_code(actor, at_desk=at_desk, sent=sent) == seen


@pytest.mark.parametrize(
    ("shown_to", "held", "held_parent", "speaks"),
    [
        (None, [WORKER], None, True),
        (WORKER, [], None, True),
        (WORKER, ["p-grid-a1-b"], ["p-grid-a1-b"], True),
        (WORKER, [WORKER], None, False),
        (WORKER, ["p-grid-a1-b", WORKER], None, False),
        (WORKER, [], [WORKER], False),
        (WORKER, [WORKER], [], False),
    ],
)
def test_whose_word_the_code_is(
    shown_to: str | None, held: list[str], held_parent: list[str] | None, speaks: bool
) -> None:
    def a_case(holders: list[str]) -> Any:
        story = a_registration()
        return fold([story, *(Others(story.case_id).accepted(person) for person in holders)])

    parent = None if held_parent is None else a_case(held_parent)
    assert code_speaks(a_case(held), parent, shown_to) == speaks


async def register(client: httpx.AsyncClient, by: Person | None, **change: Any) -> dict[str, Any]:
    """By one of the staff, or by the requester themself."""
    call = a_call(**change)
    if by is None:
        answer = await client.post("/reports", json=call | {"channel": "web"})
    else:
        answer = await client.post("/cases", json=call, headers=headers(*by))
    assert answer.status_code == 201, answer.text
    case: dict[str, Any] = answer.json()
    return case


@pytest.mark.parametrize("requester", [PHONE, NO_PHONE], ids=["phone", "no phone"])
@pytest.mark.parametrize("by", [None, OPERATOR, SUPERVISOR, GOES, OFFICER, SOCIAL_WORKER])
@pytest.mark.parametrize("handler", [GOES, OFFICER], ids=lambda person: str(person[1]))
async def test_whoever_handled_it_never_answers_with_the_code(
    client: httpx.AsyncClient,
    database: Database,
    service: Service,
    by: Person | None,
    handler: Person,
    requester: dict[str, str],
) -> None:
    case = await register(client, by, requester=requester)
    shown = by in (None, OPERATOR) or requester is NO_PHONE
    assert (case["pickup_code"] is not None) == shown
    code = case["pickup_code"] or await message_of(client, service, case)
    await hear(database, *Others(UUID(case["case_id"])).work(handler[0]))

    known = shown and by == handler
    assert ((await page(client, case | {"pickup_code": code}))["asked_at"] is None) == known
    answer = await own(client, case | {"pickup_code": code}, "follow-up", CONTENT)

    if not known:
        assert (answer.status_code, answer.json()["state"]) == (200, "closed"), answer.text
        return
    assert (answer.status_code, answer.json()["code"]) == (403, "code-known-to-holder"), answer.text
    told = answer.json()["detail"]
    assert "回访" in told
    assert "链接" in told
    assert "call the desk" in told


async def test_a_slip_of_paper_from_the_door_to_the_end(
    client: httpx.AsyncClient, database: Database
) -> None:
    """A worker takes a case in at the door of somebody without a phone, writes number and code on a slip, and goes."""
    case = await register(client, GOES, channel="home_visit", requester=NO_PHONE)
    case_id = UUID(case["case_id"])
    assert (await page(client, case))["state"] == "registered"
    await hear(database, *Others(case_id).work(WORKER))
    assert (await own(client, case, "follow-up", CONTENT)).status_code == 403

    visited = {"channel": "visit", "reached": True} | CONTENT
    follow_up_id = await follow_up_of(database, case_id)
    told = (await attempt(client, follow_up_id, visited | {"solved": False})).json()
    assert (told["state"], told["round"]) == ("reopened", 2)

    await hear(database, *Others(case_id, round=2).work(OFFICER[0]))
    refused = await own(client, case, "follow-up", CONTENT)
    assert refused.status_code == 403, "who held it in the first round knows the code in the second"
    told = (await attempt(client, await follow_up_of(database, case_id), visited)).json()
    assert (told["state"], told["closed_by"]) == ("closed", "follow_up")
    assert (await own(client, case, "contest", {"remark": "又坏了"})).json()["round"] == 3


@pytest.mark.parametrize("by", [None, OPERATOR, GOES, OFFICER])
async def test_the_link_on_the_requesters_phone_answers_whoever_registered(
    client: httpx.AsyncClient, database: Database, service: Service, by: Person | None
) -> None:
    case = await register(client, by)
    await hear(database, *Others(UUID(case["case_id"])).work(WORKER))
    link = await link_of(client, service, UUID(case["case_id"]))
    answer = await client.post(f"/follow-up-links/{link}", json=CONTENT)
    assert (answer.status_code, answer.json()["state"]) == (200, "closed"), answer.text


async def message_of(client: httpx.AsyncClient, service: Service, case: dict[str, Any]) -> str:
    """The code as the message to the requester's phone has it."""
    token = service.settings.internal_tokens[0].value.hex()
    answer = await client.get(
        f"/internal/contacts/{case['case_id']}",
        params={"purpose": "registered"},
        headers={"Authorization": f"Bearer {token}"},
    )
    return str(answer.json()["pickup_code"])


@pytest.mark.parametrize(("what", "body"), BEFORE_THE_END)
async def test_nor_takes_the_case_back_nor_puts_it_off_nor_keeps_the_questions_away(
    client: httpx.AsyncClient, database: Database, what: str, body: dict[str, Any] | None
) -> None:
    """The desk writes it down for the requester instead."""
    case = await register(client, GOES, category_code="repair-at-home", requester=NO_PHONE)
    await hear(database, Others(UUID(case["case_id"])).accepted(WORKER))
    refused = await own(client, case, what, body)
    assert (refused.status_code, refused.json()["code"]) == (403, "code-known-to-holder"), refused.text
    assert (await act(client, case, what, body)).status_code == 200


@pytest.mark.parametrize(("what", "body"), BEFORE_THE_END)
async def test_nor_of_a_case_that_is_part_of_the_one_they_hold(
    client: httpx.AsyncClient, database: Database, what: str, body: dict[str, Any] | None
) -> None:
    parent = await register(client, OPERATOR, category_code="repair-at-home")
    part = await register(client, GOES, category_code="repair-at-home", requester=NO_PHONE)
    await act(client, part, "merge", {"with_case_id": parent["case_id"]})
    await hear(database, Others(UUID(parent["case_id"])).accepted(WORKER))
    refused = await own(client, part, what, body)
    assert (refused.status_code, refused.json()["code"]) == (403, "code-known-to-holder"), refused.text


async def test_what_takes_the_case_further_counts_whoever_knows_the_code(
    client: httpx.AsyncClient, database: Database
) -> None:
    """To urge, to inform and to contest an end gains a holder nothing."""
    case = await register(client, GOES, requester=NO_PHONE)
    others = Others(UUID(case["case_id"]))
    await hear(database, others.accepted(WORKER))
    assert (await own(client, case, "urge")).json()["urged_count"] == 1
    asked = (await act(client, case, "questions", {"text": "几号楼？"})).json()["question_id"]
    answered = await own(client, case, "answer", {"question_id": asked, "text": "三号楼"})
    assert answered.status_code == 200, answered.text
    await act(client, case, "withdraw")
    assert (await own(client, case, "contest")).json()["state"] == "reopened"


@pytest.mark.parametrize("requester", [PHONE, NO_PHONE], ids=["phone", "no phone"])
async def test_a_repeated_registration_shows_no_more_than_the_first(
    client: httpx.AsyncClient, requester: dict[str, str]
) -> None:
    asking = headers(*GOES) | {"Idempotency-Key": "k-1"}
    first, again = [
        await client.post("/cases", json=a_call(requester=requester), headers=asking) for _ in range(2)
    ]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert (first.json()["pickup_code"] is None) == (requester is PHONE)


@pytest.mark.parametrize(
    "change",
    [{"requester": PHONE | {"consent": []}}, {"channel": "patrol"}, {"requester": {"anonymous": True}}],
    ids=["not to be contacted", "patrol", "anonymous"],
)
async def test_where_no_message_goes_the_code_is_written_on_a_slip(
    client: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    case = await register(client, GOES, **change)
    assert case["pickup_code"] is not None


async def test_a_case_from_before_counts_as_shown_to_whoever_registered_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    registered = {str(by): await register(client, by) for by in (None, GOES, OPERATOR)}
    _, filled_in = import_module("services.intake.migrations.versions.0018_who_knows_the_code").STATEMENTS
    async with database.transaction() as tx:
        await tx.rows("UPDATE requesters SET code_shown_to = NULL")
        await tx.rows(filled_in)
        rows = await tx.rows("SELECT case_id, code_shown_to FROM requesters")
    shown_to = {row["case_id"]: row["code_shown_to"] for row in rows}
    assert {by: shown_to[UUID(case["case_id"])] for by, case in registered.items()} == {
        str(None): None,
        str(GOES): WORKER,
        str(OPERATOR): OPERATOR[0],
    }
