"""The sheets of an import written out, page by page: what is exported can be brought in again and changes nothing."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from services.registry.queries import rosters
from services.registry.queries import things as stored
from services.registry.rules.sheets import Sheet, row_of
from services.registry.rules.things import Thing, id_of, units_named_by
from shared.database import Database
from shared.things import Calendar, Category, JobRole, Shift, Skill

PAGE_ROWS = 500
CHUNK_BYTES = 64 * 1024
IN_MEMORY_BYTES_MAX = 4 * 1024 * 1024
"""A larger workbook waits on disk for its reader."""


@dataclass(frozen=True)
class Export:
    """Which things: those of the units, and of shifts those that touch the time."""

    sheet: Sheet
    unit_ids: frozenset[str]
    from_: datetime
    until: datetime


async def things_of(database: Database, export: Export) -> AsyncIterator[list[Thing]]:
    """Page after page, each read in a transaction of its own: a reader that is slow holds none."""
    after = ""
    while True:
        async with database.transaction() as tx:
            if export.sheet.kind is Shift:
                found: Sequence[Thing] = await stored.shift_page(
                    tx,
                    after,
                    PAGE_ROWS,
                    retired=False,
                    person_id=None,
                    unit_id=None,
                    starts_before=export.until,
                    ends_after=export.from_,
                )
            else:
                kind: Any = export.sheet.kind
                found = await stored.page(tx, kind, after, PAGE_ROWS, retired=False)
        yield [thing for thing in found if _is_in(thing, export)]
        if len(found) < PAGE_ROWS:
            return
        after = id_of(found[-1])


def _is_in(thing: Thing, export: Export) -> bool:
    if isinstance(thing, Category | Calendar | Skill | JobRole):
        return True
    return id_of(thing) in export.unit_ids or bool(units_named_by(thing) & export.unit_ids)


async def as_json(database: Database, export: Export) -> AsyncIterator[bytes]:
    """`{"people": [ … ]}`, one thing a line."""
    yield f'{{"{export.sheet.name}": ['.encode()
    comma = b"\n"
    async for page in things_of(database, export):
        for thing in page:
            yield comma + thing.model_dump_json().encode()
            comma = b",\n"
    yield b"\n]}\n"


async def as_workbook(database: Database, export: Export, zone: ZoneInfo) -> AsyncIterator[bytes]:
    """One sheet, its first row naming the columns in both languages."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(export.sheet.zh)
    sheet.append([f"{column.zh} {column.en}" for column in export.sheet.columns])
    async for page in things_of(database, export):
        for thing in page:
            sheet.append([_plain(sheet, value) for value in row_of(export.sheet, thing, zone)])
        await asyncio.sleep(0)
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES_MAX) as file:
        await asyncio.to_thread(book.save, file)
        file.seek(0)
        while chunk := await asyncio.to_thread(_read, file):
            yield chunk


def _read(file: IO[bytes]) -> bytes:
    return file.read(CHUNK_BYTES)


def _plain(sheet: Any, value: Any) -> Any:
    """Text stays text: what begins with = would be a formula on the machine of whoever opens it."""
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type = "s"
    return cell


async def units_of(database: Database, unit_id: str) -> frozenset[str]:
    """The unit and everything below it."""
    async with database.transaction() as tx:
        return frozenset(unit.id for unit in await rosters.units_below(tx, unit_id))
