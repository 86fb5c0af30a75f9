"""岗位角色: which roles there are to give, and what somebody may do who was given some.

A route asks for powers (`Role`), a city gives roles. Whatever stands in a person's grants follows from the roles given
and from what these are now; nobody has a power in any other way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from services.registry.commands import Given
from shared.things import Grant, JobRole, Name
from shared.vocabulary import Role

NAMES = {
    Role.OPERATOR: Name(zh="受理员", en="operator"),
    Role.GRID_WORKER: Name(zh="网格员", en="grid worker"),
    Role.GRID_LEADER: Name(zh="网格长", en="grid leader"),
    Role.BUILDING_HEAD: Name(zh="楼栋长", en="building head"),
    Role.RESIDENT_GROUP_LEADER: Name(zh="居民小组长", en="resident group leader"),
    Role.VOLUNTEER: Name(zh="志愿者", en="volunteer"),
    Role.SOCIAL_WORKER: Name(zh="社工", en="social worker"),
    Role.BEAT_POLICE: Name(zh="片区民警", en="beat police"),
    Role.PROPERTY_MANAGER: Name(zh="物业", en="property manager"),
    Role.UNIT_OFFICER: Name(zh="值班干部", en="unit officer"),
    Role.SUPERVISOR: Name(zh="督办员", en="supervisor"),
    Role.FOLLOW_UP_CALLER: Name(zh="回访员", en="follow-up caller"),
    Role.EVALUATOR: Name(zh="评议员", en="evaluator"),
    Role.ADMINISTRATOR: Name(zh="管理员", en="administrator"),
    Role.DATA_PROTECTION_OFFICER: Name(zh="数据保护员", en="data protection officer"),
    Role.READER: Name(zh="查阅员", en="reader"),
}
SHIPPED: Mapping[str, JobRole] = {
    power.value: JobRole(id=power.value, name=NAMES[power], powers=(power,)) for power in Role
}
"""Every power is a role by itself. A city may call these otherwise; what they are is what the routes ask for."""


def to_give(roles: Mapping[str, JobRole]) -> Mapping[str, JobRole]:
    """All roles there are, where `roles` are those the registry holds."""
    return {**SHIPPED, **roles}


def given(grants: Iterable[Grant | Given]) -> tuple[tuple[str, str], ...]:
    """Which roles stand behind `grants`, by id, in which units; each once."""
    return tuple(dict.fromkeys((grant.held_as or str(grant.role), grant.unit_id) for grant in grants))


def with_powers(grants: Iterable[Grant | Given], roles: Mapping[str, JobRole]) -> tuple[Grant, ...]:
    """The roles behind `grants` with the powers that they have now; KeyError for one that is not `to_give`."""
    there = to_give(roles)
    return tuple(
        Grant(role=power, unit_id=unit_id, held_as=None if role_id in SHIPPED else role_id)
        for role_id, unit_id in given(grants)
        for power in there[role_id].powers
    )


def named(text: str, roles: Mapping[str, JobRole]) -> str | None:
    """The id of the role that `text` calls by its id or by its name in either language; None if there is none."""
    there = to_give(roles)
    # What ships is known by its first names as well, as long as the city calls nothing else so.
    living = [*SHIPPED.values(), *(role for role in there.values() if role.retired_at is None)]
    ids = {word: role.id for role in living for word in words_of(role)}
    return text if text in there else ids.get(text.strip().casefold())


def words_of(role: JobRole) -> set[str]:
    """What a list of staff may call it."""
    return {role.id.casefold(), role.name.zh.casefold(), role.name.en.casefold()}
