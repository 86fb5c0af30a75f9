"""What becomes of a case between its beginning and its end: amended, urged, asked about, agreed, withdrawn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest

from services.intake.rules.appointments import refuse_window
from services.intake.rules.cases import fold
from services.intake.rules.kept import ConsentRecorded
from services.intake.rules.refusals import RefusedBecause
from shared.database import Database
from shared.event import CaseEvent
from shared.events.intake import (
    AppointmentAgreed,
    CaseAmended,
    CaseClosed,
    CaseUrged,
    CaseWithdrawn,
    InformationAsked,
    InformationGiven,
)
from shared.ids import uuid7
from shared.service import Service
from shared.vocabulary import Role, Urgency
from tests.intake.test_following import case_of
from tests.intake.world import (
    FOLLOW_UP_CALLER,
    OFFICER,
    OPERATOR,
    START,
    SUPERVISOR,
    WORKER,
    Others,
    a_call,
    headers,
    hear,
    inside,
    journal_of,
    set_clock,
)

E = TypeVar("E", bound=CaseEvent)
Person = tuple[str, Role, str]
UNIT_OFFICER = (OFFICER, Role.UNIT_OFFICER, "community-a")
OFFICER_ELSEWHERE = ("p-community-b-o1", Role.UNIT_OFFICER, "community-b")
HOLDER = (WORKER, Role.GRID_WORKER, "grid-b1")
"""Of another grid: what they may here they may because they hold the case."""


@pytest.fixture(autouse=True)
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


async def registered(client: httpx.AsyncClient, **change: Any) -> dict[str, Any]:
    answer = await client.post("/cases", json=a_call(**change), headers=headers(*OPERATOR))
    assert answer.status_code == 201, answer.text
    case: dict[str, Any] = answer.json()
    return case


async def act(
    client: httpx.AsyncClient,
    case: dict[str, Any],
    what: str,
    body: dict[str, Any] | None = None,
    person: Person = OPERATOR,
    if_match: str | None = None,
) -> httpx.Response:
    more = {"If-Match": if_match} if if_match else {}
    return await client.post(f"/cases/{case['case_id']}/{what}", json=body, headers=headers(*person) | more)


async def own(
    client: httpx.AsyncClient, case: dict[str, Any], what: str, body: dict[str, Any] | None = None
) -> httpx.Response:
    """By the requester, with number and code."""
    return await client.post(
        f"/track/{case['number']}/{what}", json={"code": case["pickup_code"]} | (body or {})
    )


async def page(client: httpx.AsyncClient, case: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"/track/{case['number']}", params={"code": case["pickup_code"]})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def told(database: Database, case: dict[str, Any], kind: type[E]) -> list[E]:
    """What was told of the case; its rows are the fold of it."""
    case_id = UUID(case["case_id"])
    story = await journal_of(database, case_id)
    assert fold(story) == await case_of(database, case_id)
    return [event for event in story if isinstance(event, kind)]


# ── amended ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_amended_case_is_told_as_it_is_from_now_on(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client, category_code="road-damage")
    await set_clock(database, START + timedelta(hours=1))
    place = {**inside("grid-b2"), "label": "新址 3 号"}
    answer = await act(client, case, "amend", {"category_code": "flooding", "place": place})
    assert answer.status_code == 200, answer.text
    assert set(answer.json()["changed"]) == {
        "category_code",
        "urgency",
        "headline",
        "place",
        "grid_id",
        "unit_path",
        "ladder",
        "policy",
    }
    [event] = await told(database, case, CaseAmended)
    assert (event.grid_id, event.unit_path[-1], event.urgency) == ("grid-b2", "grid-b2", "emergency")
    assert [rung.unit_id for rung in event.ladder][:2] == ["grid-b2", "community-b"]
    assert event.policy.urgency is Urgency.EMERGENCY
    state = await case_of(database, UUID(case["case_id"]))
    assert state.registered_at == START
    assert state.headline.endswith("新址 3 号")


async def test_what_does_not_differ_changes_nothing(client: httpx.AsyncClient, database: Database) -> None:
    case = await registered(client)
    same = {"category_code": "manhole-cover", "care": False}
    assert (await act(client, case, "amend", same)).json()["changed"] == []
    assert await told(database, case, CaseAmended) == []
    assert (await act(client, case, "amend", {})).status_code == 422


async def test_new_words_are_sealed_and_only_said_to_differ(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client)
    answer = await act(client, case, "amend", {"description": "其实在二号门"})
    assert answer.json()["changed"] == ["description"]
    [event] = await told(database, case, CaseAmended)
    assert "二号门" not in event.model_dump_json()
    revealed = await act(client, case, "reveal", {"purpose": "handling"})
    assert revealed.json()["description"] == "其实在二号门"


@pytest.mark.parametrize(("person", "status"), [(OPERATOR, 403), (UNIT_OFFICER, 403), (SUPERVISOR, 200)])
async def test_only_a_supervisor_lowers_the_urgency(
    client: httpx.AsyncClient, person: Person, status: int
) -> None:
    case = await registered(client)
    answer = await act(client, case, "amend", {"urgency": "routine"}, person)
    assert answer.status_code == status, answer.text
    if status == 403:
        assert answer.json()["code"] == "urgency-lowered"


async def test_another_category_alone_lowers_no_urgency(client: httpx.AsyncClient) -> None:
    case = await registered(client)
    answer = await act(client, case, "amend", {"category_code": "road-damage"})
    assert answer.json()["urgency"] == "emergency"


async def test_what_is_handled_is_not_amended(client: httpx.AsyncClient, database: Database) -> None:
    case = await registered(client)
    await hear(database, *Others(UUID(case["case_id"])).work())
    refused = await act(client, case, "amend", {"care": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "case-ended")


# ── 催办 ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_urging_is_counted_and_a_second_tap_is_the_same_urging(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client)
    assert (await own(client, case, "urge")).json()["urged_count"] == 1
    assert (await own(client, case, "urge")).json()["urged_count"] == 1
    await set_clock(database, START + timedelta(minutes=10))
    assert (await act(client, case, "urge")).json()["urged_count"] == 2
    assert [event.count for event in await told(database, case, CaseUrged)] == [1, 2]
    assert (await page(client, case))["urged_count"] == 2


async def test_urging_a_part_is_urging_the_case_somebody_works_on(
    client: httpx.AsyncClient, database: Database
) -> None:
    parent, part = await registered(client), await registered(client)
    await act(client, part, "merge", {"with_case_id": parent["case_id"]})
    assert (await own(client, part, "urge")).json()["urged_count"] == 1
    assert [event.count for event in await told(database, parent, CaseUrged)] == [1]
    shown = await page(client, part)
    assert (shown["state"], shown["merged_into"], shown["merged_state"]) == (
        "merged",
        parent["number"],
        "registered",
    )


async def test_a_closed_case_is_not_urged(client: httpx.AsyncClient) -> None:
    case = await registered(client)
    await own(client, case, "withdraw")
    assert (await own(client, case, "urge")).json()["code"] == "case-ended"


# ── 待补充 ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_requester_is_asked_and_answers_on_the_page(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client)
    asked = await act(client, case, "questions", {"text": "井盖在哪一侧？"})
    assert asked.status_code == 201, asked.text
    shown = await page(client, case)
    assert (shown["state"], shown["questions"][0]["text"]) == ("awaiting_information", "井盖在哪一侧？")
    twice = await act(client, case, "questions", {"text": "还有呢？"})
    assert (twice.status_code, twice.json()["code"]) == (409, "question-open")

    question_id = asked.json()["question_id"]
    answer = await own(client, case, "answer", {"question_id": question_id, "text": "靠学校一侧"})
    assert answer.json()["state"] == "registered", answer.text
    [event] = await told(database, case, InformationGiven)
    assert event.asked_by == OPERATOR[0]
    revealed = (await act(client, case, "reveal", {"purpose": "handling"})).json()
    assert revealed["questions"][0]["answer"] == "靠学校一侧"
    again = await own(client, case, "answer", {"question_id": question_id, "text": "改一下"})
    assert (again.status_code, again.json()["code"]) == (404, "no-such-question")
    for text in ("井盖在哪", "学校一侧"):
        assert text not in str([one.model_dump_json() for one in await told(database, case, CaseEvent)])


async def test_a_question_is_taken_back_or_answered_on_the_phone(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client)
    for text in ("", "来电说在左边"):
        asked = (await act(client, case, "questions", {"text": "哪一侧？"})).json()["question_id"]
        answer = await act(client, case, f"questions/{asked}/answer", {"text": text})
        assert answer.json()["state"] == "registered"
    assert len(await told(database, case, InformationAsked)) == 2
    assert [one["answer"] for one in (await page(client, case))["questions"]] == [None, "来电说在左边"]


async def test_notify_gets_the_words_of_the_question_for_its_message(
    client: httpx.AsyncClient, service: Service
) -> None:
    case = await registered(client)
    await act(client, case, "questions", {"text": "哪一侧？"})
    token = service.settings.internal_tokens[0].value.hex()
    answer = await client.get(
        f"/internal/contacts/{case['case_id']}",
        params={"purpose": "information_asked"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.json()["text"] == "哪一侧？"


# ── appointments ──────────────────────────────────────────────────────────────────────────────────────────────────

NINE = START + timedelta(days=1)


def window(hours: float = 2, begins: datetime = NINE) -> dict[str, str]:
    return {"starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=hours)).isoformat()}


async def test_a_window_is_agreed_and_may_be_moved(client: httpx.AsyncClient, database: Database) -> None:
    case = await registered(client, category_code="repair-at-home", appointment=window())
    assert (await page(client, case))["appointment"]["starts_at"].startswith("2026-03-03T01:00")
    same = await act(client, case, "appointment", window())
    assert same.status_code == 200, same.text
    later = window(1, NINE + timedelta(days=2))
    assert (await own(client, case, "appointment", later)).status_code == 200
    [agreed] = await told(database, case, AppointmentAgreed)
    assert agreed.appointment.starts_at == NINE + timedelta(days=2)


@pytest.mark.parametrize(
    ("begins", "lasts", "because"),
    [
        (timedelta(hours=1), timedelta(minutes=15), None),
        (timedelta(hours=1), timedelta(hours=8), None),
        (timedelta(hours=-1), timedelta(hours=2), None),
        (timedelta(days=90), timedelta(hours=1), None),
        (timedelta(hours=1), timedelta(minutes=14), RefusedBecause.WINDOW_LENGTH),
        (timedelta(hours=1), timedelta(hours=8, minutes=1), RefusedBecause.WINDOW_LENGTH),
        (timedelta(hours=1), timedelta(hours=-1), RefusedBecause.WINDOW_LENGTH),
        (timedelta(hours=-2), timedelta(hours=1), RefusedBecause.WINDOW_TIME),
        (timedelta(days=90, minutes=1), timedelta(hours=1), RefusedBecause.WINDOW_TIME),
    ],
)
def test_windows_have_limits(begins: timedelta, lasts: timedelta, because: RefusedBecause | None) -> None:
    refused = refuse_window(START + begins, START + begins + lasts, START)
    assert (refused.because if refused else None) == because


async def test_a_window_that_is_none_is_refused_at_registration(client: httpx.AsyncClient) -> None:
    for given, code in (
        ({"category_code": "repair-at-home", "appointment": window(9)}, "window-length"),
        ({"category_code": "road-damage", "appointment": window()}, "no-appointment"),
    ):
        refused = await client.post("/cases", json=a_call(**given), headers=headers(*OPERATOR))
        assert (refused.status_code, refused.json()["code"]) == (422, code)


# ── withdrawal ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("by_requester", [True, False])
async def test_a_withdrawn_case_closes_at_once(
    client: httpx.AsyncClient, database: Database, by_requester: bool
) -> None:
    case = await registered(client)
    await hear(database, Others(UUID(case["case_id"])).offered())
    answer = await (own(client, case, "withdraw") if by_requester else act(client, case, "withdraw"))
    assert (answer.json()["state"], answer.json()["outcome"]) == ("closed", "withdrawn"), answer.text
    assert len(await told(database, case, CaseWithdrawn)) == 1
    [closed] = await told(database, case, CaseClosed)
    assert closed.closed_by == "withdrawal"
    assert (await own(client, case, "withdraw")).json()["code"] == "case-ended"


async def test_a_handled_case_is_answered_and_not_withdrawn(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client)
    await hear(database, *Others(UUID(case["case_id"])).work())
    assert (await own(client, case, "withdraw")).json()["code"] == "case-ended"


async def test_a_case_others_asked_for_too_is_not_withdrawn_a_part_is(
    client: httpx.AsyncClient, database: Database
) -> None:
    parent, part = await registered(client), await registered(client)
    await act(client, part, "merge", {"with_case_id": parent["case_id"]})
    refused = await own(client, parent, "withdraw")
    assert (refused.status_code, refused.json()["code"]) == (409, "others-asked-too")
    assert (await own(client, part, "withdraw")).json()["outcome"] == "withdrawn"
    assert await told(database, part, CaseClosed)
    assert (await own(client, parent, "withdraw")).json()["outcome"] == "withdrawn"


# ── consent ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_takes_back_the_consent_to_be_contacted_is_asked_nothing(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client)
    assert (await own(client, case, "consent", {"purpose": "contact", "given": False})).status_code == 200
    await hear(database, *Others(UUID(case["case_id"])).work())
    listed = await client.get("/follow-ups", params={"state": "open"}, headers=headers(*FOLLOW_UP_CALLER))
    assert listed.json()["items"] == []
    to_verify = await client.get(
        "/follow-ups", params={"state": "open", "kind": "verify"}, headers=headers(*FOLLOW_UP_CALLER)
    )
    assert [item["case_id"] for item in to_verify.json()["items"]] == [case["case_id"]]
    assert (await act(client, case, "consent", {"purpose": "contact", "given": True})).status_code == 200
    recorded = await told(database, case, ConsentRecorded)
    assert [(one.given, one.requester_can_be_asked) for one in recorded] == [(False, False), (True, True)]


async def test_whoever_holds_a_case_sees_who_asked_only_if_that_is_agreed(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client, requester={"phone": "13812345678", "consent": ["contact"]})
    await hear(database, Others(UUID(case["case_id"])).accepted())
    seen = await act(client, case, "reveal", {"purpose": "handling"}, HOLDER)
    assert (seen.status_code, seen.json()["code"]) == (403, "not-shared")
    assert (await act(client, case, "reveal", {"purpose": "call_resident"})).status_code == 200
    await act(client, case, "consent", {"purpose": "share_with_handler", "given": True})
    assert (await act(client, case, "reveal", {"purpose": "handling"}, HOLDER)).status_code == 200


async def test_an_anonymous_requester_has_nothing_to_agree_to(client: httpx.AsyncClient) -> None:
    case = await registered(client, requester={"anonymous": True})
    refused = await own(client, case, "consent", {"purpose": "contact", "given": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "anonymous-consent")


# ── who may ───────────────────────────────────────────────────────────────────────────────────────────────────────

ACTS: dict[str, dict[str, Any] | None] = {
    "amend": {"care": True},
    "urge": None,
    "questions": {"text": "哪一侧？"},
    "appointment": window(),
    "withdraw": None,
    "consent": {"purpose": "contact", "given": False},
}
FOR_HOLDERS = {"questions", "appointment"}
FOR_STAFF = {"urge"}


@pytest.mark.parametrize("what", sorted(ACTS))
@pytest.mark.parametrize(
    ("person", "kind"),
    [
        (OPERATOR, "office"),
        (UNIT_OFFICER, "office"),
        (SUPERVISOR, "office"),
        (HOLDER, "holder"),
        (("p-grid-a1-b", Role.GRID_WORKER, "grid-a1"), "staff"),
        (OFFICER_ELSEWHERE, "nobody"),
        (FOLLOW_UP_CALLER, "nobody"),
        (("p-reader-1", Role.READER, "civil-affairs"), "nobody"),
    ],
)
async def test_who_may_change_a_case(
    client: httpx.AsyncClient, database: Database, what: str, person: Person, kind: str
) -> None:
    case = await registered(client, category_code="repair-at-home")
    await hear(database, Others(UUID(case["case_id"])).accepted(HOLDER[0]))
    answer = await act(client, case, what, ACTS[what], person)
    may = (
        kind == "office"
        or (kind == "holder" and what in FOR_HOLDERS)
        or (kind == "staff" and what in FOR_STAFF)
    )
    assert answer.status_code == (403 if not may else 201 if what == "questions" else 200), answer.text


@pytest.mark.parametrize("what", ["urge", "answer", "appointment", "consent", "withdraw"])
async def test_a_wrong_code_opens_nothing_and_is_counted(client: httpx.AsyncClient, what: str) -> None:
    case = await registered(client)
    bodies: dict[str, dict[str, Any]] = {
        "answer": {"question_id": str(uuid7()), "text": "x"},
        "appointment": window(),
        "consent": {"purpose": "contact", "given": False},
    }
    wrong = case | {"pickup_code": "not-it"}
    statuses = [(await own(client, wrong, what, bodies.get(what))).status_code for _ in range(6)]
    assert statuses == [404] * 5 + [429]
    assert (
        await client.get(f"/track/{case['number']}", params={"code": case["pickup_code"]})
    ).status_code == 429
