"""What is wrong with a change to the registry; nothing that has a flaw is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import shapely
from shapely.geometry import Polygon

from services.registry.rules.needs import still_needed
from services.registry.rules.roles import SHIPPED, given, to_give, words_of
from services.registry.rules.spans import Span
from services.registry.rules.things import Known, Thing, id_of, kind_name, kind_of, skills_of
from shared.going import MatchingPolicy
from shared.policies import flaws_of_policy
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
from shared.vocabulary import Level

LEVELS = tuple(Level)
YEARS = (2000, 2200)
OVERLAP_MAX = 1e-10
"""Square degrees, about one square metre: surveys are not exact."""


@dataclass(frozen=True)
class Flaw:
    """`code` for programs; `text` is `中文 / English`."""

    kind: str
    id: str
    code: str
    text: str


def flaws(changes: Sequence[Thing], known: Known) -> list[Flaw]:
    """Everything wrong with `known` as it would be with `changes`."""
    then = known.after(changes)
    found = [
        Flaw(kind_name(thing), id_of(thing), code, text)
        for thing in changes
        for code, text in _flaws_of(thing, then)
    ]
    units = [thing for thing in changes if isinstance(thing, Unit)]
    return [
        *found,
        *_unknown_skills(changes, known, then),
        *_wrong_levels(units, then),
        *_overlaps(units, then),
    ]


Found = Iterator[tuple[str, str]]


def _flaws_of(thing: Thing, known: Known) -> Found:
    if not id_of(thing).strip():
        yield "no-id", "缺少编号 / It has no id"
    yield from _FLAWS[kind_of(thing)](thing, known)
    if thing.retired_at is not None:
        yield from still_needed(thing, known)


def _flaws_of_unit(unit: Unit, known: Known) -> Found:
    path = known.path(unit.id)
    top = known.units[path[-1]]
    if top.parent_id is not None:
        if top.parent_id in path:
            yield "parent-circle", f"上级关系成环：{'→'.join(path)} / It is above itself: {' > '.join(path)}"
        else:
            yield (
                "unknown-parent",
                f"上级单位 {top.parent_id} 不存在 / There is no unit {top.parent_id} to be its parent",
            )
    if unit.parent_id is None and _other_top(unit, known):
        yield "second-top", "已有最高单位，须指明上级 / There is a top already; name the unit's parent"
    if unit.retired_at is None:
        yield from _retired(path[1:], known)
    if unit.calendar_id not in known.calendars:
        yield "unknown-calendar", f"日历 {unit.calendar_id} 不存在 / There is no calendar {unit.calendar_id}"
    if unit.households is not None and unit.households < 0:
        yield "households-negative", "户数不能为负 / The number of households is negative"
    yield from _flaws_of_hours(unit)
    yield from _flaws_of_polygon(unit)
    yield from _flaws_of_matching(unit)


def _flaws_of_matching(unit: Unit) -> Found:
    """Emergencies are matched street by street, and where there is no street at the top (dispatch, `street_of`)."""
    chosen = unit.matching_policy or MatchingPolicy.ENGINE
    said = unit.matching_policy is not None or unit.shadow_policy is not None or unit.advises
    if said and unit.level is not Level.STREET and unit.parent_id is not None:
        yield (
            "not-matched-here",
            "派单策略只能设在街道或最高单位，请改设在其街道"
            " / Only a street or the top sends by a policy; say it of the street this unit is in",
        )
    if unit.shadow_policy is chosen:
        yield (
            "shadow-is-policy",
            f"影子策略与派单策略同为 {chosen}，无从比较，请另选或留空"
            f" / {chosen} would be compared with itself; choose another to stand beside it, or none",
        )


def _wrong_levels(changed: Sequence[Unit], known: Known) -> Iterator[Flaw]:
    """A rung lies below the rungs above it; a unit that moved may have turned over the order of those below it."""
    moved = {unit.id for unit in changed}
    for unit in known.units.values() if moved else ():
        path = known.path(unit.id)
        if unit.level is None or moved.isdisjoint(path):
            continue
        above = [known.units[id].level for id in path[1:]]
        if any(level and LEVELS.index(level) <= LEVELS.index(unit.level) for level in above):
            text = f"层级 {unit.level} 不低于其上级 / Level {unit.level} is not below its parent's"
            yield Flaw("unit", unit.id, "level-not-below", text)


def _other_top(unit: Unit, known: Known) -> bool:
    return any(o.parent_id is None and o.retired_at is None and o.id != unit.id for o in known.units.values())


def _retired(unit_ids: Iterable[str], known: Known) -> Found:
    for id in unit_ids:
        if known.units[id].retired_at is not None:
            yield "retired-unit", f"单位 {id} 已停用 / Unit {id} is retired"


def _flaws_of_hours(unit: Unit) -> Found:
    last = None
    for hours in sorted(unit.opening_hours, key=lambda hours: (hours.weekday, hours.opens)):
        if not 1 <= hours.weekday <= 7:
            yield (
                "weekday-unknown",
                f"星期 {hours.weekday} 不在 1 至 7 / Weekday {hours.weekday} is not 1 to 7",
            )
        if hours.opens >= hours.closes:
            yield (
                "closes-before-opening",
                f"关门时间不晚于开门 / It closes at {hours.closes}, before it opens",
            )
        if last and last.weekday == hours.weekday and hours.opens < last.closes:
            yield (
                "hours-overlap",
                f"星期 {hours.weekday} 开放时间重叠 / Opening hours of weekday {hours.weekday} overlap",
            )
        last = hours


def _flaws_of_polygon(unit: Unit) -> Found:
    if not unit.polygon:
        return
    if any(not (-180 <= corner.lon <= 180 and -90 <= corner.lat <= 90) for corner in unit.polygon):
        yield "polygon-off-earth", "坐标超出经纬度范围 / A corner is outside -180…180, -90…90 degrees"
    elif len(set(unit.polygon)) < 3:
        yield "polygon-too-small", "边界至少要三个点 / A polygon needs three different corners"
    elif not _area(unit).is_valid:
        why = shapely.is_valid_reason(_area(unit))
        yield "polygon-not-simple", f"边界自相交 / The polygon touches or crosses itself: {why}"


def _area(unit: Unit) -> Polygon:
    return Polygon([(corner.lon, corner.lat) for corner in unit.polygon])


def _overlaps(changed: Sequence[Unit], known: Known) -> Iterator[Flaw]:
    """Units of one kind share no ground; each pair is named once, and the later of two changes is the wrong one."""
    if not changed:
        return
    grounds = [unit for unit in known.units.values() if _stands_on_ground(unit)]
    areas = [_area(unit) for unit in grounds]
    tree = shapely.STRtree(areas)
    order = {unit.id: place for place, unit in enumerate(changed)}
    seen: set[frozenset[str]] = set()
    for unit in changed:
        if not _stands_on_ground(unit):
            continue
        area = _area(unit)
        for place in tree.query(area):
            other = grounds[int(place)]
            pair = frozenset({unit.id, other.id})
            if other.kind != unit.kind or len(pair) < 2 or pair in seen:
                continue
            if area.intersection(areas[int(place)]).area > OVERLAP_MAX:
                seen.add(pair)
                later, first = sorted((unit.id, other.id), key=lambda id: -order.get(id, -1))
                text = f"与 {first} 的范围重叠 / It shares ground with {first}"
                yield Flaw("unit", later, "ground-shared", text)


def _stands_on_ground(unit: Unit) -> bool:
    return unit.retired_at is None and not any(_flaws_of_polygon(unit)) and bool(unit.polygon)


def _flaws_of_person(person: Person, known: Known) -> Found:
    held = [grant.unit_id for grant in person.grants] + [post.unit_id for post in person.posts]
    yield from _unknown_units(held, known)
    if person.retired_at is None:
        yield from _retired((id for id in dict.fromkeys(held) if id in known.units), known)
        for id in dict(given(person.grants)):
            if (role := known.roles.get(id)) is not None and role.retired_at is not None:
                yield "retired-role", f"角色 {id} 已停用 / Role {id} is retired"


def _unknown_units(unit_ids: Iterable[str], known: Known) -> Found:
    for id in dict.fromkeys(unit_ids):
        if id not in known.units:
            yield "unknown-unit", f"单位 {id} 不存在 / There is no unit {id}"


def _unknown_skills(changes: Sequence[Thing], known: Known, then: Known) -> Iterator[Flaw]:
    """A skill nobody knows never matches. What stood there before skills were a list may stay."""
    for thing in changes:
        before = skills_of(known.get(thing))
        for id in dict.fromkeys(skills_of(thing)):
            skill = then.skills.get(id)
            if id not in before and (skill is None or skill.retired_at is not None):
                text = f"技能 {id} 不在目录中，请先添加或改正 / There is no skill {id}; correct it, or add it first"
                yield Flaw(kind_name(thing), id_of(thing), "unknown-skill", text)


def unknown_roles(things: Iterable[Thing], roles: Mapping[str, JobRole]) -> list[Flaw]:
    """Found first: what nobody knows gives no powers that could be looked at."""
    there = to_give(roles)
    return [
        Flaw("person", thing.id, "unknown-role", no_such_role(id))
        for thing in things
        if isinstance(thing, Person)
        for id in dict(given(thing.grants))
        if id not in there
    ]


def no_such_role(name: str) -> str:
    return (
        f"没有角色“{name[:40]}”，请先添加或改正 / There is no role {name[:40]!r}; correct it, or add it first"
    )


def _flaws_of_shift(shift: Shift, known: Known) -> Found:
    if shift.person_id not in known.people:
        yield "unknown-person", f"人员 {shift.person_id} 不存在 / There is no person {shift.person_id}"
    yield from _unknown_units([shift.unit_id], known)
    if shift.starts_at.tzinfo is None or shift.ends_at.tzinfo is None:
        yield "no-time-zone", "时间须带时区 / Times need a time zone"
    elif not in_range(shift.starts_at, shift.ends_at):
        yield OUT_OF_RANGE
    elif shift.ends_at <= shift.starts_at:
        yield (
            "ends-before-start",
            f"班次结束不晚于开始 / The shift ends at {shift.ends_at}, not after it starts",
        )
    elif shift.retired_at is None:
        yield from _away(shift, known)


def in_range(*times: datetime | None) -> bool:
    """Whether arithmetic with these times comes to an end: a year of 1 or 9999 is a mistake."""
    return all(at is None or YEARS[0] <= at.year <= YEARS[1] for at in times)


OUT_OF_RANGE = ("time-out-of-range", "时间超出范围，请核对年份 / The year is out of range; check it")


def _away(shift: Shift, known: Known) -> Found:
    for span in known.away.get(shift.person_id, ()):
        if Span(shift.starts_at, shift.ends_at).within(span):
            away = f"{span.starts_at.isoformat()} – {span.ends_at.isoformat()}"
            yield (
                "person-away",
                f"该人员请假：{away}，请先销假 / The person is away {away}; end that absence first",
            )


def _flaws_of_category(category: Category, known: Known) -> Found:
    policy = known.policies.get(category.policy_id)
    if policy is None:
        yield (
            "unknown-policy",
            f"时限规则 {category.policy_id} 不存在 / There is no policy {category.policy_id}",
        )
    elif policy.urgency is not category.urgency:
        yield (
            "policy-of-other-urgency",
            f"时限规则属于 {policy.urgency} / Its policy is for {policy.urgency} cases",
        )
    elif policy.retired_at is not None and category.retired_at is None:
        yield "retired-policy", f"时限规则 {policy.id} 已停用 / Policy {policy.id} is retired"
    if not category.levels:
        yield "no-level", "至少要有一个可办理层级 / No level may handle it"
    if (rightful := category.rightful_unit_id) is not None:
        yield from _unknown_units([rightful], known)
        if category.retired_at is None and rightful in known.units:
            yield from _retired([rightful], known)


def _flaws_of_policy(policy: Policy, known: Known) -> Found:
    yield from flaws_of_policy(policy)


def _flaws_of_calendar(calendar: Calendar, known: Known) -> Found:
    try:
        ZoneInfo(calendar.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield (
            "unknown-time-zone",
            f"时区 {calendar.time_zone} 不存在 / There is no time zone {calendar.time_zone}",
        )
    if both := set(calendar.holidays) & set(calendar.workdays):
        yield "holiday-and-workday", f"{min(both)} 既放假又上班 / {min(both)} is both a holiday and a workday"
    if any(day > calendar.known_until for day in (*calendar.holidays, *calendar.workdays)):
        yield "day-after-known", "有日期晚于 known_until / A day lies after known_until"


def _flaws_of_policy_use(use: PolicyUse, known: Known) -> Found:
    policy = known.policies.get(use.policy_id)
    category = known.categories.get(use.category_code) if use.category_code is not None else None
    if policy is None:
        yield "unknown-policy", f"时限规则 {use.policy_id} 不存在 / There is no policy {use.policy_id}"
    elif policy.retired_at is not None and use.retired_at is None:
        yield "retired-policy", f"时限规则 {policy.id} 已停用 / Policy {policy.id} is retired"
    yield from _unknown_categories([use.category_code] if use.category_code is not None else [], known)
    if policy is not None and category is not None and policy.urgency is not category.urgency:
        yield (
            "policy-of-other-urgency",
            f"时限规则属于 {policy.urgency} / Its policy is for {policy.urgency} cases",
        )
    yield from _unknown_units([use.unit_id] if use.unit_id is not None else [], known)
    if use.valid_from.tzinfo is None or (use.valid_until is not None and use.valid_until.tzinfo is None):
        yield "no-time-zone", "时间须带时区 / Times need a time zone"
    elif not in_range(use.valid_from, use.valid_until):
        yield OUT_OF_RANGE
    elif use.valid_until is not None and use.valid_until <= use.valid_from:
        yield "ends-before-start", "失效不晚于生效 / It ends not after it begins"


def _unknown_categories(codes: Iterable[str], known: Known) -> Found:
    for code in dict.fromkeys(codes):
        if code not in known.categories:
            yield "unknown-category", f"事项 {code} 不存在 / There is no category {code}"


def _flaws_of_duty_list(duty_list: DutyList, known: Known) -> Found:
    yield from _unknown_units([duty_list.unit_id], known)
    yield from _unknown_categories(duty_list.category_codes, known)
    if len(set(duty_list.category_codes)) < len(duty_list.category_codes):
        yield "category-twice", "同一事项出现两次 / A category is named twice"
    other = [
        each.id
        for each in known.duty_lists.values()
        if each.unit_id == duty_list.unit_id and each.retired_at is None and each.id != duty_list.id
    ]
    if duty_list.retired_at is None and other:
        yield (
            "second-duty-list",
            f"该单位已有职责清单 {other[0]}，请在其中修改 / The unit has the list {other[0]}; change that one",
        )


def _flaws_of_word_list(word_list: WordList, known: Known) -> Found:
    if not word_list.words or any(not word.strip() for word in word_list.words):
        yield (
            "no-words",
            "词表为空或含空词 / The list is empty or holds an empty word, which is in every text",
        )
    if word_list.urgency is None and word_list.service is None:
        yield "list-without-effect", "须指明紧急程度或救援电话 / Name an urgency or an emergency service"


def _flaws_of_skill(skill: Skill, known: Known) -> Found:
    if not skill.name.zh.strip():
        yield "no-name", "缺少名称 / It has no name"


def _flaws_of_role(role: JobRole, known: Known) -> Found:
    if not role.name.zh.strip() or not role.name.en.strip():
        yield "no-name", "缺少中文或英文名称 / It has no name in one of the languages"
    if not role.powers:
        yield "no-power", "至少要有一项权限 / It has no power"
    if len(set(role.powers)) < len(role.powers):
        yield "power-twice", "同一权限出现两次 / A power is named twice"
    if role.id in SHIPPED and role.powers != SHIPPED[role.id].powers:
        yield (
            "shipped-powers",
            "系统角色的权限不能改，请另设角色 / What ships keeps its power; make a role of your own",
        )
    if role.retired_at is None:
        yield from _called_alike(role, known)


def _called_alike(role: JobRole, known: Known) -> Found:
    """A list of staff may call a role by its id, or by its name in either language."""
    for other in to_give(known.roles).values():
        if other.id != role.id and other.retired_at is None and words_of(other) & words_of(role):
            yield "name-taken", f"角色 {other.id} 已用此名称 / Role {other.id} is called so"


def _flaws_of_snippet(snippet: Snippet, known: Known) -> Found:
    if not snippet.text.zh.strip() or not snippet.title.zh.strip():
        yield "no-text", "缺少标题或内容 / It has no title or no text"
    yield from _unknown_categories(
        [snippet.category_code] if snippet.category_code is not None else [], known
    )


_FLAWS: dict[type[Thing], Callable[[Any, Known], Found]] = {
    Unit: _flaws_of_unit,
    Person: _flaws_of_person,
    Shift: _flaws_of_shift,
    Category: _flaws_of_category,
    Policy: _flaws_of_policy,
    Calendar: _flaws_of_calendar,
    PolicyUse: _flaws_of_policy_use,
    DutyList: _flaws_of_duty_list,
    WordList: _flaws_of_word_list,
    Snippet: _flaws_of_snippet,
    Skill: _flaws_of_skill,
    JobRole: _flaws_of_role,
}
