"""待命建议: one free person reads in their feed where they might wait; it rings nobody, and nothing is published."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import orjson
import pytest

from services.notify.handlers.office import Office
from services.notify.queries import feeds
from shared.database import Database
from shared.events.fieldwork import PlaceAdvised
from shared.ids import uuid7
from shared.vocabulary import Language
from tests.notify.conftest import Hear
from tests.notify.story import PATH, a_town


@pytest.fixture
async def database(quiet_office: Office) -> AsyncIterator[Database]:
    known = a_town().people
    ways = {"email": "a@example.org", "webhook_url": "https://example.org/hook"}
    people = {
        "a": known["a"].model_copy(update=ways),
        "b": known["b"].model_copy(update={"language": Language.ENGLISH}),
    }
    opened = Database(quiet_office.settings.database_url, source="notify", directory=a_town(people=people))
    yield opened
    await opened.close()


@pytest.fixture
def office(quiet_office: Office) -> Office:
    return quiet_office


async def advised(database: Database, person_id: str, *, ago: timedelta = timedelta(0)) -> PlaceAdvised:
    async with database.transaction() as tx:
        now = await tx.now()
    said: dict[str, Any] = {
        "at": now - ago,
        "advice_id": uuid7(),
        "street_id": PATH[1],
        "unit_path": PATH,
        "person_id": person_id,
        "grid_id": PATH[-1],
        "covered_before": 0.8,
        "covered_after": 0.9,
    }
    return PlaceAdvised(**said)


async def feed(database: Database, person_id: str) -> list[dict[str, Any]]:
    async with database.transaction() as tx:
        page = await feeds.feed_page(tx, person_id, 0, 100)
    return [orjson.loads(item.body) for item in page.items]


async def test_it_is_in_the_feed_in_their_language_and_nowhere_else(database: Database, hear: Hear) -> None:
    await hear(await advised(database, "a"))
    await hear(await advised(database, "b"))

    [of_a], [of_b] = await feed(database, "a"), await feed(database, "b")
    assert (of_a["kind"], of_a["title"]) == ("advice", "待命建议：一号网格")
    assert "只是建议" in of_a["text"]
    assert of_b["text"].startswith("You are free now.")
    assert not {"covered_before", "lon", "lat", "place"} & set(of_a)
    async with database.transaction() as tx:
        [sent] = await tx.rows("SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM outbox) AS n")
    assert sent["n"] == 0, "it rings nobody, and whether it was read is nobody's business"


async def test_after_an_outage_nobody_is_told_where_to_wait_long_ago(database: Database, hear: Hear) -> None:
    await hear(await advised(database, "a", ago=timedelta(minutes=11)))
    await hear(await advised(database, "b", ago=timedelta(minutes=9)))

    assert (len(await feed(database, "a")), len(await feed(database, "b"))) == (0, 1)
