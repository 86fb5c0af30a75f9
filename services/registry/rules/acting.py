"""代办: for whom an administrator may act, and why."""

from __future__ import annotations

from uuid import UUID

from shared.event import Event
from shared.events.things import REGISTRY_SUBJECT
from shared.things import Person
from shared.vocabulary import ActingPurpose, Role

NOBODY_ACTS_FOR = frozenset(
    {Role.ADMINISTRATOR, Role.DATA_PROTECTION_OFFICER, Role.FOLLOW_UP_CALLER, Role.EVALUATOR}
)
"""Whose worth is that they are nobody else: who administers, who watches over data, who asks residents and judges."""


class ActedForSomebody(Event, type="yike.registry.acted_for_somebody", source="registry"):
    """An administrator was given a token to act for this person. What is done with it names both again."""

    topic = ""
    token_id: UUID
    person_id: str
    purpose: ActingPurpose

    @property
    def subject(self) -> UUID:
        return REGISTRY_SUBJECT


def refused_because(administrator_id: str, person: Person) -> str | None:
    if person.id == administrator_id:
        return "不必为自己代办 / You need nobody's leave to act for yourself"
    if person.retired_at is not None:
        return "该人员已停用 / That person has left"
    if not person.grants:
        return "该人员没有任何角色 / That person has no role to act in"
    if held := sorted({grant.role for grant in person.grants} & NOBODY_ACTS_FOR):
        return f"不得代办：{'、'.join(held)} / Nobody acts for: {', '.join(held)}"
    return None
