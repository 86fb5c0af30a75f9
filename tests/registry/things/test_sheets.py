"""Cells, columns and lines of an import, without any file or database."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.registry.commands import Given
from services.registry.rules import cells
from services.registry.rules.cells import Unreadable
from services.registry.rules.imports import Line, check, made, ranks
from services.registry.rules.roles import with_powers
from services.registry.rules.sheets import (
    CALENDARS,
    CATEGORIES,
    PEOPLE,
    ROLES,
    SHEETS,
    SHIFTS,
    SKILLS,
    UNITS,
    Heading,
    Sheet,
    headings,
    id_of_row,
    letter,
    row_fields,
    row_of,
    sheet_named,
)
from services.registry.rules.things import SINGULAR, Thing
from shared.things import Grant, Unit
from shared.vocabulary import Level, Role, ShiftKind
from tests.registry.things.town import CALENDAR, ELECTRICS, KEEPER, KNOWN, LAMP, NOON, a_shift, named, square

KEEPS = KNOWN.people["p-w"].model_copy(
    update={
        "grants": with_powers(
            [Given(role="keeper", unit_id="grid-x1"), Given(role="volunteer", unit_id="grid-x1")],
            {"keeper": KEEPER},
        )
    }
)
SHANGHAI = ZoneInfo("Asia/Shanghai")
TOP = (Grant(role=Role.ADMINISTRATOR, unit_id="top"),)


@pytest.mark.parametrize(
    ("cell", "written", "read"),
    [
        (cells.TEXT, "  甲 ", "甲"),
        (cells.TEXT, 13.0, "13"),
        (cells.TEXT, None, None),
        (cells.COUNT, 600.0, 600),
        (cells.COUNT, "13350", 13350),
        (cells.COUNT, "", None),
        (cells.YES, "是", True),
        (cells.YES, "no", False),
        (cells.YES, None, False),
        (cells.WORDS, "电工； 木工\n瓦工", ["电工", "木工", "瓦工"]),
        (cells.one_of(Level), "社区", "community"),
        (cells.one_of(Level), "Grid", "grid"),
        (cells.one_of(ShiftKind, empty="on_duty"), "", "on_duty"),
        (cells.some_of(Level), "grid; 社区", ["grid", "community"]),
        (cells.POSTS, "A岗@g-1; b@g-2", [
            {"post": "a", "unit_id": "g-1"},
            {"post": "b", "unit_id": "g-2"},
        ]),
        (cells.ROLES, "楼道管家@grid-x1", [{"role": "楼道管家", "unit_id": "grid-x1"}]),
        (cells.ONE_DAY, "2026/10/1", "2026-10-01"),
        (cells.ONE_DAY, datetime(2026, 10, 1), "2026-10-01"),  # noqa: DTZ001
        (cells.ONE_DAY, None, None),
        (
            cells.DAYS,
            "2026年10月1日 ~ 2026-10-03；2026.12.31, 2026-10-02",
            ["2026-10-01", "2026-10-02", "2026-10-03", "2026-12-31"],
        ),
        (cells.DAYS, "", []),
        (cells.NAMES, "照片 / photo; 读数", [{"zh": "照片", "en": "photo"}, {"zh": "读数", "en": "读数"}]),
        (cells.PLACE, "113.5 24.8", {"lon": 113.5, "lat": 24.8}),
        (cells.PLACE, "113.5，24.8", {"lon": 113.5, "lat": 24.8}),
        (cells.PLACES, "0 0; 1 0; 1 1", [{"lon": 0, "lat": 0}, {"lon": 1, "lat": 0}, {"lon": 1, "lat": 1}]),
        (cells.MOMENT, "2026-12-01 08:00", "2026-12-01T00:00:00Z"),
        (cells.MOMENT, "2026/12/01 08:00", "2026-12-01T00:00:00Z"),
        (cells.MOMENT, "2026-12-01T08:00:00+00:00", "2026-12-01T08:00:00Z"),
        (cells.MOMENT, datetime(2026, 12, 1, 8), "2026-12-01T00:00:00Z"),  # noqa: DTZ001
        (cells.HOURS_OF_WEEK, "1-2 8:30-12:00", [
            {"weekday": 1, "opens": "08:30", "closes": "12:00"},
            {"weekday": 2, "opens": "08:30", "closes": "12:00"},
        ]),
    ],
)  # fmt: skip
def test_a_cell_is_read(cell: cells.Cell, written: Any, read: Any) -> None:
    assert cell.read(written, SHANGHAI) == read


@pytest.mark.parametrize(
    ("cell", "written", "code"),
    [
        (cells.TEXT, "x" * 20_001, "cell-too-long"),
        (cells.TEXT, "a\x00b", "cell-unreadable"),
        (cells.COUNT, "many", "not-a-number"),
        (cells.COUNT, "-1", "not-a-number"),
        (cells.YES, "maybe", "not-yes-or-no"),
        (cells.one_of(Level), "village", "unknown-word"),
        (cells.POSTS, "a", "no-unit-named"),
        (cells.ROLES, "楼道管家", "no-unit-named"),
        (cells.POSTS, "boss@grid-x1", "unknown-word"),
        (cells.PLACE, "here", "not-a-place"),
        (cells.PLACE, "513 24", "off-earth"),
        (cells.PLACES, "0 0; 1", "not-a-place"),
        (cells.MOMENT, "tomorrow", "not-a-time"),
        (cells.HOURS_OF_WEEK, "weekdays", "not-opening-hours"),
    ],
)
def test_a_cell_that_cannot_be_read_says_what_to_do(cell: cells.Cell, written: Any, code: str) -> None:
    with pytest.raises(Unreadable) as wrong:
        cell.read(written, SHANGHAI)
    assert wrong.value.code == code
    zh, en = wrong.value.text.split(" / ", 1)
    assert zh
    assert en


@pytest.mark.parametrize(("place", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA")])
def test_columns_are_called_as_the_sheet_calls_them(place: int, name: str) -> None:
    assert letter(place) == name


@pytest.mark.parametrize(
    ("header", "wrong"),
    [
        (["编号", "类别", "名称"], []),
        (["id", "kind", "name_zh", None, ""], []),
        (["编号 id", "类别 kind", "名称 name_zh", "户数 households"], []),
        (["编号", "类别"], ["column-missing"]),
        (["编号", "类别", "名称", "colour"], ["unknown-column"]),
        (["编号", "类别", "名称", "id"], ["column-twice"]),
    ],
)
def test_a_header_is_understood_in_both_languages(header: list[Any], wrong: list[str]) -> None:
    assert [problem.code for problem in headings(UNITS, header)[1]] == wrong


def columns(sheet: Sheet, *names: str) -> dict[int, Heading]:
    found, wrong = headings(sheet, names)
    assert not [problem for problem in wrong if problem.code != "column-missing"]
    return found


def test_a_row_tells_every_cell_that_is_wrong() -> None:
    there = columns(UNITS, "id", "kind", "name_zh", "households", "polygon")
    fields, problems = row_fields(there, ["b-1", None, "楼", "many", "here"], SHANGHAI)

    assert fields == {"id": "b-1", "name": {"zh": "楼"}}
    assert [(problem.column, problem.code) for problem in problems] == [
        ("B kind", "value-missing"),
        ("D households", "not-a-number"),
        ("E polygon", "not-a-place"),
    ]


@pytest.mark.parametrize(
    ("sheet", "thing"),
    [
        (UNITS, KNOWN.units["grid-x1"]),
        (UNITS, KNOWN.units["top"]),
        (PEOPLE, KNOWN.people["p-operator"]),
        (PEOPLE, KNOWN.people["p-a"]),
        (CALENDARS, CALENDAR.model_copy(update={"holidays": (NOON.date(),)})),
        (PEOPLE, KEEPS),
        (ROLES, KEEPER),
        (SKILLS, ELECTRICS),
        (CATEGORIES, LAMP),
        (
            CATEGORIES,
            LAMP.model_copy(update={"script": named("哪根灯杆？"), "evidence_wanted": (named("照片"),)}),
        ),
        (SHIFTS, a_shift("s-1", "p-a", "grid-x1", 0, 8.5, ShiftKind.ON_CALL)),
    ],
)
def test_what_is_written_out_is_read_back_as_it_was(sheet: Sheet, thing: Thing) -> None:
    there = columns(sheet, *(column.en for column in sheet.columns))
    fields, problems = row_fields(there, row_of(sheet, thing, SHANGHAI), SHANGHAI)

    assert not problems
    line = Line(1, sheet.name, 2, sheet_kind(sheet), id_of_row(sheet, fields), fields)
    known = KNOWN.after([KEEPER])
    assert made(line, known.after([thing])) == thing
    assert made(line, known) == thing


def sheet_kind(sheet: Sheet) -> str:
    return SINGULAR[sheet.kind]


def test_sheets_are_found_by_either_name() -> None:
    assert (
        {sheet_named(sheet.zh) for sheet in SHEETS}
        == {sheet_named(sheet.name.upper()) for sheet in SHEETS}
        == set(SHEETS)
    )
    assert sheet_named("Sheet1") is None


def test_a_shift_without_an_id_is_the_same_one_the_next_time() -> None:
    fields = {"person_id": "p-a", "starts_at": "2026-12-01T00:00:00Z"}
    assert id_of_row(SHIFTS, fields) == "p-a:20261201T0000"
    assert id_of_row(SHIFTS, {"person_id": "p-a", "starts_at": "soon"}) is None
    assert id_of_row(UNITS, fields) is None


# ── lines together ────────────────────────────────────────────────────────────────────────────────────────────────


def a_line(number: int, id: str | None, kind: str = "unit", **fields: Any) -> Line:
    given = {"kind": "building", "name": {"zh": "楼"}, "parent_id": "grid-x1"} if kind == "unit" else {}
    return Line(number, f"{kind}s", number + 1, kind, id, {**given, **fields})


def square_json(x: float) -> list[dict[str, float]]:
    return [point.model_dump() for point in square(x)]


def reasons(*lines: Line, grants: tuple[Grant, ...] = TOP) -> dict[int, list[str]]:
    checked = check(lines, KNOWN, grants, {})
    assert set(checked.good) | set(checked.refused) == {line.number for line in lines}
    return {number: [problem.code for problem in found] for number, found in checked.refused.items()}


def test_a_line_changes_only_the_fields_it_gives() -> None:
    thing = made(a_line(1, "grid-x1", kind="unit", households=7), KNOWN)
    assert isinstance(thing, Unit)
    assert (thing.households, thing.polygon) == (7, KNOWN.units["grid-x1"].polygon)


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        ([a_line(1, "b-1")], {}),
        ([a_line(1, "b-1", parent_id="b-2"), a_line(2, "b-2")], {}),
        ([a_line(1, None)], {1: ["no-id"]}),
        ([a_line(1, "b-1"), a_line(2, "b-1")], {2: ["line-twice"]}),
        ([a_line(1, "b-1", parent_id="nowhere")], {1: ["unknown-parent"]}),
        ([a_line(1, "b-1", households="x")], {1: ["value-unfit"]}),
        ([a_line(1, "b-1", colour="red")], {1: ["unknown-column"]}),
        ([a_line(1, "b-1", retired_at="2026-01-01T00:00:00Z")], {1: ["retires"]}),
        (
            [a_line(1, "b-1", parent_id="b-2"), a_line(2, "b-2", parent_id="b-1")],
            {1: ["parent-circle"], 2: ["parent-circle"]},
        ),
        (
            [a_line(1, "b-1", polygon=square_json(10)), a_line(2, "b-2", polygon=square_json(10.005))],
            {2: ["ground-shared"]},
        ),
        (
            [a_line(1, "b-2", parent_id="b-1"), a_line(2, "b-1", parent_id="nowhere")],
            {1: ["unknown-parent"], 2: ["unknown-parent"]},
        ),
        ([a_line(1, "street", kind="unit", parent_id="top", level="grid")], {1: ["level-not-below"] * 5}),
    ],
)
def test_each_wrong_line_is_named_and_the_rest_is_good(
    lines: list[Line], refused: dict[int, list[str]]
) -> None:
    assert reasons(*lines) == refused


def test_nobody_brings_in_what_is_not_theirs() -> None:
    own = (Grant(role=Role.ADMINISTRATOR, unit_id="community-x"),)
    lines = [
        a_line(1, "b-1"),
        a_line(2, "b-2", parent_id="b-1"),
        a_line(3, "b-3", parent_id="grid-y1"),
        a_line(4, "grid-y1", parent_id="community-x", kind="unit"),
    ]
    assert reasons(*lines, grants=own) == {3: ["not-yours"], 4: ["not-yours"]}


def test_what_is_retired_is_not_brought_back_by_a_file() -> None:
    known = KNOWN.after([KNOWN.units["grid-x2"].model_copy(update={"retired_at": NOON})])
    found = made(a_line(1, "grid-x2"), known)
    assert isinstance(found, list)
    assert found[0].code == "thing-retired"


def test_units_are_written_from_the_top_down() -> None:
    lines = [a_line(1, "b-3", parent_id="b-2"), a_line(2, "b-2", parent_id="b-1"), a_line(3, "b-1")]
    order = ranks(check(lines, KNOWN, TOP, {}).good, KNOWN)
    assert order[3] < order[2] < order[1]
