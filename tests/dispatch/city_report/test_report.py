"""Figures of days made by hand, against values worked out elsewhere."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.city.report import (
    Row,
    as_json,
    further,
    gini,
    joined,
    late_ratio,
    on_time_pct,
    quantile,
    row,
    student,
    worst_decile,
)
from tests.dispatch.city_report.days import a_run

KEYS = [
    *(
        "policy",
        "scenario",
        "seeds",
        "on_time_pct",
        "on_time_low",
        "on_time_high",
        "late_share",
        "late_vs_greedy",
    ),
    *("p90_min", "worst_decile_pct", "offers_per_case", "swaps_per_case", "takeovers_per_case"),
    *("interruptions_per_case", "gini", "solver_p99_ms", "fallback_rate"),
]


def test_the_row_has_these_keys_in_this_order() -> None:
    runs = {100: a_run([5, 20])}
    assert list(as_json(row(runs, None))) == KEYS
    assert list(Row.__dataclass_fields__) == KEYS


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        # t(0.975, 4) = 2.776445; s = 1.581139; half = 2.776445 × 1.581139 / √5
        ([1.0, 2.0, 3.0, 4.0, 5.0], 1.036757, 4.963243),
        # t(0.975, 1) = 12.706205; s = √2·½; half = 12.706205 × 0.707107 / √2
        ([0.0, 1.0], -5.853102, 6.853102),
        ([7.0, 7.0, 7.0], 7.0, 7.0),
    ],
)
def test_the_interval_is_students(values: list[float], low: float, high: float) -> None:
    found = student(np.array(values))
    assert found.mean == pytest.approx(np.mean(values))
    assert found.low == pytest.approx(low, abs=1e-5)
    assert found.high == pytest.approx(high, abs=1e-5)


def test_one_day_has_no_interval() -> None:
    one = row({100: a_run([5, 20])}, None)
    assert (one.on_time_pct, one.on_time_low, one.on_time_high) == (50.0, None, None)


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        ([3, 3, 3], 0.0),
        ([0, 0, 0, 8], 0.75),
        ([1, 2, 3, 4], 0.25),
        ([0, 0], 0.0),
        ([5], 0.0),
    ],
)
def test_gini(load: list[int], expected: float) -> None:
    assert gini(np.array(load)) == pytest.approx(expected)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30))
def test_gini_is_the_mean_difference_over_twice_the_mean(load: list[int]) -> None:
    many = np.array(load, dtype=np.float64)
    expected = np.abs(many[:, None] - many[None, :]).mean() / (2 * many.mean()) if many.any() else 0.0
    assert gini(many) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9, 9.0),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, inf], 0.9, 9.0),
        ([1, 2, 3, 4, 5, 6, 7, 8, inf, inf], 0.9, None),
        ([], 0.9, None),
    ],
)
def test_a_quantile_is_one_of_the_values_and_never_endless(
    values: list[float], share: float, expected: float | None
) -> None:
    assert quantile(np.array(values, dtype=np.float64), share) == expected


def test_fifteen_minutes_sharp_is_on_time_and_never_is_late() -> None:
    assert on_time_pct(a_run([15, 15.001, inf, 1])) == 50.0


def test_the_worst_tenth_of_the_grids_over_all_seeds() -> None:
    """Eleven grids: the worst two. Grid 0 is late in 3 of 4 and grid 1 in 1 of 4, over two days; the rest never."""
    others = list(range(2, 11))
    first = a_run([20, 20, 5, 20, *[5] * 9], grid=[0, 0, 1, 1, *others])
    second = a_run([20, 5, 5, 5, *[5] * 9], grid=[0, 0, 1, 1, *others])
    assert worst_decile([first, second]) == pytest.approx(100.0 * (1 - 4 / 8))
    assert worst_decile([a_run([5, 5])]) == 100.0


def test_every_seed_weighs_the_same_in_shares_and_every_case_in_what_is_said_per_case() -> None:
    runs = {
        1: a_run([5, 5, 5, 20], seed=1, offers=[1, 1, 1, 5], swaps=[0, 1, 0, 0], interruptions=[1, 0, 0, 0]),
        2: a_run([5], seed=2, offers=[2], takeovers=[2]),
    }
    found = row(runs, None)
    assert found.seeds == 2
    assert found.on_time_pct == pytest.approx((75 + 100) / 2)
    assert found.late_share == pytest.approx(1 - found.on_time_pct / 100)
    assert (found.offers_per_case, found.swaps_per_case, found.takeovers_per_case) == (2.0, 0.2, 0.4)
    assert found.interruptions_per_case == 0.2


def test_a_share_is_never_said_to_be_over_everything() -> None:
    found = row({1: a_run([5], seed=1), 2: a_run([20], seed=2)}, None)
    assert (found.on_time_low, found.on_time_high) == (0.0, 100.0)


def test_late_against_greedy_is_paired_by_seed() -> None:
    engine = {1: a_run([5, 5, 5, 20]), 2: a_run([5, 5, 5, 5]), 3: a_run([20, 20, 20, 20])}
    greedy = {1: a_run([5, 5, 20, 20]), 2: a_run([5, 5, 20, 20])}
    assert row(engine, greedy).late_vs_greedy == pytest.approx((0.25 + 0) / (0.5 + 0.5))


@pytest.mark.parametrize("greedy", [None, {1: a_run([5, 5])}])
def test_nothing_is_held_against_a_greedy_that_is_never_late(greedy: dict[int, object] | None) -> None:
    assert row({1: a_run([5, 20])}, greedy).late_vs_greedy is None  # type: ignore[arg-type]


def test_the_ratios_interval_holds_the_ratio_and_repeats_itself() -> None:
    chance = np.random.default_rng(5)
    theirs = 90.0 - 5.0 * chance.uniform(size=30)
    ours = 100.0 - 0.3 * (100.0 - theirs) + chance.normal(scale=0.2, size=30)
    found = late_ratio(ours, theirs)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.mean < found.high
    assert found.mean == pytest.approx(0.3, abs=0.02)
    assert found == late_ratio(ours, theirs)


def test_what_is_printed_beside_the_row() -> None:
    engine = {1: a_run([5, 5]), 2: a_run([5, 5])}
    ours = {1: a_run([10, 30, inf, 5], level=[0, 1, 3, 0]), 2: a_run([5, 5, 5, 5], level=[0, 0, 0, 2])}
    found = further(ours, None, engine)
    assert found.cases == 8
    assert found.never_pct == 12.5
    assert found.mean_min == pytest.approx((10 + 30 + 5 + 20) / 7)
    assert found.late_minutes == pytest.approx(15 / 8)
    assert found.escalated_pct == (37.5, 25.0, 12.5)
    assert found.against_engine is not None
    assert found.against_engine.mean == pytest.approx(-25.0)
    assert found.p99_min is None
    assert further(engine, None, engine).against_engine is None


def test_solver_and_fallbacks_are_over_all_matchings() -> None:
    slow = replace(a_run([5]), solver_seconds=np.array([0.5]), fallbacks=1)
    quick = replace(a_run([5]), solver_seconds=np.full(99, 0.01))
    found = row({1: slow, 2: quick}, None)
    assert found.fallback_rate == 0.01
    assert found.solver_p99_ms == pytest.approx(10.0)


def test_the_days_of_a_recording_are_one_run() -> None:
    week = joined([a_run([5, 20], fallbacks=1), a_run([inf], fallbacks=2)], seed=7)
    assert (week.seed, week.fallbacks, len(week.registered)) == (7, 3, 3)
    assert week.late.tolist() == [False, True, True]
    assert len(week.taken) == 4


def test_days_without_a_case_have_no_figures() -> None:
    with pytest.raises(ValueError, match="没有应急工单 / there is no emergency"):
        row({1: a_run([])}, None)
    assert row({1: a_run([]), 2: a_run([5])}, None).seeds == 1
