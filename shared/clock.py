"""The one clock: the database's. Nobody else reads a clock.

Business time is `business_now()` in each database. With no row in `clock_anchors` it is the real time. In a
simulation each anchor says: from `real_from` on, business time runs from `sim_from` at `rate` (0 stands still).
Only business time is simulated: tokens, retries, heartbeats and sessions stay real.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
from sqlalchemy import Column, DateTime, Float, Identity, Integer, MetaData, Table

CLOCK_CHANNEL = "yike_clock"
"""NOTIFY channel of the simulation driver: every loop looks at the clock again."""

CLOCK_FUNCTIONS = (
    """
    CREATE FUNCTION business_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
        SELECT coalesce(
            (SELECT sim_from + (clock_timestamp() - real_from) * rate FROM clock_anchors
             WHERE real_from <= clock_timestamp() ORDER BY id DESC LIMIT 1),
            clock_timestamp())
    $$
    """,
    # When a business time came up in real time: a jump brings everything it passes over at the moment of the jump.
    """
    CREATE FUNCTION real_lateness_ms(due_at timestamptz, armed_at timestamptz) RETURNS bigint
    LANGUAGE sql VOLATILE AS $$
        SELECT greatest(0, 1000 * extract(epoch FROM clock_timestamp() - greatest(armed_at, coalesce(
            (SELECT CASE WHEN rate = 0 OR due_at <= sim_from THEN real_from
                         ELSE real_from + (due_at - sim_from) / rate END
             FROM clock_anchors WHERE real_from <= clock_timestamp() ORDER BY id DESC LIMIT 1),
            due_at))))::bigint
    $$
    """,
)


def clock_table(metadata: MetaData) -> Table:
    return Table(
        "clock_anchors",
        metadata,
        Column("id", Integer, Identity(always=True), primary_key=True),
        Column("real_from", DateTime(timezone=True), nullable=False),
        Column("sim_from", DateTime(timezone=True), nullable=False),
        Column("rate", Float, nullable=False),
    )


@dataclass(frozen=True)
class Reading:
    """Business time, and how many business seconds pass in a real one (1 outside a simulation)."""

    now: datetime
    rate: float

    def real_seconds_until(self, due_at: datetime, *, at_most: float) -> float:
        """Real seconds to sleep until `due_at`, `at_most` at the most; a standing clock never gets there."""
        ahead = (due_at - self.now) / timedelta(seconds=1)
        if ahead <= 0:
            return 0.0
        return at_most if self.rate <= 0 else min(at_most, ahead / self.rate)


READ = """
    SELECT business_now() AS now, coalesce(
        (SELECT rate FROM clock_anchors WHERE real_from <= clock_timestamp() ORDER BY id DESC LIMIT 1), 1.0) AS rate
"""


async def read(connection: asyncpg.Connection) -> Reading:
    row = await connection.fetchrow(READ)
    return Reading(now=row["now"], rate=row["rate"])
