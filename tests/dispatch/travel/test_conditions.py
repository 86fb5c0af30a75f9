"""How ways go at present: soon in a storm, gone after it, and never what a few phones say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.travel.conditions import (
    COUNTS_FULL_SECONDS,
    LASTS_SECONDS,
    WAYS_MAX,
    Conditions,
    Ended,
    ended,
)
from services.dispatch.travel.corrected import Corrected
from services.dispatch.travel.learned import (
    FACTOR_MAX,
    FACTOR_MIN,
    WAY_SECONDS_MAX,
    Corrections,
    Count,
    bin_of,
)
from services.dispatch.travel.model import Places
from services.dispatch.travel.straight import StraightLine
from shared.going import TravelMode

NOW = 1_000_000.0
RIDES = 1


def went(ratios: list[float], mode: int = RIDES, since: float = COUNTS_FULL_SECONDS) -> list[Ended]:
    """One after the other up to now, each so many times longer than expected."""
    ages = np.linspace(since, 0.0, len(ratios))
    return [Ended(NOW - age, mode, math.log(one)) for age, one in zip(ages.tolist(), ratios, strict=True)]


def factor(ways: list[Ended], mode: int = RIDES, now: float = NOW) -> float:
    return float(Conditions.of(ways, now).factors[mode])


def scattered(around: float, ways: int, seed: int) -> list[float]:
    draw = np.random.default_rng(seed)
    found: list[float] = (around * np.exp(0.25 * draw.standard_normal(ways))).tolist()
    return found


def test_nothing_ended_changes_nothing() -> None:
    assert Conditions.of([], NOW).factors.tolist() == [1.0, 1.0, 1.0]


@given(st.floats(0.001, 1000), st.floats(0, 2 * LASTS_SECONDS), st.sampled_from([0, 1, 2]))
def test_one_wild_way_moves_nothing(ratio: float, age: float, mode: int) -> None:
    assert Conditions.of([Ended(NOW - age, mode, math.log(ratio))], NOW).factors.tolist() == [1.0, 1.0, 1.0]


@settings(max_examples=200)
@given(
    st.floats(0.6, 2.2),
    st.lists(st.floats(0.95, 1.05), min_size=1, max_size=40),
    st.lists(st.floats(0.001, 1000), max_size=40),
    st.randoms(),
)
def test_fewer_than_half_cannot_move_it_out_of_what_the_others_say(
    around: float, spread: list[float], wild: list[float], order: object
) -> None:
    honest, liars = [around * one for one in spread], wild[: (len(spread) - 1) // 2]
    mixed = sorted(honest + liars, key=lambda _: order.random())  # type: ignore[attr-defined]
    found = factor(went(mixed))
    assert min(1.0, *honest) - 1e-9 <= found <= max(1.0, *honest) + 1e-9


@pytest.mark.parametrize("planted", [0.7, 4 / 3, 2.0])
@pytest.mark.parametrize("seed", range(5))
def test_twenty_ways_tell_the_weather(planted: float, seed: int) -> None:
    ratios = scattered(1.0, 20, seed)
    middle = float(np.median(ratios))
    assert factor(went([planted * one / middle for one in ratios])) == pytest.approx(planted, rel=0.15)


def test_it_comes_closer_with_every_way() -> None:
    errors = [abs(math.log(factor(went([2.0] * n, since=600)) / 2)) for n in (1, 3, 6, 12, 25, 50, 100)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.01


def test_after_the_storm_it_fades_in_an_hour_and_a_half() -> None:
    storm = went([2.0] * 60)
    found = [factor(storm, now=NOW + minutes * 60) for minutes in (0, 30, 60, 75, 85, 90, 500)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 1.9
    assert found[-2:] == [1.0, 1.0]
    dry = [Ended(NOW + 60 * minute, RIDES, 0.0) for minute in range(1, 41)]
    assert factor(storm + dry, now=NOW + 40 * 60) == pytest.approx(1.0, abs=0.01)


def test_a_mode_leans_on_all_of_them() -> None:
    """Everybody on foot is slow; of those who ride nobody ended a way yet, or a few as fast as ever."""
    slow = went([2.0] * 40, mode=0)
    assert factor(slow, mode=0) > factor(slow) > 1.5
    assert 1.0 < factor(slow + went([1.0] * 5)) < factor(slow)


@given(st.lists(st.tuples(st.floats(0.0001, 10_000), st.sampled_from([0, 1, 2])), max_size=60), st.randoms())
def test_it_stays_within_its_bounds_in_whatever_order_ways_come(
    given_ways: list[tuple[float, int]], order: object
) -> None:
    ways = [Ended(NOW - 60 * row, mode, math.log(one)) for row, (one, mode) in enumerate(given_ways)]
    found = Conditions.of(ways, NOW).factors
    shuffled = sorted(ways, key=lambda _: order.random())  # type: ignore[attr-defined]
    assert Conditions.of(shuffled, NOW).factors.tolist() == found.tolist()
    assert ((found >= FACTOR_MIN) & (found <= FACTOR_MAX)).all()


def test_of_very_many_the_latest_count() -> None:
    assert factor(went([2.0] * 300, since=LASTS_SECONDS - 1) + went([1.0] * WAYS_MAX, since=60)) == 1.0


@pytest.mark.parametrize(
    ("seconds", "nominal"), [(600, 59.0), (600, math.inf), (0, 600.0), (WAY_SECONDS_MAX + 1, 600.0)]
)
def test_what_says_nothing_about_streets_is_left_out(seconds: float, nominal: float) -> None:
    assert ended(NOW, RIDES, seconds, nominal) is None


def test_a_way_is_held_against_what_was_learned() -> None:
    assert ended(NOW, RIDES, 900, 600, 1.5) == Ended(NOW, RIDES, 0.0)


def test_both_factors_together_stay_within_the_bounds_of_one() -> None:
    starts, ends = (
        Places(np.array([104.001]), np.array([30.001])),
        Places(np.array([104.021]), np.array([30.001])),
    )
    modes, one = np.array([RIDES], dtype=np.int8), np.zeros(1, dtype=np.intp)
    always = Corrections.of(
        [Count(1, 2, band, TravelMode.E_BIKE, bin_of(1500, 1000), 500) for band in range(5)]
    )
    storm = Conditions.of(went([2.0] * 200, since=60), NOW)

    def longer(*factors: object) -> float:
        corrected = Corrected(StraightLine(), *factors)  # type: ignore[arg-type]
        found = corrected.trips(starts, modes, ends, one, one, 10).median[0]
        return float(found / StraightLine().trips(starts, modes, ends, one, one, 10).median[0])

    assert longer() == 1.0
    assert longer(always) == pytest.approx(1.5, rel=0.05)
    assert longer(None, storm) == pytest.approx(2.0, rel=0.05)
    assert longer(always, storm) == FACTOR_MAX
