"""Moments of a street to match: drawn by hypothesis, or put together by hand in metres around one corner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from services.dispatch.matching.assignment import Clock
from services.dispatch.matching.engine import Engine
from services.dispatch.matching.policies import policies
from services.dispatch.matching.situation import NOBODY, Cases, People, Situation, Standing
from services.dispatch.matching.weights import Weights
from services.dispatch.travel.model import Floats, Indices, Places
from services.dispatch.travel.straight import EARTH_RADIUS_M, StraightLine

LON, LAT = 113.6, 24.8
WALK, E_BIKE = 0, 1
WEIGHTS = Weights()


def standing_still() -> float:
    """A clock by which no time passes, so that no time box closes."""
    return 0.0


POLICIES = policies(WEIGHTS, standing_still)
ENGINE = Engine(WEIGHTS, standing_still)


def running_out(after: int) -> Clock:
    """A clock that is past every time box from its `after`th reading on."""
    readings = iter([0.0] * after)
    return lambda: next(readings, 1e9)


def places(metres: Sequence[tuple[float, float]]) -> Places:
    """East and north of one corner."""
    east, north = np.asarray(metres, dtype=np.float64).reshape(-1, 2).T
    degree = np.radians(1) * EARTH_RADIUS_M
    return Places(LON + east / (degree * np.cos(np.radians(LAT))), LAT + north / degree)


def a_case_list(
    at: Sequence[tuple[float, float]], *, due: float | Sequence[float] | Floats = 900, **given: object
) -> Cases:
    m = len(at)
    plain: dict[str, object] = {
        "places": places(at),
        "due": np.broadcast_to(np.asarray(due, dtype=np.float64), m).copy(),
        "age": np.zeros(m),
        "holders": np.full((m, 3), NOBODY),
        "goer": np.full(m, NOBODY),
        "pinned": np.full(m, NOBODY),
    }
    return Cases(**(plain | {name: np.asarray(value) for name, value in given.items()}))  # type: ignore[arg-type]


def people_at(at: Sequence[tuple[float, float]], mode: int | Sequence[int] = WALK, **given: object) -> People:
    n = len(at)
    plain: dict[str, object] = {
        "places": places(at),
        "modes": np.broadcast_to(np.asarray(mode, dtype=np.int8), n).copy(),
        "standing": np.full(n, Standing.FREE, dtype=np.int8),
        "free_after": np.zeros(n),
        "asked_ago": np.full(n, np.inf),
        "load": np.zeros(n),
        "nights": np.zeros(n),
        "remaining": np.full(n, np.inf),
        "swappable": np.zeros(n, dtype=bool),
        "lost_swap": np.zeros(n, dtype=bool),
    }
    return People(**(plain | {name: np.asarray(value) for name, value in given.items()}))  # type: ignore[arg-type]


def a_situation(cases: Cases, people: People, **given: object) -> Situation:
    plain: dict[str, object] = {"travel": StraightLine(), "hour": 10}
    return Situation(cases, people, **(plain | given))  # type: ignore[arg-type]


def rows(*numbers: int) -> Indices:
    return np.asarray(numbers, dtype=np.intp)


def barring(situation: Situation, *pairs: tuple[int, int]) -> Situation:
    return replace(situation, barred=(rows(*(c for c, _ in pairs)), rows(*(p for _, p in pairs))))


@st.composite
def situations(draw: st.DrawFn, cases_max: int = 6, people_max: int = 7, goers: bool = True) -> Situation:
    """Anything dispatch might see: late and fresh cases, unknown places, people on their way, barred pairs, pins."""
    m = draw(st.integers(0, cases_max))
    n = draw(st.integers(0, people_max))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    reach = draw(st.sampled_from([300.0, 1500.0, 6000.0]))
    standing = rng.choice([0, 0, 1], n).astype(np.int8)
    goer = np.full(m, NOBODY)
    going = rng.permutation(n)[: rng.integers(0, min(m, n) + 1)] if goers else rows()
    goer[rng.permutation(m)[: len(going)]] = going
    standing[going] = Standing.GOING
    cases = a_case_list(
        _scattered(rng, m, reach),
        due=rng.uniform(-300, 900, m),
        age=np.sort(rng.uniform(0, 1500, m))[::-1],
        holders=np.where(rng.random((m, 3)) < 0.5, NOBODY, rng.integers(0, max(n, 1), (m, 3)))
        if n
        else np.full((m, 3), NOBODY),
        goer=goer,
        pinned=np.where((rng.random(m) < 0.15) & (n > 0), rng.integers(0, max(n, 1), m), NOBODY),
    )
    people = people_at(
        _scattered(rng, n, reach),
        rng.choice([WALK, E_BIKE], n).tolist(),
        standing=standing,
        free_after=np.where(standing == Standing.ROUTINE, 120.0, 0.0),
        asked_ago=rng.uniform(0, 5000, n),
        load=rng.integers(0, 6, n).astype(float),
        nights=rng.integers(0, 9, n).astype(float),
        remaining=np.where(standing == Standing.GOING, rng.uniform(0, 1500, n), np.inf),
        swappable=(standing == Standing.GOING) & (rng.random(n) < 0.8),
        lost_swap=rng.random(n) < 0.2,
    )
    return a_situation(
        cases,
        people,
        barred=_some_pairs(rng, m, n),
        lacking=_some_pairs(rng, m, n),
        on_call=rng.random(n) < 0.2 if rng.random() < 0.5 else None,
    )


def _scattered(rng: np.random.Generator, count: int, reach: float) -> list[tuple[float, float]]:
    """Now and then somewhere nobody knows."""
    spots = rng.uniform(0, reach, (count, 2))
    spots[rng.random(count) < 0.1] = np.nan
    return [(float(east), float(north)) for east, north in spots]


def _some_pairs(rng: np.random.Generator, m: int, n: int) -> tuple[Indices, Indices]:
    count = int(rng.integers(0, 4)) if m and n else 0
    return rng.integers(0, max(m, 1), count).astype(np.intp), rng.integers(0, max(n, 1), count).astype(
        np.intp
    )
