"""The read side on real Kafka: what is heard, what parks a case, and that folding the topic again gives the same."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from services.insight.queries import cases, rows
from services.insight.rebuild.compare import rebuild, told
from services.insight.rebuild.replay import FOLDED
from services.insight.subscriptions import SUBSCRIPTIONS
from shared import codec
from shared.database import Database
from shared.dead_letters import parked_cases
from shared.event import CASES_TOPIC, CaseEvent, Event
from shared.health import Beat
from shared.inbox import Inbox
from shared.kafka import Outgoing, Producer
from shared.topics import make_topics, partition_of
from tests.insight.matters import every_matter
from tests.insight.stories import dissatisfied, every_story, manhole_at_night, satisfied
from tests.insight.story import Story
from tests.insight.test_alarms import an_alarm
from tests.insight.test_fold import folded
from tests.shared.plumbing.conftest import running, until

Publish = Callable[[Sequence[Event]], Awaitable[None]]


@pytest.fixture
async def publish(kafka_bootstrap: str, topic_prefix: str) -> AsyncIterator[Publish]:
    """Put events on the topic as their owners' relays would."""
    await make_topics(kafka_bootstrap, topic_prefix)
    producer = Producer(kafka_bootstrap, "test")

    async def send(events: Sequence[Event]) -> None:
        await producer.send(
            Outgoing(
                topic_prefix + CASES_TOPIC,
                partition_of(CASES_TOPIC, event.key),
                event.key.encode(),
                codec.encode_body(event).encode(),
                codec.headers(
                    id=event.id,
                    type=event.type,
                    source=event.source,
                    at=event.at,
                    subject=event.subject,
                    sequence=event.sequence,
                    traceparent="",
                ),
            )
            for event in events
        )

    yield send
    await producer.close()


@pytest.fixture
def inbox(database: Database, kafka_bootstrap: str, topic_prefix: str) -> Inbox:
    database.directory.revision = 1
    return Inbox(
        database,
        SUBSCRIPTIONS,
        bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        group=f"{topic_prefix}insight",
        journal=False,
        complete=True,
    )


async def heard(inbox: Inbox) -> None:
    """Listen until the end of the topic."""

    async def at_the_end() -> bool:
        return inbox.listens and await inbox.behind() == 0

    async with running(inbox.run(Beat("inbox"))):
        await until(at_the_end, within_seconds=60)


def shuffled(stories: Sequence[Story], seed: int) -> list[CaseEvent]:
    """The stories as they come from six services at once: each in some order of its own, all mixed."""
    chance = random.Random(seed)
    queues = [story.order(chance.randrange) for story in stories]
    out: list[CaseEvent] = []
    while queues:
        queue = chance.choice(queues)
        out.append(queue.pop(0))
        queues = [left for left in queues if left]
    return out


async def test_everything_is_heard_and_the_rebuilt_rows_are_the_same(
    database: Database, inbox: Inbox, publish: Publish, kafka_bootstrap: str, topic_prefix: str
) -> None:
    stories = [story for _ in range(3) for story in (*every_story(), *every_matter())]
    alarms = [event for minute in range(3) for event in an_alarm(minute=minute)]
    events: list[Event] = [*alarms[:5], *shuffled(stories, seed=7), *alarms[5:]]
    # A relay that was paused publishes again: what was heard before must not count twice, in either fold.
    await publish([*events, *events[-20:]])
    await heard(inbox)
    async with database.transaction() as tx:
        stored = await rows.load(tx, [story.case_id for story in stories])
        [kept] = await tx.rows("SELECT count(*) AS n, sum(jsonb_array_length(story)) AS told FROM alarms")
    assert stored == {story.case_id: folded(story.events) for story in stories}
    assert (kept["n"], kept["told"]) == (3, 9)

    report = await rebuild(database, kafka_bootstrap, topic_prefix=topic_prefix)
    assert told(report).splitlines() == [
        f"{len(events)} events of {len(stories)} cases folded again",
        "the rebuilt rows are the same",
    ]


async def test_a_missing_number_parks_its_case_and_no_other(
    database: Database, inbox: Inbox, publish: Publish, kafka_bootstrap: str, topic_prefix: str
) -> None:
    whole, torn = satisfied(manhole_at_night()), satisfied(manhole_at_night())
    missing = next(n for n, event in enumerate(torn.events) if event.type == "yike.worker.arrived")
    await publish([*torn.events[:missing], *torn.events[missing + 1 :], *whole.events])
    await heard(inbox)
    async with database.transaction() as tx:
        [parked] = await parked_cases(tx)
        stored = await rows.load(tx, [whole.case_id, torn.case_id])
    assert parked["subject_id"] == torn.case_id
    assert "Gap" in str(parked["error"])
    assert stored[whole.case_id] == folded(whole.events)
    assert stored[torn.case_id].arrived_at is None
    assert stored[torn.case_id].handled_at is None

    report = await rebuild(database, kafka_bootstrap, topic_prefix=topic_prefix)
    assert set(report.refused) == {torn.case_id}
    assert report.same


async def test_swapping_mends_what_was_damaged(
    database: Database, inbox: Inbox, publish: Publish, kafka_bootstrap: str, topic_prefix: str
) -> None:
    story, other = dissatisfied(manhole_at_night()), satisfied(manhole_at_night())
    await publish([*story.events, *other.events])
    await heard(inbox)
    async with database.transaction() as tx:
        await tx.rows("UPDATE cases SET arrived_at = NULL WHERE case_id = :id", id=story.case_id)
        await tx.rows("DELETE FROM timeline WHERE case_id = :id AND source = 'notify'", id=story.case_id)
    found = await rebuild(database, kafka_bootstrap, topic_prefix=topic_prefix)
    assert found.different == {
        **{table: [] for table in FOLDED},
        "cases": [story.case_id],
        "timeline": [story.case_id],
    }

    await rebuild(database, kafka_bootstrap, topic_prefix=topic_prefix, swap=True)
    assert (await rebuild(database, kafka_bootstrap, topic_prefix=topic_prefix)).same
    async with database.transaction() as tx:
        assert (await rows.load(tx, [story.case_id]))[story.case_id] == folded(story.events)
        assert len(await cases.timeline(tx, story.case_id)) == len(story.events)


async def test_the_service_goes_on_where_the_swapped_rows_end(
    database: Database, inbox: Inbox, publish: Publish, kafka_bootstrap: str, topic_prefix: str
) -> None:
    story = satisfied(manhole_at_night())
    await publish(story.events[:10])
    await heard(inbox)
    await publish(story.events[10:15])  # on the topic, but not heard yet: not the rebuild's to fold
    report = await rebuild(database, kafka_bootstrap, topic_prefix=topic_prefix, swap=True)
    assert (report.events, report.same) == (10, True)
    await publish(story.events[15:])
    await heard(inbox)
    async with database.transaction() as tx:
        assert await rows.load(tx, [story.case_id]) == {story.case_id: folded(story.events)}
