"""What still comes for a case that has ended: events that crossed its end, people who try, and what is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.rules.cases import apply, fold
from services.intake.rules.endings import progress_call_for
from services.intake.rules.facts import Case
from services.intake.rules.retention import Retention
from services.intake.upkeep import Forgetting
from shared.database import Database
from shared.event import CaseEvent
from shared.events.dispatch import ResidentContacted
from shared.events.escalation import CaseParked, CaseUnparked, DeadlineExtended, DeadlineMissed
from shared.events.intake import CaseClosed
from shared.ids import uuid7
from shared.vocabulary import ClosedBy, DeadlineKind, Level, Outcome, ParkReason, UnparkReason, Urgency
from tests.intake.test_asking import CALLED, CONTENT
from tests.intake.test_following import follow_up_of
from tests.intake.world import (
    FOLLOW_UP_CALLER,
    OPERATOR,
    START,
    SUPERVISOR,
    Others,
    a_call,
    a_registration,
    count,
    headers,
    hear,
    set_clock,
)

HOUR = timedelta(hours=1)


@pytest.fixture
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


# ── events that crossed the end ───────────────────────────────────────────────────────────────────────────────────


def a_closed_case() -> Case:
    registered = a_registration()
    others = Others(registered.case_id)
    end = CaseClosed(
        at=START,
        case_id=registered.case_id,
        outcome=Outcome.SOLVED,
        closed_by=ClosedBy.FOLLOW_UP,
        round=1,
        resolved_level=Level.GRID,
    )
    return fold([registered, *others.work(), end])


def missed(case_id: UUID, kind: DeadlineKind = DeadlineKind.HANDLE) -> DeadlineMissed:
    return DeadlineMissed(
        at=START, case_id=case_id, kind=kind, level=Level.GRID, round=1, due_at=START, late_ms=3
    )


Late = Callable[[Others], CaseEvent]
LATE: dict[str, Late] = {
    "an offer": lambda others: others.offered("p-late"),
    "an arrival": lambda others: others.arrived("p-late"),
    "a note": lambda others: others.noted("p-late"),
    "a contact": lambda others: ResidentContacted(**others._given({}), person_id="p-late"),
    "handled again": lambda others: others.handled("p-late", Outcome.CANNOT_BE_SOLVED),
    "parked": lambda others: CaseParked(
        **_told(others),
        park_id=uuid7(),
        owner_id="p",
        unit_id="community-a",
        reason=ParkReason.OTHER,
        review_at=START + HOUR,
        digest="d",
    ),
    "unparked": lambda others: CaseUnparked(**_told(others), park_id=uuid7(), because=UnparkReason.REVIEWED),
    "extended": lambda others: DeadlineExtended(
        **_told(others),
        extension_id=uuid7(),
        kind=DeadlineKind.HANDLE,
        due_before=START,
        due_at=START + HOUR,
        amber_at=START,
    ),
}


def _told(others: Others) -> dict[str, Any]:
    return {"at": START, "case_id": others.case_id, "level": Level.GRID, "round": 1}


@pytest.mark.parametrize("what", LATE)
def test_what_comes_after_the_end_changes_nothing(what: str) -> None:
    case = a_closed_case()
    assert apply(case, LATE[what](Others(case.case_id))) == case


def test_a_raise_that_crossed_the_end_moves_the_level_and_nothing_else() -> None:
    """All services then say the same level of it."""
    case = a_closed_case()
    raised = apply(case, Others(case.case_id).raised())
    assert raised == replace(case, level=Level.COMMUNITY)
    assert apply(raised, Others(case.case_id).voided()) == case


def test_whoever_accepted_in_the_same_moment_held_it_all_the_same() -> None:
    """They may see the case, and may never ask whether it was solved."""
    case = a_closed_case()
    after = apply(case, Others(case.case_id).accepted("p-late"))
    assert after == replace(case, holders=case.holders | {"p-late"})


def test_a_deadline_missed_at_the_end_owes_nobody_a_call() -> None:
    case = a_closed_case()
    assert progress_call_for(case, missed(case.case_id), uuid7(), START) is None


# ── people who try ────────────────────────────────────────────────────────────────────────────────────────────────


async def registered(client: httpx.AsyncClient, **change: Any) -> dict[str, Any]:
    answer = await client.post("/cases", json=a_call(**change), headers=headers(*OPERATOR))
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def closed(client: httpx.AsyncClient, database: Database) -> dict[str, Any]:
    told = await registered(client)
    case_id = UUID(told["case_id"])
    await hear(database, *Others(case_id).work())
    url = f"/follow-ups/{await follow_up_of(database, case_id)}/attempts"
    answer = await client.post(url, json=CALLED | CONTENT, headers=headers(*FOLLOW_UP_CALLER))
    assert answer.json()["state"] == "closed", answer.text
    return told


WINDOW = {"starts_at": (START + HOUR).isoformat(), "ends_at": (START + 2 * HOUR).isoformat()}


async def test_whatever_somebody_tries_with_a_closed_case_is_refused_in_words(
    client: httpx.AsyncClient, database: Database, standing_clock: None
) -> None:
    """Each says what to do instead, and nothing is told of it."""
    told, other = await closed(client, database), await registered(client)
    case, page, code = f"/cases/{told['case_id']}", f"/track/{told['number']}", {"code": told["pickup_code"]}
    staff, caller = headers(*OPERATOR), headers(*FOLLOW_UP_CALLER)
    before = await count(database, "journal")
    tries: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
        (f"{case}/amend", {"category_code": "rubbish-heap"}, staff, "case-ended"),
        (f"{case}/urge", {}, staff, "case-ended"),
        (f"{case}/questions", {"text": "哪里？"}, staff, "case-ended"),
        (f"{case}/appointment", WINDOW, staff, "case-ended"),
        (f"{case}/withdraw", {}, staff, "case-ended"),
        (f"{case}/merge", {"with_case_id": other["case_id"]}, staff, "case-ended"),
        (f"/cases/{other['case_id']}/merge", {"with_case_id": told["case_id"]}, staff, "case-ended"),
        (f"{case}/verification", {"solved": True}, headers("p-s2", *SUPERVISOR[1:]), ""),
        (f"{page}/urge", code, {}, "case-ended"),
        (f"{page}/withdraw", code, {}, "case-ended"),
        (f"{page}/appointment", code | {"window": WINDOW}, {}, ""),
        (
            f"/follow-ups/{await follow_up_of(database, UUID(told['case_id']))}/attempts",
            CALLED | CONTENT,
            caller,
            "",
        ),
    ]
    for url, body, asking, expected in tries:
        answer = await client.post(url, json=body, headers=asking)
        refused = answer.json()
        assert answer.status_code in (409, 422), (url, answer.text)
        assert expected in ("", refused["code"]), (url, refused)
        if answer.status_code == 409:
            assert refused["detail"], url
    assert await count(database, "journal") == before


async def test_the_same_thing_reported_after_the_end_is_a_new_case(
    client: httpx.AsyncClient, database: Database, standing_clock: None
) -> None:
    """What is closed is no candidate any more: it was solved, or is contested by whoever asked."""
    old = await closed(client, database)
    look = {"category_code": "manhole-cover", "description": "井盖不见了", "place": a_call()["place"]}
    found = await client.post("/duplicates", json=look, headers=headers(*OPERATOR))
    assert found.json()["items"] == []
    assert (await registered(client))["case_id"] != old["case_id"]


# ── what it was recognised by ─────────────────────────────────────────────────────────────────────────────────────


async def test_what_an_ended_case_was_recognised_by_goes_after_72_hours(
    client: httpx.AsyncClient, database: Database, standing_clock: None
) -> None:
    ended, still_open = await closed(client, database), await registered(client)
    forgetting = Forgetting(Retention({Urgency.EMERGENCY: 100}))
    await set_clock(database, START + 72 * HOUR)
    assert await forgetting.marks(database) == 0
    await set_clock(database, START + 72 * HOUR + HOUR)
    assert [await forgetting.marks(database) for _ in range(2)] == [1, 0]
    assert await count(database, f"likenesses WHERE case_id = '{still_open['case_id']}'") == 1

    again = await client.get(f"/cases/{ended['case_id']}/duplicates", headers=headers(*OPERATOR))
    assert again.json()["items"] == []
    contest = {"code": ended["pickup_code"], "remark": "还是坏的"}
    reopened = await client.post(f"/track/{ended['number']}/contest", json=contest)
    assert reopened.json()["state"] == "reopened", reopened.text
