"""The day in arrays beside the same day in the real services: both figures, and the first cases that differ and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from services.dispatch.city.run import ON_TIME_SECONDS

SAME_WITHIN_SECONDS = 2.0
"""An arrival is the same within this much: services keep whole microseconds, and nothing else is rounded."""
SHOWN_MAX = 8


@dataclass(frozen=True)
class Ask:
    """An offer: when, and to whom (the person's number)."""

    at: float
    person: int


@dataclass(frozen=True)
class Fate:
    """What became of one case. `arrived` is infinite if nobody came."""

    registered: float
    arrived: float
    asked: tuple[Ask, ...]

    @property
    def on_time(self) -> bool:
        return self.arrived - self.registered <= ON_TIME_SECONDS


@dataclass(frozen=True)
class Played:
    """A day on one of the two sides: its cases in the order of registration, and how often somebody accepted another
    case on the way to one, or one that somebody else was on the way to."""

    fates: tuple[Fate, ...]
    swaps: int = 0
    takeovers: int = 0


@dataclass(frozen=True)
class Difference:
    case: int
    at: float
    why: str


@dataclass(frozen=True)
class Comparison:
    """`l1` and `l2` are percentages on time; `same` cases arrived at the same moment by the same people's answers.
    `swaps` and `takeovers` are L1's and L2's."""

    cases: int
    l1_on_time_pct: float
    l2_on_time_pct: float
    same: int
    both_on_time_or_both_late: int
    differences: tuple[Difference, ...]
    swaps: tuple[int, int]
    takeovers: tuple[int, int]

    @property
    def points_apart(self) -> float:
        return abs(self.l1_on_time_pct - self.l2_on_time_pct)

    def as_row(self) -> dict[str, Any]:
        row = asdict(self) | {"points_apart": round(self.points_apart, 2)}
        return row | {"differences": [asdict(one) for one in self.differences[:SHOWN_MAX]]}


def compare(l1: Played, l2: Played) -> Comparison:
    """Case by case, in the order of registration."""
    pairs = list(zip(l1.fates, l2.fates, strict=True))
    differences = sorted(_differences(pairs), key=lambda one: one.at)
    return Comparison(
        cases=len(pairs),
        l1_on_time_pct=_share([one.on_time for one in l1.fates]),
        l2_on_time_pct=_share([one.on_time for one in l2.fates]),
        same=len(pairs) - len(differences),
        both_on_time_or_both_late=sum(one.on_time == other.on_time for one, other in pairs),
        differences=tuple(differences),
        swaps=(l1.swaps, l2.swaps),
        takeovers=(l1.takeovers, l2.takeovers),
    )


def _differences(pairs: Sequence[tuple[Fate, Fate]]) -> Iterator[Difference]:
    for number, (one, other) in enumerate(pairs):
        if (found := _first(one, other)) is not None:
            yield Difference(number, *found)


def _first(one: Fate, other: Fate) -> tuple[float, str] | None:
    """When the two first part, and how."""
    for turn, (ask, same) in enumerate(zip(one.asked, other.asked, strict=False), start=1):
        if ask.person != same.person:
            return min(ask.at, same.at), f"offer {turn}: L1 asks {_ask(ask)}, L2 asks {_ask(same)}"
        if not _same(ask.at, same.at):
            return min(ask.at, same.at), f"offer {turn}: L1 asks {_ask(ask)}, L2 asks at {same.at:.1f}"
    if len(one.asked) != len(other.asked):
        longer = max(one.asked, other.asked, key=len)
        which = "L1" if longer is one.asked else "L2"
        extra = longer[min(len(one.asked), len(other.asked))]
        return extra.at, f"only {which} asks {_ask(extra)}"
    if not _same(one.arrived, other.arrived):
        return min(one.arrived, other.arrived), f"arrival: L1 {one.arrived:.1f}, L2 {other.arrived:.1f}"
    return None


def _ask(ask: Ask) -> str:
    return f"{ask.person} at {ask.at:.1f}"


def _same(one: float, other: float) -> bool:
    return (
        one == other if not (isfinite(one) and isfinite(other)) else abs(one - other) <= SAME_WITHIN_SECONDS
    )


def _share(flags: Sequence[bool]) -> float:
    return round(100.0 * sum(flags) / len(flags), 2) if flags else 100.0
