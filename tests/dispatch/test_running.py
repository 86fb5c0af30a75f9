"""Dispatch with all its loops on real Kafka: heard, searched, offered, lapsed, offered again, published."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from services.dispatch.main import assemble
from services.dispatch.settings import Settings
from services.dispatch.tables import Table
from shared import codec
from shared.database import Database
from shared.directory import Directory
from shared.event import CASES_TOPIC, CaseEvent
from shared.kafka import Outgoing, Producer
from shared.keys import new_secret
from shared.service import Service
from shared.settings import Surroundings
from shared.topics import make_topics, partition_of
from tests.dispatch.world import START, A, B, a_registration
from tests.people import an_issuer
from tests.schema import differences

WITHIN_SECONDS = 30


async def test_a_registration_becomes_an_offer_and_the_offer_an_event(
    database_url: Callable[..., str], kafka_bootstrap: str, topic_prefix: str, tmp_path: Path, town: Directory
) -> None:
    await make_topics(kafka_bootstrap, topic_prefix)
    for key in ("master", "internal"):
        (tmp_path / f"{key}.key").write_text(new_secret())
    settings = Settings.model_validate(
        {
            "yike_env": Surroundings.TEST,
            "simulation": True,
            "database_url": database_url("dispatch"),
            "kafka_bootstrap": kafka_bootstrap,
            "topic_prefix": topic_prefix,
            "files_url": str(tmp_path / "files"),
            "master_key_file": tmp_path / "master.key",
            "internal_token_file": tmp_path / "internal.key",
        }
    )
    service = assemble(settings, directory=town, verifier=an_issuer().verifier(settings))
    intake = Producer(kafka_bootstrap, "intake")
    try:
        async with service.running():
            await _set_clock(service, START)
            first = a_registration(at=START)
            await intake.send([_message(first, topic_prefix)])
            await _offered_to(service, first.case_id, A)
            await _set_clock(service, START + timedelta(minutes=2))
            await _offered_to(service, first.case_id, B)
            while await _count(service, "outbox"):
                await asyncio.sleep(0.01)
    finally:
        await intake.close()


async def _set_clock(service: Service, moment: datetime) -> None:
    async with service.database.transaction() as tx:
        await tx.rows(
            "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES (clock_timestamp(), :moment, 1)",
            moment=moment,
        )


def _message(event: CaseEvent, prefix: str) -> Outgoing:
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
    return Outgoing(prefix + CASES_TOPIC, place, event.key.encode(), body, headers)


async def _offered_to(service: Service, case_id: UUID, person_id: str) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            async with service.database.transaction() as tx:
                found = await tx.rows(
                    "SELECT 1 FROM offers WHERE case_id = :case_id AND person_id = :person_id",
                    case_id=case_id,
                    person_id=person_id,
                )
            if found:
                return
            await asyncio.sleep(0.005)


async def _count(service: Service, table: str) -> int:
    async with service.database.transaction() as tx:
        return int((await tx.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"])


async def test_the_migrations_make_what_the_tables_say(database: Database) -> None:
    assert await differences(database, Table.metadata) == []
