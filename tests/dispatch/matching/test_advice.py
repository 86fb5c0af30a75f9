"""Where to wait: by what is covered already, never far, never for nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.matching.advice import ACCEPTS, GAIN_MIN, WAY_SECONDS_MAX, Calm, best_move
from services.dispatch.travel.model import MODES, Places
from services.dispatch.travel.straight import StraightLine
from shared.going import TravelMode

WALK, E_BIKE = MODES.index(TravelMode.WALK), MODES.index(TravelMode.E_BIKE)
METRES = 1 / 101_000
"""Of longitude at 25 degrees north, in degrees."""
Spot = tuple[float, float]


def places(spots: list[Spot]) -> Places:
    """Metres east and north of a corner of the town."""
    east, north = np.asarray(spots, dtype=float).reshape(-1, 2).T
    return Places(102.7 + east * METRES, 25.0 + north / 111_195)


def a_calm(
    people: list[Spot],
    cells: dict[Spot, float],
    spots: list[Spot],
    *,
    mode: int = WALK,
    may: list[bool] | None = None,
    waits: list[Spot] | None = None,
    at: list[int] | None = None,
) -> Calm:
    return Calm(
        people=places(people),
        modes=np.full(len(people), mode, dtype=np.int8),
        may=np.asarray(may if may is not None else [True] * len(people), dtype=bool),
        cells=places(list(cells)),
        expected=np.asarray(list(cells.values()), dtype=float),
        spots=places(spots),
        travel=StraightLine(),
        hour=10,
        waits=places(waits) if waits is not None else None,
        at=np.asarray(at, dtype=np.intp) if at is not None else None,
    )


NEAR, FAR, EDGE = (0.0, 0.0), (5000.0, 0.0), (800.0, 0.0)


def test_of_two_at_one_place_one_goes_where_nobody_is() -> None:
    """A second person at the same place adds little; on foot 1,400 m away is out of reach of both."""
    move = best_move(a_calm([NEAR, NEAR], {NEAR: 5.0, (1400.0, 0.0): 5.0}, [NEAR, EDGE]))

    assert move is not None
    assert (move.person, move.spot) == (0, 1)
    assert move.covered_after - move.covered_before >= GAIN_MIN


def test_whoever_would_go_home_may_be_told_to_stay() -> None:
    """They count where they will wait, and are near where they are; their own spot is no advice."""
    calls, spots = {NEAR: 5.0}, [NEAR, FAR]
    move = best_move(a_calm([NEAR], calls, spots, waits=[FAR], at=[1]))

    assert move is not None
    assert (move.person, move.spot) == (0, 0)
    assert move.covered_before == pytest.approx(0.0, abs=1e-6)
    assert best_move(a_calm([NEAR], calls, spots, waits=[FAR], at=[0])) is None


def test_what_somebody_covers_already_is_worth_no_move() -> None:
    assert best_move(a_calm([NEAR, EDGE], {NEAR: 5.0, EDGE: 5.0}, [NEAR, EDGE])) is None


@pytest.mark.parametrize(
    ("people", "cells", "spots", "may"),
    [
        ([NEAR], {FAR: 5.0}, [FAR], [True]),
        ([NEAR], {}, [EDGE], [True]),
        ([NEAR], {EDGE: 0.0}, [EDGE], [True]),
        ([NEAR], {EDGE: 5.0}, [], [True]),
        ([NEAR], {(1400.0, 0.0): 5.0}, [EDGE], [False]),
        ([], {EDGE: 5.0}, [EDGE], []),
    ],
    ids=["too far to wait", "no demand known", "no demand", "no spots", "may not be told", "nobody free"],
)
def test_nobody_is_told_anything(
    people: list[Spot], cells: dict[Spot, float], spots: list[Spot], may: list[bool]
) -> None:
    assert best_move(a_calm(people, cells, spots, may=may)) is None


def test_who_is_told_is_whoever_gains_most() -> None:
    """The other person alone covers the middle of the town, and stays."""
    calm = a_calm([(0.0, 3000.0), NEAR, NEAR], {(0.0, 3000.0): 9.0, NEAR: 3.0, (1400.0, 0.0): 3.0}, [EDGE])
    move = best_move(calm)
    assert move is not None
    assert move.person == 1


SPOTS = st.tuples(st.floats(0, 6000), st.floats(0, 6000))


@settings(max_examples=60, deadline=None)
@given(
    people=st.lists(SPOTS, min_size=1, max_size=8),
    cells=st.dictionaries(SPOTS, st.floats(0.1, 50), min_size=1, max_size=12),
    spots=st.lists(SPOTS, min_size=1, max_size=6),
    mode=st.sampled_from([WALK, E_BIKE]),
    data=st.data(),
)
def test_a_move_is_what_it_says(
    people: list[Spot], cells: dict[Spot, float], spots: list[Spot], mode: int, data: st.DataObject
) -> None:
    """Within reach, by somebody who may; the coverage told before and after is that of the town before and after, and
    no other allowed move gains more."""
    may = data.draw(st.lists(st.booleans(), min_size=len(people), max_size=len(people)))
    calm = a_calm(people, cells, spots, mode=mode, may=may)
    move = best_move(calm)
    gains = {
        (person, spot): coverage(calm, person, spot) - coverage(calm)
        for person in range(len(people))
        for spot in range(len(spots))
        if may[person] and way(calm, person, spot) <= WAY_SECONDS_MAX
    }
    best = max(gains.values(), default=0.0)
    if move is None:
        assert best < GAIN_MIN + 1e-9
        return
    assert gains[move.person, move.spot] == pytest.approx(best, abs=1e-9)
    assert move.covered_before == pytest.approx(coverage(calm), abs=1e-9)
    assert move.covered_after == pytest.approx(coverage(calm, move.person, move.spot), abs=1e-9)
    assert best_move(calm) == move


def coverage(calm: Calm, mover: int | None = None, spot: int = 0) -> float:
    """By the definition, pair by pair: somebody accepts and is there within 880 seconds."""
    lon, lat = calm.people.lon.copy(), calm.people.lat.copy()
    if mover is not None:
        lon[mover], lat[mover] = calm.spots.lon[spot], calm.spots.lat[spot]
    covered = 0.0
    for cell in range(len(calm.expected)):
        nobody = 1.0
        for person in range(len(lon)):
            trip = calm.travel.trips(
                Places(lon, lat), calm.modes, calm.cells, np.array([person]), np.array([cell]), calm.hour
            )
            nobody *= 1 - ACCEPTS * in_time(float(trip.median[0]), float(trip.sigma[0]))
        covered += calm.expected[cell] * (1 - nobody)
    return float(covered / calm.expected.sum())


def in_time(median: float, sigma: float) -> float:
    from statistics import NormalDist

    return 1.0 if median == 0 else NormalDist().cdf((np.log(880.0) - np.log(median)) / sigma)


def way(calm: Calm, person: int, spot: int) -> float:
    trip = calm.travel.trips(
        calm.people, calm.modes, calm.spots, np.array([person]), np.array([spot]), calm.hour
    )
    return float(trip.median[0])
