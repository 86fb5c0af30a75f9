"""The sheets of an import: which columns they have, and how a row becomes fields of a thing.

A column that is not there changes nothing; a cell that is empty clears its field. So a list of e-mail addresses can
be brought in without touching anybody's posts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.registry.rules import cells
from services.registry.rules.cells import Cell, Unreadable
from services.registry.rules.things import SINGULAR, Thing
from shared.going import MatchingPolicy, TravelMode
from shared.things import Calendar, Category, JobRole, Person, Shift, Skill, Unit, Value
from shared.vocabulary import Language, Level, Role, ShiftKind, Urgency


@dataclass(frozen=True)
class Column:
    """`field` of the thing, or `field.part` of it. A `must` is there in every row."""

    field: str
    zh: str
    cell: Cell
    must: bool = False

    @property
    def en(self) -> str:
        return self.field.replace(".", "_")


@dataclass(frozen=True)
class Sheet:
    kind: type[Thing]
    name: str
    zh: str
    columns: tuple[Column, ...]
    key: str = "id"

    def column(self, header: str) -> Column | None:
        wanted = header.strip().lower()
        return next(
            (c for c in self.columns if wanted in (c.en, c.zh.lower(), f"{c.zh} {c.en}".lower())), None
        )


class LineProblem(Value):
    """What is wrong with a line; `column` as the file calls it, None for the line as a whole."""

    column: str | None = None
    code: str
    text: str


ID = Column("id", "编号", cells.TEXT, must=True)
NAMED = (Column("name.zh", "名称", cells.TEXT, must=True), Column("name.en", "英文名称", cells.TEXT))

CALENDARS = Sheet(
    Calendar,
    "calendars",
    "日历",
    (
        ID,
        Column("time_zone", "时区", cells.TEXT, must=True),
        Column("holidays", "放假", cells.DAYS),
        Column("workdays", "调休上班", cells.DAYS),
        Column("known_until", "已知至", cells.ONE_DAY, must=True),
    ),
)
UNITS = Sheet(
    Unit,
    "units",
    "单位",
    (
        ID,
        Column("kind", "类别", cells.TEXT, must=True),
        *NAMED,
        Column("parent_id", "上级编号", cells.TEXT),
        Column("level", "层级", cells.one_of(Level)),
        Column("polygon", "边界", cells.PLACES),
        Column("centre", "中心", cells.PLACE),
        Column("opening_hours", "开放时间", cells.HOURS_OF_WEEK),
        Column("calendar_id", "日历", cells.TEXT),
        Column("households", "户数", cells.COUNT),
        Column("shows_posted_names", "公示姓名", cells.YES),
        Column("matching_policy", "派单策略", cells.one_of(MatchingPolicy)),
        Column("shadow_policy", "影子策略", cells.one_of(MatchingPolicy)),
        Column("advises", "待命建议", cells.YES),
    ),
)
SKILLS = Sheet(
    Skill,
    "skills",
    "技能",
    (ID, *NAMED),
)
ROLES = Sheet(
    JobRole,
    "roles",
    "角色",
    (ID, *NAMED, Column("powers", "权限", cells.some_of(Role), must=True)),
)
PEOPLE = Sheet(
    Person,
    "people",
    "人员",
    (
        ID,
        Column("name.zh", "姓名", cells.TEXT, must=True),
        Column("name.en", "英文姓名", cells.TEXT),
        Column("posts", "岗位", cells.POSTS),
        Column("grants", "角色", cells.ROLES),
        Column("mode", "出行方式", cells.one_of(TravelMode, empty=TravelMode.WALK)),
        Column("base", "驻点", cells.PLACE),
        Column("language", "语言", cells.one_of(Language, empty=Language.CHINESE)),
        Column("email", "邮箱", cells.TEXT),
        Column("webhook_url", "回调地址", cells.TEXT),
        Column("badge", "工牌", cells.TEXT),
        Column("skills", "技能", cells.WORDS),
    ),
)
CATEGORIES = Sheet(
    Category,
    "categories",
    "事项",
    (
        Column("code", "编码", cells.TEXT, must=True),
        *NAMED,
        Column("class_name.zh", "大类", cells.TEXT, must=True),
        Column("class_name.en", "英文大类", cells.TEXT),
        Column("urgency", "紧急程度", cells.one_of(Urgency), must=True),
        Column("policy_id", "时限规则", cells.TEXT, must=True),
        Column("levels", "办理层级", cells.some_of(Level), must=True),
        Column("keywords", "关键词", cells.WORDS),
        Column("group", "组", cells.TEXT),
        Column("script.zh", "话术", cells.TEXT),
        Column("script.en", "英文话术", cells.TEXT),
        Column("evidence_wanted", "所需证据", cells.NAMES),
        Column("rightful_unit_id", "主管单位编号", cells.TEXT),
        Column("skills_wanted", "所需技能", cells.WORDS),
    ),
    key="code",
)
SHIFTS = Sheet(
    Shift,
    "shifts",
    "排班",
    (
        Column("id", "编号", cells.TEXT),
        Column("person_id", "人员编号", cells.TEXT, must=True),
        Column("unit_id", "单位编号", cells.TEXT, must=True),
        Column("starts_at", "开始", cells.MOMENT, must=True),
        Column("ends_at", "结束", cells.MOMENT, must=True),
        Column("kind", "类型", cells.one_of(ShiftKind, empty=ShiftKind.ON_DUTY)),
    ),
)
SHEETS = (CALENDARS, UNITS, SKILLS, ROLES, PEOPLE, CATEGORIES, SHIFTS)
NEVER_CLEARED = frozenset({"calendar_id", "kind"})
"""Fields that have to have a value: an empty cell leaves them as they are."""


def sheet_named(name: str) -> Sheet | None:
    wanted = name.strip().lower()
    return next(
        (sheet for sheet in SHEETS if wanted in (sheet.name, sheet.zh, f"{sheet.zh} {sheet.name}")), None
    )


def sheet_of_kind(name: str) -> Sheet:
    """By a kind's own name: `unit`, `person`, …"""
    return next(sheet for sheet in SHEETS if SINGULAR[sheet.kind] == name)


@dataclass(frozen=True)
class Heading:
    """A column of a file: its letter, its header and what it means."""

    label: str
    column: Column


def headings(sheet: Sheet, header: Sequence[Any]) -> tuple[dict[int, Heading], list[LineProblem]]:
    """What each column means by its place, and what is wrong with the first row."""
    found: dict[int, Heading] = {}
    problems: list[LineProblem] = []
    for place, value in enumerate(header):
        text = cells.text_in(value)[:60]
        if not text:
            continue
        label, column = f"{letter(place)} {text}", sheet.column(text)
        if column is None:
            names = "、".join(each.zh for each in sheet.columns)
            known = ", ".join(each.en for each in sheet.columns)
            wrong = (
                f"不认识的列，请删去或改为：{names} / Not a known column; remove it or use one of: {known}"
            )
            problems.append(LineProblem(column=label, code="unknown-column", text=wrong))
        elif any(heading.column is column for heading in found.values()):
            wrong = "该列出现两次，请删去一列 / The column is there twice; remove one"
            problems.append(LineProblem(column=label, code="column-twice", text=wrong))
        else:
            found[place] = Heading(label, column)
    there = {heading.column.field for heading in found.values()}
    problems += [
        LineProblem(
            column=f"{column.zh} {column.en}",
            code="column-missing",
            text="缺少必填列，请补上 / A column that is needed is not there; add it",
        )
        for column in sheet.columns
        if column.must and column.field not in there
    ]
    return found, problems


def letter(place: int) -> str:
    """A, B … Z, AA …: what a sheet calls its column."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name


def row_fields(
    columns: Mapping[int, Heading], row: Sequence[Any], zone: ZoneInfo
) -> tuple[dict[str, Any], list[LineProblem]]:
    """The fields a row gives, and the cells that cannot be read."""
    fields: dict[str, Any] = {}
    problems: list[LineProblem] = []
    for place, heading in columns.items():
        column = heading.column
        try:
            value = column.cell.read(row[place] if place < len(row) else None, zone)
        except Unreadable as wrong:
            problems.append(LineProblem(column=heading.label, code=wrong.code, text=wrong.text))
            continue
        if value in (None, [], "") and column.must:
            problems.append(
                LineProblem(
                    column=heading.label,
                    code="value-missing",
                    text="必填，请填写 / A value is needed; enter it",
                )
            )
        elif value is not None or column.field not in NEVER_CLEARED:
            _set(fields, column.field, value)
    return fields, problems


def _set(fields: dict[str, Any], name: str, value: Any) -> None:
    whole, _, part = name.partition(".")
    if part:
        fields.setdefault(whole, {})[part] = value
    else:
        fields[whole] = value


def row_of(sheet: Sheet, thing: Thing, zone: ZoneInfo) -> list[Any]:
    """A thing as a row, the columns in their order."""
    body = thing.model_dump(mode="json")
    out = []
    for column in sheet.columns:
        whole, _, part = column.field.partition(".")
        value = (body[whole] or {}).get(part) if part else body[whole]
        out.append(column.cell.write(value, zone))
    return out


def id_of_row(sheet: Sheet, fields: Mapping[str, Any]) -> str | None:
    """The thing's id. A shift without one gets that of its person and beginning, so that it is the same one again
    when the file is brought in a second time."""
    id = fields.get(sheet.key)
    if isinstance(id, str) and id:
        return id
    person, starts_at = fields.get("person_id"), fields.get("starts_at")
    if sheet.kind is not Shift or not isinstance(person, str) or not isinstance(starts_at, str):
        return None
    try:
        return f"{person}:{datetime.fromisoformat(starts_at):%Y%m%dT%H%M}"
    except ValueError:
        return None
