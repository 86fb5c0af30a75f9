"""The rules of a day's plan: promises kept or named, everything once, no worse than the plain order, the same again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.rules import day_plan, touring
from services.dispatch.rules.day_plan import Day, Plan, Rest, Visit, VisitKind, Ways, WhyNot

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Nine in the morning in China."""
HOURS = timedelta(hours=1)
MINUTES = timedelta(minutes=1)
NOON = Rest(NOW + 3 * HOURS, NOW + 5 * HOURS, 30 * MINUTES)


def day(hours: float = 8, rest: Rest | None = None) -> Day:
    return Day(NOW, NOW + hours * HOURS, rest)


def at(key: str, stay: float = 10, **more: Any) -> Visit:
    return Visit(key, VisitKind.STOP, None, stay * MINUTES, **more)


def agreed(key: str, opens: float, closes: float, stay: float = 10) -> Visit:
    """In minutes from now."""
    return Visit(
        key,
        VisitKind.APPOINTMENT,
        None,
        stay * MINUTES,
        NOW + opens * MINUTES,
        NOW + closes * MINUTES,
        firm=True,
        weight=day_plan.FIRM_WEIGHT,
    )


def on_a_line(*minutes: float) -> Ways:
    """The start, then the visits, at so many minutes along one street."""
    x = np.array(minutes, dtype=float) * 60
    return Ways(np.abs(x[:, None] - x[None]), np.full((len(x), len(x)), 0.25))


def planned(day: Day, visits: list[Visit], ways: Ways) -> Plan:
    solved = touring.solve(day_plan.tour_of(day, visits, ways), 20)
    return day_plan.best(day, visits, ways, [solved, day_plan.greedy_order(day, visits, ways)])


def keys(plan: Plan) -> list[str]:
    return [one.visit.key for one in plan.planned]


def minutes(moment: datetime) -> float:
    return (moment - NOW) / MINUTES


# ── what a plan says ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_short_way_between_two_appointments() -> None:
    visits = [at("far"), agreed("ten", 60, 90), at("near"), agreed("noon", 180, 240)]
    plan = planned(day(), visits, on_a_line(0, 12, 10, 1, 20))
    assert keys(plan) == ["near", "ten", "far", "noon"]
    assert [minutes(one.begin_at) for one in plan.planned] == [1, 60, 72, 180]
    assert plan.way_seconds == 20 * 60
    assert all(one.arrive_at < one.arrive_until for one in plan.planned)
    assert all(one.arrive_until - one.arrive_at < 12 * MINUTES for one in plan.planned)


def test_what_is_under_way_is_first_whatever_else_is_agreed() -> None:
    """The emergency, late as it is; then back to where one was; the appointment that suffers is named."""
    visits = [
        at("emergency", 22, under_way=True, closes_at=NOW + 5 * MINUTES),
        at("begun", 15, under_way=True),
        agreed("agreed", 0, 30),
        at("near"),
    ]
    plan = planned(day(), visits, on_a_line(0, 10, 0, 1, 1))
    assert keys(plan) == ["emergency", "begun", "near"]
    assert plan.planned[0].late == 5 * MINUTES
    [left] = plan.left_out
    assert (left.visit.key, left.why) == ("agreed", WhyNot.WINDOW_OVER)
    assert left.earliest_at == NOW + (10 + 22 + 10 + 15 + 1) * MINUTES


def test_why_something_is_left_out() -> None:
    visits = [
        agreed("over", -60, -1),
        agreed("one", 30, 31, stay=60),
        agreed("other", 30, 32, stay=60),
        at("long", 24 * 60),
        at("nowhere"),
    ]
    ways = on_a_line(0, 1, 2, 2, 3, 4)
    ways.median[:, 5] = ways.median[5, :] = inf
    found = {one.visit.key: one.why for one in planned(day(), visits, ways).left_out}
    taken = found.pop("one", None) or found.pop("other")
    assert taken is WhyNot.WINDOW_TAKEN
    assert found == {
        "over": WhyNot.WINDOW_OVER,
        "long": WhyNot.SHIFT_ENDS,
        "nowhere": WhyNot.UNREACHABLE,
    }


def test_a_wish_is_met_late_rather_than_not_at_all() -> None:
    wish = {"opens_at": NOW + 30 * MINUTES, "closes_at": NOW + 40 * MINUTES}
    visits = [at("one", 60, **wish), at("other", 60, **wish)]
    plan = planned(day(), visits, on_a_line(0, 1, 1))
    assert (plan.left_out, sorted(one.late for one in plan.planned)) == ([], [0 * MINUTES, 50 * MINUTES])


def test_the_break_is_taken_in_its_time_and_the_shift_ends_when_it_ends() -> None:
    visits = [at(str(n), 55) for n in range(9)]
    plan = planned(day(8, NOON), visits, on_a_line(0, *[5] * 9))
    assert plan.rest_at is not None
    assert NOON.earliest <= plan.rest_at <= NOON.latest
    assert not any(
        one.begin_at < plan.rest_at + NOON.length and plan.rest_at < one.leave_at for one in plan.planned
    )
    assert (len(plan.planned), [one.why for one in plan.left_out]) == (8, [WhyNot.SHIFT_ENDS])
    assert plan.planned[-1].leave_at <= NOW + 8 * HOURS


def test_the_nearest_of_more_than_a_plan_holds() -> None:
    visits = [*(at(f"{n:03}") for n in range(130)), agreed("promise", 0, 300), at("here", under_way=True)]
    seconds = np.array([float(n) for n in range(130)] + [9999.0, 9999.0])
    near, far = day_plan.within_reach(visits, seconds)
    assert len(near) == day_plan.VISITS_MAX
    assert {one.visit.key for one in far} == {f"{n:03}" for n in range(98, 130)}
    assert {one.why for one in far} == {WhyNot.TOO_MANY}


def test_asking_again_within_five_minutes_is_asking_for_the_same() -> None:
    visits, ways = [agreed("a", 60, 90), at("b"), at("c")], on_a_line(0, 3, 1, 2)
    first, second, later = (
        day_plan.tour_of(Day(NOW + n * MINUTES, NOW + 8 * HOURS), visits, ways) for n in (1, 4, 6)
    )
    assert first == second
    assert later != first
    assert touring.solve(first, 20) == touring.solve(second, 20)


# ── whatever the day ──────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def days(draw: st.DrawFn) -> tuple[Day, list[Visit], Ways]:
    n = draw(st.integers(0, 9))
    visits = []
    for key in map(str, range(n)):
        stay, opens = draw(st.integers(1, 90)), draw(st.integers(-60, 400))
        closes = opens + draw(st.integers(0, 120))
        match draw(st.sampled_from(["free", "free", "agreed", "wish", "under way"])):
            case "agreed":
                visits.append(agreed(key, opens, closes, stay))
            case "wish":
                window = {"opens_at": NOW + opens * MINUTES, "closes_at": NOW + closes * MINUTES}
                visits.append(at(key, stay, weight=draw(st.integers(0, 99)), **window))
            case kind:
                late = draw(st.integers(0, 3))
                visits.append(at(key, stay, under_way=kind == "under way", overdue_days=late))
    ways = on_a_line(*draw(st.lists(st.integers(0, 40), min_size=n + 1, max_size=n + 1)))
    rest = draw(st.sampled_from([None, NOON]))
    return day(draw(st.integers(1, 9)), rest), visits, ways


def test_nobody_waits_half_a_day_while_there_is_something_to_do() -> None:
    """The stop at four is next door, and beginning with it would save the way back."""
    visits = [at("four", opens_at=NOW + 7 * HOURS), at("near"), at("farther"), at("far")]
    assert keys(planned(day(9), visits, on_a_line(0, 1, 5, 10, 15))) == ["near", "farther", "far", "four"]


@settings(deadline=None, max_examples=150)
@given(days())
def test_whatever_the_day(given_: tuple[Day, list[Visit], Ways]) -> None:
    of_day, visits, ways = given_
    plan = planned(of_day, visits, ways)
    left = [one.visit.key for one in plan.left_out]
    assert sorted([*keys(plan), *left]) == sorted(visit.key for visit in visits), (
        "each once, planned or named"
    )
    assert keys(plan)[: sum(one.under_way for one in visits)] == [v.key for v in visits if v.under_way]
    clock, here = of_day.starts_at, 0
    for one in plan.planned:
        row = visits.index(one.visit) + 1
        if plan.rest_at is not None and plan.rest_at <= one.arrive_at:
            clock = max(clock, plan.rest_at + NOON.length) if plan.rest_at >= clock else clock
        assert one.arrive_at >= clock + timedelta(seconds=float(ways.median[here, row]))
        assert one.begin_at >= one.arrive_at
        assert one.leave_at == one.begin_at + one.visit.stay
        if not one.visit.under_way:
            assert one.leave_at <= of_day.ends_at
            assert one.visit.opens_at is None or one.begin_at >= one.visit.opens_at
        if one.visit.firm and one.visit.closes_at is not None:
            assert one.begin_at <= one.visit.closes_at, "kept, or named"
        clock, here = one.leave_at, row
    plain = day_plan.walk(
        of_day, visits, ways, day_plan.whole_order(visits, day_plan.greedy_order(of_day, visits, ways))
    )
    assert plan.badness <= plain.badness
    assert planned(of_day, visits, ways) == plan, "the same again"


@settings(deadline=None, max_examples=60)
@given(days())
def test_an_interruption_changes_the_rest_and_not_what_is_under_way(
    given_: tuple[Day, list[Visit], Ways],
) -> None:
    """An emergency comes between: it is first, what was begun is second, and nobody is forgotten."""
    of_day, visits, _ = given_
    visits = [at("emergency", 22, under_way=True), *visits]
    ways = on_a_line(*range(0, 3 * len(visits) + 1, 3))
    begun = [visit.key for visit in visits if visit.under_way]
    plan = planned(of_day, visits, ways)
    assert keys(plan)[: len(begun)] == begun
    assert len(plan.planned) + len(plan.left_out) == len(visits)


@pytest.mark.parametrize("seed", range(4))
def test_random_days_are_walked_better_than_by_the_plain_order(seed: int) -> None:
    """Thirty stops, four appointments among them, in a grid of 1.2 km: never worse, and by a fifth at least shorter."""
    random = np.random.default_rng(seed)
    place = random.uniform(0, 1200, (31, 2))
    ways = Ways(np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1)), np.full((31, 31), 0.25))
    visits = [
        agreed(str(n), opens := int(random.integers(0, 400)), opens + 60) if n < 4 else at(str(n), 5)
        for n in range(30)
    ]
    plan = planned(day(9), visits, ways)
    plain = day_plan.walk(
        day(9), visits, ways, day_plan.whole_order(visits, day_plan.greedy_order(day(9), visits, ways))
    )
    assert plan.badness[:2] == (0, 0) <= plain.badness[:2]
    assert plan.late_seconds + plan.way_seconds < 0.8 * (plain.late_seconds + plain.way_seconds)


def test_however_full_a_day_is_so_many_walks_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred promises for the same hour: whoever asked waits for the answer, and the search for its process."""
    visits = [agreed(str(n), n, n + 30) for n in range(day_plan.VISITS_MAX)]
    ways, walks, walked = on_a_line(*range(len(visits) + 1)), 0, day_plan.walk

    def counted(*given: Any) -> Plan:
        nonlocal walks
        walks += 1
        return walked(*given)

    monkeypatch.setattr(day_plan, "walk", counted)
    plan = day_plan.best(day(8, NOON), visits, ways, [range(len(visits))])
    assert len(plan.planned) + len(plan.left_out) == len(visits)
    assert day_plan.TRIED_MAX / 2 < walks <= day_plan.TRIED_MAX + day_plan.VISITS_MAX + 2


def test_the_break_finds_its_place_between_two_promises() -> None:
    visits = [agreed("a", 100, 170, 60), agreed("b", 250, 265, 60), at("c", 60)]
    plan = planned(day(8, NOON), visits, on_a_line(0, 1, 2, 3))
    assert plan.left_out == []
    assert plan.rest_at is not None
    assert NOON.earliest <= plan.rest_at <= NOON.latest
