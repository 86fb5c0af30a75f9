"""What became of every line of a file."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from shared.vocabulary import Urgency


class LineState(StrEnum):
    """`would_be_taken` in a dry run; `taken_before` under the same key, by this import or an earlier one."""

    TAKEN = "taken"
    TAKEN_BEFORE = "taken_before"
    WOULD_BE_TAKEN = "would_be_taken"
    REFUSED = "refused"


class LineFlaw(BaseModel):
    """`field` is where in the line; `text` says what is wrong, in Chinese and English."""

    field: str
    code: str
    text: str


class LineReport(BaseModel):
    line: int
    key: str | None
    state: LineState
    case_id: UUID | None = None
    number: str | None = None
    unit_id: str | None = None
    urgency: Urgency | None = None
    flaws: tuple[LineFlaw, ...] = ()


class ImportReport(BaseModel):
    source: str
    dry_run: bool
    lines: int
    taken: int
    taken_before: int
    refused: int
    items: tuple[LineReport, ...]
