"""The file of a mass task becomes lines: CSV, an Excel workbook's first sheet, or JSON lines. Runs in a thread."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import IO, Any

from services.dispatch.rules.listing import COLUMNS, NEEDED
from shared.reading import Columns, Form, Line, begins_with, read_table, text_of

FORM = Form(
    columns=COLUMNS,
    needed=NEEDED,
    lines_max=20_000,
    instead="请分成几个任务 / Make several tasks of it",
)


def read_list(file: IO[bytes]) -> list[Line]:
    """The lines that say something; a Problem if nothing can be made of the file, or there are too many."""
    if begins_with(file, b"{"):
        return FORM.bounded(_json_lines(text_of(file, FORM)))
    return read_table(file, FORM, _by_column)


def _by_column(columns: Columns, cells: Sequence[Any]) -> dict[str, Any]:
    return {name: cell for name, cell in zip(columns, cells, strict=False) if name}


def _json_lines(text: str) -> Iterator[Line]:
    for place, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
        except (ValueError, RecursionError) as wrong:
            raise FORM.unreadable(f"第 {place} 行不是有效的 JSON / Line {place} is not valid JSON") from wrong
        if not isinstance(given, dict):
            raise FORM.unreadable(f"第 {place} 行须为 {{…}} / Line {place} has to be an object")
        yield Line(place, given)
