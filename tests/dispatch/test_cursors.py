"""One codec for every list; what is not ours is refused, and nothing else breaks on it."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.api.cursors import (
    FIRST_DAY,
    FIRST_PLACE,
    LATEST,
    after,
    after_day,
    after_place,
    cursor,
)
from shared.problems import Problem

ID = UUID(int=7)
AT, DAY = datetime(2026, 3, 1, 18, 10, tzinfo=UTC), date(2026, 3, 1)


@pytest.mark.parametrize(
    ("read", "where", "first"),
    [(after, AT, LATEST), (after_day, DAY, FIRST_DAY), (after_place, 12, FIRST_PLACE)],
)
def test_a_page_begins_where_the_last_one_ended(read: Any, where: Any, first: Any) -> None:
    assert read(cursor(where, ID)) == (where, ID)
    assert read(None) == read("") == first


def of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("read", [after, after_day, after_place])
@pytest.mark.parametrize(
    "given",
    [
        "nonsense",
        "码",
        "a",
        of("12"),
        of(f"|{ID}"),
        of(f"-1|{ID}"),
        of(f"{2**31}|{ID}"),
        of("2026-03-01T00:00|x"),
    ],
)
def test_what_is_not_ours_is_refused(read: Any, given: str) -> None:
    with pytest.raises(Problem) as refused:
        read(given)
    assert (refused.value.status, refused.value.code) == (422, "unknown-cursor")
