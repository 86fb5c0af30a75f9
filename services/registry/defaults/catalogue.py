"""The dispatch catalogue a city starts from: the classes of digital city management and of hotlines.

catalogue.csv has class, code, urgency, policy, levels (first letters of those that may handle it), group (what may
be one and the same thing), rightful (the unit that is asked where a community may not be), skills, names and
keywords. asking.csv has what the operator asks and what the worker is asked to bring, for a code or for a class.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from importlib.resources import files

from shared.things import Category, Name
from shared.vocabulary import Level, Urgency

CLASSES = {
    "突发事件": "Sudden events",
    "市政公用": "Municipal works",
    "市容环卫": "Appearance and sanitation",
    "宣传广告": "Signs and advertising",
    "施工管理": "Construction sites",
    "街面秩序": "Street order",
    "社区民生": "Life in the community",
    "市场监管": "Markets and consumers",
    "生态环境": "Environment",
    "平安法治": "Safety and law",
    "劳动社保": "Work and social security",
    "卫生教育": "Health and education",
    "住房建设": "Housing",
    "咨询求助": "Questions and help",
}
LEVELS = {"g": Level.GRID, "c": Level.COMMUNITY, "s": Level.STREET, "a": Level.CIVIL_AFFAIRS}


def categories(units: Collection[str] | None = None) -> tuple[Category, ...]:
    """The catalogue. A city names its own units: a rightful unit that is not among `units` is left open."""
    asking = {row["for"]: row for row in rows_of("asking.csv")}
    return tuple(_category(row, asking, units) for row in rows_of("catalogue.csv"))


def codes_for_a_community() -> tuple[str, ...]:
    """社区职责清单: what a community, or a grid of it, may be sent."""
    own = {Level.GRID, Level.COMMUNITY}
    return tuple(category.code for category in categories() if own & set(category.levels))


def _category(
    row: Mapping[str, str], asking: Mapping[str, Mapping[str, str]], units: Collection[str] | None
) -> Category:
    asked = asking.get(row["code"]) or asking[row["class"]]
    rightful = row["rightful"] or None
    return Category(
        code=row["code"],
        name=Name(zh=row["zh"], en=row["en"]),
        class_name=Name(zh=row["class"], en=CLASSES[row["class"]]),
        urgency=Urgency(row["urgency"]),
        policy_id=row["policy"],
        levels=tuple(LEVELS[letter] for letter in row["levels"]),
        keywords=tuple(row["keywords"].split()),
        group=row["group"] or None,
        script=Name(zh=asked["zh"], en=asked["en"]),
        evidence_wanted=_evidence(asked),
        rightful_unit_id=rightful if units is None or rightful in units else None,
        skills_wanted=tuple(row["skills"].split()),
    )


def _evidence(asked: Mapping[str, str]) -> tuple[Name, ...]:
    zh, en = asked["evidence_zh"], asked["evidence_en"]
    pairs = zip(zh.split(";"), en.split(";"), strict=True) if zh else ()
    return tuple(Name(zh=one, en=other) for one, other in pairs)


def rows_of(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
