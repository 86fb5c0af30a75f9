"""A case that changes while what it is found by is being written: two transactions, each way round."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.handlers.indexing import index_stale
from services.intake.queries import personal
from services.intake.queries import search as entries
from services.intake.upkeep import Indexing
from shared.database import Database
from shared.service import Service
from tests.intake.test_search import found, indexed, registered
from tests.intake.world import OPERATOR, START, count, headers, inside, set_clock

NEW_PLACE = {"place": {**inside("grid-a1"), "label": "迎宾巷 3 号"}}
NEW_WORDS = {"description": "迎宾巷的窨井"}


@pytest.fixture(autouse=True)
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


def amended(change: dict[str, Any]) -> Callable[[httpx.AsyncClient, Database, UUID], Awaitable[None]]:
    async def amend(client: httpx.AsyncClient, database: Database, case_id: UUID) -> None:
        url = f"/cases/{case_id}/amend"
        answer = await client.post(url, json=change, headers=headers(*OPERATOR))
        assert answer.status_code == 200, answer.text

    return amend


async def under_another_key(client: httpx.AsyncClient, database: Database, case_id: UUID) -> None:
    async with database.transaction() as tx:
        await personal.index_anew(tx, [case_id], [None])


async def until_it_waits(database: Database, task: asyncio.Task[None]) -> None:
    """Until another transaction is what keeps it; or it is done, if nothing does."""
    waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while not task.done() and not await count(database, waiting):
        pass


@pytest.mark.parametrize(
    "change",
    [amended(NEW_PLACE), amended(NEW_WORDS), amended(NEW_PLACE | NEW_WORDS), under_another_key],
    ids=["place", "words", "place and words", "key"],
)
async def test_what_changes_while_its_entry_is_written_is_written_again(
    client: httpx.AsyncClient,
    database: Database,
    service: Service,
    change: Callable[[httpx.AsyncClient, Database, UUID], Awaitable[None]],
) -> None:
    told = await registered(client)
    async with database.transaction() as writing:
        assert len(await entries.stale(writing, 10)) == 1
        changing = asyncio.ensure_future(change(client, database, UUID(told["case_id"])))
        await until_it_waits(database, changing)
        assert not changing.done(), "it waits for whoever writes the entry"
        assert await index_stale(writing, service.sealer) == 1
    await changing
    assert await count(database, "search_stale") == 1
    await indexed(service)
    if change is not under_another_key:
        assert await found(client, text="迎宾巷") == [told["number"]]


async def test_an_entry_of_what_is_changing_is_left_to_the_next_turn(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    told = await registered(client)
    async with database.transaction() as changing:
        await changing.rows("UPDATE cases SET headline = '路灯 · 迎宾巷'")
        assert await Indexing(service.sealer).turn(database) == 0
    await indexed(service)
    assert await found(client, text="迎宾巷") == [told["number"]]


async def test_whoever_writes_entries_waits_for_nobody_who_holds_a_case_whole(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    """Who merges or parts it does, and may be waiting for its row of the list: a circle, otherwise."""
    told = await registered(client)
    async with database.transaction() as holding:
        await holding.rows("SELECT 1 FROM cases FOR UPDATE")
        assert await Indexing(service.sealer).turn(database) == 0
    assert await count(database, "search_stale") == 1
    await indexed(service)
    assert await found(client, text="井盖") == [told["number"]]
