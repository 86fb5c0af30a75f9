"""Dispatch with all its loops on real Kafka and PostgreSQL, and intake's end of the topic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.dispatch.main import assemble
from services.dispatch.settings import Settings
from shared import codec
from shared.directory import Directory
from shared.event import CASES_TOPIC, CaseEvent
from shared.kafka import Outgoing, Producer
from shared.service import Service
from shared.topics import make_topics, partition_of
from tests.people import an_issuer

WITHIN_SECONDS = 30
LOOK_AGAIN_SECONDS = 0.005


@dataclass
class Running:
    service: Service
    intake: Producer
    prefix: str

    async def set_clock(self, moment: datetime) -> None:
        async with self.service.database.transaction() as tx:
            await tx.rows(
                "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES (clock_timestamp(), :moment, 1)",
                moment=moment,
            )

    async def hear(self, event: CaseEvent) -> None:
        """Intake publishes it."""
        headers = codec.headers(
            id=event.id,
            type=event.type,
            source=event.source,
            at=event.at,
            subject=event.case_id,
            sequence=1,
            traceparent="",
        )
        body = codec.encode_body(event).encode()
        place = partition_of(CASES_TOPIC, event.key)
        await self.intake.send(
            [Outgoing(self.prefix + CASES_TOPIC, place, event.key.encode(), body, headers)]
        )

    async def offered(self, case_id: UUID, person_id: str | None = None) -> UUID:
        """Wait for the case's (the person's) offer."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while True:
                async with self.service.database.transaction() as tx:
                    found = await tx.rows(
                        "SELECT id FROM offers WHERE case_id = :case_id"
                        " AND person_id = coalesce(CAST(:person_id AS text), person_id)",
                        case_id=case_id,
                        person_id=person_id,
                    )
                if found:
                    return UUID(str(found[0]["id"]))
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def count(self, table: str) -> int:
        async with self.service.database.transaction() as tx:
            return int((await tx.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"])


@asynccontextmanager
async def running(settings: Settings, town: Directory) -> AsyncIterator[Running]:
    await make_topics(settings.kafka_bootstrap, settings.topic_prefix)
    service = assemble(settings, directory=town, verifier=an_issuer().verifier(settings))
    intake = Producer(settings.kafka_bootstrap, "intake")
    try:
        async with service.running():
            yield Running(service, intake, settings.topic_prefix)
    finally:
        await intake.close()
