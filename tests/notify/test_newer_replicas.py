"""While replicas are replaced a newer one writes what an older one does not know: it is left to the newer, and nothing
ends over it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from services.notify.handlers.office import Office
from services.notify.queries import feeds, messages
from services.notify.queries.people import Person
from services.notify.rules.ways import Via
from services.notify.settings import Settings
from services.notify.timers import sending as senders
from shared.database import Database
from shared.ids import uuid7
from tests.notify.conftest import hear_in
from tests.notify.receiver import Gateway, a_gateway
from tests.notify.story import NIGHT, Story
from tests.notify.test_senders import ended, register, sending, until

PLANTED = """
    INSERT INTO messages (notice_id, key, event_id, case_id, kind, person_id, via, body, priority, due_at, state,
                          digest_id)
    VALUES (:id, :key, :id, :case_id, :kind, CAST(:person_id AS text), :via, CAST('{}' AS jsonb), 0,
            clock_timestamp() - interval '1 hour', :state, CAST(:digest_id AS uuid))
"""


async def plant(database: Database, kind: str, via: str = "webhook", **given: Any) -> UUID:
    """What a newer replica wrote."""
    id = uuid7()
    row = {"case_id": uuid7(), "person_id": "b", "state": "due", "digest_id": None} | given
    async with database.transaction() as tx:
        await tx.rows(PLANTED, id=id, key=str(id), kind=kind, via=via, **row)
    return id


@pytest.fixture
async def gateway(settings: Settings) -> AsyncIterator[Gateway]:
    async with a_gateway(settings.webhook_secrets[0].value) as opened:
        opened.contacts = {"phone": "13812345678"}
        yield opened


async def test_what_it_does_not_know_it_leaves_and_sends_the_rest(
    set_up: Callable[..., Settings],
    gateway: Gateway,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(senders, "MEASURE_SECONDS", 0.0)
    settings = set_up(RESIDENT_WEBHOOK_URL=f"{gateway.url}/hook", INTAKE_URL=gateway.url)
    stories = [Story() for _ in range(3)]
    async with sending(settings, Via.WEBHOOK) as database:
        unknown = [await plant(database, "sung_to"), await plant(database, "case_urged", "pigeon")]
        digest = await plant(database, "digest")
        await plant(database, "sung_to", state="gathered", digest_id=digest)
        for story in stories:
            await register(database, story, settings)
            await until(partial(ended, database, story))
        async with database.transaction() as tx:
            rows = await tx.rows("SELECT notice_id, attempts FROM messages WHERE state = 'due'")
            assert await messages.unknown(tx) == (2, "case_urged by pigeon")
    assert {row["notice_id"]: row["attempts"] for row in rows} == dict.fromkeys([*unknown, digest], 0)
    assert REGISTRY.get_sample_value("yike_notify_unknown_rows") == 2
    said = [
        one for one in caplog.records if one.levelno == logging.WARNING and "left to a newer" in one.message
    ]
    assert len(said) == 1


async def test_an_erased_requester_s_messages_of_any_kind_are_dropped(database: Database) -> None:
    case_id = uuid7()
    await plant(database, "sung_to", case_id=case_id, person_id=None)
    known = await plant(database, "registered", case_id=case_id, person_id=None)
    async with database.transaction() as tx:
        assert [one.notice_id for one in await messages.drop_of_requester(tx, case_id)] == [known]
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT state FROM messages")
    assert [row["state"] for row in rows] == ["failed", "failed"]


def test_somebody_who_chose_a_channel_it_does_not_have_is_told_over_the_others(office: Office) -> None:
    row = Person(
        person_id="b",
        version=1,
        chosen=True,
        channels=["feed", "pigeon", "smtp"],
        quiet_from=None,
        quiet_until=None,
        digest="off",
        digest_at=None,
        language=None,
        wrapped_key=b"",
        sealed_number=None,
        devices=0,
        changed_at=NIGHT,
    )
    assert office.preferences_in(row).channels == (Via.FEED, Via.SMTP)


async def test_a_feed_with_a_row_it_does_not_know_can_still_be_read(
    database: Database, office: Office
) -> None:
    story = Story()
    async with database.transaction() as tx:
        await hear_in(office, tx, story.registered(), story.offered("a"))
    async with database.transaction() as tx:
        await tx.rows("UPDATE feed SET kind = 'sung_to' WHERE person_id = 'a'")
        now = await tx.now()
        assert await feeds.move_read(tx, "a", 1, now) == []
        assert (await feeds.numbers(tx, "a")) == (1, 1)
