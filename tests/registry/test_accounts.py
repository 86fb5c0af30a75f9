"""Accounts as administrators make, reset, disable and list them, each within their units."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from shared.database import Database
from tests.registry.accounts import (
    bearer,
    is_what_its_story_says,
    kinds_told,
    local_administrator,
    told,
    tried,
)
from tests.registry.conftest import headers_of, session_of
from tests.registry.test_own_account import with_codes

NEW = "a much better password"
ACTS = ("disable", "enable", "unlock", "reset", "turn-codes-off", "sign-out-everywhere")


@pytest.mark.parametrize("act", ACTS)
async def test_an_administrator_acts_within_their_units(client: httpx.AsyncClient, act: str) -> None:
    local = await local_administrator(client)

    async def status(account: str) -> int:
        return (await client.post(f"/accounts/{account}/{act}", headers=local)).status_code

    assert await status("grid-a1-a") in (200, 204)
    assert await status("grid-b1-a") == 403
    assert await status("administrator-1") == 403
    assert await status("nobody") == 404


@pytest.mark.parametrize("account", ["grid-a1-l", "community-a-s1", "operator-1", "protection-1", "reader-1"])
async def test_nobody_else_acts_on_accounts(client: httpx.AsyncClient, account: str) -> None:
    headers = await headers_of(client, account)

    for act in ACTS:
        assert (await client.post(f"/accounts/grid-a1-a/{act}", headers=headers)).status_code == 403
    body = {"account": "another", "person_id": "p-grid-a1-a"}
    assert (await client.post("/accounts", json=body, headers=headers)).status_code == 403
    for path in ("", "/grid-a1-a", "/grid-a1-a/sessions", "/grid-a1-a/story"):
        assert (await client.get(f"/accounts{path}", headers=headers)).status_code == 403
        assert (await client.get(f"/accounts{path}")).status_code == 401


async def test_a_new_account_begins_with_a_password_that_only_sets_another(
    client: httpx.AsyncClient, demo: Database
) -> None:
    local = await local_administrator(client)
    made = await client.post(
        "/accounts", json={"account": "zhang.san", "person_id": "p-grid-a1-a"}, headers=local
    )
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    once = made.json()["one_time_password"]

    assert (await tried(client, "zhang.san", once)).json()["code"] == "new-password-needed"
    assert (await tried(client, "zhang.san", once, new_password=once)).status_code == 422
    first = await tried(client, "zhang.san", once, new_password=NEW)
    assert first.status_code == 200, first.text
    assert first.json()["person"]["id"] == "p-grid-a1-a"
    assert (await tried(client, "zhang.san", once, new_password=NEW)).status_code == 401
    assert (await tried(client, "zhang.san", NEW)).status_code == 200
    assert (await is_what_its_story_says(demo, "zhang.san")).one_time_until is None
    assert (await kinds_told(demo, "zhang.san"))[:3] == ["AccountMade", "PasswordSet", "SessionOpened"]


async def test_a_one_time_password_runs_out(client: httpx.AsyncClient, demo: Database) -> None:
    local = await local_administrator(client)
    once = (await client.post("/accounts/grid-a1-a/reset", headers=local)).json()["one_time_password"]
    async with demo.transaction() as tx:
        await tx.rows("UPDATE accounts SET one_time_until = clock_timestamp() WHERE account = 'grid-a1-a'")

    late = await tried(client, "grid-a1-a", once, new_password=NEW)
    assert (late.status_code, late.json()["code"]) == (401, "wrong-account-or-password")


async def test_a_reset_signs_every_device_out_and_says_who_did_it(
    client: httpx.AsyncClient, demo: Database
) -> None:
    session, local = await session_of(client, "grid-a1-a"), await local_administrator(client)
    once = (await client.post("/accounts/grid-a1-a/reset", headers=local)).json()["one_time_password"]

    again = await client.post("/refresh", json={"refresh_token": session["refresh_token"]})
    assert again.status_code == 401
    assert (await tried(client, "grid-a1-a")).status_code == 401
    assert (await tried(client, "grid-a1-a", once, new_password=NEW)).status_code == 200
    events = (await told(demo, "grid-a1-a"))[-4:]
    by = {type(event).__name__: event.actor.person_id for event in events}
    assert by == {
        "PasswordSet": "p-grid-a1-a",
        "SessionsEnded": "p-community-a-m1",
        "SignInFailed": None,
        "SessionOpened": "p-grid-a1-a",
    }


async def test_one_name_is_one_account_and_of_somebody(client: httpx.AsyncClient) -> None:
    local = await local_administrator(client)

    async def made(account: str, person_id: str) -> int:
        body = {"account": account, "person_id": person_id}
        return (await client.post("/accounts", json=body, headers=local)).status_code

    assert await made("grid-a1-b", "p-grid-a1-a") == 409
    assert await made("second", "p-nobody") == 404
    assert await made("second", "p-grid-b1-a") == 403
    assert await made("Second Name", "p-grid-a1-a") == 422
    assert await made("second", "p-grid-a1-a") == 201


async def test_a_disabled_account_is_out_until_it_is_enabled(
    client: httpx.AsyncClient, demo: Database
) -> None:
    session, local = await session_of(client, "grid-a1-a"), await local_administrator(client)
    await client.post("/accounts/grid-a1-a/disable", headers=local)

    assert (await tried(client, "grid-a1-a")).json()["code"] == "wrong-account-or-password"
    again = await client.post("/refresh", json={"refresh_token": session["refresh_token"]})
    assert again.status_code == 401
    assert (await client.get("/accounts/grid-a1-a", headers=local)).json()["disabled"] is True
    await client.post("/accounts/grid-a1-a/enable", headers=local)
    assert (await tried(client, "grid-a1-a")).status_code == 200
    assert not (await is_what_its_story_says(demo, "grid-a1-a")).disabled


async def test_an_account_given_to_another_person_keeps_nothing_of_the_first(
    client: httpx.AsyncClient, demo: Database
) -> None:
    session, local = await session_of(client, "grid-a1-a"), await local_administrator(client)
    body = {"person_id": "p-grid-a1-w", "password": NEW}
    given = await client.put("/accounts/grid-a1-a", json=body, headers={**local, "If-Match": "*"})

    assert given.status_code == 204, given.text
    again = await client.post("/refresh", json={"refresh_token": session["refresh_token"]})
    assert again.status_code == 401
    assert (await tried(client, "grid-a1-a", NEW)).json()["person"]["id"] == "p-grid-a1-w"
    assert (await is_what_its_story_says(demo, "grid-a1-a")).person_id == "p-grid-a1-w"


async def test_of_two_who_change_an_account_the_later_is_told(client: httpx.AsyncClient) -> None:
    """Its version moves with whose it is, its password and being disabled or not; not with signing in."""
    local = await local_administrator(client)
    body = {"person_id": "p-grid-a1-a", "password": NEW}

    async def read() -> dict[str, str]:
        answer = await client.get("/accounts/grid-a1-a", headers=local)
        return {**local, "If-Match": answer.headers["etag"]}

    async def put(headers: dict[str, str], **more: object) -> tuple[int, str | None]:
        answer = await client.put("/accounts/grid-a1-a", json={**body, **more}, headers=headers)
        return answer.status_code, answer.json()["code"] if answer.content else None

    assert await put(local) == (428, "if-match-needed")
    first = await read()
    assert (await tried(client, "grid-a1-a")).status_code == 200
    assert (await tried(client, "grid-a1-a", "wrong")).status_code == 401
    assert await read() == first
    assert await put(first) == (204, None)
    assert await put(first, disabled=True) == (412, "changed-meanwhile")
    assert (await tried(client, "grid-a1-a", NEW)).status_code == 200, "what the first one did stands"
    for act in ("disable", "enable", "reset"):
        before = await read()
        await client.post(f"/accounts/grid-a1-a/{act}", headers=local)
        assert await put(before) == (412, "changed-meanwhile"), act
    other = {"person_id": "p-grid-a1-a", "password": NEW}
    nothing_there = await client.put("/accounts/new", json=other, headers={**local, "If-Match": "*"})
    assert nothing_there.status_code == 412


async def listed(client: httpx.AsyncClient, headers: dict[str, str], limit: int = 500) -> Sequence[str]:
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await client.get("/accounts", params={"cursor": cursor, "limit": limit}, headers=headers)
        assert page.status_code == 200, page.text
        names += [item["account"] for item in page.json()["items"]]
        cursor = page.json()["next_cursor"]
    return names


async def test_the_list_shows_the_accounts_of_ones_units_page_by_page(client: httpx.AsyncClient) -> None:
    mine = await listed(client, await local_administrator(client), limit=20)

    assert mine == sorted(set(mine))
    assert all(name.startswith(("community-a-", "grid-a")) for name in mine)
    assert {"grid-a1-a", "grid-a7-l", "community-a-o1"} <= set(mine)
    whole = await listed(client, await headers_of(client, "administrator-1"))
    assert len(whole) == 520
    street = await listed(client, await headers_of(client, "street-m1"))
    assert set(mine) < set(street) < set(whole)


async def test_the_story_of_an_account_can_be_read(client: httpx.AsyncClient) -> None:
    await session_of(client, "grid-a1-a")
    await tried(client, "grid-a1-a", "not the password")
    headers = await local_administrator(client)

    page = (await client.get("/accounts/grid-a1-a/story", params={"limit": 2}, headers=headers)).json()
    assert [line["type"] for line in page["items"]] == [
        "yike.account.sign_in_failed",
        "yike.account.session_opened",
    ]
    rest = await client.get(
        "/accounts/grid-a1-a/story", params={"cursor": page["next_cursor"]}, headers=headers
    )
    assert [line["type"] for line in rest.json()["items"]] == ["yike.account.made"]
    assert rest.json()["next_cursor"] is None
    assert (await client.get("/accounts/grid-b1-a/story", headers=headers)).status_code == 403


async def test_an_administrator_sees_the_devices_of_an_account(client: httpx.AsyncClient) -> None:
    await session_of(client, "grid-a1-a")
    headers = await local_administrator(client)

    [device] = (await client.get("/accounts/grid-a1-a/sessions", headers=headers)).json()["items"]
    assert device["account"] == "grid-a1-a"
    assert (await client.get("/accounts/grid-b1-a/sessions", headers=headers)).status_code == 403


async def test_devices_come_in_pages_the_latest_first(client: httpx.AsyncClient) -> None:
    for _ in range(3):
        last = await session_of(client, "grid-a1-a")
    mine = {"Authorization": f"Bearer {last['access_token']}"}
    for path, headers in (
        ("/me/sessions", mine),
        ("/accounts/grid-a1-a/sessions", await local_administrator(client)),
    ):
        first = (await client.get(path, params={"limit": 2}, headers=headers)).json()
        assert [first["items"][-1]["id"], 2] == [first["next_cursor"], len(first["items"])]
        rest = await client.get(path, params={"limit": 2, "cursor": first["next_cursor"]}, headers=headers)
        [oldest] = rest.json()["items"]
        assert rest.json()["next_cursor"] is None
        made = [one["made_at"] for one in (*first["items"], oldest)]
        assert made == sorted(made, reverse=True)
        assert (await client.get(path, params={"limit": 501}, headers=headers)).status_code == 422
        assert (await client.get(path, params={"cursor": "x"}, headers=headers)).status_code == 422


async def test_a_lost_phone_is_no_lost_account(client: httpx.AsyncClient, demo: Database) -> None:
    await with_codes(client)
    assert (await tried(client, "grid-a1-a")).json()["code"] == "code-needed"
    local = await local_administrator(client)
    off = await client.post("/accounts/grid-a1-a/turn-codes-off", headers=local)

    assert off.status_code == 204
    session = await tried(client, "grid-a1-a")
    assert session.status_code == 200
    assert not (await is_what_its_story_says(demo, "grid-a1-a")).codes
    assert (await client.get("/me", headers=bearer(session.json()))).status_code == 200
