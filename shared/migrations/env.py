"""The alembic environment of every service: its own database, its own metadata, one transaction."""

from __future__ import annotations

import asyncio
import os

from alembic import command, context
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

MIGRATION_LOCK = 1_900_118
"""Advisory lock: replicas that start together migrate one after the other."""


def run(metadata: MetaData) -> None:
    """Migrate the database of `DATABASE_URL` (or the connection that a caller put into the configuration)."""
    _only_forward()
    given = context.config.attributes.get("connection")
    if given is not None:
        _migrate(given, metadata)
        return
    asyncio.run(_connect_and_migrate(_url(), metadata))


def _only_forward() -> None:
    """What was written under the newer tables has no place in the older ones, and a journal loses nothing."""
    asked = getattr(context.config.cmd_opts, "cmd", None)
    if asked is not None and asked[0] is command.downgrade:
        raise SystemExit("Migrations only go forward: restore the backup made before this version instead.")


def _url() -> str:
    url = context.config.get_main_option("sqlalchemy.url") or os.environ.get("DATABASE_URL", "")
    if not url:
        raise SystemExit("DATABASE_URL is not set: give it the address of this service's database")
    return url


async def _connect_and_migrate(url: str, metadata: MetaData) -> None:
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate, metadata)
        await connection.commit()
    await engine.dispose()


def _migrate(connection: Connection, metadata: MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_server_default=False)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        context.run_migrations()
