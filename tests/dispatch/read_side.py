"""What dispatch told, on its way: over its outbox and the topic to insight, and read there as a figure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.insight.api.drilldown import Members, page
from services.insight.figures.definition import printed
from services.insight.figures.shipped import DEFINITIONS
from services.insight.queries import counts
from services.insight.subscriptions import SUBSCRIPTIONS
from shared.database import Database
from shared.inbox import Inbox
from shared.kafka import Producer
from shared.outbox import Relay
from shared.topics import make_topics
from tests.dispatch.world import Scene
from tests.insight.test_listening import heard


@dataclass(frozen=True)
class ReadSide:
    database: Database
    scope: counts.Scope

    async def figure(self, name: str) -> str:
        """n/d of the street."""
        async with self.database.transaction() as tx:
            return printed(await counts.value(tx, DEFINITIONS[name], self.scope))

    async def behind(self, name: str) -> Members:
        async with self.database.transaction() as tx:
            return await page(tx, DEFINITIONS[name], self.scope, "d", None, 500)


@asynccontextmanager
async def reading(scene: Scene, url: str, bootstrap: str, prefix: str) -> AsyncIterator[ReadSide]:
    """Insight, once it has heard everything that dispatch has told until now."""
    await make_topics(bootstrap, prefix)
    relay = Relay(scene.database, Producer(bootstrap, "test"), topic_prefix=prefix)
    while await relay.publish():
        pass
    await relay.close()
    database = Database(url, source="insight", directory=scene.database.directory)
    where: dict[str, Any] = {"bootstrap": bootstrap, "topic_prefix": prefix, "group": f"{prefix}insight"}
    await heard(Inbox(database, SUBSCRIPTIONS, **where, journal=False, complete=True))
    day = timedelta(days=1)
    yield ReadSide(database, counts.Scope(("street",), scene.now - 9 * day, scene.now + day, scene.now + day))
    await database.close()
