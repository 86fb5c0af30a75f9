"""Bring several services' databases to the newest version in one process: `python -m deploy.local.migrate intake …`.

DATABASE_URL_<SERVICE> names each. A database that is at its newest version costs one query and does not load alembic;
six alembic processes would cost ten seconds of imports.
"""

import asyncio
import os
import re
import sys

import asyncpg

from deploy.local.names import PROJECT


def main(services: list[str]) -> int:
    behind = asyncio.run(those_behind(services))
    if behind:
        upgrade(behind)
    print(f"migrated: {', '.join(behind) or 'nothing to do'}")
    return 0


def upgrade(services: list[str]) -> None:
    from alembic import command
    from alembic.config import Config

    for service in services:
        os.environ["DATABASE_URL"] = url_of(service)
        command.upgrade(Config(PROJECT / "alembic.ini", ini_section=service), "head")


async def those_behind(services: list[str]) -> list[str]:
    have = await asyncio.gather(*(versions(url_of(service)) for service in services))
    return [service for service, there in zip(services, have, strict=True) if there != heads(service)]


def heads(service: str) -> set[str]:
    """The newest versions by their files' own words. If they are ever written otherwise than we read them, the
    database only seems to be behind and alembic decides."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for file in (PROJECT / "services" / service / "migrations" / "versions").glob("*.py"):
        text = file.read_text()
        revisions |= set(re.findall(r'^revision\b[^=\n]*= *"(\w+)"', text, re.MULTILINE))
        followed |= set(re.findall(r'^down_revision\b[^=\n]*= *"(\w+)"', text, re.MULTILINE))
    return revisions - followed


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


def url_of(service: str) -> str:
    return os.environ[f"DATABASE_URL_{service.upper()}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
