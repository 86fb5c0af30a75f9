"""Whether the migrations of a service make what its tables declare."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from shared.database import Database


async def differences(database: Database, declared: MetaData) -> list[object]:
    """What a new migration would have to change; empty if nothing."""

    def compared(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), declared))

    engine = create_async_engine(database.url)
    async with engine.connect() as connection:
        found = await connection.run_sync(compared)
    await engine.dispose()
    return found
