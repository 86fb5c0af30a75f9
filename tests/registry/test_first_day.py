"""A city's first day: an empty registry, its defaults, and somebody who may go on from there."""

from __future__ import annotations

import os
import subprocess
import sys

from services.registry.handlers.things import put_things
from services.registry.queries import accounts
from shared.database import Database
from tests.registry.conftest import everything

ADMINISTRATOR = ("--top", "city", "市", "City", "--administrator", "first", "某某", "Somebody")


def first_day(
    database: Database, *arguments: str, password: str = "long enough"
) -> subprocess.CompletedProcess[str]:
    url = database.url
    return subprocess.run(
        [sys.executable, "-m", "services.registry.defaults", *arguments],
        env={**os.environ, "DATABASE_URL": url},
        input=f"{password}\n",
        capture_output=True,
        text=True,
        check=False,
    )


async def test_a_city_begins_with_defaults_and_an_administrator(database: Database) -> None:
    done = first_day(database, *ADMINISTRATOR)

    assert done.returncode == 0, done.stderr
    there = await everything(database)
    assert (len(there.policies), len(there.calendars), list(there.units)) == (5, 1, ["city"])
    async with database.transaction() as tx:
        account = await accounts.account(tx, "first")
    assert account is not None
    assert account.state.demo is False
    assert account.person.grants[0].unit_id == "city"


async def test_the_first_administrator_is_made_once(database: Database) -> None:
    first_day(database, *ADMINISTRATOR)

    assert first_day(database, *ADMINISTRATOR).returncode == 1


async def test_a_short_password_is_refused(database: Database) -> None:
    done = first_day(database, *ADMINISTRATOR, password="short")

    assert done.returncode == 1
    assert (await everything(database)).units == {}


async def test_what_a_city_changed_in_its_defaults_stays(database: Database) -> None:
    first_day(database)
    routine = (await everything(database)).policies["routine"]
    async with database.transaction() as tx:
        await put_things(tx, [routine.model_copy(update={"amber_percent": 70})])

    assert first_day(database).stdout == "0 things written\n"
    assert (await everything(database)).policies["routine"].amber_percent == 70
