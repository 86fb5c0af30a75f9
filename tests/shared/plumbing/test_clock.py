"""Business time: real outside a simulation; by anchor inside one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.clock import Reading
from shared.database import Database
from tests.shared.plumbing.conftest import Plumbed

SIM = datetime(2020, 4, 7, tzinfo=UTC)


async def anchor(database: Database, rate: float, *, real_offset: str = "0 s", sim: datetime = SIM) -> None:
    async with database.transaction() as tx:
        await tx.rows(
            "INSERT INTO clock_anchors (real_from, sim_from, rate) "
            "VALUES (clock_timestamp() + CAST(CAST(:offset AS text) AS interval), :sim, :rate)",
            offset=real_offset,
            sim=sim,
            rate=rate,
        )


async def test_without_an_anchor_business_time_is_real_time(plumbed: Plumbed) -> None:
    reading = await (await plumbed()).read_clock()
    assert abs(datetime.now(UTC) - reading.now) < timedelta(seconds=5)
    assert reading.rate == 1


async def test_a_standing_clock_stands_and_a_jump_is_effective_at_once(plumbed: Plumbed) -> None:
    database = await plumbed()
    await anchor(database, 0)
    assert [(await database.read_clock()).now for _ in range(2)] == [SIM, SIM]
    await anchor(database, 0, sim=SIM + timedelta(minutes=15))
    assert (await database.read_clock()).now == SIM + timedelta(minutes=15)


async def test_a_scaled_clock_runs_at_its_rate(plumbed: Plumbed) -> None:
    database = await plumbed()
    await anchor(database, 60, real_offset="-10 s")
    reading = await database.read_clock()
    assert timedelta(minutes=10) <= reading.now - SIM < timedelta(minutes=15)
    assert reading.rate == 60


async def test_a_change_ahead_is_not_effective_yet(plumbed: Plumbed) -> None:
    database = await plumbed()
    await anchor(database, 0)
    await anchor(database, 60, real_offset="1 hour", sim=SIM + timedelta(days=1))
    assert (await database.read_clock()).now == SIM


@pytest.mark.parametrize(
    ("rate", "ahead_seconds", "sleep"),
    [(1, 0.1, 0.1), (60, 6, 0.1), (1, 10, 0.2), (0, 0.1, 0.2), (1, -5, 0.0), (0, -5, 0.0)],
)
def test_sleep_until_the_next_due_time(rate: float, ahead_seconds: float, sleep: float) -> None:
    due_at = SIM + timedelta(seconds=ahead_seconds)
    assert Reading(SIM, rate).real_seconds_until(due_at, at_most=0.2) == pytest.approx(sleep)
