"""Who is on duty when, and whose grid is whose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.dispatch.city.draws import Draws
from services.dispatch.city.people import (
    E_BIKE,
    SHIFT_SECONDS,
    SHORTEST_SHIFT_SECONDS,
    Held,
    Roster,
    roster,
)
from services.dispatch.city.scenarios import SCENARIOS, BadScenario, Call, Scenario, Surge, replay_scenario
from services.dispatch.matching.situation import NOBODY

SEEDS = range(5)


def on_duty(people: Roster, hour: float) -> int:
    return int(np.sum((people.starts <= hour * 3600) & (people.ends > hour * 3600)))


@pytest.mark.parametrize(
    ("name", "people"), [("day", 120), ("night", 40), ("heating", 100), ("shortage", 22)]
)
def test_so_many_are_on_duty_at_any_time(name: str, people: int) -> None:
    for seed in SEEDS:
        staff = roster(SCENARIOS[name], Draws.of(seed))
        assert {on_duty(staff, hour) for hour in np.arange(0, 12, 0.25)} == {people}


def test_a_replayed_day_has_60_people_from_7_to_22_and_40_at_night() -> None:
    staff = roster(replay_scenario([Call(0, 0, 0)]), Draws.of(1))

    counts = [on_duty(staff, hour + 0.5) for hour in range(24)]

    assert counts == [40] * 7 + [60] * 15 + [40] * 2


def test_more_people_at_night_than_by_day() -> None:
    staff = roster(Scenario("nights", people=10, people_at_night=20, hours=24, starts_at_hour=0), Draws.of(1))

    assert [on_duty(staff, hour + 0.5) for hour in (3, 12, 23)] == [20, 10, 20]


def test_in_a_typhoon_one_in_ten_is_missing_on_every_day() -> None:
    days = [roster(SCENARIOS["typhoon"], Draws.of(seed)) for seed in SEEDS]

    assert {on_duty(staff, hour) for staff in days for hour in (1, 3, 11)} == {108}
    assert len({tuple(np.unique(staff.position)) for staff in days}) == len(SEEDS), "never the same ones"


def test_shifts_are_eight_hours_at_most_and_never_minutes() -> None:
    for seed in SEEDS:
        staff = roster(SCENARIOS["day"], Draws.of(seed))
        lengths = staff.ends - staff.starts
        assert lengths.max() < SHIFT_SECONDS + SHORTEST_SHIFT_SECONDS
        assert lengths.min() >= SHORTEST_SHIFT_SECONDS
        rests = staff.break_from[np.isfinite(staff.break_from)]
        assert len(rests) > len(staff) / 3


def test_no_post_is_held_by_two() -> None:
    staff = roster(SCENARIOS["day"], Draws.of(1))
    for position in np.unique(staff.position):
        own = np.flatnonzero(staff.position == position)
        assert (staff.starts[own][1:] >= staff.ends[own][:-1]).all()


def test_every_grid_has_an_a_holder_and_its_own_where_people_suffice() -> None:
    staff = roster(SCENARIOS["day"], Draws.of(1))

    assert (staff.holders != NOBODY).all()
    assert len(np.unique(staff.holders[:, Held.A])) == 36
    few = roster(SCENARIOS["shortage"], Draws.of(1))
    assert (few.holders != NOBODY).all()
    assert np.bincount(few.holders[:, Held.A]).max() <= 12


@pytest.mark.parametrize("name", ["day", "night", "heating", "typhoon", "shortage"])
def test_four_in_ten_of_those_on_duty_ride_at_any_time_of_any_day(name: str) -> None:
    """With 22 people, as many as come by chance would be seven on one day and eleven on another."""
    for seed in SEEDS:
        staff = roster(SCENARIOS[name], Draws.of(seed))
        for at in (600.0, 20_000.0, 40_000.0):
            working = (staff.starts <= at) & (staff.ends > at)
            riding = int((staff.modes[working] == E_BIKE).sum())
            assert riding == round(0.40 * int(working.sum()))


def test_by_night_and_by_day_as_many_ride() -> None:
    staff = roster(replay_scenario([Call(0, 0, 0)]), Draws.of(1))

    for hour, riding in ((3, 16), (12, 24)):
        working = (staff.starts <= hour * 3600) & (staff.ends > hour * 3600)
        assert int((staff.modes[working] == E_BIKE).sum()) == riding


def test_one_person_alone_is_a_city_too() -> None:
    staff = roster(Scenario("alone", people=1), Draws.of(1))

    assert set(staff.post.tolist()) == {Held.A}
    assert set(staff.holders[:, Held.A].tolist()) == {0}


# ── numbers no day can have ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (
            {"people": 0},
            "在岗人数应在 1 到 2000 之间，现为 0 / people on duty must be between 1 and 2000, not 0",
        ),
        ({"acceptance": 1.0}, "接单率"),
        ({"speed_factor": 0.0}, "speed factor"),
        ({"surges": (Surge(0, 1, -5),)}, "高峰 1 的 cases_per_hour"),
        (
            {"calls": (Call(-1, 0, 0),)},
            "第 1 个来电不在当天或不在城内 / call 1 is outside the day or the city",
        ),
        ({"calls": (Call(5, 0, 1.1),)}, "第 1 个来电"),
    ],
)
def test_a_bad_number_is_named_in_both_languages(numbers: dict[str, object], said: str) -> None:
    with pytest.raises(BadScenario) as refused:
        replace(SCENARIOS["day"], **numbers)  # type: ignore[arg-type]

    assert said in str(refused.value)
    assert all(" / " in line for line in str(refused.value).splitlines())


def test_all_bad_numbers_are_named_at_once() -> None:
    with pytest.raises(BadScenario) as refused:
        Scenario("wrong", people=0, hours=100, acceptance=2)

    assert len(str(refused.value).splitlines()) == 3


def test_the_days_that_policies_are_compared_on() -> None:
    assert list(SCENARIOS) == [
        "day",
        "night",
        "weekend",
        "heating",
        "storm",
        "typhoon",
        "shortage",
        "mass_testing",
        "acceptance_60",
        "dispatcher_down",
        "wrong_category",
        "flash_crowd",
    ]
