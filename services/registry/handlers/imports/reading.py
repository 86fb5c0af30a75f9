"""A file becomes lines. Runs in a thread: a workbook is unpacked and parsed here."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, Any
from zoneinfo import ZoneInfo

from openpyxl import load_workbook

from services.registry.rules.imports import LINES_MAX, Line
from services.registry.rules.sheets import (
    SHEETS,
    LineProblem,
    Sheet,
    headings,
    id_of_row,
    row_fields,
    sheet_named,
)
from services.registry.rules.things import SINGULAR
from shared.problems import Problem
from shared.reading import COLUMNS_MAX, EMPTY_ROWS_MAX, READING_FAILS, UNPACKED_BYTES_MAX

FILE_BYTES_MAX = 10 * 1024 * 1024


def read(file: IO[bytes], file_name: str, zone: ZoneInfo) -> tuple[str, list[Line]]:
    """The file's format and its lines; a Problem if nothing can be made of it."""
    start = file.read(4)
    file.seek(0)
    if start[:2] == b"PK":
        return "xlsx", _workbook(file, zone)
    if file_name.lower().endswith((".xls", ".xlsx")):
        raise _unreadable(
            "旧版或损坏的 Excel 文件，请另存为 .xlsx / An old or damaged Excel file; save it as .xlsx"
        )
    return "json", _json(file)


# ── workbooks ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _workbook(file: IO[bytes], zone: ZoneInfo) -> list[Line]:
    _must_unpack_small(file)
    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except READING_FAILS as wrong:
        raise _unreadable(
            "文件无法作为 Excel 读取，请另存为 .xlsx / It cannot be read; save it as .xlsx"
        ) from wrong
    try:
        lines: list[Line] = []
        for title, sheet in _known_sheets(book.sheetnames):
            for line in _rows(
                book[title].iter_rows(values_only=True, max_col=COLUMNS_MAX), sheet, title, zone
            ):
                lines.append(_numbered(line, len(lines) + 1))
        return lines
    except READING_FAILS as wrong:
        raise _unreadable("文件中途无法读取，请重新保存 / It breaks off; save it once more") from wrong
    finally:
        book.close()


def _must_unpack_small(file: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(file) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
    except READING_FAILS as wrong:
        raise _unreadable("文件已损坏，请重新保存 / The file is damaged; save it once more") from wrong
    if size > UNPACKED_BYTES_MAX:
        raise Problem(
            413,
            "workbook-too-large",
            "工作簿解开后过大 / The workbook unpacks to too much",
            detail="请分成几个文件 / Split it into several files",
            unpacked_bytes_max=UNPACKED_BYTES_MAX,
        )
    file.seek(0)


def _known_sheets(titles: Sequence[str]) -> list[tuple[str, Sheet]]:
    """Sheets with a name of ours, in the order in which they may refer to each other; others are passed over."""
    found = [(title, sheet) for title in titles if (sheet := sheet_named(title)) is not None]
    if not found:
        names = "、".join(f"{sheet.zh}（{sheet.name}）" for sheet in SHEETS)
        raise _unreadable(
            f"没有可识别的工作表，请命名为：{names} / No sheet of ours: {', '.join(s.name for s in SHEETS)}"
        )
    return sorted(found, key=lambda each: SHEETS.index(each[1]))


def _rows(rows: Iterator[tuple[Any, ...]], sheet: Sheet, title: str, zone: ZoneInfo) -> Iterator[Line]:
    columns, wrong = headings(sheet, next(rows, ()))
    if wrong:  # what its columns mean is not known, so none of its rows is
        yield _line(sheet, title, 1, {}, wrong)
        return
    empty = 0
    for place, row in enumerate(rows, start=2):
        if all(value is None or value == "" for value in row):
            empty += 1
            if empty > EMPTY_ROWS_MAX:
                return
            continue
        empty = 0
        fields, problems = row_fields(columns, row, zone)
        yield _line(sheet, title, place, fields, problems)


# ── JSON ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _json(file: IO[bytes]) -> list[Line]:
    """`{"units": […], "people": […], …}` with things, or parts of things, as the registry gives them."""
    try:
        document = json.loads(file.read().decode("utf-8-sig"))
    except (ValueError, RecursionError) as wrong:
        raise _unreadable("既不是 .xlsx 也不是 JSON / It is neither .xlsx nor JSON") from wrong
    if not isinstance(document, dict) or not any(sheet.name in document for sheet in SHEETS):
        raise _unreadable('须为 {"units": […], "people": […], …} / Write {"units": […], "people": […], …}')
    lines: list[Line] = []
    for sheet in SHEETS:
        given = document.get(sheet.name, [])
        if not isinstance(given, list):
            raise _unreadable(f"{sheet.name} 须为列表 / {sheet.name} has to be a list")
        for place, fields in enumerate(given, start=1):
            lines.append(_numbered(_item(sheet, place, fields), len(lines) + 1))
    return lines


def _item(sheet: Sheet, place: int, fields: Any) -> Line:
    if not isinstance(fields, dict):
        text = "须为对象 {…} / It has to be an object {…}"
        return _line(sheet, sheet.name, place, {}, [LineProblem(code="not-an-object", text=text)])
    if "\\u0000" in json.dumps(fields):
        text = "含有无法保存的字符 / A character in it cannot be stored"
        return _line(sheet, sheet.name, place, {}, [LineProblem(code="cell-unreadable", text=text)])
    living = {name: value for name, value in fields.items() if not (name == "retired_at" and value is None)}
    return _line(sheet, sheet.name, place, living, [])


# ── both ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _line(
    sheet: Sheet, title: str, place: int, fields: dict[str, Any], problems: Sequence[LineProblem]
) -> Line:
    return Line(
        number=0,
        sheet=title,
        line=place,
        kind=SINGULAR[sheet.kind],
        thing_id=id_of_row(sheet, fields),
        fields=fields,
        problems=tuple(problems),
    )


def _numbered(line: Line, number: int) -> Line:
    if number > LINES_MAX:
        raise Problem(
            413,
            "too-many-lines",
            f"超过 {LINES_MAX} 行 / More than {LINES_MAX} lines",
            detail="请分成几个文件 / Split it into several files",
            lines_max=LINES_MAX,
        )
    return Line(
        number, line.sheet, line.line, line.kind, line.thing_id, line.fields, line.problems, line.rank
    )


def _unreadable(text: str) -> Problem:
    return Problem(422, "file-unreadable", "文件无法读取 / The file cannot be read", detail=text)
