"""Short words for what people do with accounts."""

from __future__ import annotations

from functools import reduce
from typing import Any

import httpx

from services.registry.demo.accounts import password_of
from services.registry.queries import accounts
from services.registry.rules.account_story import AccountEvent, AccountState, apply
from shared import journal
from shared.database import Database
from shared.things import Person
from tests.registry.conftest import headers_of

WRONG = "not the password"


async def tried(
    client: httpx.AsyncClient, account: str, password: str | None = None, **more: Any
) -> httpx.Response:
    """Signing in, by default with the demo's password."""
    body = {"account": account, "password": password or password_of(account), **more}
    return await client.post("/sign-in", json=body)


def bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


async def told(database: Database, account: str) -> list[AccountEvent]:
    """The account's story, its chain of hashes checked."""
    async with database.transaction() as tx:
        found = await accounts.account(tx, account)
        assert found is not None
        await journal.verify(tx, found.id)
        events = await journal.story(tx, found.id)
    assert all(isinstance(event, AccountEvent) for event in events)
    return [event for event in events if isinstance(event, AccountEvent)]


async def kinds_told(database: Database, account: str) -> list[str]:
    return [type(event).__name__ for event in await told(database, account)]


async def is_what_its_story_says(database: Database, account: str) -> AccountState:
    """The rows of an account are the fold of its story."""
    async with database.transaction() as tx:
        found = await accounts.account(tx, account)
    assert found is not None
    assert reduce(apply, await told(database, account), AccountState()) == found.state
    return found.state


async def local_administrator(client: httpx.AsyncClient) -> dict[str, str]:
    """Who administers 建设社区 and nothing else."""
    return await headers_of(client, "community-a-m1")


async def person_of(client: httpx.AsyncClient, id: str) -> Person:
    answer = await client.get(f"/people/{id}", headers=await headers_of(client, "administrator-1"))
    return Person.model_validate(answer.json())
