"""The order of one walk with time windows, by VROOM (BSD-2-Clause). Runs in a process of its own: loading it takes over
a second, and it holds the interpreter while it searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

COSTS_PER_SECOND = np.uint32(100)
"""Of VROOM's integer costs: a hundred of the longest ways stay below 2^32."""
SMALL_DAY_VISITS = 40
EXPLORATION, EXPLORATION_OF_SMALL = 1, 5
"""Of VROOM's 0 to 5. With 30 visits 5 takes 0.1 s instead of 0.02 and finds 4 % less way and lateness; with 100 it
takes longer than anybody waits."""


@dataclass(frozen=True, slots=True)
class Tour:
    """Seconds from its beginning. `visits` are the caller's own numbers; `ways` is an unsigned 32-bit table with a row
    for the start and for each visit. A visit begins within its window; `relaxed` is the same with wishes open, for
    those that leave a visit out. `rest` is (earliest, latest, length) of the break. Equal tours have equal answers."""

    NO_WAY: ClassVar[int] = 86_400
    """Longer than any day."""

    visits: tuple[int, ...]
    ways: bytes
    stays: tuple[int, ...]
    windows: tuple[tuple[int, int], ...]
    relaxed: tuple[tuple[int, int], ...]
    weights: tuple[int, ...]
    ends: int
    rest: tuple[int, int, int] | None = None


def solve(tour: Tour, seconds_max: float) -> tuple[int, ...]:
    """The visits that fit, in their order, with room for the break; those that do not fit are missing. A wish that
    leaves its visit out is given up for it."""
    if not tour.visits or tour.ends <= 0:
        return ()
    order = _solved(tour, tour.windows, seconds_max / 2)
    if len(order) < len(tour.visits) and tour.relaxed != tour.windows:
        met = set(order)
        given_up = [(tour.windows if at in met else tour.relaxed)[at] for at in range(len(tour.visits))]
        order = max(order, _solved(tour, given_up, seconds_max / 2), key=lambda one: _worth(tour, one))
    return tuple(tour.visits[at] for at in order)


def _tie_breaker(size: int) -> NDArray[np.uint32]:
    """A little more for each way, up to a second: of two walks of the same length VROOM gives now the one
    and now the other."""
    row, column = np.indices((size, size))
    noise: NDArray[np.uint32] = ((row * 7919 + column * 104729 + row * column * 31) % 97).astype(np.uint32)
    return noise


def _worth(tour: Tour, order: Sequence[int]) -> int:
    return sum(1 + tour.weights[at] for at in order)


def _solved(tour: Tour, windows: Sequence[tuple[int, int]], seconds_max: float) -> list[int]:
    import vroom

    size = len(tour.visits) + 1
    asked = vroom.Input()
    ways = np.frombuffer(tour.ways, dtype=np.uint32).reshape(size, size)
    asked.set_durations_matrix("way", ways)
    asked.set_costs_matrix("way", ways * COSTS_PER_SECOND + _tie_breaker(size))
    breaks = []
    if tour.rest is not None and tour.rest[0] + tour.rest[2] <= tour.ends:
        earliest, length = tour.rest[0], tour.rest[2]
        latest = min(tour.rest[1], tour.ends - length)
        breaks = [
            vroom.Break(1, time_windows=[vroom.TimeWindow(earliest, max(earliest, latest))], service=length)
        ]
    asked.add_vehicle(
        vroom.Vehicle(1, start=0, profile="way", time_window=vroom.TimeWindow(0, tour.ends), breaks=breaks)
    )
    asked.add_job(
        [
            vroom.Job(
                at + 1,
                location=at + 1,
                default_service=tour.stays[at],
                time_windows=[vroom.TimeWindow(*windows[at])],
                priority=tour.weights[at],
            )
            for at in range(size - 1)
        ]
    )
    level = EXPLORATION_OF_SMALL if size <= SMALL_DAY_VISITS else EXPLORATION
    found = asked.solve(exploration_level=level, nb_threads=1, timeout=timedelta(seconds=seconds_max)).routes
    if found.empty:
        return []
    steps = zip(found["type"], found["id"], strict=True)
    return [int(id) - 1 for kind, id in steps if kind == "job"]
