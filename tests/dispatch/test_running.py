"""Dispatch with all its loops on real Kafka: heard, searched, offered, lapsed, offered again, published."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from services.dispatch.settings import Settings
from services.dispatch.tables import Table
from shared.database import Database
from shared.directory import Directory
from tests.dispatch.running import LOOK_AGAIN_SECONDS, running
from tests.dispatch.world import START, A, B, a_registration
from tests.schema import differences


async def test_a_registration_becomes_an_offer_and_the_offer_an_event(
    on_kafka: Callable[..., Settings], town: Directory
) -> None:
    async with running(on_kafka(), town) as dispatch:
        await dispatch.set_clock(START)
        first = a_registration(at=START)
        await dispatch.hear(first)
        await dispatch.offered(first.case_id, A)
        await dispatch.set_clock(START + timedelta(minutes=2))
        await dispatch.offered(first.case_id, B)
        while await dispatch.count("outbox"):
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def test_the_migrations_make_what_the_tables_say(database: Database) -> None:
    assert await differences(database, Table.metadata) == []
