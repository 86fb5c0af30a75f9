"""The small town in a registry of its own, with a clock that stands at noon, and people signed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.registry.handlers.things import put_things
from services.registry.main import assemble
from services.registry.settings import Settings
from services.registry.timers import TIMERS
from shared.database import Database
from shared.directory import Directory
from shared.keys import new_secret, new_signing_keys
from shared.service import Service
from shared.timers import TimerLoop
from tests.people import an_issuer
from tests.registry.things.town import NOON, PEOPLE, TOWN
from tests.stack import TestStack

Ask = Callable[[str], httpx.AsyncClient]
"""`ask("p-admin")`: a client that is signed in as this person."""


async def put(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    """Put a thing as somebody does who has just read what is there."""
    there = await client.get(path)
    read = {"If-Match": there.headers["etag"]} if there.status_code == 200 else {}
    return await client.put(path, json=body, headers=read)


async def retire(client: httpx.AsyncClient, path: str) -> httpx.Response:
    return await client.post(f"{path}/retire", headers={"If-Match": "*"})


async def set_clock(database: Database, at: datetime) -> None:
    """Business time stands still at `at`."""
    async with database.transaction() as tx:
        await tx.rows(
            "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES (clock_timestamp(), :at, 0)", at=at
        )


async def fire(database: Database) -> int:
    """Fire what is due, until nothing is; how many timers fired."""
    loop, fired = TimerLoop(database, TIMERS, lambda due: None), 0
    while count := await loop.fire():
        fired += count
    return fired


@pytest.fixture(scope="session")
def town_template(stack: TestStack) -> Iterator[str]:
    name = f"template_registry_town_{uuid4().hex[:12]}"
    url = stack.make_database(name, stack.template_for("registry"))
    asyncio.run(_build(url))
    yield name
    stack.drop_database(name)


async def _build(url: str) -> None:
    database = Database(url, source="registry")
    await set_clock(database, NOON)
    async with database.transaction() as tx:
        await put_things(tx, TOWN)
    await database.close()


@pytest.fixture
async def town(stack: TestStack, town_template: str) -> AsyncIterator[Database]:
    name = f"test_registry_{uuid4().hex[:12]}"
    opened = Database(stack.make_database(name, town_template), source="registry")
    yield opened
    await opened.close()
    stack.drop_database(name)


@pytest.fixture
async def town_service(town: Database, tmp_path: Path) -> AsyncIterator[Service]:
    (tmp_path / "signing.jwks").write_text(new_signing_keys())
    (tmp_path / "internal.token").write_text(new_secret())
    (tmp_path / "master.key").write_text(new_secret())
    settings = Settings(
        yike_env="test",
        database_url=town.url,
        kafka_bootstrap="127.0.0.1:1",
        signing_key_file=tmp_path / "signing.jwks",
        internal_token_file=tmp_path / "internal.token",
        master_key_file=tmp_path / "master.key",
    )
    made = assemble(settings, directory=Directory.of(), verifier=an_issuer().verifier(settings))
    yield made
    await made.database.close()


@pytest.fixture
async def ask(town_service: Service) -> AsyncIterator[Ask]:
    opened: list[httpx.AsyncClient] = []

    def signed_in(person_id: str) -> httpx.AsyncClient:
        [person] = [person for person in PEOPLE if person.id == person_id]
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(town_service.app),
            base_url="http://registry/api/registry",
            headers=an_issuer().headers(person.id, *((grant.role, grant.unit_id) for grant in person.grants)),
        )
        opened.append(client)
        return client

    yield signed_in
    for client in opened:
        await client.aclose()
