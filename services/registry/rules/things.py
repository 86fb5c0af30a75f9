"""What the registry's things are called, how they follow from their history, and who may change them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from services.registry.rules.roles import with_powers
from services.registry.rules.spans import Span
from shared.event import Actor
from shared.events.things import (
    CalendarChanged,
    CategoryChanged,
    DutyListChanged,
    PersonChanged,
    PolicyChanged,
    PolicyUseChanged,
    RoleChanged,
    ShiftChanged,
    SkillChanged,
    SnippetChanged,
    ThingEvent,
    UnitChanged,
    WordListChanged,
)
from shared.things import (
    Calendar,
    Category,
    DutyList,
    Grant,
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
from shared.vocabulary import Channel, Role

Thing = (
    Unit
    | Person
    | Shift
    | Category
    | Policy
    | Calendar
    | PolicyUse
    | DutyList
    | WordList
    | Snippet
    | Skill
    | JobRole
)

T = TypeVar(
    "T",
    Unit,
    Person,
    Shift,
    Category,
    Policy,
    Calendar,
    PolicyUse,
    DutyList,
    WordList,
    Snippet,
    Skill,
    JobRole,
)
"""One of the kinds, the same one all through."""

ORDER: tuple[type[Thing], ...] = (
    Calendar,
    Policy,
    Unit,
    Skill,
    JobRole,
    Person,
    Category,
    Shift,
    PolicyUse,
    DutyList,
    WordList,
    Snippet,
)
"""Kinds in the order in which they may refer to each other."""


def kind_of(thing: Thing) -> type[Thing]:
    """Which of ORDER it is; a command's class is a subclass of its thing's."""
    return type(thing) if type(thing) in ORDER else next(kind for kind in ORDER if isinstance(thing, kind))


def plain(thing: Thing, roles: Mapping[str, JobRole]) -> Thing:
    """The thing itself, where a command's stricter class of it came in. A person has the powers that the roles given
    to them have now; UnknownRole where there is no such role."""
    if isinstance(thing, Person):
        return Person.model_validate(dict(thing) | {"grants": with_powers(thing.grants, roles)})
    return thing if type(thing) in ORDER else kind_of(thing).model_validate(dict(thing))


def id_of(thing: Thing) -> str:
    return thing.code if isinstance(thing, Category) else thing.id


def changed(thing: Thing, at: datetime, actor: Actor, channel: Channel) -> ThingEvent:
    """The event that tells everybody what `thing` is from now on."""
    match thing:
        case Unit():
            return UnitChanged(at=at, actor=actor, channel=channel, unit=thing)
        case Person():
            return PersonChanged(at=at, actor=actor, channel=channel, person=thing)
        case Shift():
            return ShiftChanged(at=at, actor=actor, channel=channel, shift=thing)
        case Category():
            return CategoryChanged(at=at, actor=actor, channel=channel, category=thing)
        case Policy():
            return PolicyChanged(at=at, actor=actor, channel=channel, policy=thing)
        case Calendar():
            return CalendarChanged(at=at, actor=actor, channel=channel, calendar=thing)
        case PolicyUse():
            return PolicyUseChanged(at=at, actor=actor, channel=channel, policy_use=thing)
        case DutyList():
            return DutyListChanged(at=at, actor=actor, channel=channel, duty_list=thing)
        case WordList():
            return WordListChanged(at=at, actor=actor, channel=channel, word_list=thing)
        case Snippet():
            return SnippetChanged(at=at, actor=actor, channel=channel, snippet=thing)
        case Skill():
            return SkillChanged(at=at, actor=actor, channel=channel, skill=thing)
        case JobRole():
            return RoleChanged(at=at, actor=actor, channel=channel, role=thing)


def told_by(event: ThingEvent) -> Thing:
    """What `event` carries: its one field of its own, named for the kind."""
    thing: Thing = getattr(event, event.type.split(".")[1])
    return thing


SINGULAR: dict[type[Thing], str] = {
    Calendar: "calendar",
    Policy: "policy",
    Unit: "unit",
    Skill: "skill",
    JobRole: "role",
    Person: "person",
    Category: "category",
    Shift: "shift",
    PolicyUse: "policy_use",
    DutyList: "duty_list",
    WordList: "word_list",
    Snippet: "snippet",
}
PLURAL: dict[type[Thing], str] = {
    Calendar: "calendars",
    Policy: "policies",
    Unit: "units",
    Skill: "skills",
    JobRole: "roles",
    Person: "people",
    Category: "categories",
    Shift: "shifts",
    PolicyUse: "policy_uses",
    DutyList: "duty_lists",
    WordList: "word_lists",
    Snippet: "snippets",
}
"""What a kind is called: in an event's type, and as a table and a collection."""


def kind_name(thing: Thing) -> str:
    return SINGULAR[kind_of(thing)]


@dataclass(frozen=True)
class Known:
    """The registry as it stands, or as much of it as a change is checked against."""

    units: Mapping[str, Unit] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    categories: Mapping[str, Category] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    shifts: Mapping[str, Shift] = field(default_factory=dict)
    policy_uses: Mapping[str, PolicyUse] = field(default_factory=dict)
    duty_lists: Mapping[str, DutyList] = field(default_factory=dict)
    word_lists: Mapping[str, WordList] = field(default_factory=dict)
    snippets: Mapping[str, Snippet] = field(default_factory=dict)
    skills: Mapping[str, Skill] = field(default_factory=dict)
    roles: Mapping[str, JobRole] = field(default_factory=dict)
    away: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    """When people are on leave or absent, by their ids."""

    @classmethod
    def of(cls, things: Iterable[Thing]) -> Known:
        by_kind: dict[str, dict[str, Any]] = {name: {} for name in PLURAL.values()}
        for thing in things:
            by_kind[PLURAL[kind_of(thing)]][id_of(thing)] = thing
        return cls(**by_kind)

    def things(self) -> list[Thing]:
        return [thing for name in PLURAL.values() for thing in getattr(self, name).values()]

    def get(self, thing: Thing) -> Thing | None:
        """What is known under the id of `thing`."""
        known: Mapping[str, Thing] = getattr(self, PLURAL[kind_of(thing)])
        return known.get(id_of(thing))

    def under(self, kind: type[Thing], id: str) -> Thing | None:
        """The thing of `kind` that has this id."""
        known: Mapping[str, Thing] = getattr(self, PLURAL[kind])
        return known.get(id)

    def after(self, things: Iterable[Thing]) -> Known:
        """The registry as it stands when `things` have been put into it."""
        return replace(Known.of([*self.things(), *things]), away=self.away)

    def path(self, unit_id: str | None) -> tuple[str, ...]:
        """`unit_id` and everything above it, lowest first; stops where a parent is unknown or comes twice."""
        path: list[str] = []
        while unit_id is not None and unit_id in self.units and unit_id not in path:
            path.append(unit_id)
            unit_id = self.units[unit_id].parent_id
        return tuple(path)


def apply(known: Known, event: ThingEvent) -> Known:
    """What is known after `event`."""
    return known.after([told_by(event)])


def differing(before: Thing, after: Thing) -> tuple[str, ...]:
    """The names of the fields that changed, in the order of the kind's own fields."""
    return tuple(
        name for name in type(after).model_fields if getattr(before, name, None) != getattr(after, name)
    )


def stamped(thing: Thing, before: Thing | None, now: datetime) -> Thing:
    """A thing being retired is retired now, whatever time was sent along; one retired already keeps its time."""
    if thing.retired_at is None:
        return thing
    retired_at = before.retired_at if before is not None and before.retired_at is not None else now
    return thing.model_copy(update={"retired_at": retired_at})


def with_its_delegations(thing: Thing, known: Known) -> Thing:
    """A person as sent, with what they were lent as it is known: that has a way of its own (delegation.py)."""
    if not isinstance(thing, Person):
        return thing
    before = known.people.get(thing.id)
    return thing.model_copy(update={"acts_for": before.acts_for if before is not None else ()})


def may_change(grants: Iterable[Grant], thing: Thing, known: Known) -> bool:
    """Whether an administrator with `grants` may make `known` hold `thing`.

    In their units and below they change units, people and shifts, both as these were and as they will be; what
    holds for everybody (catalogue, policies, calendars) takes an administrator of the top.
    """
    own = frozenset(grant.unit_id for grant in grants if grant.role is Role.ADMINISTRATOR)
    before = known.get(thing)
    has_say = all(_has_say(own, version, known) for version in (thing, before) if version is not None)
    return has_say and _may_roster(own, thing, before, known)


def _may_roster(own: frozenset[str], thing: Thing, before: Thing | None, known: Known) -> bool:
    """Nobody is put on duty by whoever administers none of the units they belong to."""
    if not isinstance(thing, Shift):
        return True
    if isinstance(before, Shift) and before.retired_at is None and before.person_id == thing.person_id:
        return True
    person = known.people.get(thing.person_id)
    named = units_named_by(person) if person is not None else frozenset()
    return any(own & set(known.path(unit_id)) for unit_id in named) or _at_top(own, known)


def first_not_allowed(grants: Sequence[Grant], things: Iterable[Thing], known: Known) -> Thing | None:
    """The first of `things` that an administrator with `grants` may not put there; None if they may all of it."""
    units, people = dict(known.units), dict(known.people)
    known = replace(known, units=units, people=people)
    for thing in things:
        if not may_change(grants, thing, known):
            return thing
        # So that a unit or person made first can carry what the same change puts into or upon it.
        if isinstance(thing, Unit):
            units[thing.id] = thing
        elif isinstance(thing, Person):
            people.setdefault(thing.id, thing)
    return None


def may_act(grants: Iterable[Grant], roles: Collection[Role], unit_id: str, known: Known) -> bool:
    """Whether one of `roles` is held in the unit or above it."""
    path = known.path(unit_id)
    return any(grant.role in roles and grant.unit_id in path for grant in grants)


def _has_say(own: frozenset[str], thing: Thing, known: Known) -> bool:
    """In every unit `thing` names; what names none (the top unit, the catalogue) takes a say at the top."""
    named = units_named_by(thing)
    return all(own & set(known.path(unit_id)) for unit_id in named) if named else _at_top(own, known)


def units_named_by(thing: Thing) -> frozenset[str]:
    """The units `thing` refers to."""
    match thing:
        case Unit():
            return frozenset({thing.parent_id} if thing.parent_id is not None else ())
        case Person():
            return frozenset(grant.unit_id for grant in thing.grants) | {post.unit_id for post in thing.posts}
        case Shift() | DutyList():
            return frozenset({thing.unit_id})
        case PolicyUse():
            return frozenset({thing.unit_id} if thing.unit_id is not None else ())
    return frozenset()


def skills_of(thing: Thing | None) -> tuple[str, ...]:
    """The skills `thing` names."""
    match thing:
        case Person():
            return thing.skills
        case Category():
            return thing.skills_wanted
    return ()


def _at_top(own: Iterable[str], known: Known) -> bool:
    return any(unit_id in known.units and known.units[unit_id].parent_id is None for unit_id in own)


def shown_to(person: Person, reader_id: str, grants: Iterable[Grant]) -> Person:
    """A colleague as `reader_id` may see them: where they live and how they are reached is for themselves and for
    administrators."""
    if person.id == reader_id or any(grant.role is Role.ADMINISTRATOR for grant in grants):
        return person
    return person.model_copy(update={"base": None, "email": None, "webhook_url": None})
