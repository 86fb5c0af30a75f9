"""What the people of the city mean to do, and when."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

Deed = Callable[[], Awaitable[None]]


@dataclass(order=True)
class Entry:
    """Ordered by time; what falls on the same moment by `who`, so that a run can be repeated."""

    at: datetime
    who: str
    number: int
    deed: Deed = field(compare=False)


class Agenda:
    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._number = 0

    def add(self, at: datetime, who: str, deed: Deed) -> None:
        self._number += 1
        heapq.heappush(self._entries, Entry(at, who, self._number, deed))

    def next_at(self) -> datetime | None:
        return self._entries[0].at if self._entries else None

    def take(self, now: datetime) -> Entry | None:
        """The next entry that is due, if any."""
        if self._entries and self._entries[0].at <= now:
            return heapq.heappop(self._entries)
        return None

    def __len__(self) -> int:
        return len(self._entries)
