"""The file of a mass task becomes lines: CSV, an Excel workbook's first sheet, or JSON lines. Runs in a thread."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from services.dispatch.rules.listing import COLUMNS, NEEDED, Line, columns_of
from shared.problems import Problem

LINES_MAX = 20_000
COLUMNS_MAX = 50
UNPACKED_BYTES_MAX = 200 * 1024 * 1024
"""A workbook is a zip; a small one can unpack to anything."""
EMPTY_ROWS_MAX = 1000
READING_FAILS = (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError)


def read_list(file: IO[bytes]) -> list[Line]:
    """The lines that say something; a Problem if nothing can be made of the file, or there are too many."""
    start = file.read(4)
    file.seek(0)
    if start[:2] == b"PK":
        return _workbook(file)
    text = _text(file)
    if text.lstrip()[:1] == "{":
        return _bounded(_json_lines(text))
    return _bounded(_table(csv.reader(io.StringIO(text, newline=""))))


def too_many() -> Problem:
    return Problem(
        413,
        "too-many-lines",
        f"一次最多 {LINES_MAX} 行 / {LINES_MAX} lines at once",
        detail="请分成几个任务 / Make several tasks of it",
        lines_max=LINES_MAX,
    )


def unreadable(title: str) -> Problem:
    zh = "、".join(words[0] for words in COLUMNS.values())
    return Problem(422, "unreadable", title, detail=f"可用的列：{zh} / Columns: {', '.join(COLUMNS)}")


def _bounded(lines: Iterable[Line]) -> list[Line]:
    taken: list[Line] = []
    for line in lines:
        if len(taken) == LINES_MAX:
            raise too_many()
        taken.append(line)
    return taken


def _text(file: IO[bytes]) -> str:
    """UTF-8, or what Excel in China writes without being asked."""
    content = file.read()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise unreadable("文件编码无法识别，请存为 UTF-8 / The file is neither UTF-8 nor GB 18030")


def _json_lines(text: str) -> Iterator[Line]:
    for place, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
        except (ValueError, RecursionError) as wrong:
            raise unreadable(f"第 {place} 行不是有效的 JSON / Line {place} is not valid JSON") from wrong
        if not isinstance(given, dict):
            raise unreadable(f"第 {place} 行须为 {{…}} / Line {place} has to be an object")
        yield Line(place, given)


def _table(rows: Iterable[Iterable[Any]]) -> Iterator[Line]:
    table, empty = iter(rows), 0
    try:
        columns, unknown = columns_of(list(next(table, ())))
        if unknown or not set(NEEDED) <= set(columns):
            raise unreadable(
                f"第一行须为列名，不认识：{'、'.join(unknown) or '（缺少必需的列）'}"
                f" / The first line names the columns; not known: {', '.join(unknown) or '(a needed one is missing)'}"
            )
        for place, row in enumerate(table, start=2):
            cells = list(row)
            if all(cell in (None, "") for cell in cells):
                empty += 1
                if empty > EMPTY_ROWS_MAX:
                    return
                continue
            yield Line(place, {name: cell for name, cell in zip(columns, cells, strict=False) if name})
    except csv.Error as wrong:
        raise unreadable("不是有效的 CSV / This is not a valid CSV") from wrong


def _workbook(file: IO[bytes]) -> list[Line]:
    try:
        with zipfile.ZipFile(file) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > UNPACKED_BYTES_MAX:
                raise too_many()
        file.seek(0)
        book = load_workbook(file, read_only=True, data_only=True)
        try:
            return _bounded(_table(book.worksheets[0].iter_rows(values_only=True, max_col=COLUMNS_MAX)))
        finally:
            book.close()
    except READING_FAILS as wrong:
        raise unreadable(
            "文件无法作为 Excel 读取，请另存为 .xlsx / It cannot be read; save it as .xlsx"
        ) from wrong
