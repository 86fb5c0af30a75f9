"""The file of an import becomes lines: CSV, an Excel workbook's first sheet, or JSON. Runs in a thread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import IO
from zoneinfo import ZoneInfo

from services.intake.rules.import_lines import COLUMNS, registration_of
from shared.reading import Form, Line, begins_with, read_table

LINES_MAX = 5000
FORM = Form(
    columns={name: (zh,) for name, (zh, _) in COLUMNS.items()},
    needed=("category_code",),
    lines_max=LINES_MAX,
    instead="请分成几个文件 / Split it into several files",
)


def read_lines(file: IO[bytes], zone: ZoneInfo) -> list[Line]:
    """The lines that say something; a Problem if nothing can be made of the file."""
    if begins_with(file, b"{", b"["):
        return FORM.bounded(_json(file))
    return read_table(file, FORM, partial(registration_of, time_zone=zone))


def _json(file: IO[bytes]) -> Iterator[Line]:
    """A list of registrations, or `{"cases": [...]}`, each with a `key` beside what POST /cases takes."""
    try:
        document = json.loads(file.read().decode("utf-8-sig"))
    except (ValueError, RecursionError) as wrong:
        raise FORM.unreadable("不是有效的 JSON / This is not valid JSON") from wrong
    cases = document.get("cases") if isinstance(document, dict) else document
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise FORM.unreadable('须为 {"cases": [{…}, …]} / Write {"cases": [{…}, …]}')
    return (Line(place, case) for place, case in enumerate(cases, start=1))
