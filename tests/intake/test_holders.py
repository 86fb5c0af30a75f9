"""What nobody decides about a case they hold or held: that it is taken back, that the requester is not asked, when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.rules.cases import fold
from services.intake.rules.changes import By, agree_appointment
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.database import Database
from shared.event import SYSTEM
from shared.events.intake import AppointmentAgreed, CaseReopened, Window
from shared.vocabulary import Role, Urgency
from tests.intake.test_changes import (
    NINE,
    UNIT_OFFICER,
    Person,
    act,
    own,
    registered,
    told,
    window,
)
from tests.intake.test_following import case_of
from tests.intake.world import (
    START,
    SUPERVISOR,
    Others,
    a_registration,
    hear,
    set_clock,
)

ANOTHER_OPERATOR = ("p-operator-2", Role.OPERATOR, "civil-affairs")
COLLEAGUE = ("p-community-a-o2", Role.UNIT_OFFICER, "community-a")
NOT_CONTACTED = {"purpose": "contact", "given": False}
SHARED = {"purpose": "share_with_handler", "given": True}


@pytest.fixture(autouse=True)
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


@pytest.mark.parametrize(
    ("what", "body"), [("withdraw", None), ("consent", NOT_CONTACTED), ("consent", SHARED)]
)
@pytest.mark.parametrize("person", [UNIT_OFFICER, SUPERVISOR, ANOTHER_OPERATOR])
async def test_whoever_held_it_neither_takes_it_back_nor_agrees_for_the_requester(
    client: httpx.AsyncClient, database: Database, what: str, body: dict[str, Any] | None, person: Person
) -> None:
    """Whatever their office; another of the same office may, and the requester themself."""
    case = await registered(client, requester={"phone": "13812345678", "consent": ["contact"]})
    await hear(database, Others(UUID(case["case_id"])).accepted(person[0]))
    before = await case_of(database, UUID(case["case_id"]))
    refused = await act(client, case, what, body, person)
    assert (refused.status_code, refused.json()["code"]) == (403, "residents-own"), refused.text
    assert await case_of(database, UUID(case["case_id"])) == before
    assert (await own(client, case, "consent", SHARED)).status_code == 200
    assert (await act(client, case, what, body, COLLEAGUE)).status_code == 200


@pytest.mark.parametrize(("what", "body"), [("withdraw", None), ("consent", NOT_CONTACTED)])
async def test_nor_does_whoever_held_the_case_it_is_part_of(
    client: httpx.AsyncClient, database: Database, what: str, body: dict[str, Any] | None
) -> None:
    parent, part = await registered(client), await registered(client)
    await act(client, part, "merge", {"with_case_id": parent["case_id"]})
    await hear(database, Others(UUID(parent["case_id"])).accepted(UNIT_OFFICER[0]))
    refused = await act(client, part, what, body, UNIT_OFFICER)
    assert (refused.status_code, refused.json()["code"]) == (403, "residents-own"), refused.text
    assert (await act(client, part, what, body, COLLEAGUE)).status_code == 200


async def test_what_the_desk_took_back_the_requester_contests(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client)
    await act(client, case, "withdraw")
    assert (await own(client, case, "contest")).json()["state"] == "reopened"
    [reopened] = await told(database, case, CaseReopened)
    assert (reopened.because, reopened.round) == ("contested", 2)
    again = await own(client, case, "withdraw")
    assert again.json()["outcome"] == "withdrawn", again.text


async def test_what_the_requester_took_back_stays_so(client: httpx.AsyncClient) -> None:
    case = await registered(client)
    await own(client, case, "withdraw")
    refused = await own(client, case, "contest")
    assert (refused.status_code, refused.json()["code"]) == (409, "not-contestable")


# ── windows ───────────────────────────────────────────────────────────────────────────────────────────────────────


def a_window(begins: float, ends: float) -> Window:
    """Hours after nine."""
    return Window(starts_at=NINE + timedelta(hours=begins), ends_at=NINE + timedelta(hours=ends))


@pytest.mark.parametrize(
    ("agreed", "asked", "held", "because"),
    [
        (None, (0, 2), True, None),
        (None, (24 * 60, 24 * 60 + 2), True, None),
        ((0, 2), (-4, -2), True, None),
        ((0, 4), (0, 2), True, None),
        ((0, 2), (0, 2.5), True, RefusedBecause.LATER_WINDOW),
        ((0, 2), (-1, 2.5), True, RefusedBecause.LATER_WINDOW),
        ((0, 2), (24, 26), True, RefusedBecause.LATER_WINDOW),
        ((0, 2), (24, 26), False, None),
    ],
)
def test_whoever_holds_a_case_puts_its_window_off_no_further(
    agreed: tuple[float, float] | None,
    asked: tuple[float, float],
    held: bool,
    because: RefusedBecause | None,
) -> None:
    """A later window moves the holder's own clocks, and nobody would have approved it."""
    case = fold([a_registration(urgency=Urgency.APPOINTMENT, appointment=agreed and a_window(*agreed))])
    starts_at, ends_at = (NINE + timedelta(hours=hours) for hours in asked)
    decided = agree_appointment(case, starts_at, ends_at, By(SYSTEM, held=held), START)
    if because is None:
        assert isinstance(decided, AppointmentAgreed)
    else:
        assert decided == Refused(because)


async def test_a_later_window_is_agreed_by_the_desk_or_the_requester(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client, category_code="repair-at-home")
    await hear(database, Others(UUID(case["case_id"])).accepted(UNIT_OFFICER[0]))
    assert (await act(client, case, "appointment", window(), UNIT_OFFICER)).status_code == 200
    for days, person, status in ((1, UNIT_OFFICER, 403), (1, COLLEAGUE, 200), (0, UNIT_OFFICER, 200)):
        later = window(2, NINE + timedelta(days=days))
        answer = await act(client, case, "appointment", later, person)
        assert answer.status_code == status, answer.text
        if status == 403:
            assert answer.json()["code"] == "later-window"
    assert (await own(client, case, "appointment", window(2, NINE + timedelta(days=9)))).status_code == 200
    assert len(await told(database, case, AppointmentAgreed)) == 4


@pytest.mark.parametrize("category", ["manhole-cover", "road-damage"])
async def test_only_what_is_done_by_appointment_has_a_window(
    client: httpx.AsyncClient, category: str
) -> None:
    """Elsewhere it would move no clock, and nobody would come by it."""
    case = await registered(client, category_code=category)
    for answer in (
        await act(client, case, "appointment", window()),
        await own(client, case, "appointment", window()),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "no-appointment")
