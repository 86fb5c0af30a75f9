"""The tables that every service's database has, from one factory."""

from __future__ import annotations

from sqlalchemy import MetaData

from shared.clock import clock_table
from shared.idempotency import idempotency_table
from shared.inbox import inbox_tables
from shared.journal import journal_tables
from shared.outbox import outbox_tables
from shared.timers import timer_tables


def add_plumbing(metadata: MetaData) -> None:
    """Declare them in a service's own metadata."""
    clock_table(metadata)
    journal_tables(metadata)
    outbox_tables(metadata)
    inbox_tables(metadata)
    timer_tables(metadata)
    idempotency_table(metadata)
