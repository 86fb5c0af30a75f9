"""Cursors are opaque to whoever pages; inside are what a list is ordered by, and the id of the last row."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import UUID

from shared.problems import Problem

LATEST = datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1)
"""Before this everything lies: the first page of a list that begins with the latest."""
FIRST_DAY, FIRST_PLACE = (date.min, UUID(int=0)), (0, UUID(int=0))
PLACES_MAX = 2**31

By = TypeVar("By", datetime, date, int)


def cursor(by: datetime | date | int, id: UUID) -> str:
    """`by` is a time, a day, or a place in a walk."""
    where = by.isoformat() if isinstance(by, date) else str(by)
    return base64.urlsafe_b64encode(f"{where}|{id}".encode()).decode().rstrip("=")


def after(given: str | None) -> tuple[datetime, UUID]:
    """Where the next page begins; 422 for a cursor that is not ours."""
    return _read(given, LATEST, _moment)


def after_day(given: str | None) -> tuple[date, UUID]:
    """Of a list in the order of days."""
    return _read(given, FIRST_DAY, date.fromisoformat)


def after_place(given: str | None) -> tuple[int, UUID]:
    """Of a list in the order of a walk."""
    return _read(given, FIRST_PLACE, _place)


def _read(given: str | None, first: tuple[By, UUID], read: Callable[[str], By]) -> tuple[By, UUID]:
    if not given:
        return first
    try:
        where, _, id_ = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode().partition("|")
        return read(where), UUID(id_)
    except (ValueError, OverflowError):
        raise Problem(
            422,
            "unknown-cursor",
            "翻页标记无效 / The cursor is not known",
            detail="请从第一页重新开始 / Start again from the first page",
        ) from None


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at.astimezone(UTC)


def _place(text: str) -> int:
    place = int(text)
    if not 0 <= place < PLACES_MAX:
        raise ValueError("not a place")
    return place
