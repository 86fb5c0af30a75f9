"""The whole of notify on real Kafka: events of others in, a feed on a phone and a message at the gateway out, and
what notify says about it back on the topic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from services.notify.main import assemble
from services.notify.settings import Settings
from shared import codec
from shared.directory import Directory
from shared.event import CASES_TOPIC, CaseEvent
from shared.events.notify import NoticeDelivered
from shared.kafka import Outgoing, Producer, tail
from shared.topics import make_topics, partition_of
from tests.notify.conftest import serving
from tests.notify.reader import listening, take
from tests.notify.receiver import a_gateway
from tests.notify.story import Story
from tests.people import an_issuer


def outgoing(event: CaseEvent, topic: str) -> Outgoing:
    headers = codec.headers(
        id=event.id,
        type=event.type,
        source=event.source,
        at=event.at,
        subject=event.subject,
        sequence=event.sequence,
        traceparent="",
    )
    body = codec.encode_body(event).encode()
    return Outgoing(topic, partition_of(CASES_TOPIC, event.key), event.key.encode(), body, headers)


async def test_an_offer_rings_the_phone_and_the_requester_is_told(
    set_up: Callable[..., Settings], kafka_bootstrap: str, topic_prefix: str, town: Directory
) -> None:
    await make_topics(kafka_bootstrap, topic_prefix)
    story, producer = Story(), Producer(kafka_bootstrap, "others")
    environment = {"KAFKA_BOOTSTRAP": kafka_bootstrap, "TOPIC_PREFIX": topic_prefix}
    secret = set_up().webhook_secrets[0].value
    async with a_gateway(secret) as gateway:
        gateway.contacts = {"phone": "13812345678"}
        settings = set_up(**environment, INTAKE_URL=gateway.url, RESIDENT_WEBHOOK_URL=f"{gateway.url}/hook")
        service = assemble(settings, directory=town, verifier=an_issuer().verifier(settings))
        async with service.running(), serving(service) as base_url, listening(base_url, "a") as phone:
            events = [story.registered(), story.offered("a")]
            # Once more, as a relay does that died before it could delete what it had sent.
            await producer.send(outgoing(event, topic_prefix + CASES_TOPIC) for event in [*events, *events])
            [offer] = await take(phone, 1, within_seconds=60)
            told = await notices(kafka_bootstrap, topic_prefix + CASES_TOPIC, 2)
        await producer.close()
    assert offer.data["offer_id"] == str(story.offer_id)
    assert {(notice.kind, notice.person_id, notice.via) for notice in told} == {
        ("offer", "a", "feed"),
        ("registered", None, "webhook"),
    }
    assert sorted(notice.sequence for notice in told) == [1, 2]
    assert len(gateway.came) == 1


async def notices(bootstrap: str, topic: str, count: int) -> list[NoticeDelivered]:
    found: list[NoticeDelivered] = []
    async with asyncio.timeout(60):
        async for records, _ in tail(bootstrap, topic):
            decoded = [codec.decode(record.headers, record.value) for record in records]
            found += [event for event in decoded if isinstance(event, NoticeDelivered)]
            if len(found) >= count:
                return found
    pytest.fail("the topic ended")
