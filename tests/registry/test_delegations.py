"""Lending roles for a period, taking them back, and acting for somebody with a purpose."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from services.registry.queries import things as stored
from services.registry.queries.rights import BORROWERS
from services.registry.rules.acting import ActedForSomebody
from shared import journal
from shared.database import Database
from shared.events.things import REGISTRY_SUBJECT, PersonChanged
from shared.service import Service
from shared.things import Person, Unit
from tests.registry.accounts import bearer
from tests.registry.conftest import headers_of, session_of

OFFICER, WORKER = "community-a-m1", "grid-a1-w"
"""Who administers 建设社区, and who does it for them for a while."""

ADMINISTRATION = {"role": "administrator", "unit_id": "community-a"}


async def business_now(database: Database) -> datetime:
    async with database.transaction() as tx:
        return await tx.now()


async def lent(
    client: httpx.AsyncClient, database: Database, *, by: str = OFFICER, to: str = WORKER, **more: Any
) -> httpx.Response:
    now = await business_now(database)
    body = {
        "to_person_id": f"p-{to}",
        "grants": [ADMINISTRATION],
        "starts_at": (now - timedelta(hours=1)).isoformat(),
        "ends_at": (now + timedelta(hours=1)).isoformat(),
        **more,
    }
    return await client.post("/delegations", json=body, headers=await headers_of(client, by))


async def heard(service: Service, database: Database) -> None:
    """The topic has brought everything."""
    async with database.transaction() as tx:
        people = await stored.page(tx, Person, "", 1000, retired=True)
        units = await stored.page(tx, Unit, "", 1000, retired=True)
    service.directory.people = {person.id: person for person in people}
    service.directory.units = {unit.id: unit for unit in units}
    service.directory.pass_by(service.directory.revision + 1)


async def renames(client: httpx.AsyncClient, account: str, unit_id: str, name: str) -> int:
    headers = await headers_of(client, account)
    unit = (await client.get(f"/units/{unit_id}", headers=headers)).json()
    unit["name"] = {"zh": name, "en": name}
    headers["If-Match"] = "*"
    return (await client.put(f"/units/{unit_id}", json=unit, headers=headers)).status_code


async def person(database: Database, account: str) -> Person:
    async with database.transaction() as tx:
        found = await stored.one(tx, Person, f"p-{account}")
    assert found is not None
    return found[0]


async def story(database: Database) -> list[Any]:
    async with database.transaction() as tx:
        await journal.verify(tx, REGISTRY_SUBJECT)
        return await journal.story(tx, REGISTRY_SUBJECT)


async def test_a_lent_role_works_from_its_beginning_to_its_end_and_both_are_named(
    client: httpx.AsyncClient, service: Service, demo: Database
) -> None:
    assert await renames(client, WORKER, "grid-a2", "before") == 403
    given = await lent(client, demo)
    assert given.status_code == 201, given.text
    await heard(service, demo)

    assert await renames(client, WORKER, "grid-a2", "while lent") == 200
    assert await renames(client, WORKER, "grid-b1", "elsewhere") == 403
    done = (await story(demo))[-1].actor
    assert (done.person_id, done.on_behalf_of) == ("p-grid-a1-w", "p-community-a-m1")
    ends_at = datetime.fromisoformat(given.json()["ends_at"])
    await clock_at(demo, ends_at - timedelta(milliseconds=1))
    assert await renames(client, WORKER, "grid-a2", "just before its end") == 200
    await clock_at(demo, ends_at)
    assert await renames(client, WORKER, "grid-a2", "at its end") == 403


async def clock_at(database: Database, at: datetime) -> None:
    """Business time stands still at `at`."""
    async with database.transaction() as tx:
        await tx.rows(
            "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES (clock_timestamp(), :at, 0)", at=at
        )


async def test_it_is_published_with_the_person_and_journalled(
    client: httpx.AsyncClient, demo: Database
) -> None:
    made = (await lent(client, demo)).json()

    told = (await story(demo))[-1]
    assert isinstance(told, PersonChanged)
    assert told.sequence > 0, "it goes out on the topic"
    assert (told.actor.person_id, told.person.id) == ("p-community-a-m1", "p-grid-a1-w")
    [delegation] = told.person.acts_for
    assert (delegation.id, delegation.person_id) == (made["id"], "p-community-a-m1")
    mine = await client.get("/delegations", headers=await headers_of(client, OFFICER))
    theirs = await client.get("/delegations", headers=await headers_of(client, WORKER))
    assert mine.json() == {"lent": [made], "borrowed": []}
    assert theirs.json() == {"lent": [], "borrowed": [made]}
    assert (await client.get("/delegations")).status_code == 401


@pytest.mark.parametrize("account", [OFFICER, WORKER, "administrator-1", "street-m1"])
async def test_it_is_taken_back_by_either_and_by_who_administers(
    client: httpx.AsyncClient, service: Service, demo: Database, account: str
) -> None:
    id = (await lent(client, demo)).json()["id"]
    answer = await client.post(f"/delegations/{id}/revoke", headers=await headers_of(client, account))

    assert answer.status_code == 204, answer.text
    await heard(service, demo)
    assert (await person(demo, WORKER)).acts_for == ()
    assert await renames(client, WORKER, "grid-a2", "afterwards") == 403


@pytest.mark.parametrize("account", ["grid-a1-a", "community-b-m1", "community-a-s1"])
async def test_nobody_else_takes_it_back(client: httpx.AsyncClient, demo: Database, account: str) -> None:
    id = (await lent(client, demo)).json()["id"]

    headers = await headers_of(client, account)
    assert (await client.post(f"/delegations/{id}/revoke", headers=headers)).status_code == 403
    assert (await client.post("/delegations/none/revoke", headers=headers)).status_code == 404
    assert (await client.post(f"/delegations/{id}/revoke")).status_code == 401
    assert len((await person(demo, WORKER)).acts_for) == 1


async def test_one_lends_what_is_ones_own(client: httpx.AsyncClient, demo: Database) -> None:
    async def code(**more: Any) -> str:
        return str((await lent(client, demo, **more)).json().get("code"))

    assert await code(by="grid-a1-a") == "not-yours"
    assert await code(grants=[{"role": "administrator", "unit_id": "street"}]) == "not-yours"
    assert await code(to=OFFICER) == "to-oneself"
    assert await code(to="nobody") == "not-found"
    assert await code(grants=[]) == "nothing-lent"


async def test_who_may_change_a_person_cannot_lend_them_what_is_not_theirs(
    client: httpx.AsyncClient, demo: Database
) -> None:
    local = await headers_of(client, OFFICER)
    worker = (await person(demo, WORKER)).model_dump(mode="json")
    worker["acts_for"] = [
        {
            "id": "d-1",
            "person_id": "p-administrator-1",
            "grants": [{"role": "administrator", "unit_id": "civil-affairs"}],
            "starts_at": "2020-01-01T00:00:00Z",
            "ends_at": "2040-01-01T00:00:00Z",
        }
    ]

    put = await client.put(
        "/people/p-grid-a1-w", json={**worker, "language": "en"}, headers=local | {"If-Match": "*"}
    )
    many = await client.post("/changes", json={"people": [worker]}, headers=local)
    assert (put.status_code, many.status_code) == (200, 200)
    assert (await person(demo, WORKER)).acts_for == ()


async def test_the_account_of_who_was_lent_more_is_out_of_reach(
    client: httpx.AsyncClient, demo: Database
) -> None:
    """Whoever resets it could sign in with what was lent."""
    await lent(client, demo, by="administrator-1", grants=[{"role": "administrator", "unit_id": "street"}])

    headers = await headers_of(client, OFFICER)
    assert (await client.post(f"/accounts/{WORKER}/reset", headers=headers)).status_code == 403
    top = await headers_of(client, "administrator-1")
    assert (await client.post(f"/accounts/{WORKER}/reset", headers=top)).status_code == 200


# ── acting for somebody ───────────────────────────────────────────────────────────────────────────────────────────


async def acting(client: httpx.AsyncClient, account: str, for_account: str) -> httpx.Response:
    body = {"person_id": f"p-{for_account}", "purpose": "phone_lost"}
    return await client.post("/act-for", json=body, headers=await headers_of(client, account))


async def test_an_administrator_acts_for_somebody_and_both_are_named(
    client: httpx.AsyncClient, demo: Database
) -> None:
    given = await acting(client, OFFICER, "grid-a1-w")
    assert given.status_code == 200, given.text
    assert given.json()["expires_in"] == 10 * 60
    noted = (await story(demo))[-1]
    assert isinstance(noted, ActedForSomebody)
    assert (noted.actor.person_id, noted.person_id, noted.purpose) == (
        "p-community-a-m1",
        "p-grid-a1-w",
        "phone_lost",
    )

    until = (await business_now(demo) + timedelta(hours=2)).isoformat()
    on_duty = await client.post("/me/on-duty", json={"until": until}, headers=bearer(given.json()))
    assert on_duty.status_code == 200, on_duty.text
    assert on_duty.json()["person_id"] == "p-grid-a1-w"
    done = (await story(demo))[-1].actor
    assert (done.person_id, done.on_behalf_of) == ("p-community-a-m1", "p-grid-a1-w")


@pytest.mark.parametrize(
    ("account", "for_account", "status"),
    [
        (OFFICER, "grid-a1-a", 200),
        ("administrator-1", "grid-b1-a", 200),
        (OFFICER, "grid-b1-a", 403),
        (OFFICER, "street-o1", 403),
        (OFFICER, OFFICER, 403),
        (OFFICER, "community-a-e1", 403),
        ("administrator-1", "caller-1", 403),
        ("administrator-1", "protection-1", 403),
        ("administrator-1", OFFICER, 403),
        ("grid-a1-l", "grid-a1-a", 403),
        ("community-a-s1", "grid-a1-a", 403),
        (OFFICER, "nobody", 404),
    ],
)
async def test_for_whom_one_may_act(
    client: httpx.AsyncClient, account: str, for_account: str, status: int
) -> None:
    assert (await acting(client, account, for_account)).status_code == status


async def test_what_is_ones_own_is_not_done_for_somebody(client: httpx.AsyncClient, demo: Database) -> None:
    headers = bearer((await acting(client, OFFICER, WORKER)).json())
    body: dict[str, Any] = {"password": "whatever it is"}

    answers = [
        await client.post("/me/password", json={**body, "new_password": "a better one"}, headers=headers),
        await client.post("/me/second-step", json=body, headers=headers),
        await client.post("/me/sign-out-everywhere", headers=headers),
        await client.get("/me/sessions", headers=headers),
        await client.post(
            "/delegations",
            json={
                "to_person_id": "p-grid-a1-a",
                "grants": [{"role": "grid_worker", "unit_id": "grid-a1"}],
                "starts_at": "2026-11-20T00:00:00Z",
                "ends_at": "2036-11-20T00:00:00Z",
            },
            headers=headers,
        ),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "only-oneself")}
    assert (await session_of(client, WORKER))["access_token"], "nothing happened to the account"


async def test_nobody_acts_without_a_purpose_or_without_signing_in(client: httpx.AsyncClient) -> None:
    headers = await headers_of(client, OFFICER)
    body = {"person_id": "p-grid-a1-a"}

    assert (await client.post("/act-for", json=body, headers=headers)).status_code == 422
    assert (await client.post("/act-for", json={**body, "purpose": "phone_lost"})).status_code == 401


async def test_who_borrowed_something_is_found_by_its_index(demo: Database) -> None:
    async with demo.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        rows = await tx.rows(f"EXPLAIN {BORROWERS}", like='[{"person_id": "p-1"}]')

    assert any("people_acts_for" in row["QUERY PLAN"] for row in rows)


@pytest.mark.parametrize("path", ["/accounts/%00", "/accounts/%00/story"])
async def test_what_postgresql_cannot_hold_is_unknown(client: httpx.AsyncClient, path: str) -> None:
    headers = await headers_of(client, OFFICER)

    assert (await client.get(path, headers=headers)).status_code in (404, 422)
    assert (await client.post("/delegations/%00/revoke", headers=headers)).status_code in (404, 422)
    body = {"person_id": "p-\u0000", "purpose": "phone_lost"}
    assert (await client.post("/act-for", json=body, headers=headers)).status_code in (404, 422)
    assert (await client.get("/accounts?cursor=%00&person_id=%00", headers=headers)).status_code in (200, 422)
