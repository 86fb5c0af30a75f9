"""Cursors are opaque to whoever pages; inside are the time and id of the last row."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from uuid import UUID

from shared.problems import Problem

LATEST = datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1)
"""Before this everything lies: the first page of a list that begins with the latest."""


def cursor(at: datetime, id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{id}".encode()).decode().rstrip("=")


def after(given: str | None) -> tuple[datetime, UUID]:
    """Where the next page begins; 422 for a cursor that is not ours."""
    if not given:
        return LATEST
    try:
        at, _, id_ = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode().partition("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("a time without its zone")
        return moment.astimezone(UTC), UUID(id_)
    except (ValueError, OverflowError):
        raise _unknown_cursor() from None


def day_cursor(day: date, id: UUID) -> str:
    """Of a list in the order of days."""
    return cursor(datetime(day.year, day.month, day.day, tzinfo=UTC), id)


def after_day(given: str | None) -> tuple[date, UUID]:
    """Where the next page of such a list begins."""
    if not given:
        return date.min, UUID(int=0)
    at, id_ = after(given)
    return at.date(), id_


def place_cursor(place: int, id: UUID) -> str:
    """Of a list in the order of a walk."""
    return base64.urlsafe_b64encode(f"{place}|{id}".encode()).decode().rstrip("=")


def after_place(given: str | None) -> tuple[int, UUID]:
    if not given:
        return 0, UUID(int=0)
    try:
        place, _, id_ = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode().partition("|")
        if not 0 <= int(place) < 2**31:
            raise ValueError("not a place")
        return int(place), UUID(id_)
    except (ValueError, OverflowError):
        raise _unknown_cursor() from None


def _unknown_cursor() -> Problem:
    return Problem(
        422,
        "unknown-cursor",
        "翻页标记无效 / The cursor is not known",
        detail="请从第一页重新开始 / Start again from the first page",
    )
