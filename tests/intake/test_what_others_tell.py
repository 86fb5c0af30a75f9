"""What dispatch and escalation tell of a case, as its page shows it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.database import Database
from shared.events.escalation import CaseParked, CaseUnparked, DeadlineExtended
from shared.ids import uuid7
from shared.vocabulary import DeadlineKind, Level, ParkReason, UnparkReason
from tests.intake.test_changes import act, own, page, registered, told
from tests.intake.world import OFFICER, START, SUPERVISOR, Others, hear, set_clock


@pytest.fixture(autouse=True)
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


async def test_a_parked_case_is_shown_as_such(client: httpx.AsyncClient, database: Database) -> None:
    case = await registered(client)
    given = {
        "at": START,
        "case_id": UUID(case["case_id"]),
        "park_id": uuid7(),
        "level": Level.GRID,
        "round": 1,
    }
    review = START + timedelta(days=30)
    await hear(
        database,
        CaseParked(
            **given,
            owner_id=OFFICER,
            unit_id="community-a",
            reason=ParkReason.NEEDS_FUNDS,
            review_at=review,
            digest="",
        ),
    )
    assert (await page(client, case))["state"] == "parked"
    await hear(database, CaseUnparked(**given, because=UnparkReason.RESUMED))
    assert (await page(client, case))["state"] == "registered"
    await told(database, case, CaseParked)


def put_off(case: dict[str, Any]) -> DeadlineExtended:
    return DeadlineExtended(
        at=START,
        case_id=UUID(case["case_id"]),
        extension_id=uuid7(),
        kind=DeadlineKind.HANDLE,
        level=Level.GRID,
        round=1,
        due_before=START + timedelta(days=2),
        due_at=START + timedelta(days=9),
        amber_at=START + timedelta(days=8),
    )


@pytest.mark.parametrize("then", ["raised", "reopened", "another urgency"])
async def test_an_extension_ends_with_what_it_was_given_for(
    client: httpx.AsyncClient, database: Database, then: str
) -> None:
    case = await registered(client)
    await hear(database, put_off(case))
    assert (await page(client, case))["extended_until"] is not None
    match then:
        case "raised":
            await hear(database, Others(UUID(case["case_id"])).raised())
        case "reopened":
            await act(client, case, "withdraw")
            await own(client, case, "contest")
        case _:
            await act(client, case, "amend", {"urgency": "routine"}, SUPERVISOR)
    assert (await page(client, case))["extended_until"] is None
    await told(database, case, DeadlineExtended)
