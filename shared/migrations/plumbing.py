"""The plumbing's tables and functions, made by a service's first migration. Here and not in shared/plumbing.py, because
alembic would otherwise be imported by every service at its start."""

from __future__ import annotations

from alembic import op
from sqlalchemy import MetaData

from shared.clock import CLOCK_FUNCTIONS
from shared.journal import LOCK_FUNCTION
from shared.plumbing import add_plumbing

# Rows that live for milliseconds: clean up often, so that scans do not walk over the dead.
BUSY_TABLES = ("outbox", "timers", "heads", "seen")
BUSY = "autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000"


def create_plumbing() -> None:
    """Make them, as part of a service's first migration."""
    metadata = MetaData()
    add_plumbing(metadata)
    metadata.create_all(op.get_bind())
    for statement in (*CLOCK_FUNCTIONS, LOCK_FUNCTION):
        op.execute(statement)
    for table in BUSY_TABLES:
        op.execute(f"ALTER TABLE {table} SET ({BUSY})")
