"""Imports and their lines in and out of their tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.registry.rules.imports import Key, Line
from services.registry.rules.sheets import LineProblem
from shared.database import Row, Transaction
from shared.things import Value


class ImportState(StrEnum):
    """检查中 / 已检查 / 写入中 / 已完成 / 已取消."""

    CHECKING = "checking"
    CHECKED = "checked"
    WRITING = "writing"
    DONE = "done"
    CANCELLED = "cancelled"


class LineState(StrEnum):
    READ = "read"
    GOOD = "good"
    REFUSED = "refused"
    IN = "in"
    UNCHANGED = "unchanged"


class Import(Value):
    """How far an import is; the counts grow while it goes on. `lines_in` are those that changed something."""

    id: UUID
    state: ImportState
    format: str
    file_name: str
    made_by: str
    made_at: datetime
    ended_at: datetime | None = None
    lines_total: int
    lines_checked: int
    lines_good: int
    lines_refused: int
    lines_in: int
    lines_unchanged: int


class ReportLine(Value):
    """What became of a line: where it stands in the file, and what is wrong with it."""

    number: int
    sheet: str
    line: int
    kind: str
    thing_id: str | None
    state: LineState
    problems: tuple[LineProblem, ...]


INSERT = """
    INSERT INTO imports (id, state, format, file_name, made_by, made_at, lines_total)
    VALUES (:id, 'checking', :format, :file_name, :made_by, :made_at, :lines_total)
"""
INSERT_LINES = """
    INSERT INTO import_lines (import_id, number, sheet, line, kind, thing_id, state, fields, problems)
    SELECT :id, number, sheet, line, kind, thing_id, 'read', CAST(fields AS jsonb), CAST(problems AS jsonb)
    FROM unnest(CAST(:numbers AS int[]), CAST(:sheets AS text[]), CAST(:lines AS int[]), CAST(:kinds AS text[]),
                CAST(:thing_ids AS text[]), CAST(:fields AS text[]), CAST(:problems AS text[]))
         AS new(number, sheet, line, kind, thing_id, fields, problems)
"""
ONE = "SELECT * FROM imports WHERE id = :id"
PAGE = """
    SELECT * FROM imports WHERE made_by = :made_by
      AND (CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid)) ORDER BY id DESC LIMIT :rows_max
"""
SET_STATE = "UPDATE imports SET state = :state, ended_at = :ended_at WHERE id = :id"
COUNT = """
    UPDATE imports SET lines_checked = counted.checked, lines_good = counted.good, lines_refused = counted.refused,
                       lines_in = counted.written, lines_unchanged = counted.unchanged
    FROM (SELECT count(*) FILTER (WHERE state <> 'read') AS checked, count(*) FILTER (WHERE state = 'good') AS good,
                 count(*) FILTER (WHERE state = 'refused') AS refused,
                 count(*) FILTER (WHERE state = 'in') AS written,
                 count(*) FILTER (WHERE state = 'unchanged') AS unchanged
          FROM import_lines WHERE import_id = :id) AS counted
    WHERE imports.id = :id
"""
TO_CHECK = """
    SELECT number, sheet, line, kind, thing_id, rank, fields, problems FROM import_lines
    WHERE import_id = :id AND state = 'read' AND kind = :kind ORDER BY number LIMIT :rows_max
"""
NEXT_KIND = """
    SELECT kind FROM import_lines WHERE import_id = :id AND state = 'read'
    ORDER BY array_position(CAST(:kinds AS text[]), kind) LIMIT 1
"""
KEYS_BEFORE = """
    SELECT thing_id, line FROM import_lines
    WHERE import_id = :id AND kind = :kind AND state <> 'read' AND thing_id = ANY(CAST(:thing_ids AS text[]))
    ORDER BY number DESC
"""
GOOD_OF_KIND = """
    SELECT number, sheet, line, kind, thing_id, rank, fields, problems FROM import_lines
    WHERE import_id = :id AND state = 'good' AND kind = :kind
      AND (CAST(:thing_ids AS text[]) IS NULL OR thing_id = ANY(CAST(:thing_ids AS text[]))) ORDER BY number
"""
TO_WRITE = """
    SELECT number, sheet, line, kind, thing_id, rank, revision, fields, problems FROM import_lines
    WHERE import_id = :id AND state = 'good'
    ORDER BY array_position(CAST(:kinds AS text[]), kind), rank, number LIMIT :rows_max
"""
# What was written needs its fields no longer: they hold people's names.
SAVE_LINES = """
    UPDATE import_lines SET state = new.state, problems = CAST(new.problems AS jsonb), rank = new.rank,
        revision = new.revision,
        fields = CASE WHEN new.state = 'good' THEN fields END
    FROM unnest(CAST(:numbers AS int[]), CAST(:states AS text[]), CAST(:problems AS text[]), CAST(:ranks AS int[]),
                CAST(:revisions AS bigint[])) AS new(number, state, problems, rank, revision)
    WHERE import_lines.import_id = :id AND import_lines.number = new.number
"""
REPORT = """
    SELECT number, sheet, line, kind, thing_id, state, problems FROM import_lines
    WHERE import_id = :id AND number > :after AND (CAST(:state AS text) IS NULL OR state = :state)
    ORDER BY number LIMIT :rows_max
"""
PEOPLE_AS_CHECKED = """
    SELECT number FROM import_lines JOIN people ON people.id = thing_id AND people.revision = import_lines.revision
    WHERE import_id = :id AND kind = 'person' AND state = 'good'
"""
CHECKED_ANEW = """
    UPDATE import_lines SET revision = people.revision FROM people
    WHERE import_id = :id AND number = ANY(CAST(:numbers AS int[])) AND people.id = thing_id
"""
FORGET = "DELETE FROM imports WHERE id = :id"


async def insert(
    tx: Transaction,
    id: UUID,
    format: str,
    file_name: str,
    made_by: str,
    made_at: datetime,
    lines: Sequence[Line],
) -> None:
    await tx.rows(
        INSERT,
        id=id,
        format=format,
        file_name=file_name,
        made_by=made_by,
        made_at=made_at,
        lines_total=len(lines),
    )
    await tx.rows(
        INSERT_LINES,
        id=id,
        numbers=[line.number for line in lines],
        sheets=[line.sheet for line in lines],
        lines=[line.line for line in lines],
        kinds=[line.kind for line in lines],
        thing_ids=[line.thing_id for line in lines],
        fields=[json.dumps(line.fields) for line in lines],
        problems=[_dumped(line.problems) for line in lines],
    )


async def one(tx: Transaction, id: UUID) -> Import | None:
    rows = await tx.rows(ONE, id=id)
    return Import.model_validate(dict(rows[0])) if rows else None


async def page(tx: Transaction, made_by: str, before: UUID | None, rows_max: int) -> list[Import]:
    """The imports of a person, newest first."""
    rows = await tx.rows(PAGE, made_by=made_by, before=before, rows_max=rows_max)
    return [Import.model_validate(dict(row)) for row in rows]


async def set_state(tx: Transaction, id: UUID, state: ImportState, ended_at: datetime | None = None) -> None:
    await tx.rows(SET_STATE, id=id, state=state, ended_at=ended_at)


async def count(tx: Transaction, id: UUID) -> None:
    """Bring the import's counts up to date with its lines."""
    await tx.rows(COUNT, id=id)


async def to_check(
    tx: Transaction, id: UUID, kinds: Sequence[str], rows_max: Mapping[str, int]
) -> list[Line]:
    """The next lines that were not looked at, all of one kind; none at the end."""
    found = await tx.rows(NEXT_KIND, id=id, kinds=list(kinds))
    if not found:
        return []
    kind = found[0]["kind"]
    return [_line(row) for row in await tx.rows(TO_CHECK, id=id, kind=kind, rows_max=rows_max[kind])]


async def keys_before(tx: Transaction, id: UUID, lines: Sequence[Line]) -> dict[Key, str]:
    """Which things of `lines` earlier lines name already, and where the first of these stands."""
    ids = [line.thing_id for line in lines if line.thing_id is not None]
    rows = await tx.rows(KEYS_BEFORE, id=id, kind=lines[0].kind, thing_ids=ids)
    return {(lines[0].kind, row["thing_id"]): str(row["line"]) for row in rows}


async def good_lines(
    tx: Transaction, id: UUID, kind: str, thing_ids: Sequence[str] | None = None
) -> list[Line]:
    """The good lines of a kind; of these things only, if given."""
    ids = None if thing_ids is None else list(thing_ids)
    return [_line(row) for row in await tx.rows(GOOD_OF_KIND, id=id, kind=kind, thing_ids=ids)]


async def to_write(tx: Transaction, id: UUID, kinds: Sequence[str], rows_max: int) -> list[Line]:
    """The next good lines, those first on which others hang."""
    rows = await tx.rows(TO_WRITE, id=id, kinds=list(kinds), rows_max=rows_max)
    return [_line(row) for row in rows]


async def save_lines(
    tx: Transaction,
    id: UUID,
    states: Mapping[int, LineState],
    problems: Mapping[int, Sequence[LineProblem]],
    ranks: Mapping[int, int] = {},
    revisions: Mapping[int, int] = {},
) -> None:
    """By the number of the line: what became of it, why, when it is written, and the thing's revision."""
    numbers = sorted(states)
    await tx.rows(
        SAVE_LINES,
        id=id,
        numbers=numbers,
        states=[states[number] for number in numbers],
        problems=[_dumped(problems.get(number, ())) for number in numbers],
        ranks=[ranks.get(number, 0) for number in numbers],
        revisions=[revisions.get(number) for number in numbers],
    )


async def people_as_checked(tx: Transaction, id: UUID) -> list[int]:
    """The good lines whose people nobody changed since."""
    return [row["number"] for row in await tx.rows(PEOPLE_AS_CHECKED, id=id)]


async def checked_anew(tx: Transaction, id: UUID, numbers: Sequence[int]) -> None:
    """What changed about the people of these lines is the import's own doing."""
    await tx.rows(CHECKED_ANEW, id=id, numbers=list(numbers))


async def report(
    tx: Transaction, id: UUID, state: LineState | None, after: int, rows_max: int
) -> list[ReportLine]:
    rows = await tx.rows(REPORT, id=id, after=after, state=state, rows_max=rows_max)
    return [ReportLine.model_validate(dict(row)) for row in rows]


async def forget(tx: Transaction, id: UUID) -> None:
    await tx.rows(FORGET, id=id)


def _line(row: Row) -> Line:
    values: dict[str, Any] = dict(row)
    problems = tuple(LineProblem.model_validate(each) for each in values.pop("problems"))
    fields = values.pop("fields") or {}
    return Line(**values, fields=fields, problems=problems)


def _dumped(problems: Sequence[LineProblem]) -> str:
    return json.dumps([problem.model_dump() for problem in problems])
