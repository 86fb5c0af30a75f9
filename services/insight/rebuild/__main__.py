"""The command; see the package."""

from __future__ import annotations

import argparse
import asyncio
import sys
from uuid import UUID

from services.insight.rebuild import compare, reproduce
from services.insight.rebuild.replay import AnotherGoesOnError
from services.insight.settings import Settings
from shared.database import Database


async def run(given: argparse.Namespace) -> tuple[str, bool]:
    """What a person reads at the end, and whether all is well."""
    settings = Settings()
    database = Database(settings.database_url, source="insight", pool_size=2)
    where = {"topic_prefix": settings.topic_prefix}
    try:
        if given.snapshot is not None:
            again = await reproduce.reproduce(database, settings.kafka_bootstrap, given.snapshot, **where)
            return reproduce.told(again), again.same
        report = await compare.rebuild(database, settings.kafka_bootstrap, swap=given.swap, **where)
        return compare.told(report), report.swapped if given.swap else report.same
    except AnotherGoesOnError as wrong:
        return str(wrong), False
    finally:
        await database.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Fold the topic again and compare with what stands.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--swap", action="store_true", help="put the rebuilt rows in place")
    what.add_argument("--snapshot", type=UUID, help="count a snapshot again from the topic")
    text, well = asyncio.run(run(parser.parse_args()))
    sys.stdout.write(text + "\n")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
