"""A list sent as a file: its headings in both languages, what bounds it, and what is made of a damaged one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest
from openpyxl import Workbook

from shared import reading
from shared.problems import Problem
from shared.reading import Columns, Form, Line, begins_with, read_table
from tests.damaged import spoiled, with_part

FORM = Form(
    columns={"ref": ("编号", "序号"), "name": ("姓名",), "grid_id": ("网格",)},
    needed=("ref", "name"),
    lines_max=5,
    instead="请分开 / Split it",
)


def by_column(columns: Columns, cells: Sequence[Any]) -> dict[str, Any]:
    return {name: cell for name, cell in zip(columns, cells, strict=False) if name}


def read(content: bytes, form: Form = FORM) -> list[Line]:
    return read_table(io.BytesIO(content), form, by_column)


def refused(content: bytes, form: Form = FORM) -> Problem:
    with pytest.raises(Problem) as wrong:
        read(content, form)
    return wrong.value


def workbook(*rows: Sequence[Any]) -> bytes:
    book, out = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        "编号,姓名\n1,赵\n,\n2,钱\n".encode(),
        "序号,Name\n1,赵\n , \n2,钱\n".encode("utf-8-sig"),
        "REF,姓名,\r\n1,赵,\r\n\r\n2,钱,".encode("gb18030"),
    ],
)
def test_headings_in_both_languages_and_what_excel_writes(content: bytes) -> None:
    assert read(content) == [Line(2, {"ref": "1", "name": "赵"}), Line(4, {"ref": "2", "name": "钱"})]


def test_a_workbook_says_the_same_with_numbers() -> None:
    content = workbook(("编号", "姓名", None), (1, "赵", "?"), (None, " "), (2, "钱"))

    assert [(line.place, line.given["ref"]) for line in read(content)] == [(2, 1), (4, 2)]


def test_a_heading_nobody_knows_or_a_missing_one_is_named() -> None:
    unknown, missing = refused("编号,姓名,身份证\n1,2,3".encode()), refused("编号,网格\n1,2".encode())

    assert (unknown.status, unknown.code, "身份证" in unknown.title) == (422, "unreadable", True)
    assert (missing.code, "姓名（name）" in missing.title) == ("unreadable", True)
    assert "编号（ref）" in str(missing.detail)


@pytest.mark.parametrize("make", [lambda rows: "\n".join(",".join(row) for row in rows).encode(), None])
def test_one_line_too_many_is_refused_and_not_cut_off(make: Any) -> None:
    rows = [("编号", "姓名"), *((str(n), "赵") for n in range(FORM.lines_max))]
    build = make or (lambda every: workbook(*every))

    assert len(read(build(rows))) == FORM.lines_max
    problem = refused(build([*rows, ("6", "赵")]))
    assert (problem.status, problem.code, problem.extra) == (413, "too-many-lines", {"lines_max": 5})


def test_empty_rows_between_are_passed_over_and_end_a_sheet_only_in_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "EMPTY_ROWS_MAX", 2)
    scattered = [("编号", "姓名"), (1, "赵"), (), (), (2, "钱"), (), (3, "孙"), (), (), (), (4, "李")]

    assert [line.given["ref"] for line in read(workbook(*scattered))] == [1, 2, 3]


def test_a_small_zip_that_unpacks_to_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "UNPACKED_BYTES_MAX", 1000)

    assert refused(workbook(("编号", "姓名"))).code == "too-many-lines"


GOOD = workbook(("编号", "姓名"), (1, "赵"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xff\xff",
        b"PK\x03\x04nonsense",
        GOOD[: len(GOOD) // 2],
        with_part(GOOD, "xl/workbook.xml", b"<workbook"),
        with_part(GOOD, "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row><c r='A1'"),
        with_part(GOOD, "[Content_Types].xml", b"<Types xmlns='x'/>"),
        spoiled(GOOD, "xl/worksheets/sheet1.xml"),
    ],
)
def test_a_damaged_file_is_refused_with_the_columns_to_use(content: bytes) -> None:
    problem = refused(content)

    assert (problem.status, problem.code) == (422, "unreadable")
    assert "编号（ref）" in str(problem.detail)


@pytest.mark.parametrize(
    ("content", "expected"), [(b'\xef\xbb\xbf \n{"a": 1}', True), (b"[1]", False), (b"", False)]
)
def test_what_a_file_is_shows_at_its_beginning(content: bytes, expected: bool) -> None:
    file = io.BytesIO(content)

    assert begins_with(file, b"{") is expected
    assert file.read() == content
