"""What still hangs on a thing that is to be retired; each refusal names it, so that it can be moved or ended first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from services.registry.rules.roles import given
from services.registry.rules.things import Known, Thing, id_of, skills_of
from shared.things import Calendar, Category, JobRole, Person, Policy, Shift, Skill, Unit

NAMED_MAX = 5


def still_needed(thing: Thing, known: Known) -> Iterator[tuple[str, str]]:
    """A flaw for every kind of thing that is not retired and refers to `thing`."""
    for code, zh, en, others in _needs(thing, known):
        if ids := sorted(id_of(other) for other in others if other.retired_at is None):
            yield code, f"{zh}：{_named(ids, '、', '等')} / {en}: {_named(ids, ', ', ' and more')}"


def _named(ids: list[str], comma: str, more: str) -> str:
    return comma.join(ids[:NAMED_MAX]) + (more if len(ids) > NAMED_MAX else "")


Needs = Iterator[tuple[str, str, str, Iterable[Thing]]]


def _needs(thing: Thing, known: Known) -> Needs:
    match thing:
        case Unit():
            yield from _needs_of_unit(thing, known)
        case Person():
            shifts = _ahead(known, thing.retired_at)
            own = [shift for shift in shifts if shift.person_id == thing.id]
            yield "has-shifts", "尚有未结束的班次", "Shifts of theirs are still ahead", own
        case Policy():
            using = [one for one in known.categories.values() if one.policy_id == thing.id]
            yield "policy-in-use", "仍被事项使用", "Categories still use it", using
            uses = [use for use in known.policy_uses.values() if use.policy_id == thing.id]
            yield "policy-in-use", "仍有适用规定", "It still holds somewhere", uses
        case Category():
            yield from _needs_of_category(thing, known)
        case Skill():
            able = [person for person in known.people.values() if thing.id in skills_of(person)]
            yield "skill-in-use", "仍有人员具备该技能", "People still have it", able
            wanting = [one for one in known.categories.values() if thing.id in skills_of(one)]
            yield "skill-in-use", "仍有事项需要该技能", "Categories still wish for it", wanting
        case JobRole():
            holding = [one for one in known.people.values() if thing.id in dict(given(one.grants))]
            yield "role-held", "仍有人员担任该角色", "People still hold it", holding
        case Calendar():
            units = [unit for unit in known.units.values() if unit.calendar_id == thing.id]
            yield "calendar-in-use", "仍被单位使用", "Units still use it", units


def _needs_of_unit(unit: Unit, known: Known) -> Needs:
    below = [other for other in known.units.values() if other.parent_id == unit.id]
    yield "has-units-below", "尚有下级单位", "Units below it are not retired", below
    people = [
        person
        for person in known.people.values()
        if unit.id in {*(post.unit_id for post in person.posts), *(grant.unit_id for grant in person.grants)}
    ]
    yield "has-people", "尚有人员在此任职", "People hold posts or roles there", people
    shifts = [shift for shift in _ahead(known, unit.retired_at) if shift.unit_id == unit.id]
    yield "has-shifts", "尚有未结束的班次", "Shifts there are still ahead", shifts
    lists = [one for one in known.duty_lists.values() if one.unit_id == unit.id]
    yield "has-duty-list", "尚有职责清单", "It still has a duty list", lists
    uses = [use for use in known.policy_uses.values() if use.unit_id == unit.id]
    yield "has-policy-uses", "尚有适用于此的时限规定", "Policies still hold for it", uses
    rightful = [one for one in known.categories.values() if one.rightful_unit_id == unit.id]
    yield "is-rightful-unit", "仍是事项的主管单位", "Categories name it as the rightful unit", rightful


def _needs_of_category(category: Category, known: Known) -> Needs:
    lists = [one for one in known.duty_lists.values() if category.code in one.category_codes]
    yield "on-duty-list", "仍在职责清单中", "Duty lists still name it", lists
    uses = [use for use in known.policy_uses.values() if use.category_code == category.code]
    yield "has-policy-uses", "尚有适用于此的时限规定", "Policies still hold for it", uses
    snippets = [one for one in known.snippets.values() if one.category_code == category.code]
    yield "has-snippets", "尚有相关知识条目", "Snippets are about it", snippets


def _ahead(known: Known, after: datetime | None) -> list[Shift]:
    return [shift for shift in known.shifts.values() if after is None or shift.ends_at > after]
