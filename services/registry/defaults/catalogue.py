"""The dispatch catalogue a city starts from (catalogue.csv): the classes of digital city management and of hotlines.

Columns: class, code, urgency, levels (first letters of the levels that may handle it), zh, en, keywords.
"""

from __future__ import annotations

import csv
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
    "咨询求助": "Questions and help",
}
LEVELS = {"g": Level.GRID, "c": Level.COMMUNITY, "s": Level.STREET, "a": Level.CIVIL_AFFAIRS}


def _category(row: dict[str, str]) -> Category:
    return Category(
        code=row["code"],
        name=Name(zh=row["zh"], en=row["en"]),
        class_name=Name(zh=row["class"], en=CLASSES[row["class"]]),
        urgency=Urgency(row["urgency"]),
        policy_id=row["urgency"],
        levels=tuple(LEVELS[letter] for letter in row["levels"]),
        keywords=tuple(row["keywords"].split()),
    )


def categories() -> tuple[Category, ...]:
    text = files(__package__).joinpath("catalogue.csv").read_text(encoding="utf-8")
    return tuple(_category(row) for row in csv.DictReader(text.splitlines()))
