"""Registry's events: each carries one thing whole, as it is from now on."""

from __future__ import annotations

from uuid import UUID

from shared.event import REGISTRY_TOPIC, Event
from shared.things import (
    Calendar,
    Category,
    DutyList,
    JobRole,
    Person,
    Policy,
    PolicyUse,
    Shift,
    Skill,
    Snippet,
    Unit,
    WordList,
)

REGISTRY_SUBJECT = UUID(int=0)
"""All of registry is one story: its revision is drawn under one lock and travels as ce_sequence."""


class ThingEvent(Event):
    """One thing of the registry as it is from now on."""

    topic = REGISTRY_TOPIC

    @property
    def subject(self) -> UUID:
        return REGISTRY_SUBJECT

    @property
    def key(self) -> str:
        kind = self.type.split(".")[1]
        thing = getattr(self, kind)  # the one field, named for the kind
        return f"{kind}:{thing.code if isinstance(thing, Category) else thing.id}"


class UnitChanged(ThingEvent, type="yike.unit.changed", source="registry"):
    unit: Unit


class PersonChanged(ThingEvent, type="yike.person.changed", source="registry"):
    person: Person


class ShiftChanged(ThingEvent, type="yike.shift.changed", source="registry"):
    shift: Shift


class SkillChanged(ThingEvent, type="yike.skill.changed", source="registry"):
    skill: Skill


class RoleChanged(ThingEvent, type="yike.role.changed", source="registry"):
    role: JobRole


class CategoryChanged(ThingEvent, type="yike.category.changed", source="registry"):
    category: Category


class PolicyChanged(ThingEvent, type="yike.policy.changed", source="registry"):
    policy: Policy


class CalendarChanged(ThingEvent, type="yike.calendar.changed", source="registry"):
    calendar: Calendar


class PolicyUseChanged(ThingEvent, type="yike.policy_use.changed", source="registry"):
    policy_use: PolicyUse


class DutyListChanged(ThingEvent, type="yike.duty_list.changed", source="registry"):
    duty_list: DutyList


class WordListChanged(ThingEvent, type="yike.word_list.changed", source="registry"):
    word_list: WordList


class SnippetChanged(ThingEvent, type="yike.snippet.changed", source="registry"):
    snippet: Snippet
