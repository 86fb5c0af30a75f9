"""Cursors are opaque to whoever pages; inside are the sort values of the last row."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from uuid import UUID

from shared.problems import Problem

INTEGER_MAX = 2**31 - 1


def cursor(*values: datetime | UUID | int) -> str:
    text = "|".join(v.isoformat() if isinstance(v, datetime) else str(v) for v in values)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parts(given: str | None, count: int) -> list[str] | None:
    """The values of a cursor, or None without one; 422 for one that is not ours."""
    if not given:
        return None
    try:
        values = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode().split("|")
        moment, _, *numbers = datetime.fromisoformat(values[0]), UUID(values[1]), *map(int, values[2:])
        moment.astimezone(UTC)  # neither before the first year nor after the last
    except (binascii.Error, ValueError, IndexError, OverflowError):
        raise _unknown() from None
    if moment.tzinfo is None or len(values) != count or any(abs(number) > INTEGER_MAX for number in numbers):
        raise _unknown()
    return values


def _unknown() -> Problem:
    return Problem(
        422,
        "unknown-cursor",
        "翻页标记无效 / The cursor is not known",
        detail="请从第一页重新开始 / Start again from the first page",
    )
