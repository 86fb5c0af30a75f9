"""When a street is matched: at once while there are more people than cases, in windows under contention."""

from __future__ import annotations

from datetime import datetime, timedelta

LOOKS_AGAIN = timedelta(seconds=60)
"""While something waits it is decided on again after so long though nothing came: ways go on meanwhile."""
WINDOW = timedelta(seconds=5)
"""Cases that come while people are short wait for each other so long, and are matched together."""


def match_at(
    now: datetime, waiting: int, free: int, last_asked_at: datetime | None, window: timedelta = WINDOW
) -> datetime:
    """When the next matching is due, never before `now`; the window begins when somebody was asked."""
    if free > waiting or last_asked_at is None:
        return now
    return max(now, last_asked_at + window)
