"""Writing the demo: the same seed gives the same world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from services.registry import defaults
from services.registry.defaults.calendar import TIME_ZONE
from services.registry.demo.accounts import DemoAccount, accounts
from services.registry.demo.people import people
from services.registry.demo.rosters import shifts
from services.registry.demo.seats import CORRIDOR_KEEPER
from services.registry.demo.units import duty_lists, policy_uses, units
from services.registry.handlers.accounts import make_accounts
from services.registry.handlers.passwords import DEMO_HASHER
from services.registry.handlers.things import put_things
from services.registry.queries import accounts as stored
from services.registry.queries import things as things_stored
from services.registry.rules.things import Thing
from shared.database import Database, Transaction
from shared.events.things import REGISTRY_SUBJECT

SEED = 1
DAYS = 120
"""Every start of the demo adds what is missing; each process holds all shifts in memory, so no more than that."""


@dataclass(frozen=True)
class World:
    things: tuple[Thing, ...]
    accounts: tuple[DemoAccount, ...]


def world(first: date, days: int = DAYS, seed: int = SEED) -> World:
    """Everything there is in the demo, with rosters for `days` days from `first`."""
    places = units(seed)
    everybody = people(places, seed)
    roster = shifts(everybody, first, days)
    catalogue = (*defaults.things(), CORRIDOR_KEEPER)
    things = (*catalogue, *places, *everybody, *duty_lists(places), *policy_uses(), *roster)
    return World(things, tuple(accounts(everybody, places)))


async def write(
    database: Database, first: date | None = None, days: int = DAYS, seed: int = SEED, *, anew: bool = False
) -> World:
    """Put the demo into the registry; without `first` its rosters begin yesterday, by the database's clock.

    What is there stays as somebody may have changed it, unless it is to be made `anew`.
    """
    async with database.transaction() as tx:
        await tx.lock(REGISTRY_SUBJECT)  # two that start at once write it once
        made = world(first or await _yesterday(tx), days, seed)
        await put_things(tx, made.things if anew else await things_stored.absent(tx, made.things))
        await _open_accounts(tx, made.accounts)
    return made


async def _yesterday(tx: Transaction) -> date:
    return (await tx.now()).astimezone(ZoneInfo(TIME_ZONE)).date() - timedelta(days=1)


async def _open_accounts(tx: Transaction, wanted: Sequence[DemoAccount]) -> None:
    present = await stored.accounts_present(tx, [account.account for account in wanted])
    rows = [
        (account.account, f"p-{account.account}", DEMO_HASHER.hash(account.password))
        for account in wanted
        if account.account not in present
    ]
    if rows:
        await make_accounts(tx, rows, demo=True)
