"""Wrong passwords: how many, for how long, what they tell, and who may lift the lock."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from services.registry.settings import Settings
from shared.database import Database
from tests.registry.accounts import WRONG, is_what_its_story_says, kinds_told, tried
from tests.registry.conftest import headers_of


async def locked(client: httpx.AsyncClient, account: str = "grid-a1-a") -> None:
    for _ in range(5):
        assert (await tried(client, account, WRONG)).status_code == 401


async def test_after_five_wrong_ones_the_right_one_is_refused_and_reads_the_same(
    client: httpx.AsyncClient, demo: Database
) -> None:
    wrong = (await tried(client, "grid-a1-a", WRONG)).json()
    for _ in range(4):
        await tried(client, "grid-a1-a", WRONG)
    right = await tried(client, "grid-a1-a")
    unknown = await tried(client, "nobody", WRONG)

    assert right.status_code == unknown.status_code == 401
    assert right.json() == unknown.json() == wrong
    assert await kinds_told(demo, "grid-a1-a") == ["AccountMade", *["SignInFailed"] * 5, "AccountLocked"]
    assert (await is_what_its_story_says(demo, "grid-a1-a")).locked_until is not None


async def test_four_wrong_ones_are_forgiven_by_a_right_one(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        for _ in range(4):
            await tried(client, "grid-a1-a", WRONG)
        assert (await tried(client, "grid-a1-a")).status_code == 200


async def test_the_lock_ends_by_itself(client: httpx.AsyncClient, demo: Database) -> None:
    await locked(client)
    async with demo.transaction() as tx:
        await tx.rows("UPDATE accounts SET locked_until = clock_timestamp() WHERE account = 'grid-a1-a'")

    assert (await tried(client, "grid-a1-a")).status_code == 200


async def test_wrong_ones_long_ago_do_not_count(client: httpx.AsyncClient, demo: Database) -> None:
    for _ in range(4):
        await tried(client, "grid-a1-a", WRONG)
    async with demo.transaction() as tx:
        await tx.rows(
            "UPDATE accounts SET tries_since = tries_since - interval '15 min' WHERE account = 'grid-a1-a'"
        )
    await tried(client, "grid-a1-a", WRONG)

    assert (await tried(client, "grid-a1-a")).status_code == 200


async def test_many_at_once_are_no_more_than_one_after_the_other(
    client: httpx.AsyncClient, demo: Database
) -> None:
    await asyncio.gather(*(tried(client, "grid-a1-a", WRONG) for _ in range(12)))

    assert (await kinds_told(demo, "grid-a1-a")).count("SignInFailed") == 5
    assert (await tried(client, "grid-a1-a")).status_code == 401


async def test_another_account_is_not_locked_with_it(client: httpx.AsyncClient) -> None:
    await locked(client)

    assert (await tried(client, "grid-a1-b")).status_code == 200


async def test_every_refusal_takes_the_same_least_time(
    client: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.__dict__, "sign_in_refused_after_ms", 800)

    async def seconds(account: str) -> float:
        begun = time.perf_counter()
        await tried(client, account, WRONG)
        return time.perf_counter() - begun

    assert min([await seconds("grid-a1-a"), await seconds("nobody")]) >= 0.79


@pytest.mark.parametrize(("account", "status"), [("administrator-1", 204), ("community-a-m1", 204)])
async def test_an_administrator_of_the_subtree_lifts_a_lock(
    client: httpx.AsyncClient, demo: Database, account: str, status: int
) -> None:
    headers = await headers_of(client, account)
    await locked(client)

    assert (await client.post("/accounts/grid-a1-a/unlock", headers=headers)).status_code == status
    assert (await tried(client, "grid-a1-a")).status_code == 200
    assert (await is_what_its_story_says(demo, "grid-a1-a")).locked_until is None


@pytest.mark.parametrize("account", ["community-b-m1", "street-s1", "grid-a1-l"])
async def test_nobody_else_does(client: httpx.AsyncClient, account: str) -> None:
    await locked(client)

    headers = await headers_of(client, account)
    assert (await client.post("/accounts/grid-a1-a/unlock", headers=headers)).status_code == 403
    assert (await tried(client, "grid-a1-a")).status_code == 401
