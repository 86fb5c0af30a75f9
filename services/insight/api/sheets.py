"""Tables as CSV or Excel, sent as they are read: page by page, so that a million rows take no more memory than a
thousand and hold no connection while the reader is slow. A list is sent whole or refused: nobody takes a part of it
for all. CSV opens right in a spreadsheet (UTF-8 with a byte order
mark, CRLF), and neither holds a cell that a spreadsheet would run as a formula.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from openpyxl import Workbook

from shared.database import Database, Transaction
from shared.problems import Problem
from shared.routes import service_of

BYTE_ORDER_MARK = "\ufeff"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
PAGE_ROWS = 1000
CHUNK_BYTES = 64 * 1024
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What a workbook's XML cannot hold."""

Row = Mapping[str, Any]
Pages = AsyncIterator[Sequence[Row]]


class Kind(StrEnum):
    CSV = "csv"
    EXCEL = "xlsx"


MEDIA_TYPES = {
    Kind.CSV: "text/csv",
    Kind.EXCEL: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class Sheet:
    """A file's name, its columns, and the zone whose local time Excel shows (it knows no zones)."""

    name: str
    columns: Sequence[str]
    zone: ZoneInfo


def wanted(request: Request) -> Kind | None:
    """By the address (`.csv`, `.xlsx`), or by Accept."""
    accept = request.headers.get("accept", "")
    for kind, media_type in MEDIA_TYPES.items():
        if request.url.path.endswith(f".{kind}") or media_type in accept:
            return kind
    return None


@dataclass(frozen=True)
class Whole:
    """A list to send: `count(tx, at most)` says how many there are, `read(tx, last before, how many)` gives a page of
    them, and `lines` what is written of each, of which there are `lines_each`."""

    count: Callable[[Transaction, int], Awaitable[int]]
    read: Callable[[Transaction, Row | None, int], Awaitable[Sequence[Row]]]
    lines: Callable[[Row], Sequence[Row]] = lambda row: (row,)
    lines_each: int = 1


class GrewTooLongError(Exception):
    """More came than were counted: rather a file that breaks off than one that looks whole."""


async def send_whole(
    request: Request, kind: Kind, sheet: Sheet, database: Database, tx: Transaction, whole: Whole
) -> Response:
    """All of it; a Problem before anything is sent if one file does not hold it."""
    most = rows_max(request) // whole.lines_each
    must_fit(await whole.count(tx, most + 1), most)
    return send(kind, sheet, pages_of(database, whole, most))


def rows_max(request: Request) -> int:
    """How many rows one file may have."""
    return int(service_of(request).settings.export_rows_max)  # type: ignore[attr-defined]


def must_fit(rows: int, most: int) -> None:
    if rows > most:
        raise Problem(
            422,
            "too-many-rows",
            "一个文件放不下 / Too many rows for one file",
            detail=f"最多 {most} 行，请缩短统计期 / At most {most} rows; narrow the period, please",
            rows_max=most,
        )


async def pages_of(database: Database, whole: Whole, most: int) -> Pages:
    """A short transaction for each page."""
    last: Row | None = None
    left = most
    while True:
        async with database.transaction() as tx:
            tx.read_only = True
            page = await whole.read(tx, last, PAGE_ROWS)
        if (left := left - len(page)) < 0:
            raise GrewTooLongError(most)
        if page:
            yield [line for row in page for line in whole.lines(row)]
            last = page[-1]
        if len(page) < PAGE_ROWS:
            return


async def one_page(rows: Sequence[Row]) -> Pages:
    yield rows


def send(kind: Kind, sheet: Sheet, pages: Pages) -> Response:
    written = csv_of(sheet, pages) if kind is Kind.CSV else excel_of(sheet, pages)
    charset = "; charset=utf-8" if kind is Kind.CSV else ""
    headers = {"Content-Disposition": f'attachment; filename="{sheet.name}.{kind}"', "Vary": "Accept"}
    return StreamingResponse(written, media_type=MEDIA_TYPES[kind] + charset, headers=headers)


async def csv_of(sheet: Sheet, pages: Pages) -> AsyncIterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out)
    out.write(BYTE_ORDER_MARK)
    writer.writerow(sheet.columns)
    async for page in pages:
        writer.writerows([safe(row.get(column)) for column in sheet.columns] for row in page)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    yield out.getvalue().encode()


async def excel_of(sheet: Sheet, pages: Pages) -> AsyncIterator[bytes]:
    """openpyxl's write-only workbook puts rows into a file as they come; the whole is packed when all are there."""
    workbook = Workbook(write_only=True)
    table = workbook.create_sheet("data")
    with tempfile.TemporaryFile(prefix=f"{Path(sheet.name).name}-") as packed:
        try:
            table.append(list(sheet.columns))
            async for page in pages:
                cells = [[_excel(row.get(column), sheet.zone) for column in sheet.columns] for row in page]
                await asyncio.to_thread(_append, table, cells)
        finally:  # also where the reader left: the rows' own file goes with the packing
            await asyncio.to_thread(workbook.save, packed)
        packed.seek(0)
        while chunk := await asyncio.to_thread(_read, packed):
            yield chunk


def _append(table: Any, rows: Sequence[Sequence[Any]]) -> None:
    for row in rows:
        table.append(row)


def _read(file: IO[bytes]) -> bytes:
    return file.read(CHUNK_BYTES)


def safe(value: Any) -> Any:
    """A cell of text or a number that no spreadsheet runs."""
    if value is None:
        return ""
    if isinstance(value, datetime) or hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        value = " ".join(str(inner) for inner in value)
    elif isinstance(value, (int, float, Decimal)):
        return value
    text = str(value)
    return "'" + text if text.lstrip(" ").startswith(FORMULA) else text


def _excel(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(zone).replace(tzinfo=None)
    cell = safe(value)
    return NOT_IN_XML.sub("", cell) if isinstance(cell, str) else cell
