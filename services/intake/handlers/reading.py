"""A file becomes lines: CSV, an Excel workbook's first sheet, or JSON. Runs in a thread: it is unpacked and parsed
here."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any
from zoneinfo import ZoneInfo

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from services.intake.rules.import_lines import COLUMNS, columns_of, registration_of
from shared.problems import Problem

LINES_MAX = 5000
UNPACKED_BYTES_MAX = 200 * 1024 * 1024
"""A workbook is a zip; a small one can unpack to anything."""
COLUMNS_MAX = 100
READING_FAILS = (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError)


@dataclass(frozen=True)
class Line:
    """`place` counts as the program that wrote the file does: the first line below the headings is 2."""

    place: int
    given: dict[str, Any] = field(default_factory=dict)


def read_lines(file: IO[bytes], zone: ZoneInfo) -> list[Line]:
    """The lines that say something; a Problem if nothing can be made of the file."""
    start = file.read(4)
    file.seek(0)
    lines: Iterable[Line]
    if start[:2] == b"PK":
        lines = _workbook(file, zone)
    elif start.lstrip(b"\xef\xbb\xbf")[:1] in {b"{", b"["}:
        lines = _json(file)
    else:
        lines = _table(csv.reader(io.StringIO(_text(file), newline="")), zone)
    taken: list[Line] = []
    for line in lines:
        if len(taken) == LINES_MAX:
            raise too_many()
        taken.append(line)
    return taken


def too_many() -> Problem:
    return Problem(
        413,
        "too-many-lines",
        f"一次最多 {LINES_MAX} 行 / {LINES_MAX} lines at once",
        detail="请分成几个文件 / Split it into several files",
        lines_max=LINES_MAX,
    )


def unreadable(title: str) -> Problem:
    names = "、".join(f"{zh}（{name}）" for name, (zh, _) in COLUMNS.items())
    return Problem(422, "unreadable", title, detail=f"可用的列：{names} / Columns: {', '.join(COLUMNS)}")


def _text(file: IO[bytes]) -> str:
    """UTF-8, or what Excel in China writes without being asked."""
    content = file.read()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise unreadable("文件编码无法识别，请存为 UTF-8 / The file is neither UTF-8 nor GB 18030")


def _table(rows: Iterable[Iterable[Any]], zone: ZoneInfo) -> Iterator[Line]:
    table = iter(rows)
    try:
        columns, unknown = columns_of(list(next(table, ())))
        if unknown or "category_code" not in columns:
            raise unreadable(
                f"第一行须为列名，不认识：{'、'.join(unknown) or '（缺少事项）'}"
                f" / The first line names the columns; not known: {', '.join(unknown) or '(category_code missing)'}"
            )
        for place, row in enumerate(table, start=2):
            if given := registration_of(columns, list(row), zone):
                yield Line(place, given)
    except csv.Error as wrong:
        raise unreadable("不是有效的 CSV / This is not a valid CSV") from wrong


def _workbook(file: IO[bytes], zone: ZoneInfo) -> list[Line]:
    try:
        with zipfile.ZipFile(file) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > UNPACKED_BYTES_MAX:
                raise too_many()
        file.seek(0)
        book = load_workbook(file, read_only=True, data_only=True)
        try:
            rows = book.worksheets[0].iter_rows(values_only=True, max_col=COLUMNS_MAX)
            lines: list[Line] = []
            for line in _table(rows, zone):
                lines.append(line)
                if len(lines) > LINES_MAX:
                    raise too_many()
            return lines
        finally:
            book.close()
    except READING_FAILS as wrong:
        raise unreadable(
            "文件无法作为 Excel 读取，请另存为 .xlsx / It cannot be read; save it as .xlsx"
        ) from wrong


def _json(file: IO[bytes]) -> Iterator[Line]:
    """A list of registrations, or `{"cases": [...]}`, each with a `key` beside what POST /cases takes."""
    try:
        document = json.loads(file.read().decode("utf-8-sig"))
    except (ValueError, RecursionError) as wrong:
        raise unreadable("不是有效的 JSON / This is not valid JSON") from wrong
    cases = document.get("cases") if isinstance(document, dict) else document
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise unreadable('须为 {"cases": [{…}, …]} / Write {"cases": [{…}, …]}')
    return (Line(place, case) for place, case in enumerate(cases, start=1))
