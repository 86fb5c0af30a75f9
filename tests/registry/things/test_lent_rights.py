"""委托: what was lent counts in everything the registry does, as long as it is lent, and both are named."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from services.registry.handlers.things import put_things
from shared import journal
from shared.database import Database
from shared.event import Actor
from shared.events.things import REGISTRY_SUBJECT
from shared.service import Service
from shared.things import Delegation, Grant
from shared.vocabulary import Role, ShiftKind
from tests.registry.things.conftest import Ask, fire, set_clock
from tests.registry.things.test_imports import HOUSE, UNIT_HEADER, upload, workbook
from tests.registry.things.town import KNOWN, NOON, a_shift, hours

BORROWER, LENDER, UNTIL = "p-w", "p-admin-x", NOON + hours(24)
LENT = Delegation(
    id="d-1",
    person_id=LENDER,
    grants=(Grant(role=Role.ADMINISTRATOR, unit_id="community-x"),),
    starts_at=NOON,
    ends_at=UNTIL,
)


@pytest.fixture(autouse=True)
async def lent(town: Database, town_service: Service) -> None:
    """The administrator of a community lends that to a worker for a day; everybody heard of it."""
    borrower = KNOWN.people[BORROWER].model_copy(update={"acts_for": (LENT,)})
    on_call = a_shift("s-b", "p-b", "grid-x1", -1, 48, ShiftKind.ON_CALL)
    async with town.transaction() as tx:
        await put_things(tx, [borrower], lending=True)
        await put_things(tx, [a_shift("s-a", "p-a", "grid-x1", -1, 48), on_call])
    town_service.directory.units = dict(KNOWN.units)
    town_service.directory.people = {**KNOWN.people, BORROWER: borrower}
    town_service.directory.pass_by(1)


async def plans(client: httpx.AsyncClient, unit_id: str) -> httpx.Response:
    body = KNOWN.units[unit_id].model_copy(update={"households": 7}).model_dump(mode="json")
    at = (NOON + hours(48)).isoformat()
    return await client.post("/planned-changes", json={"valid_from": at, "units": [body]})


async def enters_leave(client: httpx.AsyncClient, person_id: str) -> httpx.Response:
    begins, ends = (NOON + hours(25)).isoformat(), (NOON + hours(30)).isoformat()
    return await client.post("/absences", json={"person_id": person_id, "starts_at": begins, "ends_at": ends})


Act = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]
ACTS: dict[str, Act] = {
    "plan": lambda client, place: plans(client, f"grid-{place}1"),
    "leave": lambda client, place: enters_leave(client, "p-a" if place == "x" else "p-y"),
    "hand over": lambda client, place: client.post(
        f"/shifts/s-{'a' if place == 'x' else 'y'}/hand-over", json={}
    ),
    "call in": lambda client, place: client.post(
        f"/shifts/s-{'b' if place == 'x' else 'y'}/call-in", json={}
    ),
    "export": lambda client, place: client.get("/exports/people.json", params={"unit": f"community-{place}"}),
}


async def last_actor(town: Database) -> Actor:
    async with town.transaction() as tx:
        return (await journal.story(tx, REGISTRY_SUBJECT))[-1].actor


@pytest.mark.parametrize("what", ACTS)
async def test_what_is_lent_counts_until_its_end_and_both_are_named(
    ask: Ask, town: Database, what: str
) -> None:
    async with town.transaction() as tx:
        await put_things(tx, [a_shift("s-y", "p-y", "grid-y1", -1, 48)])
    act, client = ACTS[what], ask(BORROWER)
    assert (await act(client, "y")).status_code == 403
    done = await act(client, "x")
    assert done.status_code in (200, 201), done.text
    if what != "export":
        actor = await last_actor(town)
        assert (actor.person_id, actor.role, actor.on_behalf_of) == (BORROWER, "administrator", LENDER)
    await set_clock(town, UNTIL)
    assert (await act(client, "x")).status_code == 403


async def test_what_is_ones_own_is_done_in_nobodys_place(ask: Ask, town: Database) -> None:
    assert (await enters_leave(ask(BORROWER), BORROWER)).status_code == 201
    actor = await last_actor(town)
    assert (actor.person_id, actor.on_behalf_of) == (BORROWER, None)
    assert (await enters_leave(ask(LENDER), "p-a")).status_code == 201
    actor = await last_actor(town)
    assert (actor.person_id, actor.role, actor.on_behalf_of) == (LENDER, "administrator", None)


async def test_a_plan_keeps_in_whose_place_it_was_made(ask: Ask, town: Database) -> None:
    """It becomes valid when the role has long gone back: both stand behind it all the same."""
    made = (await plans(ask(BORROWER), "grid-x1")).json()
    assert (made["planned_by"], made["on_behalf_of"]) == (BORROWER, LENDER)
    await set_clock(town, NOON + hours(48))
    await fire(town)
    actor = await last_actor(town)
    assert (actor.person_id, actor.on_behalf_of) == (BORROWER, LENDER)


async def test_a_lent_role_takes_a_plan_back(ask: Ask) -> None:
    own = (await plans(ask(LENDER), "grid-x1")).json()
    other = (await plans(ask("p-admin"), "grid-y1")).json()
    assert (await ask(BORROWER).post(f"/planned-changes/{own['id']}/cancel")).status_code == 200
    assert (await ask(BORROWER).post(f"/planned-changes/{other['id']}/cancel")).status_code == 403


async def test_an_import_by_a_lent_role_writes_what_it_reaches(ask: Ask, town: Database) -> None:
    rows = [UNIT_HEADER[:4], HOUSE, ("house-2", "house", "2号楼", "grid-y1")]
    made = (await upload(ask(BORROWER), workbook(units=rows))).json()
    await fire(town)
    await ask(BORROWER).post(f"/imports/{made['id']}/commit")
    await fire(town)

    ended = (await ask(BORROWER).get(f"/imports/{made['id']}")).json()
    assert (ended["lines_in"], ended["lines_refused"]) == (1, 1)
    actor = await last_actor(town)
    assert (actor.person_id, actor.on_behalf_of) == (BORROWER, LENDER)


async def test_an_import_is_written_by_the_rights_of_its_moment(ask: Ask, town: Database) -> None:
    """Checked while lent, written when that is over: every line is refused."""
    body: dict[str, Any] = {
        "units": [{"id": "house-1", "kind": "house", "name": {"zh": "楼"}, "parent_id": "grid-x1"}]
    }
    made = (await upload(ask(BORROWER), json.dumps(body).encode(), "f.json")).json()
    await fire(town)
    await ask(BORROWER).post(f"/imports/{made['id']}/commit")
    await set_clock(town, UNTIL)
    await fire(town)
    async with town.transaction() as tx:
        [line] = await tx.rows("SELECT state, problems FROM import_lines")
    assert (line["state"], line["problems"][0]["code"]) == ("refused", "not-yours")
