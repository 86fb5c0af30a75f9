"""Progress calls, paper cards, contested ends, and who may see what residents answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.queries import cases
from services.intake.rules import endings
from services.intake.rules.cases import fold
from services.intake.rules.endings import CONTEST_WITHIN, Asked
from services.intake.rules.facts import Case
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.database import Database
from shared.event import REQUESTER
from shared.events.escalation import DeadlineMissed
from shared.events.intake import CaseClosed, CaseReopened, FollowUpOpened, FollowUpRecorded
from shared.ids import uuid7
from shared.vocabulary import (
    CaseState,
    Channel,
    ClosedBy,
    DeadlineKind,
    FollowUpKind,
    Level,
    Outcome,
    ReopenReason,
    Role,
)
from tests.intake.world import (
    FOLLOW_UP_CALLER,
    HOURS,
    OPERATOR,
    START,
    SUPERVISOR,
    WORKER,
    Others,
    a_call,
    a_registration,
    count,
    headers,
    hear,
    journal_of,
    set_clock,
)

CONTENT = {"contacted": True, "solved": True, "satisfaction": "satisfied"}
NOT_SOLVED = CONTENT | {"solved": False}
CALLED = {"channel": "phone", "reached": True}
ELSEWHERE = ("p-caller-b", Role.FOLLOW_UP_CALLER, "community-b")


@pytest.fixture(autouse=True)
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


def missed(case_id: UUID, kind: DeadlineKind = DeadlineKind.HANDLE, round: int = 1) -> DeadlineMissed:
    return DeadlineMissed(
        at=START, case_id=case_id, kind=kind, level=Level.GRID, round=round, due_at=START, late_ms=3
    )


async def registered(client: httpx.AsyncClient, **change: Any) -> dict[str, Any]:
    answer = await client.post("/cases", json=a_call(**change), headers=headers(*OPERATOR))
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def handled(client: httpx.AsyncClient, database: Database, **change: Any) -> dict[str, Any]:
    told = await registered(client, **change)
    await hear(database, *Others(UUID(told["case_id"])).work())
    return told


async def case_of(database: Database, case_id: str) -> Case:
    async with database.transaction() as tx:
        case = await cases.load(tx, UUID(case_id))
    assert case is not None
    assert fold(await journal_of(database, UUID(case_id))) == case
    return case


async def attempt(client: httpx.AsyncClient, follow_up_id: UUID, body: dict[str, Any]) -> httpx.Response:
    url = f"/follow-ups/{follow_up_id}/attempts"
    return await client.post(url, json=body, headers=headers(*FOLLOW_UP_CALLER))


# ── the progress call ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "kind", "round", "opens"),
    [
        ({}, DeadlineKind.HANDLE, 1, True),
        ({"state": CaseState.ACCEPTED}, DeadlineKind.HANDLE, 1, True),
        ({}, DeadlineKind.ACKNOWLEDGE, 1, False),
        ({}, DeadlineKind.ARRIVE, 1, False),
        ({}, DeadlineKind.HANDLE, 2, False),
        ({"requester_can_be_asked": False}, DeadlineKind.HANDLE, 1, False),
        ({"state": CaseState.HANDLED}, DeadlineKind.HANDLE, 1, False),
        ({"state": CaseState.CLOSED}, DeadlineKind.HANDLE, 1, False),
    ],
)
def test_a_missed_handle_owes_the_resident_a_call(
    change: dict[str, Any], kind: DeadlineKind, round: int, opens: bool
) -> None:
    registration = a_registration()
    case = replace(fold([registration]), **change)
    opened = endings.progress_call_for(case, missed(case.case_id, kind, round), uuid7(), START)
    assert (opened is not None) == opens
    if opened is not None:
        assert (opened.kind, opened.link_can_be_sent) == (FollowUpKind.PROGRESS, False)


async def test_a_progress_call_closes_nothing(client: httpx.AsyncClient, database: Database) -> None:
    told = await registered(client)
    case_id = UUID(told["case_id"])
    await hear(database, missed(case_id), missed(case_id))
    listed = await client.get("/follow-ups", headers=headers(*FOLLOW_UP_CALLER))
    [line] = listed.json()["items"]
    assert (line["kind"], line["handled_at"], line["is_due"]) == ("progress", None, True)

    answer = await attempt(client, line["follow_up_id"], CALLED | {"contacted": False})

    assert (answer.status_code, answer.json()["state"]) == (200, "registered"), answer.text
    recorded = (await journal_of(database, case_id))[-1]
    assert isinstance(recorded, FollowUpRecorded)
    assert (recorded.kind, recorded.contacted, recorded.solved) == (FollowUpKind.PROGRESS, False, None)
    assert (await case_of(database, told["case_id"])).open_follow_up is None
    await hear(database, missed(case_id))
    opened = [event for event in await journal_of(database, case_id) if isinstance(event, FollowUpOpened)]
    assert len(opened) == 2, "the next missed deadline owes another call"


async def test_handling_ends_the_progress_call_and_opens_the_follow_up(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = await registered(client)
    case_id = UUID(told["case_id"])
    await hear(database, missed(case_id), *Others(case_id).work())
    case = await case_of(database, told["case_id"])
    assert case.progress_call is not None
    assert case.follow_up is not None
    assert (case.progress_call.open, case.follow_up.open) == (False, True)
    assert await count(database, "follow_ups WHERE closed_at IS NULL") == 1
    refused = await attempt(client, case.progress_call.id, CALLED | {"contacted": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "follow-up-closed")


async def test_three_calls_that_reach_nobody_end_the_progress_call(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = await registered(client)
    await hear(database, missed(UUID(told["case_id"])))
    for hour in (0, 3, 6):
        await set_clock(database, START + hour * HOURS)
        case = await case_of(database, told["case_id"])
        assert case.progress_call is not None
        answer = await attempt(client, case.progress_call.id, {"channel": "phone", "reached": False})
        assert answer.status_code == 200, answer.text
    case = await case_of(database, told["case_id"])
    assert (case.state, case.open_follow_up) == (CaseState.REGISTERED, None)


async def test_after_handled_all_three_answers_are_needed(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = await handled(client, database)
    case = await case_of(database, told["case_id"])
    assert case.follow_up is not None
    answer = await attempt(client, case.follow_up.id, CALLED | {"contacted": True})
    assert (answer.status_code, answer.json()["code"]) == (422, "answers-missing")


# ── paper cards ───────────────────────────────────────────────────────────────────────────────────────────────────


def a_card(card_number: str, number: str, **more: Any) -> dict[str, Any]:
    return {"card_number": card_number, "number": number} | CONTENT | more


async def enter(
    client: httpx.AsyncClient,
    *cards: dict[str, Any],
    person: tuple[str, Role, str] = FOLLOW_UP_CALLER,
) -> list[dict[str, Any]]:
    answer = await client.post("/follow-ups/cards", json={"cards": cards}, headers=headers(*person))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_cards_are_entered_together_and_each_counts_once(
    client: httpx.AsyncClient, database: Database
) -> None:
    one, two, three = [await handled(client, database) for _ in range(3)]
    answers = await enter(
        client,
        a_card("K-2", two["number"], solved=False, remark="还在漏水"),
        a_card("K-1", one["number"].replace("-", " ")),
        a_card("K-1", three["number"]),
        a_card("K-3", "000"),
    )
    assert [answer["result"] for answer in answers] == [
        "recorded",
        "recorded",
        "counted_before",
        "unknown_number",
    ]
    assert [answer["state"] for answer in answers[:2]] == ["reopened", "closed"]
    assert (await case_of(database, three["case_id"])).state is CaseState.HANDLED
    again = await enter(client, a_card("K-1", three["number"]), a_card("K-4", three["number"]))
    assert [answer["result"] for answer in again] == ["counted_before", "recorded"]
    assert await count(database, "paper_cards") == 3
    assert await count(database, "follow_up_attempts WHERE channel = 'paper_card'") == 3


async def test_a_card_of_a_closed_case_contests_it_or_comes_too_late(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = await handled(client, database)
    await enter(client, a_card("K-1", told["number"]))
    late, bad, worse = await enter(
        client,
        a_card("K-2", told["number"]),
        a_card("K-3", told["number"], solved=False),
        a_card("K-4", told["number"], solved=False),
    )
    assert (late["result"], late["because"]) == ("refused", "follow-up-closed")
    assert (bad["result"], bad["state"]) == ("contested", "reopened")
    assert (worse["result"], worse["because"]) == ("refused", "contested-before")


async def test_cards_only_of_the_callers_own_units(client: httpx.AsyncClient, database: Database) -> None:
    told = await handled(client, database)
    [answer] = await enter(client, a_card("K-1", told["number"]), person=ELSEWHERE)
    assert (answer["result"], answer["case_id"]) == ("not_yours", None)
    worker = headers(WORKER, Role.GRID_WORKER, "grid-a1")
    refused = await client.post(
        "/follow-ups/cards", json={"cards": [a_card("K-1", told["number"])]}, headers=worker
    )
    assert refused.status_code == 403


async def test_nobody_enters_a_card_about_their_own_work(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = await handled(client, database)
    [answer] = await enter(
        client, a_card("K-1", told["number"]), person=(WORKER, Role.FOLLOW_UP_CALLER, "civil-affairs")
    )
    assert (answer["result"], answer["because"]) == ("refused", "held-by-you")
    assert await count(database, "paper_cards") == 0


# ── contested ends ────────────────────────────────────────────────────────────────────────────────────────────────


def a_closed_case(outcome: Outcome = Outcome.SOLVED) -> Case:
    registration = a_registration()
    work = Others(registration.case_id).work(outcome=outcome)
    closed = CaseClosed(
        at=START,
        case_id=registration.case_id,
        outcome=outcome,
        closed_by=ClosedBy.THREE_ATTEMPTS,
        round=1,
        resolved_level=Level.GRID,
    )
    return fold([registration, *work, closed])


@pytest.mark.parametrize(
    ("change", "after", "refused"),
    [
        ({}, timedelta(), None),
        ({"outcome": Outcome.ANSWERED}, timedelta(days=29), None),
        ({"outcome": Outcome.NOT_ACCEPTED}, timedelta(days=1), None),
        ({}, CONTEST_WITHIN - timedelta(seconds=1), None),
        ({}, CONTEST_WITHIN, RefusedBecause.CONTEST_TOO_LATE),
        ({"contested_at": START}, timedelta(), RefusedBecause.CONTESTED_BEFORE),
        ({"outcome": Outcome.WITHDRAWN}, timedelta(), RefusedBecause.NOT_CONTESTABLE),
        ({"erased_at": START}, timedelta(), RefusedBecause.NOT_CONTESTABLE),
        ({"state": CaseState.HANDLED, "closed_at": None}, timedelta(), RefusedBecause.CASE_NOT_CLOSED),
    ],
)
def test_an_end_is_contested_once_within_thirty_days(
    change: dict[str, Any], after: timedelta, refused: RefusedBecause | None
) -> None:
    case = replace(a_closed_case(), **change)
    decided = endings.contest(case, None, Asked(REQUESTER, Channel.WEB), uuid7(), START + after)
    if refused is not None:
        assert decided == Refused(refused)
        return
    assert not isinstance(decided, Refused)
    [reopened] = decided
    assert isinstance(reopened, CaseReopened)
    assert (reopened.because, reopened.round) == (ReopenReason.CONTESTED, 2)


async def closed(client: httpx.AsyncClient, database: Database) -> dict[str, Any]:
    told = await handled(client, database)
    case = await case_of(database, told["case_id"])
    assert case.follow_up is not None
    answer = await attempt(client, case.follow_up.id, CALLED | CONTENT)
    assert answer.json()["state"] == "closed"
    return told


async def test_a_resident_contests_on_the_tracking_page(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = await closed(client, database)
    url, body = f"/track/{told['number']}/contest", {"code": told["pickup_code"], "remark": "没有修好"}
    repeated = {"Idempotency-Key": "once"}
    answers = [await client.post(url, json=body, headers=repeated) for _ in range(2)]
    assert [answer.json()["state"] for answer in answers] == ["reopened", "reopened"], answers[0].text
    case = await case_of(database, told["case_id"])
    assert (case.state, case.round, case.closed_at, case.outcome) == (CaseState.REOPENED, 2, None, None)
    again = await client.post(url, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "contested-before")
    assert "没有修好" not in str(await journal_of(database, UUID(told["case_id"])))
    revealed = await client.post(
        f"/cases/{told['case_id']}/reveal",
        json={"purpose": "supervision"},
        headers=headers(*SUPERVISOR),
    )
    assert [remark["text"] for remark in revealed.json()["remarks"]] == ["没有修好"]


async def test_wrong_codes_of_a_contest_are_counted(client: httpx.AsyncClient, database: Database) -> None:
    told = await closed(client, database)
    url = f"/track/{told['number']}/contest"
    wrong = "000000" if told["pickup_code"] != "000000" else "000001"
    answers = [await client.post(url, json={"code": wrong}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [404] * 5 + [429]
    assert (await client.post(url, json={"code": told["pickup_code"]})).status_code == 429


# ── who sees the answers ──────────────────────────────────────────────────────────────────────────────────────────


async def coached(client: httpx.AsyncClient, database: Database) -> dict[str, Any]:
    told = await handled(client, database)
    case = await case_of(database, told["case_id"])
    assert case.follow_up is not None
    answer = await attempt(client, case.follow_up.id, CALLED | CONTENT | {"coached": True})
    assert answer.status_code == 200
    return told


@pytest.mark.parametrize(
    ("person", "status", "seen"),
    [
        (SUPERVISOR, 200, True),
        (("p-street-s1", Role.SUPERVISOR, "street"), 200, True),
        (FOLLOW_UP_CALLER, 200, None),
        (("p-community-a-o2", Role.UNIT_OFFICER, "community-a"), 200, None),
        (("p-community-b-s1", Role.SUPERVISOR, "community-b"), 403, None),
        (OPERATOR, 403, None),
        ((WORKER, Role.SUPERVISOR, "street"), 403, None),
    ],
)
async def test_only_supervisors_learn_that_somebody_was_told_what_to_answer(
    client: httpx.AsyncClient,
    database: Database,
    person: tuple[str, Role, str],
    status: int,
    seen: bool | None,
) -> None:
    told = await coached(client, database)
    answer = await client.get(f"/cases/{told['case_id']}/follow-ups", headers=headers(*person))
    assert answer.status_code == status, answer.text
    if status == 200:
        [item] = answer.json()["items"]
        assert (item["coached"], item["satisfaction"]) == (seen, "satisfied")
        assert [one["channel"] for one in item["attempts"]] == ["phone"]


async def test_the_follow_ups_of_a_case_come_in_pages_oldest_first(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = await handled(client, database)
    case_id = UUID(told["case_id"])
    for round in (1, 2):
        open_one = (await case_of(database, told["case_id"])).open_follow_up
        assert open_one is not None
        await set_clock(database, START + round * HOURS)
        assert (await attempt(client, open_one.id, CALLED | NOT_SOLVED)).status_code == 200
        await hear(database, *Others(case_id, START + round * HOURS, round + 1).work())
    rounds, asked = [], {"limit": "1"}
    url = f"/cases/{case_id}/follow-ups"
    for _ in range(3):
        page = (await client.get(url, params=asked, headers=headers(*SUPERVISOR))).json()
        rounds += [item["round"] for item in page["items"]]
        asked["cursor"] = page["next_cursor"] or ""
    assert (rounds, page["next_cursor"]) == ([1, 2, 3], None)


async def test_supervisors_list_who_was_coached_page_by_page(
    client: httpx.AsyncClient, database: Database
) -> None:
    made = [await coached(client, database) for _ in range(3)]
    await closed(client, database)
    asking: dict[str, Any] = {"limit": 2}
    first = await client.get("/follow-ups/coached", params=asking, headers=headers(*SUPERVISOR))
    asking["cursor"] = first.json()["next_cursor"]
    second = await client.get("/follow-ups/coached", params=asking, headers=headers(*SUPERVISOR))
    found = [*first.json()["items"], *second.json()["items"]]
    assert {item["case_id"] for item in found} == {told["case_id"] for told in made}
    assert (len(found), second.json()["next_cursor"]) == (3, None)
    assert found[0]["holders"] == [WORKER]
    other = ("p-community-b-s1", Role.SUPERVISOR, "community-b")
    assert (await client.get("/follow-ups/coached", headers=headers(*other))).json()["items"] == []
    assert (await client.get("/follow-ups/coached", headers=headers(*FOLLOW_UP_CALLER))).status_code == 403


async def test_the_handler_cannot_see_who_will_be_asked(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = await registered(client)
    others = Others(UUID(told["case_id"]))
    await hear(database, others.offered(), others.accepted())
    holder, url = headers(WORKER, Role.GRID_WORKER, "grid-a1"), f"/cases/{told['case_id']}"
    assert (await client.post(f"{url}/reveal", json={"purpose": "visit"}, headers=holder)).status_code == 200
    await hear(database, others.arrived(), others.noted(), others.handled())
    shown = (await client.get(url, headers=holder)).json()
    assert (shown["follow_up_id"], shown["requester"]["can_be_asked"]) == (None, None)
    refused = await client.post(f"{url}/reveal", json={"purpose": "visit"}, headers=holder)
    assert (refused.status_code, refused.json()["code"]) == (403, "answers-not-for-holders")
    officer = (await client.get(url, headers=headers(*SUPERVISOR))).json()
    assert officer["follow_up_id"] is not None
    assert officer["requester"]["can_be_asked"]
