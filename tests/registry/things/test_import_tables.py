"""Each sheet by itself: a table of planted errors, each told by its line, the rest in, twice no doubles, and what is
exported afterwards comes in again and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from shared.database import Database
from tests.registry.conftest import everything
from tests.registry.things.conftest import Ask
from tests.registry.things.test_imports import brought_in, refused_lines, workbook


@dataclass(frozen=True)
class Sheet:
    """`row(n)` is the n-th good row; `wrong` says what is put in which column of every tenth row, and its code."""

    title: str
    plural: str
    header: tuple[str, ...]
    rows: int
    row: Callable[[int], list[Any]]
    wrong: tuple[tuple[int, Any, str], ...]

    def planted(self) -> tuple[bytes, dict[int, str]]:
        found: dict[int, str] = {}
        rows: list[list[Any]] = [list(self.header)]
        for n in range(1, self.rows + 1):
            row = self.row(n)
            if n % 10 == 0:
                column, value, code = self.wrong[n // 10 % len(self.wrong)]
                row[column] = value
                found[n + 1] = code
            rows.append(row)
        return workbook(**{self.title: rows}), found


def calendar_row(n: int) -> list[Any]:
    new_year = date(2027, 1, 1) + timedelta(days=n % 5)
    return [f"cn-{n:03}", "Asia/Shanghai", f"{new_year} ~ 2027/1/8", "2027年1月10日", date(2027, 12, 31)]


CALENDARS = Sheet(
    "日历",
    "calendars",
    ("编号", "时区", "放假", "调休上班", "已知至"),
    120,
    calendar_row,
    (
        (0, "", "value-missing"),
        (0, "cn-001", "line-twice"),
        (1, "Asia/Atlantis", "unknown-time-zone"),
        (1, None, "value-missing"),
        (2, "国庆", "not-a-day"),
        (2, "2027-02-30", "not-a-day"),
        (2, "2027-01-08 ~ 2027-01-01", "not-days"),
        (2, "2027-01-01 ~ 2027-12-31", "not-days"),
        (3, "2027-01-08", "holiday-and-workday"),
        (3, "2028-01-01", "day-after-known"),
        (4, "年底", "not-a-day"),
        (4, None, "value-missing"),
    ),
)


def category_row(n: int) -> list[Any]:
    urgency = ("应急", "一般", "预约")[n % 3]
    policy = ("emergency", "routine", "appointment")[n % 3]
    return [
        f"c-{n:03}",
        f"事项{n}",
        "市政",
        urgency,
        policy,
        "网格; 社区; street",
        "井盖；manhole",
        f"group-{n % 7}",
        "street" if n % 2 else None,
        "哪根灯杆？" if n % 2 else None,
        "照片 / photo; 读数 / reading",
    ]


CATEGORIES = Sheet(
    "事项",
    "categories",
    (
        "编码",
        "名称",
        "大类",
        "紧急程度",
        "时限规则",
        "办理层级",
        "关键词",
        "组",
        "主管单位编号",
        "话术",
        "所需证据",
    ),
    240,
    category_row,
    (
        (0, "c-001", "line-twice"),
        (0, None, "value-missing"),
        (1, " ", "value-missing"),
        (2, None, "value-missing"),
        (3, "很急", "unknown-word"),
        (3, None, "value-missing"),
        (4, "whenever", "unknown-policy"),
        (4, "emergency", "policy-of-other-urgency"),
        (5, "village", "unknown-word"),
        (5, "", "value-missing"),
        (8, "the-railway", "unknown-unit"),
        (6, "长" * 20_001, "cell-too-long"),
    ),
)

PEOPLE = (("p-a", "grid-x1"), ("p-b", "grid-x1"), ("p-y", "grid-y1"))


def shift_row(n: int) -> list[Any]:
    person, unit = PEOPLE[n % 3]
    day = date(2026, 12, 1) + timedelta(days=n // 3)
    return [person, unit, f"{day} 08:00", f"{day} 20:00", "在岗" if n % 2 else "待命"]


SHIFTS = Sheet(
    "排班",
    "shifts",
    ("人员编号", "单位编号", "开始", "结束", "类型"),
    600,
    shift_row,
    (
        (0, None, "value-missing"),
        (0, "p-nobody", "unknown-person"),
        (1, "grid-z9", "unknown-unit"),
        (1, None, "value-missing"),
        (2, "明天", "not-a-time"),
        (2, None, "value-missing"),
        (3, "2026-13-01 08:00", "not-a-time"),
        (3, "2026-11-30 08:00", "ends-before-start"),
        (3, "9999-12-31 08:00", "time-out-of-range"),
        (4, "睡觉", "unknown-word"),
    ),
)


@pytest.mark.parametrize("sheet", [CALENDARS, CATEGORIES, SHIFTS], ids=lambda sheet: sheet.plural)
async def test_planted_errors_are_told_by_line_and_the_rest_is_in_once(
    ask: Ask, town: Database, sheet: Sheet
) -> None:
    content, wrong = sheet.planted()
    before = len(getattr(await everything(town), sheet.plural))
    good = sheet.rows - len(wrong)

    first = await brought_in(ask("p-admin"), town, content)
    assert (first["lines_in"], first["lines_refused"]) == (good, len(wrong))
    found = await refused_lines(ask("p-admin"), first["id"])
    assert {one["line"]: one["problems"][0]["code"] for one in found} == wrong
    assert {one["sheet"] for one in found} == {sheet.title}
    assert all(" / " in problem["text"] for one in found for problem in one["problems"])
    after = await everything(town)
    assert len(getattr(after, sheet.plural)) == before + good

    again = await brought_in(ask("p-admin"), town, content)
    assert (again["lines_in"], again["lines_unchanged"], again["lines_refused"]) == (0, good, len(wrong))
    period = {"from": "2026-11-01T00:00:00Z", "to": "2027-11-01T00:00:00Z"}
    for form in ("xlsx", "json"):
        url = f"/exports/{sheet.plural}.{form}"
        written = await ask("p-admin").get(url, params={"unit": "top", **period})
        assert written.status_code == 200, written.text
        back = await brought_in(ask("p-admin"), town, written.content, f"f.{form}")
        assert (back["lines_in"], back["lines_refused"]) == (0, 0), form
        assert back["lines_unchanged"] == before + good
    assert await everything(town) == after


async def test_a_unit_may_count_by_a_calendar_of_the_same_file(ask: Ask, town: Database) -> None:
    units = [("编号", "类别", "名称", "上级编号", "日历"), ("hall", "house", "大厅", "grid-x1", "cn-001")]
    file = workbook(units=units, calendars=[CALENDARS.header, calendar_row(1)])
    ended = await brought_in(ask("p-admin"), town, file)
    assert (ended["lines_in"], ended["lines_refused"]) == (2, 0)
    assert (await everything(town)).units["hall"].calendar_id == "cn-001"


async def test_what_holds_for_everybody_is_brought_in_at_the_top(ask: Ask, town: Database) -> None:
    for sheet, row in ((CALENDARS, calendar_row(1)), (CATEGORIES, category_row(1))):
        file = workbook(**{sheet.plural: [sheet.header, row]})
        ended = await brought_in(ask("p-admin-x"), town, file)
        [line] = await refused_lines(ask("p-admin-x"), ended["id"])
        assert line["problems"][0]["code"] == "not-yours"


async def test_an_empty_script_is_taken_away_and_a_missing_column_leaves_it(ask: Ask, town: Database) -> None:
    def rows(*more: tuple[str, Any]) -> bytes:
        header = [*CATEGORIES.header[:6], *(name for name, _ in more)]
        return workbook(categories=[header, [*category_row(1)[:6], *(value for _, value in more)]])

    for more, script in (
        ((("话术", "在哪里？"), ("英文话术", "Where?")), ("在哪里？", "Where?")),
        ((), ("在哪里？", "Where?")),
        ((("英文话术", "Where is it?"),), ("在哪里？", "Where is it?")),
        ((("话术", None),), None),
    ):
        await brought_in(ask("p-admin"), town, rows(*more))
        found = (await everything(town)).categories["c-001"].script
        assert (found and (found.zh, found.en)) == script, more
