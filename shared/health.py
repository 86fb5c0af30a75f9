"""Whether the loops turn. Alive: the last turn, good or not, is recent. Ready: the last *good* turn is.

They are told apart so that a database outage turns every process red without killing any.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


class Beat:
    """One loop's pulse: call it after each good turn, with `good=False` after one that failed and will be repeated."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._clock = clock
        self._turn_at = self._good_at = clock()
        self.turns = 0

    def __call__(self, *, good: bool = True) -> None:
        self._turn_at = self._clock()
        self.turns += 1
        if good:
            self._good_at = self._turn_at

    @property
    def turn_age_seconds(self) -> float:
        return self._clock() - self._turn_at

    @property
    def good_age_seconds(self) -> float:
        return self._clock() - self._good_at


@dataclass
class Health:
    """The beats of one process."""

    live_within_seconds: float = 60.0
    ready_within_seconds: float = 5.0
    beats: dict[str, Beat] = field(default_factory=dict)

    def beat(self, name: str) -> Beat:
        return self.beats.setdefault(name, Beat(name))

    def not_live(self) -> list[str]:
        return [name for name, beat in self.beats.items() if beat.turn_age_seconds > self.live_within_seconds]

    def not_ready(self) -> list[str]:
        return [
            name for name, beat in self.beats.items() if beat.good_age_seconds > self.ready_within_seconds
        ]
