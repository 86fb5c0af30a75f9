"""What others published, applied once in effect: duplicates, successors, poison, gaps, a rebalance."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import pytest

from shared import codec
from shared.database import Database, Transaction
from shared.dead_letters import parked_cases, replay, subjects
from shared.event import CASES_TOPIC
from shared.events.escalation import DeadlineAmber
from shared.health import Beat
from shared.ids import uuid7
from shared.inbox import FAILURES_IN_A_ROW_MAX, Inbox, Moved, TooManyFailures
from shared.journal import story
from shared.kafka import Consumer, Outgoing, Producer, Record
from shared.topics import make_topics, partition_of
from tests.shared.plumbing.conftest import Plumbed, an_amber, count, running, until


def a_record(case_id: UUID, sequence: int, offset: int, partition: int = 3, **changes: str) -> Record:
    event = an_amber(case_id, sequence).model_copy(update={"sequence": sequence})
    headers = codec.headers(
        id=event.id,
        type=event.type,
        source=event.source,
        at=event.at,
        subject=case_id,
        sequence=sequence,
        traceparent="",
    )
    given = {name: value.decode() for name, value in headers} | changes
    return Record(CASES_TOPIC, partition, offset, str(case_id), codec.encode_body(event).encode(), given)


class Listener:
    """Keeps what it heard; refuses the cases it is told to."""

    def __init__(self, database: Database, *, complete: bool = False) -> None:
        self.database = database
        self.refused: set[UUID] = set()
        self.inbox = Inbox(database, {DeadlineAmber: self.hear}, bootstrap="unused", complete=complete)

    async def hear(self, tx: Transaction, event: DeadlineAmber, now: datetime) -> None:
        if event.case_id in self.refused:
            raise ValueError("cannot")
        await tx.rows("CREATE TABLE IF NOT EXISTS heard (n serial, case_id uuid, sequence bigint)")
        await tx.rows(
            "INSERT INTO heard (case_id, sequence) VALUES (:case_id, :sequence)",
            case_id=event.case_id,
            sequence=event.sequence,
        )

    async def heard(self, case_id: UUID) -> list[int]:
        async with self.database.transaction() as tx:
            rows = await tx.rows(
                "SELECT sequence FROM heard WHERE case_id = :case_id ORDER BY n", case_id=case_id
            )
        return [row["sequence"] for row in rows]

    async def apply(self, records: Sequence[Record]) -> tuple[int, int, int, int, int]:
        tally = await self.inbox.apply(records)
        return tally.applied, tally.seen_before, tally.skipped, tally.parked, tally.dead_lettered


async def test_an_event_is_applied_once_however_often_it_is_published(plumbed: Plumbed) -> None:
    listener, case_id = Listener(await plumbed("notify")), uuid7()
    assert await listener.apply([a_record(case_id, n, n) for n in (1, 2)]) == (2, 0, 0, 0, 0)
    again = [a_record(case_id, n, offset) for offset, n in enumerate((1, 2, 3, 2), start=3)]
    assert await listener.apply(again) == (1, 3, 0, 0, 0)
    assert await listener.heard(case_id) == [1, 2, 3]
    async with listener.database.transaction() as tx:
        assert [event.sequence for event in await story(tx, case_id)] == [1, 2, 3]


async def test_a_record_nobody_here_listens_to_is_passed_without_reading_its_body(plumbed: Plumbed) -> None:
    listener, case_id = Listener(await plumbed("notify")), uuid7()
    foreign = a_record(case_id, 1, 1, ce_type="yike.something.else")
    assert await listener.apply([foreign, a_record(case_id, 1, 2)]) == (1, 0, 1, 0, 0)
    assert (await listener.inbox.positions(CASES_TOPIC, [3])) == {3: 3}


async def test_a_batch_that_a_successor_applied_meanwhile_is_given_up(plumbed: Plumbed) -> None:
    """A consumer paused for longer than its session wakes with an old batch in hand."""
    listener, case_id = Listener(await plumbed("notify")), uuid7()
    await listener.apply([a_record(case_id, n, n) for n in (1, 2, 3)])
    with pytest.raises(Moved):
        await listener.apply([a_record(case_id, 2, 2)])
    assert await listener.heard(case_id) == [1, 2, 3]


async def test_a_record_that_cannot_be_applied_parks_its_case_and_no_other(plumbed: Plumbed) -> None:
    listener, bad, good = Listener(await plumbed("notify")), uuid7(), uuid7()
    listener.refused.add(bad)
    records = [a_record(bad, 1, 1), a_record(good, 1, 2), a_record(bad, 2, 3), a_record(good, 2, 4)]
    assert await listener.apply(records) == (2, 0, 0, 1, 1)
    assert await listener.heard(good) == [1, 2]
    listener.refused.clear()
    assert await listener.apply([a_record(bad, 3, 5)]) == (0, 0, 0, 1, 0)
    assert await listener.heard(bad) == []


async def test_replaying_applies_what_was_parked_in_order_and_unparks(plumbed: Plumbed) -> None:
    listener, bad = Listener(await plumbed("notify")), uuid7()
    await listener.apply([a_record(uuid7(), 1, 1)])
    listener.refused.add(bad)
    await listener.apply([a_record(bad, n, n + 1) for n in (1, 2, 3)])
    assert "cannot" in (await replay(listener.database, listener.inbox, bad) or "")
    assert await count(listener.database, "dead_letters") == 3
    listener.refused.clear()
    assert await replay(listener.database, listener.inbox, bad) is None
    async with listener.database.transaction() as tx:
        assert await parked_cases(tx) == []
    await listener.apply([a_record(bad, 4, 9)])
    assert await listener.heard(bad) == [1, 2, 3, 4]


async def test_what_one_poll_brings_from_several_partitions_is_one_transaction(
    plumbed: Plumbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, cases = Listener(await plumbed("notify")), [uuid7() for _ in range(3)]
    written: list[Transaction] = []
    write = Transaction.write

    async def counting(tx: Transaction) -> None:
        written.append(tx)
        await write(tx)

    monkeypatch.setattr(Transaction, "write", counting)
    await listener.inbox.apply_all([[a_record(case, 1, 7, partition=n)] for n, case in enumerate(cases)])
    assert len(written) == 1
    assert await listener.inbox.positions(CASES_TOPIC, range(16)) == {0: 8, 1: 8, 2: 8}
    assert [await listener.heard(case) for case in cases] == [[1], [1], [1]]


async def test_a_bad_record_of_one_partition_holds_up_no_other(plumbed: Plumbed) -> None:
    listener, bad, good = Listener(await plumbed("notify")), uuid7(), uuid7()
    listener.refused.add(bad)
    await listener.inbox.apply_all([[a_record(bad, 1, 1, partition=0)], [a_record(good, 1, 1, partition=1)]])
    assert await listener.heard(good) == [1]
    assert await count(listener.database, "dead_letters") == 1


async def test_a_poll_is_given_up_whole_if_one_of_its_partitions_moved(plumbed: Plumbed) -> None:
    listener, one, other = Listener(await plumbed("notify")), uuid7(), uuid7()
    await listener.apply([a_record(one, n, n) for n in (1, 2)])
    with pytest.raises(Moved):
        await listener.inbox.apply_all([[a_record(other, 1, 1, partition=0)], [a_record(one, 2, 2)]])
    assert await listener.heard(other) == []


async def test_a_body_that_cannot_be_read_is_set_aside(plumbed: Plumbed) -> None:
    listener, bad, good = Listener(await plumbed("notify")), uuid7(), uuid7()
    broken = Record(CASES_TOPIC, 3, 1, str(bad), b"{", a_record(bad, 1, 1).headers)
    forged = a_record(bad, 2, 2, ce_source="intake")
    assert await listener.apply([broken, forged, a_record(good, 1, 3)]) == (1, 0, 0, 0, 2)
    assert await listener.heard(good) == [1]


async def test_too_many_failures_in_a_row_stop_the_loop_instead_of_burying_everything(
    plumbed: Plumbed,
) -> None:
    listener = Listener(await plumbed("notify"))
    cases = [uuid7() for _ in range(FAILURES_IN_A_ROW_MAX + 3)]
    listener.refused.update(cases)
    with pytest.raises(TooManyFailures):
        await listener.apply([a_record(case_id, 1, n) for n, case_id in enumerate(cases)])
    assert await count(listener.database, "dead_letters") == FAILURES_IN_A_ROW_MAX


class Topic:
    """A consumer of these records that begins again at the stored position when it is told to."""

    def __init__(self, listener: Listener, records: Sequence[Record]) -> None:
        self.listener, self.records, self.rewound = listener, records, 0
        self.working, self.has_joined = asyncio.Lock(), True

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def commit(self, next_offsets: object) -> None: ...

    async def rewind(self) -> None:
        self.rewound += 1

    async def poll(self) -> dict[int, list[Record]]:
        await asyncio.sleep(0.01)
        stored = await self.listener.inbox.positions(CASES_TOPIC, [3])
        ahead = [record for record in self.records if record.offset >= stored.get(3, 0)]
        return {3: ahead} if ahead else {}


async def test_after_many_failures_it_stands_still_and_goes_on_when_the_cause_is_mended(
    plumbed: Plumbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ending instead would have the process started again, to bury the next five each time."""
    monkeypatch.setattr("shared.inbox.STANDING_SECONDS", 0)
    listener = Listener(await plumbed("notify"))
    cases = [uuid7() for _ in range(FAILURES_IN_A_ROW_MAX + 3)]
    listener.refused.update(cases)
    topic = Topic(listener, [a_record(case_id, 1, n) for n, case_id in enumerate(cases)])
    listener.inbox.consumer = cast("Consumer", topic)

    async def stands_still() -> bool:
        return topic.rewound >= 3

    async def at_the_end() -> bool:
        return (await listener.inbox.positions(CASES_TOPIC, [3])).get(3) == len(cases)

    async with running(listener.inbox.run(Beat("inbox"))):
        await until(stands_still)
        assert await count(listener.database, "dead_letters") == FAILURES_IN_A_ROW_MAX
        listener.refused.clear()
        await until(at_the_end)
    assert await count(listener.database, "heard") == 3


async def test_a_record_that_names_no_case_does_not_stand_in_the_way_of_a_replay(plumbed: Plumbed) -> None:
    listener, case_id = Listener(await plumbed("notify")), uuid7()
    listener.refused.add(case_id)
    await listener.apply([a_record(case_id, 1, 1), a_record(uuid7(), 1, 2, ce_subject="nobody")])
    async with listener.database.transaction() as tx:
        letters = await parked_cases(tx)
    assert len(letters) == 2
    assert subjects(letters) == [case_id]


async def test_who_hears_everything_notices_a_missing_number(plumbed: Plumbed) -> None:
    listener, case_id = Listener(await plumbed("insight"), complete=True), uuid7()
    assert await listener.apply([a_record(case_id, 1, 1), a_record(case_id, 3, 2)]) == (1, 0, 0, 0, 1)
    async with listener.database.transaction() as tx:
        assert "came after 1" in str((await parked_cases(tx))[0]["error"])


async def test_a_rebalance_in_the_middle_of_a_batch_loses_and_repeats_nothing(
    plumbed: Plumbed, kafka_bootstrap: str, topic_prefix: str
) -> None:
    """A second replica joins while the first one is applying, and later leaves again."""
    await make_topics(kafka_bootstrap, topic_prefix)
    database = await plumbed("notify")
    cases = [uuid7() for _ in range(40)]
    producer = Producer(kafka_bootstrap, "test")
    applied: dict[UUID, list[int]] = {case_id: [] for case_id in cases}

    async def hear(tx: Transaction, event: DeadlineAmber, now: datetime) -> None:
        await asyncio.sleep(0.001)
        applied[event.case_id].append(event.sequence)

    def replica() -> Inbox:
        return Inbox(database, {DeadlineAmber: hear}, bootstrap=kafka_bootstrap, topic_prefix=topic_prefix)

    async def publish(sequence: int) -> None:
        records = [a_record(case_id, sequence, 0) for case_id in cases]
        await producer.send(
            Outgoing(
                topic_prefix + CASES_TOPIC,
                partition_of(CASES_TOPIC, record.key),
                record.key.encode(),
                record.value,
                [(name, value.encode()) for name, value in record.headers.items()],
            )
            for record in records
        )

    async def everywhere(sequence: int) -> bool:
        return all(sequences[-1:] == [sequence] for sequences in applied.values())

    async with running(replica().run(lambda: None)):  # type: ignore[arg-type]
        for sequence in range(1, 6):
            await publish(sequence)
        async with running(replica().run(lambda: None)):  # type: ignore[arg-type]
            for sequence in range(6, 16):
                await publish(sequence)
            await until(lambda: everywhere(15))
        await publish(16)
        await until(lambda: everywhere(16), within_seconds=30)
    await producer.close()
    assert all(sequences == list(range(1, 17)) for sequences in applied.values())
