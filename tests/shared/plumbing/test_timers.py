"""Due timers fire once, never early, oldest first, whoever looks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.database import Database, Transaction
from shared.ids import uuid7
from shared.timers import Due, TimerLoop
from tests.shared.plumbing.conftest import Plumbed, count, running, until
from tests.shared.plumbing.test_clock import SIM, anchor


async def arm(database: Database, case_id: UUID, due_at: datetime, kind: str = "due") -> None:
    async with database.transaction() as tx:
        await tx.lock(case_id)
        tx.arm(case_id, kind, due_at)


def loop_of(
    database: Database, fired: list[tuple[Due, datetime]], observed: list[Due] | None = None
) -> TimerLoop:
    async def keep(tx: Transaction, due: Due, now: datetime) -> None:
        fired.append((due, now))

    return TimerLoop(
        database, {"due": keep, "amber": keep}, (observed if observed is not None else []).append
    )


async def test_two_replicas_fire_every_timer_once_and_never_early(plumbed: Plumbed) -> None:
    database = await plumbed()
    replica = await plumbed(url=database.url)
    cases = [uuid7() for _ in range(150)]
    start = (await database.read_clock()).now
    await asyncio.gather(
        *(arm(database, case, start + timedelta(milliseconds=4 * n)) for n, case in enumerate(cases))
    )
    fired: list[tuple[Due, datetime]] = []
    loops = [loop_of(database, fired), loop_of(replica, fired)]

    async def none_left() -> bool:
        return await count(database, "timers") == 0

    async with running(*(loop.run(lambda: None) for loop in loops)):  # type: ignore[arg-type]
        await until(none_left)
    assert sorted(due.subject_id for due, _ in fired) == sorted(cases)
    assert all(now >= due.due_at for due, now in fired)


async def test_a_timer_that_was_cancelled_or_moved_does_not_fire(plumbed: Plumbed) -> None:
    database, cancelled, moved = await plumbed(), uuid7(), uuid7()
    await anchor(database, 0)
    for case_id in (cancelled, moved):
        await arm(database, case_id, SIM)
    async with database.transaction() as tx:
        await tx.lock(cancelled, moved)
        tx.disarm(cancelled)
        tx.arm(moved, "due", SIM + timedelta(minutes=1))
    fired: list[tuple[Due, datetime]] = []
    assert await loop_of(database, fired).fire() == 0
    await anchor(database, 0, sim=SIM + timedelta(minutes=1))
    assert await loop_of(database, fired).fire() == 1
    assert [due.subject_id for due, _ in fired] == [moved]


async def test_timers_of_one_case_fire_in_the_order_they_were_due(plumbed: Plumbed) -> None:
    database, case_id = await plumbed(), uuid7()
    await arm(database, case_id, SIM + timedelta(minutes=2), "due")
    await arm(database, case_id, SIM + timedelta(minutes=1), "amber")
    fired: list[tuple[Due, datetime]] = []
    await loop_of(database, fired).fire()
    assert [due.kind for due, _ in fired] == ["amber", "due"]


async def test_an_effect_takes_back_a_later_timer_of_the_same_moment(plumbed: Plumbed) -> None:
    """Both were due; what the first one did makes the second void."""
    database, case_id = await plumbed(), uuid7()
    await arm(database, case_id, SIM, "amber")
    await arm(database, case_id, SIM + timedelta(minutes=1), "due")
    fired: list[str] = []

    async def handle(tx: Transaction, due: Due, now: datetime) -> None:
        fired.append(due.kind)
        tx.disarm(case_id)

    await TimerLoop(database, {"amber": handle, "due": handle}, lambda due: None).fire()
    assert fired == ["amber"]
    assert await count(database, "timers") == 0


async def test_a_timer_armed_in_the_past_is_found_at_once(plumbed: Plumbed) -> None:
    """Not only by the sweep that looks below the lower bound every few seconds."""
    database, case_id = await plumbed(), uuid7()
    fired: list[tuple[Due, datetime]] = []
    loop = loop_of(database, fired)
    for _ in range(2):
        await loop.fire()
    await arm(database, case_id, SIM)
    await loop.fire()
    assert [due.subject_id for due, _ in fired] == [case_id]


async def test_a_timer_whose_case_is_locked_fires_as_soon_as_it_is_free(plumbed: Plumbed) -> None:
    """The lower bound must not pass it by: it would wait for the sweep."""
    database, case_id = await plumbed(), uuid7()
    await arm(database, case_id, SIM)
    fired: list[tuple[Due, datetime]] = []
    loop = loop_of(database, fired)
    async with database.transaction() as tx:
        await tx.lock(case_id)
        for _ in range(2):
            assert await loop.fire() == 0
    assert await loop.fire() == 1


async def test_a_handler_that_fails_keeps_its_timer_and_holds_up_nobody(plumbed: Plumbed) -> None:
    database, bad, good = await plumbed(), uuid7(), uuid7()
    await arm(database, bad, SIM)
    await arm(database, good, SIM + timedelta(seconds=1))
    fired: list[UUID] = []

    async def handle(tx: Transaction, due: Due, now: datetime) -> None:
        if due.subject_id == bad:
            raise ValueError("cannot")
        fired.append(due.subject_id)

    loop = TimerLoop(database, {"due": handle}, lambda due: None)
    await loop.fire()
    assert fired == [good]
    assert await count(database, "timers") == 1


async def test_an_effect_that_rolls_back_leaves_its_timer(plumbed: Plumbed) -> None:
    """The once-token goes with the effect: a crash before COMMIT fires again, a commit never does."""
    database, case_id = await plumbed(), uuid7()
    await arm(database, case_id, SIM)
    attempts: list[str] = []

    async def handle(tx: Transaction, due: Due, now: datetime) -> None:
        attempts.append(due.kind)
        if len(attempts) == 1:
            await tx.rows("SELECT pg_terminate_backend(pg_backend_pid())")

    loop = TimerLoop(database, {"due": handle}, lambda due: None)
    for _ in range(2):
        try:
            await loop.fire()
        except Exception:
            assert await count(database, "timers") == 1
    assert attempts == ["due", "due"]
    assert await count(database, "timers") == 0


async def test_lateness_is_real_time_since_the_jump_that_made_it_due(plumbed: Plumbed) -> None:
    database, case_id = await plumbed(), uuid7()
    await anchor(database, 0)
    await arm(database, case_id, SIM + timedelta(hours=10))
    await anchor(database, 0, sim=SIM + timedelta(days=30))
    observed: list[Due] = []
    await loop_of(database, [], observed).fire()
    assert 0 <= observed[0].late_ms < 5_000


async def test_a_timer_armed_in_the_past_counts_its_lateness_from_being_armed(plumbed: Plumbed) -> None:
    database, case_id = await plumbed(), uuid7()
    await arm(database, case_id, datetime(2020, 1, 1, tzinfo=UTC))
    observed: list[Due] = []
    await loop_of(database, [], observed).fire()
    assert 0 <= observed[0].late_ms < 5_000


async def test_a_timer_armed_anew_before_its_turn_came_rings_at_its_new_time_alone(plumbed: Plumbed) -> None:
    database, case_id = await plumbed(), uuid7()
    await anchor(database, 0)
    await arm(database, case_id, SIM - timedelta(seconds=2), "first")
    await arm(database, case_id, SIM - timedelta(seconds=1), "second")
    rung: list[str] = []

    async def first(tx: Transaction, due: Due, now: datetime) -> None:
        rung.append(due.kind)
        tx.arm(case_id, "second", SIM + timedelta(hours=1))

    async def second(tx: Transaction, due: Due, now: datetime) -> None:
        rung.append(due.kind)

    await TimerLoop(database, {"first": first, "second": second}, lambda due: None).fire()
    assert rung == ["first"]
    assert await count(database, "timers") == 1
