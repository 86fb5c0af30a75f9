"""A registry of its own for each test, with the demo in it, and people who are really signed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from services.registry.demo.accounts import password_of
from services.registry.demo.world import write
from services.registry.main import assemble
from services.registry.queries import things as stored
from services.registry.rules.things import Known
from services.registry.settings import Settings
from shared.database import Database
from shared.directory import Directory
from shared.identity import Verifier
from shared.keys import new_secret, new_signing_keys
from shared.service import Service
from tests.people import GivenKeys
from tests.stack import TestStack

FIRST = date(2026, 11, 20)


@pytest.fixture
async def database(fresh_database: Callable[[str], str]) -> AsyncIterator[Database]:
    """An empty registry."""
    opened = Database(fresh_database("registry"), source="registry")
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def demo_template(stack: TestStack) -> Iterator[str]:
    """A database with the demo and three days of rosters, written once and copied for each test."""
    name = f"template_registry_demo_{uuid4().hex[:12]}"
    url = stack.make_database(name, stack.template_for("registry"))
    asyncio.run(_write_demo(url))
    yield name
    stack.drop_database(name)


async def _write_demo(url: str) -> None:
    database = Database(url, source="registry")
    await write(database, FIRST, days=3)
    await database.close()


@pytest.fixture
async def demo(stack: TestStack, demo_template: str) -> AsyncIterator[Database]:
    """A registry with the demo and three days of rosters."""
    name = f"test_registry_{uuid4().hex[:12]}"
    opened = Database(stack.make_database(name, demo_template), source="registry")
    yield opened
    await opened.close()
    stack.drop_database(name)


@pytest.fixture
def settings(demo: Database, tmp_path: Path) -> Settings:
    (tmp_path / "signing.jwks").write_text(new_signing_keys())
    (tmp_path / "internal.token").write_text(new_secret())
    (tmp_path / "master.key").write_text(new_secret())
    return Settings(
        yike_env="test",
        database_url=demo.url,
        kafka_bootstrap="127.0.0.1:1",
        signing_key_file=tmp_path / "signing.jwks",
        internal_token_file=tmp_path / "internal.token",
        master_key_file=tmp_path / "master.key",
        sign_in_refused_after_ms=0,
    )


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    verifier = Verifier(settings, GivenKeys(*settings.signing_keys))
    made = assemble(settings, directory=Directory.of(), verifier=verifier)
    yield made
    await made.database.close()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry/api/registry") as asking:
        yield asking


async def session_of(client: httpx.AsyncClient, account: str) -> dict[str, str]:
    """What signing in with a demo account gives."""
    answer = await client.post("/sign-in", json={"account": account, "password": password_of(account)})
    assert answer.status_code == 200, answer.text
    session: dict[str, str] = answer.json()
    return session


async def headers_of(client: httpx.AsyncClient, account: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {(await session_of(client, account))['access_token']}"}


async def everything(database: Database) -> Known:
    """All that is stored, as one."""
    kinds: list[str] = list(stored.TABLES.values())
    async with database.transaction() as tx:
        rows = {table: await tx.rows(f"SELECT CAST(body AS text) AS body FROM {table}") for table in kinds}
    return Known.of(
        kind.model_validate_json(row["body"]) for kind, table in stored.TABLES.items() for row in rows[table]
    )
