"""Bring several services' databases to the newest version in one process: `python -m deploy.local.migrate intake …`.

DATABASE_URL_<SERVICE> names each. A database that is there already costs one query; six alembic processes cost
ten seconds of imports.
"""

import asyncio
import os
import sys

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from deploy.local.names import PROJECT


def main(services: list[str]) -> int:
    behind = asyncio.run(those_behind(services))
    for service in behind:
        os.environ["DATABASE_URL"] = url_of(service)
        command.upgrade(config_of(service), "head")
    print(f"migrated: {', '.join(behind) or 'nothing to do'}")
    return 0


async def those_behind(services: list[str]) -> list[str]:
    have = await asyncio.gather(*(versions(url_of(service)) for service in services))
    return [
        service
        for service, versions_there in zip(services, have, strict=True)
        if versions_there != set(ScriptDirectory.from_config(config_of(service)).get_heads())
    ]


async def versions(url: str) -> set[str]:
    connection = await asyncpg.connect(url.replace("+asyncpg", "", 1))
    try:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return set()
        return {
            row["version_num"] for row in await connection.fetch("SELECT version_num FROM alembic_version")
        }
    finally:
        await connection.close()


def config_of(service: str) -> Config:
    return Config(PROJECT / "alembic.ini", ini_section=service)


def url_of(service: str) -> str:
    return os.environ[f"DATABASE_URL_{service.upper()}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
