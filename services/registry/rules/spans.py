"""Stretches of time, from a moment to before another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, order=True)
class Span:
    starts_at: datetime
    ends_at: datetime

    def within(self, other: Span) -> Span | None:
        """What of it lies in `other`."""
        starts_at, ends_at = max(self.starts_at, other.starts_at), min(self.ends_at, other.ends_at)
        return Span(starts_at, ends_at) if starts_at < ends_at else None


def within(spans: Iterable[Span], period: Span) -> list[Span]:
    return [part for span in spans if (part := span.within(period)) is not None]


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few stretches as can be, in order."""
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.starts_at <= out[-1].ends_at:
            out[-1] = Span(out[-1].starts_at, max(out[-1].ends_at, span.ends_at))
        elif span.starts_at < span.ends_at:
            out.append(span)
    return out


def left(period: Span, taken: Iterable[Span]) -> list[Span]:
    """What of `period` no span of `taken` holds, in order."""
    out, at = [], period.starts_at
    for span in joined(within(taken, period)):
        if at < span.starts_at:
            out.append(Span(at, span.starts_at))
        at = span.ends_at
    if at < period.ends_at:
        out.append(Span(at, period.ends_at))
    return out
