"""The topic alone tells the others all there is, and nothing that lets anybody in."""

from __future__ import annotations

from services.registry.handlers.things import put_things
from services.registry.main import assemble
from services.registry.settings import Settings
from shared.database import Database
from shared.topics import make_topics
from tests.registry.conftest import everything


async def test_the_topic_alone_gives_the_whole_registry(
    settings: Settings, demo: Database, kafka_bootstrap: str, topic_prefix: str
) -> None:
    await make_topics(kafka_bootstrap, topic_prefix)
    connected = settings.model_copy(update={"kafka_bootstrap": kafka_bootstrap, "topic_prefix": topic_prefix})
    service = assemble(connected)
    async with service.running():
        before = await everything(demo)
        async with service.database.transaction() as tx:
            revision = await put_things(
                tx, [before.units["grid-a1"].model_copy(update={"households": 1}), before.policies["routine"]]
            )
        assert await service.directory.reached(revision, timeout_seconds=30)

    known = await everything(demo)
    told = service.directory
    assert told.units == known.units
    assert (told.people, told.categories) == (known.people, known.categories)
    assert (told.policies, told.calendars) == (known.policies, known.calendars)
    assert told.shifts == known.shifts
    assert told.units["grid-a1"].households == 1


async def test_no_credentials_leave_the_registry(demo: Database) -> None:
    async with demo.transaction() as tx:
        hashes = [row["password_hash"] for row in await tx.rows("SELECT password_hash FROM accounts")]
        bodies = "".join(row["body"] for row in await tx.rows("SELECT body FROM outbox"))
        lines = "".join(row["data"] for row in await tx.rows("SELECT data FROM journal"))

    assert hashes
    assert not any(hash in bodies or hash in lines for hash in hashes)
    assert "password" not in bodies + lines
    assert "argon2" not in bodies + lines
