"""One transaction: the story, its numbers, its hashes, and nothing of it when the transaction fails."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.database import Database
from shared.events.dispatch import NobodyAvailable
from shared.events.intake import FollowUpOpened
from shared.ids import uuid7
from shared.journal import EVENT_BYTES_MAX, JournalBroken, story, verify
from shared.vocabulary import Level, PartRole
from tests.shared.plumbing.conftest import Plumbed, an_amber, count


async def tell(database: Database, case_id: UUID, times: int = 1) -> None:
    async with database.transaction() as tx:
        await tx.lock(case_id)
        for minute in range(times):
            tx.announce(an_amber(case_id, minute))


async def test_announced_events_are_numbered_journalled_and_put_out_in_order(plumbed: Plumbed) -> None:
    database, case_id = await plumbed(), uuid7()
    await tell(database, case_id, 3)
    await tell(database, case_id, 2)
    async with database.transaction() as tx:
        told = await story(tx, case_id)
        waiting = await tx.rows("SELECT sequence, type, subject_id FROM outbox ORDER BY id")
        assert await verify(tx, case_id) == 5
    assert [event.sequence for event in told] == [1, 2, 3, 4, 5]
    assert [row["sequence"] for row in waiting] == [1, 2, 3, 4, 5]
    assert told[0] == an_amber(case_id).model_copy(update={"id": told[0].id, "sequence": 1})


async def test_a_noted_event_is_journalled_but_not_published_and_leaves_no_gap_for_listeners(
    plumbed: Plumbed,
) -> None:
    database, case_id = await plumbed(), uuid7()
    heard = FollowUpOpened(
        case_id=case_id,
        at=datetime.now(UTC),
        sequence=7,
        follow_up_id=uuid7(),
        round=1,
        link_can_be_sent=True,
    )
    async with database.transaction() as tx:
        await tx.lock(case_id)
        tx.announce(an_amber(case_id))
        tx.note(heard)
        tx.announce(an_amber(case_id, 1))
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT seq, source, sequence FROM journal ORDER BY seq")
        published = await tx.rows("SELECT sequence FROM outbox ORDER BY id")
        assert (await story(tx, case_id))[1] == heard
    assert [(row["seq"], row["source"], row["sequence"]) for row in rows] == [
        (1, "escalation", 1),
        (2, "intake", 7),
        (3, "escalation", 2),
    ]
    assert [row["sequence"] for row in published] == [1, 2]


async def test_a_transaction_that_fails_leaves_nothing(plumbed: Plumbed) -> None:
    database, case_id = await plumbed(), uuid7()
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await tx.lock(case_id)
            tx.announce(an_amber(case_id))
            tx.arm(case_id, "due", datetime.now(UTC))
            raise ZeroDivisionError
    assert [await count(database, table) for table in ("journal", "outbox", "timers", "heads")] == [
        0,
        0,
        0,
        0,
    ]


async def test_an_event_of_another_owner_or_of_an_unlocked_case_is_refused(plumbed: Plumbed) -> None:
    database, case_id = await plumbed("intake"), uuid7()
    async with database.transaction() as tx:
        await tx.lock(case_id)
        with pytest.raises(AssertionError, match="belongs to escalation"):
            tx.announce(an_amber(case_id))
        with pytest.raises(AssertionError, match="without locking"):
            tx.note(an_amber(uuid7()))


async def test_an_event_too_large_for_the_broker_is_refused_before_it_is_written(plumbed: Plumbed) -> None:
    database, case_id = await plumbed(), uuid7()
    nobody = NobodyAvailable(
        case_id=case_id,
        at=datetime.now(UTC),
        part_id=uuid7(),
        part_role=PartRole.OWNER,
        level=Level.GRID,
        round=1,
        unit_id="u" * EVENT_BYTES_MAX,
    )
    dispatch = await plumbed("dispatch", url=database.url)
    with pytest.raises(ValueError, match="at most"):
        async with dispatch.transaction() as tx:
            await tx.lock(case_id)
            tx.announce(nobody)


async def test_a_changed_line_of_the_journal_is_found(plumbed: Plumbed) -> None:
    database, case_id = await plumbed(), uuid7()
    await tell(database, case_id, 3)
    async with database.transaction() as tx:
        await tx.rows("UPDATE journal SET data = replace(data, 'grid', 'street') WHERE seq = 2")
        with pytest.raises(JournalBroken, match="line 2"):
            await verify(tx, case_id)


async def test_a_removed_line_of_the_journal_is_found(plumbed: Plumbed) -> None:
    database, case_id = await plumbed(), uuid7()
    await tell(database, case_id, 3)
    async with database.transaction() as tx:
        await tx.rows("DELETE FROM journal WHERE seq = 2")
        with pytest.raises(JournalBroken, match="line 2"):
            await verify(tx, case_id)


async def test_writers_of_the_same_cases_never_deadlock_and_number_without_gaps(plumbed: Plumbed) -> None:
    """Twenty transactions over the same new and old cases, each naming them in another order."""
    database = await plumbed()
    cases = [uuid7() for _ in range(6)]

    async def write(shift: int) -> None:
        async with database.transaction() as tx:
            mine = cases[shift:] + cases[:shift]
            await tx.lock(*mine)
            for case_id in mine:
                tx.announce(an_amber(case_id))

    async with asyncio.timeout(30):
        await asyncio.gather(*(write(number % len(cases)) for number in range(20)))
    async with database.transaction() as tx:
        for case_id in cases:
            assert await verify(tx, case_id) == 20


async def test_business_time_is_never_before_the_last_event_of_the_case(plumbed: Plumbed) -> None:
    database, case_id = await plumbed(), uuid7()
    async with database.transaction() as tx:
        now = await tx.lock(case_id)
        ahead = now + timedelta(hours=1)
        tx.announce(an_amber(case_id).model_copy(update={"at": ahead}))
    async with database.transaction() as tx:
        assert await tx.lock(case_id) == ahead


async def test_try_lock_passes_over_a_case_that_somebody_else_holds(plumbed: Plumbed) -> None:
    database, held, free = await plumbed(), uuid7(), uuid7()
    await tell(database, held)
    await tell(database, free)
    async with database.transaction() as holder:
        await holder.lock(held)
        async with database.transaction() as tx:
            locked, now = await tx.try_lock([held, free])
    assert locked == {free}
    assert now is not None


async def test_what_is_left_for_the_end_is_done_after_the_story_and_before_the_commit(
    plumbed: Plumbed,
) -> None:
    database, case_id, seen = await plumbed(), uuid7(), []

    async with database.transaction() as tx:
        await tx.lock(case_id)

        async def at_the_end() -> None:
            seen.append((await tx.rows("SELECT count(*) AS n FROM journal"))[0]["n"])
            seen.append(await count(database, "journal"))  # as others see it

        tx.at_end(at_the_end)
        tx.announce(an_amber(case_id))
        assert not seen
    assert seen == [1, 0]


async def test_a_failure_at_the_end_undoes_everything(plumbed: Plumbed) -> None:
    database, case_id = await plumbed(), uuid7()

    async def fail() -> None:
        raise ValueError("cannot")

    with pytest.raises(ValueError, match="cannot"):
        async with database.transaction() as tx:
            await tx.lock(case_id)
            tx.announce(an_amber(case_id))
            tx.at_end(fail)
    assert await count(database, "journal") == await count(database, "outbox") == 0
