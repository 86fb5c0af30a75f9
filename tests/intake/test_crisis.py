"""A crisis word, whenever it is said: whom to put the caller through to stands first, and no case ends by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.rules.cases import fold
from shared.database import Database
from shared.directory import Directory
from shared.events.intake import CaseAmended
from shared.things import WordList
from shared.vocabulary import EmergencyService, Role, Urgency
from tests.intake.test_following import case_of
from tests.intake.test_kinds import register, registration_of
from tests.intake.world import OPERATOR, Others, count, headers, hear, journal_of


@pytest.fixture(autouse=True)
def known_words(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for one in (
        WordList(id="danger", words=("触电",), urgency=Urgency.EMERGENCY),
        WordList(id="fire", words=("着火", "浓烟"), service=EmergencyService.FIRE),
        WordList(id="ill", words=("昏迷",), service=EmergencyService.MEDICAL),
    ):
        monkeypatch.setitem(directory.word_lists, one.id, one)
    yield
    monkeypatch.undo()


async def test_a_crisis_word_says_first_whom_to_put_the_caller_through_to(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await register(client, category_code="road-damage", description="楼下着火了，浓烟很大，有人昏迷")
    told = answer.json()
    assert next(iter(told)) == "transfer"
    assert (told["transfer"]["service"], told["transfer"]["number"]) == ("fire", "119")
    assert told["transfer"]["say"]["zh"].startswith("请先转接或拨打 119")
    event = await registration_of(database, answer)
    assert (event.crisis, event.urgency) == ("fire", "emergency")


@pytest.mark.parametrize(
    "end",
    [
        {"answer": {"text": "自己灭火"}},
        {"not_accepted": {"reason": "unlawful"}},
        {"not_accepted": {"reason": "emergency_service", "service": "police"}},
    ],
)
async def test_danger_to_life_does_not_end_at_once(
    client: httpx.AsyncClient, database: Database, end: dict[str, Any]
) -> None:
    """The transfer first, then the case."""
    refused = await register(client, description="着火了怎么办", **end)
    assert (refused.status_code, refused.json()["code"]) == (422, "crisis-not-answered")
    assert refused.json()["transfer"]["number"] == "119"
    assert await count(database, "cases") == 0


async def test_a_crisis_word_in_an_amendment_says_first_whom_to_put_the_caller_through_to(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = (await register(client, category_code="road-damage")).json()
    url = f"/cases/{told['case_id']}/amend"
    supervisor = headers("p-s", Role.SUPERVISOR, "community-a")
    amended = await client.post(
        url, json={"description": "有人昏迷", "urgency": "routine"}, headers=supervisor
    )
    assert next(iter(amended.json())) == "transfer"
    assert (amended.json()["transfer"]["number"], amended.json()["urgency"]) == ("120", "emergency")
    [event] = [
        one for one in await journal_of(database, UUID(told["case_id"])) if isinstance(one, CaseAmended)
    ]
    assert event.crisis is EmergencyService.MEDICAL
    assert {"crisis", "urgency", "policy"} <= set(event.changed)
    calmer = await client.post(url, json={"description": "人醒了", "urgency": "routine"}, headers=supervisor)
    assert (calmer.json()["transfer"], calmer.json()["urgency"]) == (None, "routine")
    case = await case_of(database, UUID(told["case_id"]))
    assert case.crisis is EmergencyService.MEDICAL, "that there was one stays"
    assert fold(await journal_of(database, UUID(told["case_id"]))) == case


@pytest.mark.parametrize(
    ("text", "number", "urgency", "crisis"),
    [
        ("楼道里有浓烟", "119", "emergency", "fire"),
        ("差点触电", None, "emergency", None),
        ("在左边", None, "routine", None),
    ],
)
@pytest.mark.parametrize("by_requester", [True, False])
async def test_what_is_answered_to_a_question_may_only_raise_the_urgency(
    client: httpx.AsyncClient,
    database: Database,
    text: str,
    number: str | None,
    urgency: str,
    crisis: str | None,
    by_requester: bool,
) -> None:
    told = (await register(client, category_code="road-damage")).json()
    url = f"/cases/{told['case_id']}/questions"
    asked = await client.post(url, json={"text": "怎么了？"}, headers=headers(*OPERATOR))
    question_id = asked.json()["question_id"]
    if by_requester:
        given = {"code": told["pickup_code"], "question_id": question_id, "text": text}
        answer = await client.post(f"/track/{told['number']}/answer", json=given)
    else:
        answer = await client.post(
            f"{url}/{question_id}/answer", json={"text": text}, headers=headers(*OPERATOR)
        )
    assert answer.status_code == 200, answer.text
    assert next(iter(answer.json())) == "transfer"
    assert (answer.json()["transfer"] or {"number": None})["number"] == number
    case = await case_of(database, UUID(told["case_id"]))
    assert (case.urgency, case.crisis) == (urgency, crisis)
    assert fold(await journal_of(database, UUID(told["case_id"]))) == case


async def test_an_answer_that_raises_nothing_any_more_is_kept_and_says_whom_to_call(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = (await register(client, category_code="road-damage")).json()
    url = f"/cases/{told['case_id']}/questions"
    asked = await client.post(url, json={"text": "怎么了？"}, headers=headers(*OPERATOR))
    await hear(database, *Others(UUID(told["case_id"])).work())
    given = {"code": told["pickup_code"], "question_id": asked.json()["question_id"], "text": "着火了"}
    answer = await client.post(f"/track/{told['number']}/answer", json=given)
    assert answer.json()["transfer"]["number"] == "119", answer.text
    case = await case_of(database, UUID(told["case_id"]))
    assert (case.state, case.urgency, case.open_question) == ("handled", "routine", None)
