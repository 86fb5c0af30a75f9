"""How the people of the demo sign in. Anybody can compute these passwords; that is what they are for."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from shared.things import Person, Unit
from shared.vocabulary import Role

TYPICAL = (
    "operator-1",
    "grid-a1-a",
    "grid-a1-b",
    "grid-a1-l",
    "grid-a1-v",
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

ROLE_NAMES = {
    Role.OPERATOR: ("受理员", "hotline operator"),
    Role.GRID_WORKER: ("网格员", "grid worker"),
    Role.GRID_LEADER: ("网格长", "grid leader"),
    Role.BUILDING_HEAD: ("楼栋长", "building head"),
    Role.RESIDENT_GROUP_LEADER: ("居民小组长", "resident group leader"),
    Role.SOCIAL_WORKER: ("社工", "social worker"),
    Role.BEAT_POLICE: ("片区民警", "beat police officer"),
    Role.PROPERTY_MANAGER: ("物业", "property manager"),
    Role.EVALUATOR: ("评议员", "evaluator"),
    Role.VOLUNTEER: ("志愿者", "volunteer"),
    Role.UNIT_OFFICER: ("值班干部", "duty officer"),
    Role.SUPERVISOR: ("督办员", "supervisor"),
    Role.FOLLOW_UP_CALLER: ("回访员", "follow-up caller"),
    Role.ADMINISTRATOR: ("管理员", "administrator"),
    Role.DATA_PROTECTION_OFFICER: ("数据保护专员", "data protection officer"),
    Role.READER: ("数据查阅员", "reader of figures"),
}


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
    account, grant = account_of(person), person.grants[0]
    zh, en = ROLE_NAMES[grant.role]
    return DemoAccount(account, password_of(account), zh, en, unit_names[grant.unit_id])
