"""The tables that every service's database has, from one factory."""

from __future__ import annotations

from alembic import op
from sqlalchemy import MetaData

from shared.clock import CLOCK_FUNCTIONS, clock_table
from shared.idempotency import idempotency_table
from shared.inbox import inbox_tables
from shared.journal import LOCK_FUNCTION, journal_tables
from shared.outbox import outbox_tables
from shared.timers import timer_tables

# Rows that live for milliseconds: clean up often, so that scans do not walk over the dead.
BUSY_TABLES = ("outbox", "timers", "heads", "seen")
BUSY = "autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000"


def add_plumbing(metadata: MetaData) -> None:
    """Declare them in a service's own metadata."""
    clock_table(metadata)
    journal_tables(metadata)
    outbox_tables(metadata)
    inbox_tables(metadata)
    timer_tables(metadata)
    idempotency_table(metadata)


def create_plumbing() -> None:
    """Make them, as part of a service's first migration."""
    metadata = MetaData()
    add_plumbing(metadata)
    metadata.create_all(op.get_bind())
    for statement in (*CLOCK_FUNCTIONS, LOCK_FUNCTION):
        op.execute(statement)
    for table in BUSY_TABLES:
        op.execute(f"ALTER TABLE {table} SET ({BUSY})")
