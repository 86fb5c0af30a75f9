"""When a channel is left alone, and how fast it is used: circuits per gateway and per person, and an allowance per
channel.

Times are seconds of any clock that only goes forward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who takes a message or does not: a channel's gateway, the `host` of staff's own webhooks, or behind either what
    is one person's there."""

    via: str
    host: str = ""
    person_id: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.via, self.host, self.person_id and f"of {self.person_id}")))


class CircuitState(StrEnum):
    """Closed: used. Open: left alone. Half open: one message tries whether it is back."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class CircuitLimits:
    """Opens after `failures_max` failures in `period_seconds`, for `open_seconds`."""

    failures_max: int
    period_seconds: float
    open_seconds: float


@dataclass(frozen=True, slots=True)
class Circuit:
    """One receiver as its last answers show it. `opened_at` is set while it is not closed, `probing_since` while a
    message is trying."""

    failed_at: tuple[float, ...] = ()
    opened_at: float | None = None
    probing_since: float | None = None

    def state(self, now: float, limits: CircuitLimits) -> CircuitState:
        if self.opened_at is None:
            return CircuitState.CLOSED
        rested = now >= self.opened_at + limits.open_seconds
        return CircuitState.HALF_OPEN if rested else CircuitState.OPEN

    def lets_pass(self, now: float, limits: CircuitLimits) -> bool:
        """Whether one more message may be tried now. A probe that was never answered frees its place after the
        same rest."""
        state = self.state(now, limits)
        if state is CircuitState.CLOSED:
            return True
        free = self.probing_since is None or now >= self.probing_since + limits.open_seconds
        return state is CircuitState.HALF_OPEN and free

    def passing(self, now: float, limits: CircuitLimits) -> Circuit:
        """A message is being tried."""
        if self.state(now, limits) is CircuitState.CLOSED:
            return self
        return replace(self, probing_since=now)

    def succeeded(self) -> Circuit:
        return Circuit()

    def failed(self, now: float, limits: CircuitLimits) -> Circuit:
        """Another failure: a probe's opens it again, in a row of many the last one opens it."""
        recent = (*(at for at in self.failed_at if at > now - limits.period_seconds), now)
        recent = recent[-limits.failures_max :]
        if self.opened_at is not None or len(recent) >= limits.failures_max:
            return Circuit(recent, opened_at=now)
        return Circuit(recent)

    def seconds_left(self, now: float, limits: CircuitLimits) -> float:
        """Until it may be tried again; 0 if it may be now."""
        if self.lets_pass(now, limits):
            return 0.0
        since = max(at for at in (self.opened_at, self.probing_since) if at is not None)
        return max(0.0, since + limits.open_seconds - now)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many rows a channel may take now: filled at `rows_per_second` up to a second's worth; `None` is no limit."""

    rows_per_second: float | None
    left: float
    at: float

    @classmethod
    def full(cls, rows_per_second: float | None, now: float) -> Allowance:
        return cls(rows_per_second, _most(rows_per_second), now)

    def refilled(self, now: float) -> Allowance:
        if self.rows_per_second is None:
            return self
        gained = (now - self.at) * self.rows_per_second
        return replace(self, left=min(_most(self.rows_per_second), self.left + gained), at=now)

    def room(self, wanted: int) -> int:
        """At most `wanted`, and no more than is allowed."""
        return wanted if self.rows_per_second is None else min(wanted, int(self.left))

    def spent(self, rows: int) -> Allowance:
        return self if self.rows_per_second is None else replace(self, left=self.left - rows)


def _most(rows_per_second: float | None) -> float:
    return max(1.0, rows_per_second or 1.0)
