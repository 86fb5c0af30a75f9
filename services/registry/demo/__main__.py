"""`python -m services.registry.demo [--from DATE] [--days N] [--seed N] [--anew] [--all]`; needs DATABASE_URL.

Prints one JSON object per account: a typical one of each role, or everybody with --all.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from dataclasses import asdict
from datetime import date

import orjson

from services.registry.demo.accounts import TYPICAL, DemoAccount
from services.registry.demo.world import DAYS, SEED, write
from shared.database import Database
from shared.settings import Surroundings


def main() -> None:
    arguments = _arguments()
    if os.environ.get("YIKE_ENV", Surroundings.PRODUCTION) == Surroundings.PRODUCTION:
        sys.exit(
            "The demo has passwords that anybody can compute: set YIKE_ENV=demo to say that this is a demo."
        )
    if not (url := os.environ.get("DATABASE_URL")):
        sys.exit("DATABASE_URL is not set: give it the address of registry's database.")
    accounts = asyncio.run(_write(url, arguments))
    shown = accounts if arguments.all else accounts[: len(TYPICAL)]
    sys.stdout.writelines(orjson.dumps(asdict(account)).decode() + "\n" for account in shown)


async def _write(url: str, arguments: argparse.Namespace) -> tuple[DemoAccount, ...]:
    database = Database(url, source="registry", pool_size=2)
    try:
        made = await write(database, arguments.first, arguments.days, arguments.seed, anew=arguments.anew)
        return made.accounts
    finally:
        await database.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m services.registry.demo", description="write the demo community"
    )
    parser.add_argument(
        "--from", dest="first", type=date.fromisoformat, metavar="DATE", help="first day on the roster"
    )
    parser.add_argument("--days", type=int, default=DAYS, help="length of the roster")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed, another ground and other names")
    parser.add_argument("--anew", action="store_true", help="undo what was changed in the demo since")
    parser.add_argument("--all", action="store_true", help="print every account")
    return parser.parse_args()


if __name__ == "__main__":
    main()
