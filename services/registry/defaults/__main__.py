"""The first day of a city: `python -m services.registry.defaults [--top ID ZH EN --administrator ACCOUNT ZH EN]`.

Writes the calendar, policies, skills, roles, categories, word lists and snippets that are missing; what was changed
since is left alone. With --top and --administrator it also makes the top unit and somebody who may change everything,
whose password is read from the terminal or the standard input; refused where there is a top already. Needs
DATABASE_URL.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys

from services.registry import defaults
from services.registry.commands import PASSWORD_CHARACTERS_MIN
from services.registry.handlers.accounts import make_accounts
from services.registry.handlers.passwords import HASHER
from services.registry.handlers.things import put_things
from services.registry.queries import things
from shared.database import Database, Transaction
from shared.events.things import REGISTRY_SUBJECT
from shared.problems import Problem
from shared.things import Grant, Name, Person, Unit
from shared.vocabulary import Level, Role

UNITS_THERE = "SELECT id FROM units WHERE body ->> 'retired_at' IS NULL"


def main() -> None:
    arguments = _arguments()
    if not (url := os.environ.get("DATABASE_URL")):
        sys.exit("DATABASE_URL is not set: give it the address of registry's database.")
    password = _password() if arguments.administrator else ""
    try:
        asyncio.run(_write(url, arguments, password))
    except Problem as refused:
        sys.exit(f"{refused}: {refused.extra.get('flaws')}")


async def _write(url: str, arguments: argparse.Namespace, password: str) -> None:
    database = Database(url, source="registry", pool_size=2)
    try:
        async with database.transaction() as tx:
            await tx.lock(REGISTRY_SUBJECT)
            units = {row["id"] for row in await tx.rows(UNITS_THERE)}
            missing = await things.absent(tx, defaults.things(units))
            await put_things(tx, missing)
            if arguments.administrator:
                await _first_administrator(tx, arguments, password)
    finally:
        await database.close()
    sys.stdout.write(f"{len(missing)} things written\n")


async def _first_administrator(tx: Transaction, arguments: argparse.Namespace, password: str) -> None:
    """The unit at the top and who administers it; a second top is a flaw, so this happens once."""
    unit_id, unit_zh, unit_en = arguments.top
    account, zh, en = arguments.administrator
    top = Unit(id=unit_id, kind="civil_affairs", name=Name(zh=unit_zh, en=unit_en), level=Level.CIVIL_AFFAIRS)
    grant = Grant(role=Role.ADMINISTRATOR, unit_id=unit_id)
    person = Person(id=f"p-{account}", name=Name(zh=zh, en=en), grants=(grant,))
    if await things.absent(tx, [top, person]) != [top, person]:
        sys.exit(
            "This registry has that unit or that person already; an administrator of it can go on from there."
        )
    await put_things(tx, [top, person])
    await make_accounts(tx, [(account, person.id, HASHER.hash(password))])


def _password() -> str:
    asked = getpass.getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(asked) < PASSWORD_CHARACTERS_MIN:
        sys.exit(f"The password needs at least {PASSWORD_CHARACTERS_MIN} characters.")
    return asked


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m services.registry.defaults", description="what a city starts from"
    )
    parser.add_argument(
        "--top", nargs=3, metavar=("ID", "ZH", "EN"), help="the unit at the top of the ladder"
    )
    parser.add_argument(
        "--administrator",
        nargs=3,
        metavar=("ACCOUNT", "ZH", "EN"),
        help="who may change everything from then on",
    )
    arguments = parser.parse_args()
    if bool(arguments.top) != bool(arguments.administrator):
        parser.error("--top and --administrator go together")
    return arguments


if __name__ == "__main__":
    main()
