"""When a street is matched: at once while there are more people than cases, in windows under contention."""

from __future__ import annotations

from datetime import datetime, timedelta

WINDOW = timedelta(seconds=5)
"""Cases that come while people are short wait for each other so long, and are matched together."""


def match_at(
    now: datetime, waiting: int, free: int, last_matched_at: datetime | None, window: timedelta = WINDOW
) -> datetime:
    """When the next matching is due, never before `now`."""
    if free > waiting or last_matched_at is None:
        return now
    return max(now, last_matched_at + window)
