"""What every test may ask for. Whoever asks for PostgreSQL or Kafka is marked `stack`; `cluster` starts it all."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from hypothesis import settings as examples

from deploy.local.stack import Stack
from tests import stack as stacks
from tests.stack import TestStack

RUN_FOLDER = "YIKE_TEST_RUN"
CLUSTERS = {"cluster", "simulated_cluster"}
# How long one example takes says how busy the machine is.
examples.register_profile("however busy", deadline=None)
examples.load_profile("however busy")

NEEDS_STACK = {"stack", "fresh_database", "empty_database", "database_url", "kafka_bootstrap", *CLUSTERS}


def pytest_configure(config: pytest.Config) -> None:
    """The run's own process makes the folder; the workers of xdist find it in their environment."""
    if not hasattr(config, "workerinput"):
        os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix="yike-tests-")
        os.environ[f"{RUN_FOLDER}_PID"] = str(os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or RUN_FOLDER not in os.environ:
        return
    folder = Path(os.environ.pop(RUN_FOLDER))
    if (folder / "stack.json").exists():
        stacks.end(stacks.read(folder / "stack.json"))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        if asked & NEEDS_STACK:
            item.add_marker("stack")
        if asked & CLUSTERS or item.get_closest_marker("cluster"):
            item.add_marker("cluster")


@pytest.fixture(scope="session")
def stack() -> TestStack:
    """The run's PostgreSQL and Kafka: `.url(database)`, `.kafka_bootstrap`, `.postgres.sql(statement)`."""
    return stacks.running(Path(os.environ[RUN_FOLDER]), int(os.environ[f"{RUN_FOLDER}_PID"]))


@pytest.fixture
def database_url(stack: TestStack) -> Iterator[Callable[..., str]]:
    """`database_url("intake")`: a new database with that service's migrations; `database_url()`: an empty one."""
    made: list[str] = []

    def make(service: str | None = None) -> str:
        name = f"test_{service or 'empty'}_{uuid4().hex[:12]}"
        made.append(name)
        return stack.make_database(name, stack.template_for(service) if service else "template0")

    yield make
    for name in made:
        stack.drop_database(name)


@pytest.fixture
def fresh_database(database_url: Callable[..., str]) -> Callable[[str], str]:
    """`fresh_database("intake")` → the URL of a database of its own with that service's migrations applied."""
    return database_url


@pytest.fixture
def empty_database(database_url: Callable[..., str]) -> Callable[[], str]:
    """`empty_database()` → the URL of a database of its own with nothing in it."""
    return database_url


@pytest.fixture(scope="session")
def kafka_bootstrap(stack: TestStack) -> str:
    return stack.kafka_bootstrap


@pytest.fixture
def topic_prefix() -> str:
    """Nobody else's topics and groups begin with it."""
    return f"t{uuid4().hex[:10]}."


@pytest.fixture
def new_topic(kafka_bootstrap: str, topic_prefix: str) -> Callable[..., Awaitable[str]]:
    """`await new_topic("cases", partitions=4, **configs)` → the name of a topic of its own that is ready."""

    async def make(name: str = "cases", partitions: int = 4, **configs: str) -> str:
        topic = topic_prefix + name
        settings = {key.replace("_", "."): value for key, value in configs.items()}
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings)])
            while True:
                [described] = await admin.describe_topics([topic])
                parts = described["partitions"]
                if len(parts) == partitions and all(part["leader"] >= 0 for part in parts):
                    return topic
                await asyncio.sleep(0.02)
        finally:
            await admin.close()

    return make


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system with the demo community, on its own ports and folder, on real time. Ended with its module
    (and xdist keeps a module on one worker): four systems beside each other starve two cores."""
    yield from whole_system(tmp_path_factory.mktemp("cluster"), {})


@pytest.fixture(scope="module")
def simulated_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The same with the simulated clock."""
    yield from whole_system(tmp_path_factory.mktemp("simulated"), {"SIMULATION": "1"})


def whole_system(folder: Path, environment: dict[str, str]) -> Iterator[Stack]:
    stack = Stack(folder, environment=environment)
    try:
        with stack:
            yield stack
    finally:
        stack.forget()
