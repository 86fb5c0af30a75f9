"""`python -m bench.city_live.seed --scenario shortage --seed 100 --hours 4`: the city into an empty registry; needs
DATABASE_URL. Prints one JSON object per account."""

from __future__ import annotations

import argparse
import asyncio
import os
from dataclasses import asdict

import orjson

from bench.city_live.cast import Cast, the_cast
from bench.city_live.ground import OPERATOR, things
from deploy.local.stack import Account
from services.registry import defaults
from services.registry.demo.accounts import password_of
from services.registry.handlers.accounts import make_accounts
from services.registry.handlers.passwords import DEMO_HASHER
from services.registry.handlers.things import put_things
from shared.database import Database
from shared.events.things import REGISTRY_SUBJECT


def words(parser: argparse.ArgumentParser) -> None:
    """What names one city: the driver and its seed are told it in the same words."""
    parser.add_argument("--scenario", default="shortage", help="which day of the city")
    parser.add_argument("--seed", type=int, default=100, help="another seed, other chances")
    parser.add_argument("--hours", type=float, default=4.0, help="how long people call, from the day's start")
    parser.add_argument(
        "--people", type=int, help="on duty at any time; as many as the scenario says by default"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.city_live.seed", description=__doc__)
    words(parser)
    given = parser.parse_args()
    cast = the_cast(given.scenario, given.seed, given.hours, given.people)
    for account in asyncio.run(_write(os.environ["DATABASE_URL"], cast)):
        print(orjson.dumps(asdict(account)).decode())


async def _write(url: str, cast: Cast) -> list[Account]:
    people = [OPERATOR, *(dweller.id for dweller in cast.dwellers())]
    accounts = [Account(id.removeprefix("p-"), password_of(id.removeprefix("p-"))) for id in people]
    rows = [
        (account.account, person_id, DEMO_HASHER.hash(account.password))
        for account, person_id in zip(accounts, people, strict=True)
    ]
    database = Database(url, source="registry", pool_size=2)
    try:
        async with database.transaction() as tx:
            await tx.lock(REGISTRY_SUBJECT)
            of_city = things(cast.ground, cast.dwellers(), cast.begins_at, cast.rostered_until)
            await put_things(tx, [*defaults.things(), *of_city])
            await make_accounts(tx, rows, demo=True)
    finally:
        await database.close()
    return accounts


if __name__ == "__main__":
    main()
