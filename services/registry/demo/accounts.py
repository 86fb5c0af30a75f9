"""How the people of the demo sign in. Anybody can compute these passwords; that is what they are for."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from services.registry.demo.seats import CORRIDOR_KEEPER
from services.registry.rules.roles import given, to_give
from shared.things import Person, Unit

TYPICAL = (
    "operator-1",
    "grid-a1-a",
    "grid-a1-b",
    "grid-a1-l",
    "grid-a1-v",
    "grid-a1-k",
    "community-a-o1",
    "street-s1",
    "caller-1",
    "administrator-1",
    "protection-1",
    "community-a-m1",
    "market-regulation-o1",
    "community-a-w1",
    "community-a-e1",
    "reader-1",
)
"""A handful to look at the system through."""


@dataclass(frozen=True)
class DemoAccount:
    """One line of what `make up` prints."""

    account: str
    password: str
    role_zh: str
    role_en: str
    unit_zh: str


def account_of(person: Person) -> str:
    return person.id.removeprefix("p-")


def password_of(account: str) -> str:
    digest = hashlib.sha256(f"the demo of yike: {account}".encode()).digest()
    return "yike-" + base64.b32encode(digest)[:8].decode().lower()


def accounts(people: Sequence[Person], units: Sequence[Unit]) -> list[DemoAccount]:
    """Everybody's, the typical ones first."""
    names = {unit.id: unit.name.zh for unit in units}
    found = {account_of(person): _account(person, names) for person in people}
    return [found[account] for account in dict.fromkeys((*TYPICAL, *found))]


def _account(person: Person, unit_names: dict[str, str]) -> DemoAccount:
    account, (role_id, unit_id) = account_of(person), given(person.grants)[0]
    role = to_give({CORRIDOR_KEEPER.id: CORRIDOR_KEEPER})[role_id].name
    return DemoAccount(account, password_of(account), role.zh, role.en, unit_names[unit_id])
