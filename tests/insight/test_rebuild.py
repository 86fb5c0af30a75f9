"""Folding the topic again: by one at a time, and never at the price of what stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from services.insight.handlers import hearing
from services.insight.queries import rows
from services.insight.rebuild import replay
from services.insight.rebuild.compare import rebuild, told
from services.insight.rebuild.replay import AnotherGoesOnError, fresh_tables
from services.insight.rebuild.reproduce import reproduce
from shared.database import Database, Transaction
from shared.inbox import Inbox
from tests.insight.stories import manhole_at_night, satisfied
from tests.insight.test_fold import folded
from tests.insight.test_listening import Publish, heard, inbox, publish
from tests.insight.test_snapshots import a_snapshot

__all__ = ["inbox", "publish"]  # fixtures


async def test_one_folds_at_a_time(
    database: Database, inbox: Inbox, publish: Publish, kafka_bootstrap: str, topic_prefix: str
) -> None:
    story = satisfied(manhole_at_night())
    await publish(story.events)
    await heard(inbox)
    snapshot_id = await a_snapshot(database)
    async with fresh_tables(database):
        with pytest.raises(AnotherGoesOnError):
            await rebuild(database, kafka_bootstrap, topic_prefix=topic_prefix, swap=True)
        with pytest.raises(AnotherGoesOnError):
            await reproduce(database, kafka_bootstrap, snapshot_id, topic_prefix=topic_prefix)
        async with database.transaction() as tx:  # neither of them took away what the first one works with
            await tx.rows("SELECT FROM rebuilt.cases")
    assert (await rebuild(database, kafka_bootstrap, topic_prefix=topic_prefix)).same


async def test_a_rebuild_that_fails_leaves_nothing_behind(database: Database, topic_prefix: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with fresh_tables(database):
            raise ZeroDivisionError
    async with fresh_tables(database):
        pass
    async with database.transaction() as tx:
        assert await tx.rows("SELECT FROM pg_namespace WHERE nspname = 'rebuilt'") == []


async def test_a_case_that_goes_on_is_not_swapped_away(
    database: Database,
    inbox: Inbox,
    publish: Publish,
    kafka_bootstrap: str,
    topic_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refused by the rebuild only: swapped, its row would end early while later events are folded on top of it, and
    nothing would say that it stands still."""
    story, other = satisfied(manhole_at_night()), satisfied(manhole_at_night())
    await publish([*story.events, *other.events])
    await heard(inbox)
    fold = hearing.fold

    async def refusing(tx: Transaction, events: Sequence[Any], now: Any) -> None:
        if any((event.subject, event.type) == (story.case_id, "yike.case.handled") for event in events):
            raise ValueError("not understood any more")
        await fold(tx, events, now)

    monkeypatch.setattr(replay, "fold", refusing)
    report = await rebuild(database, kafka_bootstrap, topic_prefix=topic_prefix, swap=True)
    assert (report.swapped, report.going_on) == (False, [story.case_id])
    assert told(report).splitlines()[-1].startswith("1 parked here go on in what stands")
    async with database.transaction() as tx:
        stands = await rows.load(tx, [story.case_id, other.case_id])
        assert stands == {one.case_id: folded(one.events) for one in (story, other)}
        parked = {"id": story.case_id, "topic": "t", "headers": "{}", "body": b"", "error": "set aside"}
        await tx.rows(
            "INSERT INTO dead_letters (topic, partition, record_offset, subject_id, headers, body, error)"
            " VALUES (:topic, 0, 0, :id, CAST(:headers AS jsonb), :body, :error)",
            **parked,
        )
    assert (await rebuild(database, kafka_bootstrap, topic_prefix=topic_prefix, swap=True)).swapped


async def test_when_it_was_folded_first_stays(
    database: Database, inbox: Inbox, publish: Publish, kafka_bootstrap: str, topic_prefix: str
) -> None:
    """A swap mends what is folded, and does not make all of a case's story look as if it came after every snapshot."""
    story = satisfied(manhole_at_night())
    await publish(story.events)
    await heard(inbox)
    told_at = "SELECT source, sequence, folded_at FROM timeline ORDER BY 1, 2"
    async with database.transaction() as tx:
        before = [tuple(row.values()) for row in await tx.rows(told_at)]
    assert (await rebuild(database, kafka_bootstrap, topic_prefix=topic_prefix, swap=True)).same
    async with database.transaction() as tx:
        assert [tuple(row.values()) for row in await tx.rows(told_at)] == before
