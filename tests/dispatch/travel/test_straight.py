"""The straight line over arrays says what it says for one pair, at any latitude and for any mode."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.travel.model import MODES, Places
from services.dispatch.travel.straight import (
    StraightLine,
    chord_m,
    distance_m,
    distances_m,
    on_the_sphere,
    travel_seconds,
)
from shared.things import Point

POINTS = st.builds(
    Point, lon=st.floats(-179.9, 179.9, allow_nan=False), lat=st.floats(-85, 85, allow_nan=False)
)


def places(*points: Point) -> Places:
    return Places(np.array([one.lon for one in points]), np.array([one.lat for one in points]))


@given(POINTS, POINTS, st.sampled_from(range(len(MODES))))
def test_arrays_and_single_pairs_agree(start: Point, end: Point, mode: int) -> None:
    one = np.zeros(1, dtype=np.intp)
    trips = StraightLine().trips(places(start), np.array([mode], dtype=np.int8), places(end), one, one, 12)
    assert trips.median[0] == pytest.approx(travel_seconds(start, end, MODES[mode]), abs=0.51, rel=1e-6)
    assert distances_m(places(start), places(end), one, one)[0] == pytest.approx(
        distance_m(start, end), abs=0.01, rel=1e-6
    )


def test_pairs_are_aligned_and_the_weather_slows_everybody() -> None:
    starts = places(Point(lon=104.0, lat=30.0), Point(lon=104.01, lat=30.0))
    ends = places(Point(lon=104.0, lat=30.0), Point(lon=104.0, lat=30.01), Point(lon=104.01, lat=30.0))
    who, to = np.array([0, 1, 1]), np.array([0, 2, 1])
    modes = np.array([0, 1], dtype=np.int8)
    dry = StraightLine().trips(starts, modes, ends, who, to, 8)
    wet = StraightLine(speed_factor=0.5).trips(starts, modes, ends, who, to, 8)
    assert dry.median[:2] == pytest.approx([0.0, 0.0])
    assert wet.median[2] == pytest.approx(2 * dry.median[2])
    assert dry.sigma.tolist() == [0.25] * 3


def test_a_place_that_is_not_known_is_reached_by_nobody() -> None:
    starts = Places(np.array([np.nan]), np.array([np.nan]))
    ends = places(Point(lon=104.0, lat=30.0))
    one = np.zeros(1, dtype=np.intp)
    assert StraightLine().trips(starts, np.zeros(1, dtype=np.int8), ends, one, one, 0).median[0] == np.inf


def test_near_on_the_ground_is_near_on_the_ball() -> None:
    both = on_the_sphere(places(Point(lon=104.0, lat=60.0), Point(lon=104.01, lat=60.0)))
    metres = distance_m(Point(lon=104.0, lat=60.0), Point(lon=104.01, lat=60.0))
    assert float(np.linalg.norm(both[0] - both[1])) == pytest.approx(chord_m(metres), rel=1e-9)
