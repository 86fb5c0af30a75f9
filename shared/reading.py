"""A list that somebody sends as a file becomes lines: CSV, or the first sheet of an Excel workbook. To be run in a
thread: it is unpacked and parsed here."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from shared.problems import Problem

COLUMNS_MAX = 100
UNPACKED_BYTES_MAX = 200 * 1024 * 1024
"""A workbook is a zip; a small one can unpack to anything."""
EMPTY_ROWS_MAX = 1000
"""After so many in a row a sheet is taken to be at its end: some programs write a million empty rows."""
BEGINNING_BYTES = 64
READING_FAILS = (
    InvalidFileException,
    zipfile.BadZipFile,
    zlib.error,
    LookupError,
    SyntaxError,  # what the parsers of XML raise
    TypeError,
    ValueError,
    OSError,
    EOFError,
)
"""What a damaged workbook can make of the programs that read it."""

Columns = Sequence[str | None]
LineOf = Callable[[Columns, Sequence[Any]], Mapping[str, Any]]
"""What the cells of a row say, by column; nothing at all for a row that is none."""


@dataclass(frozen=True, slots=True)
class Line:
    """`place` counts as the program that wrote the file does: the first line below the headings is 2."""

    place: int
    given: Mapping[str, Any]


@dataclass(frozen=True)
class Form:
    """What a list has to look like. `columns` are the headings in English with those in Chinese; `instead` says what
    to do with a longer one, as 中文 / English."""

    columns: Mapping[str, Sequence[str]]
    needed: Collection[str]
    lines_max: int
    instead: str

    def columns_of(self, headings: Sequence[Any]) -> tuple[list[str | None], list[str]]:
        """The column each heading means, and the headings nobody knows. Case and blanks do not count."""
        known = {word.casefold(): name for name, words in self.columns.items() for word in (name, *words)}
        written = [str(heading or "").strip() for heading in headings]
        columns = [known.get(heading.casefold()) for heading in written]
        return columns, [word for word, name in zip(written, columns, strict=True) if word and name is None]

    def too_many(self) -> Problem:
        return Problem(
            413,
            "too-many-lines",
            f"一次最多 {self.lines_max} 行 / {self.lines_max} lines at once",
            detail=self.instead,
            lines_max=self.lines_max,
        )

    def unreadable(self, title: str) -> Problem:
        names = "、".join(f"{words[0]}（{name}）" for name, words in self.columns.items())
        return Problem(
            422, "unreadable", title, detail=f"可用的列：{names} / Columns: {', '.join(self.columns)}"
        )

    def bounded(self, lines: Iterable[Line]) -> list[Line]:
        taken: list[Line] = []
        for line in lines:
            if len(taken) == self.lines_max:
                raise self.too_many()
            taken.append(line)
        return taken


def begins_with(file: IO[bytes], *marks: bytes) -> bool:
    """What a file is, by its first character that says something; it is left at its beginning."""
    start = file.read(BEGINNING_BYTES)
    file.seek(0)
    return start.removeprefix(codecs.BOM_UTF8).lstrip().startswith(marks)


def read_table(file: IO[bytes], form: Form, line_of: LineOf) -> list[Line]:
    """The lines that say something; a Problem if nothing can be made of the file, or there are too many."""
    if begins_with(file, b"PK"):
        return _workbook(file, form, line_of)
    rows = csv.reader(io.StringIO(text_of(file, form), newline=""))
    try:
        return form.bounded(_lines(rows, form, line_of))
    except csv.Error as wrong:
        raise form.unreadable("不是有效的 CSV / This is not a valid CSV") from wrong


def text_of(file: IO[bytes], form: Form) -> str:
    """UTF-8, or what Excel in China writes without being asked."""
    content = file.read()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise form.unreadable("文件编码无法识别，请存为 UTF-8 / The file is neither UTF-8 nor GB 18030")


def _workbook(file: IO[bytes], form: Form, line_of: LineOf) -> list[Line]:
    try:
        with zipfile.ZipFile(file) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > UNPACKED_BYTES_MAX:
                raise form.too_many()
        file.seek(0)
        book = load_workbook(file, read_only=True, data_only=True)
        try:
            rows = book.worksheets[0].iter_rows(values_only=True, max_col=COLUMNS_MAX)
            return form.bounded(_lines(_to_its_end(rows), form, line_of))
        finally:
            book.close()
    except READING_FAILS as wrong:
        raise form.unreadable(
            "文件无法作为 Excel 读取，请另存为 .xlsx / It cannot be read; save it as .xlsx"
        ) from wrong


def _to_its_end(rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    empty = 0
    for row in rows:
        empty = empty + 1 if _is_empty(row) else 0
        if empty > EMPTY_ROWS_MAX:
            return
        yield row


def _is_empty(row: Sequence[Any]) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in row)


def _lines(rows: Iterable[Sequence[Any]], form: Form, line_of: LineOf) -> Iterator[Line]:
    table = iter(rows)
    columns, unknown = form.columns_of(next(table, ()))
    missing = [f"{form.columns[name][0]}（{name}）" for name in form.needed if name not in columns]
    if unknown:
        raise form.unreadable(
            f"第一行须为列名，不认识：{'、'.join(unknown)}"
            f" / The first line names the columns; not known: {', '.join(unknown)}"
        )
    if missing:
        raise form.unreadable(
            f"第一行须为列名，缺少：{'、'.join(missing)}"
            f" / The first line names the columns; missing: {', '.join(missing)}"
        )
    for place, row in enumerate(table, start=2):
        if not _is_empty(row) and (given := line_of(columns, row)):
            yield Line(place, given)
