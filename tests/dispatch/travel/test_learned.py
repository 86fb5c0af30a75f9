"""What real ways teach: slowly, within bounds, and not what a liar says."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.travel.corrected import Corrected
from services.dispatch.travel.learned import (
    BIN_WIDTH,
    BINS,
    FACTOR_MAX,
    FACTOR_MIN,
    Corrections,
    Count,
    band_of,
    bin_of,
    cell_of,
    way_of,
)
from services.dispatch.travel.model import MODES, Places
from services.dispatch.travel.straight import StraightLine
from shared.going import TravelMode
from shared.things import Point

HOME, TARGET, ELSEWHERE = 1001, 2002, 3003


def counted(
    ratios: list[float], *, start: int = HOME, to: int = TARGET, hour: int = 10, mode: TravelMode = MODES[1]
) -> list[Count]:
    bins = Counter(bin_of(600 * ratio, 600) for ratio in ratios)
    return [Count(start, to, band_of(hour), mode, one, trips) for one, trips in bins.items()]


def factor(
    counts: list[Count], *, start: int = HOME, to: int = TARGET, hour: int = 10, mode: TravelMode = MODES[1]
) -> float:
    code = np.array([MODES.index(mode)], dtype=np.int8)
    factors = Corrections.of(counts).factors(np.array([start]), np.array([to]), code, hour)
    return float(factors[0])


def test_hours_are_taken_together_around_the_clock() -> None:
    assert [band_of(hour) for hour in range(24)] == [4] * 6 + [0] * 3 + [1] * 7 + [2] * 3 + [3] * 3 + [4] * 2


def test_nothing_learned_changes_nothing() -> None:
    assert factor([]) == 1.0


@pytest.mark.parametrize("planted", [0.6, 0.8, 1.0, 1.3, 1.7, 2.2])
def test_a_planted_factor_is_found(planted: float) -> None:
    draw = np.random.default_rng(7)
    ratios = (planted * np.exp(0.25 * draw.standard_normal(300))).tolist()
    assert factor(counted(ratios)) == pytest.approx(planted, rel=0.06)


def test_it_comes_closer_with_every_trip() -> None:
    errors = [abs(math.log(factor(counted([1.8] * n)) / 1.8)) for n in (1, 3, 6, 12, 25, 50, 100, 400)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < BIN_WIDTH


@given(st.floats(0.01, 100), st.sampled_from([[], [1.0] * 3, [1.2] * 10, [0.8] * 40]))
def test_a_single_trip_moves_it_by_little(ratio: float, before: list[float]) -> None:
    """First of all of them it moves nothing; among a few, well under a fifth, whatever it says."""
    moved = factor(counted([*before, ratio])) / factor(counted(before))
    assert moved == 1.0 if not before else abs(math.log(moved)) < math.log(1.2)


@settings(max_examples=200)
@given(
    st.floats(0.7, 1.6),
    st.lists(st.floats(0.95, 1.05), min_size=9, max_size=60),
    st.lists(st.floats(0.001, 1000), max_size=60),
)
def test_fewer_than_half_cannot_move_it_out_of_what_the_others_say(
    around: float, spread: list[float], wild: list[float]
) -> None:
    honest = [around * one for one in spread]
    liars = wild[: (len(honest) - 1) // 2]
    found = math.log(factor(counted(honest + liars)))
    lowest = min(0.0, math.log(min(honest))) - BIN_WIDTH
    highest = max(0.0, math.log(max(honest))) + BIN_WIDTH
    assert lowest <= found <= highest


@given(st.lists(st.floats(0.0001, 10_000), max_size=80))
def test_it_stays_within_its_bounds_whatever_is_counted(ratios: list[float]) -> None:
    assert FACTOR_MIN <= factor(counted(ratios)) <= FACTOR_MAX
    assert all(0 <= one.bin < BINS for one in counted(ratios))


@given(st.lists(st.floats(0.3, 3), min_size=2, max_size=30), st.randoms())
def test_the_order_in_which_trips_come_does_not_matter(ratios: list[float], order: object) -> None:
    singly = [count for ratio in ratios for count in counted([ratio])]
    shuffled = sorted(singly, key=lambda _: order.random())  # type: ignore[attr-defined]
    assert factor(shuffled) == pytest.approx(factor(counted(ratios)))


def test_what_is_not_known_leans_on_the_next_wider_knowledge() -> None:
    slow_target = counted([2.0] * 100) + counted([1.0] * 100, to=ELSEWHERE)
    known = factor(slow_target)
    from_elsewhere = factor(slow_target, start=ELSEWHERE)
    other_target = factor(slow_target, to=4004)
    other_hours = factor(slow_target, hour=23)
    other_mode = factor(slow_target, mode=TravelMode.WALK)
    assert known > from_elsewhere > other_target > 1.0
    assert other_hours > 1.0
    assert other_mode == 1.0


def test_cells_are_half_a_kilometre_and_an_unknown_place_has_none() -> None:
    lon = np.array([104.0011, 104.0049, 104.0051, np.nan, -180.0])
    lat = np.array([30.0001, 30.0049, 30.0001, 30.0, -90.0])
    cells = cell_of(lon, lat)
    assert cells[0] == cells[1] != cells[2]
    assert cells[3] == -1
    assert cells[4] == 0


def test_short_ways_and_ways_without_a_time_teach_nothing() -> None:
    here, there = Point(lon=104.001, lat=30.001), Point(lon=104.021, lat=30.001)
    assert way_of(here, there, 10, TravelMode.WALK, 700, 59) is None
    assert way_of(here, there, 10, TravelMode.WALK, 700, math.inf) is None
    way = way_of(here, there, 10, TravelMode.WALK, 700, 600)
    assert way is not None
    assert (way.band, way.mode, way.trips) == (band_of(10), TravelMode.WALK, 1)
    assert way.to_cell - way.from_cell == 4


def test_a_corrected_model_multiplies_the_median_and_leaves_the_spread() -> None:
    here, there = Point(lon=104.001, lat=30.001), Point(lon=104.021, lat=30.001)
    cells = cell_of(np.array([here.lon, there.lon]), np.array([here.lat, there.lat]))
    counts = counted([1.5] * 200, start=int(cells[0]), to=int(cells[1]))
    starts = Places(np.array([here.lon, np.nan]), np.array([here.lat, np.nan]))
    ends = Places(np.array([there.lon]), np.array([there.lat]))
    modes, who, to = np.array([1, 1], dtype=np.int8), np.array([0, 1]), np.array([0, 0])
    plain = StraightLine().trips(starts, modes, ends, who, to, 10)
    corrected = Corrected(StraightLine(), Corrections.of(counts)).trips(starts, modes, ends, who, to, 10)
    assert corrected.median[0] / plain.median[0] == pytest.approx(1.5, rel=0.05)
    assert corrected.median[1] == np.inf
    assert corrected.sigma.tolist() == plain.sigma.tolist()
