"""What is called in: Poisson by grid and hour, clusters, surges, recorded calls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.dispatch.city import ground
from services.dispatch.city.demand import FOLLOWER_WITHIN_SECONDS, Demand, demand, grid_weights, hour_weights
from services.dispatch.city.draws import Draws
from services.dispatch.city.scenarios import SCENARIOS, Call, Scenario, Surge, replay_scenario

DAYS = range(60)


def days(scenario: Scenario) -> list[Demand]:
    return [demand(scenario, Draws.of(seed)) for seed in DAYS]


def test_a_normal_day_has_480_cases() -> None:
    counts = [len(day) for day in days(SCENARIOS["day"])]

    assert np.mean(counts) == pytest.approx(480, abs=4 * np.sqrt(480 / len(DAYS)))


def test_counts_are_poisson_when_nothing_follows_from_anything() -> None:
    plain = days(replace(SCENARIOS["day"], cluster_share=0.0))
    hours = np.array([np.histogram(day.registered, bins=12, range=(0, 43_200))[0] for day in plain])

    assert (hours.var(axis=0) / hours.mean(axis=0)).mean() == pytest.approx(1.0, abs=0.2)
    assert abs(np.corrcoef(hours[:, 2], hours[:, 3])[0, 1]) < 0.4


def test_clusters_make_counts_more_uneven_than_poisson() -> None:
    counts = np.array([len(day) for day in days(Scenario("outages", cluster_share=0.3))])

    assert counts.var() / counts.mean() > 1.15


def test_hours_and_grids_have_their_weights() -> None:
    scenario = SCENARIOS["night"]
    all_days = [demand(scenario, Draws.of(seed)) for seed in range(200)]
    at, grid = (np.concatenate([getattr(day, name) for day in all_days]) for name in ("registered", "grid"))
    by_hour = np.histogram(at, bins=12, range=(0, 43_200))[0] / len(at)
    weights = hour_weights(scenario).reshape(12, -1).mean(axis=1) / 12

    assert by_hour == pytest.approx(weights, abs=0.012)
    assert np.corrcoef(np.bincount(grid, minlength=36), grid_weights(22))[0, 1] > 0.97


def test_the_centre_is_denser_than_the_border() -> None:
    for hour in range(24):
        weights = grid_weights(hour)
        assert weights.sum() == pytest.approx(1.0)
        assert weights[14] > 2 * weights[0]


def test_recognised_followers_are_merged_and_sent_to_nobody() -> None:
    day = demand(Scenario("outages", cluster_share=0.3), Draws.of(1))

    assert day.merged > 0
    assert day.callers == len(day) + day.merged


def test_300_callers_of_one_area_leave_60_cases_an_hour() -> None:
    heating = days(SCENARIOS["heating"])
    within = [(day.registered >= 3 * 3600) & (day.registered < 7 * 3600) for day in heating]
    quiet = replace(SCENARIOS["heating"], surges=())
    more = np.mean([len(day) for day in heating]) - np.mean([len(day) for day in days(quiet)])

    assert more == pytest.approx(240, abs=8)
    for day, then in zip(heating, within, strict=True):
        x, y = np.median(day.x[then]), np.median(day.y[then])
        near = np.hypot(day.x[then] - x, day.y[then] - y) < 900
        assert near.mean() > 0.55


def test_a_flash_crowd_is_ten_times_the_calls() -> None:
    plain, crowd = (
        np.mean(
            [np.sum((day.registered >= 18_000) & (day.registered < 18_900)) for day in days(SCENARIOS[name])]
        )
        for name in ("day", "flash_crowd")
    )

    assert 8 < crowd / plain < 11


def test_recorded_calls_come_as_they_came() -> None:
    calls = [Call(50.0, 0.5, 0.25), Call(10.0, 1.0, 0.0)]

    day = demand(replay_scenario(calls), Draws.of(1))

    assert day.registered.tolist() == [10.0, 50.0]
    assert (day.x.tolist(), day.y.tolist()) == ([6000.0, 3000.0], [0.0, 1500.0])
    assert day.grid.tolist() == [5, 9]


def test_what_is_called_later_changes_nothing_before() -> None:
    early, late = (demand(Scenario("surge", surges=(Surge(6, 1, rate),)), Draws.of(3)) for rate in (20, 200))
    before = early.registered < 6 * 3600

    assert early.registered[before].tolist() == late.registered[late.registered < 6 * 3600].tolist()
    assert early.skill[before].tolist() == late.skill[: before.sum()].tolist()


def test_nobody_follows_after_the_day() -> None:
    day = demand(Scenario("short", hours=1.0, cluster_share=0.5), Draws.of(1))

    assert day.registered.max() < 3600
    assert FOLLOWER_WITHIN_SECONDS < 3600


def test_the_city_lies_where_it_says() -> None:
    """36 grids of 1 km: degrees and metres are the same place, to a metre."""
    x, y = np.array([0.0, 2_500.0, 6_000.0]), np.array([0.0, 5_999.0, 6_000.0])

    back = ground.metres(ground.places(x, y))

    assert back[0] == pytest.approx(x, abs=1e-6)
    assert back[1] == pytest.approx(y, abs=1e-6)
    assert ground.grid_of(x, y).tolist() == [0, 32, 35]
    assert len(ground.outline(35)) == 5
    assert ground.outline(0)[0] == ground.outline(0)[-1]
