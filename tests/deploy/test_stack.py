"""The tests' own ground: databases of their own, topics of their own, the mark that says what a test needs."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy.engine import make_url


async def connect(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    )


async def test_each_call_gives_a_database_of_its_own(empty_database: Callable[[], str]) -> None:
    one, other = await connect(empty_database()), await connect(empty_database())
    try:
        await one.execute("CREATE TABLE cases (id int)")
        assert await one.fetchval("SELECT to_regclass('cases')::text") == "cases"
        assert await other.fetchval("SELECT to_regclass('cases')::text") is None
    finally:
        await one.close()
        await other.close()


async def test_postgresql_is_eighteen_with_what_the_services_need(empty_database: Callable[[], str]) -> None:
    connection = await connect(empty_database())
    try:
        assert connection.get_server_version().major == 18
        for extension in ("pg_trgm", "btree_gist"):
            await connection.execute(f"CREATE EXTENSION {extension}")
    finally:
        await connection.close()


async def test_a_topic_of_its_own_takes_and_gives_messages(
    kafka_bootstrap: str, new_topic: Callable[..., Awaitable[str]]
) -> None:
    topic = await new_topic("cases", partitions=2)
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, b"registered", key=b"case")
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        message = await asyncio.wait_for(consumer.getone(), 10)
    assert (message.key, message.value) == (b"case", b"registered")


def test_who_asks_for_a_database_is_marked(
    request: pytest.FixtureRequest, empty_database: Callable[[], str]
) -> None:
    assert request.node.get_closest_marker("stack") is not None


def test_who_asks_for_nothing_is_not_marked(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("stack") is None
