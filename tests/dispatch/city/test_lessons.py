"""What the simulated dispatch knows of the weather: what the ways that ended lately say, as the real one does."""

import numpy as np
import pytest

from services.dispatch.city.lessons import Lessons, SetOut
from services.dispatch.travel.conditions import LASTS_SECONDS, LOOKS_EVERY_SECONDS
from services.dispatch.travel.model import Places
from services.dispatch.travel.straight import StraightLine, travel_seconds
from shared.going import TravelMode
from shared.things import Point

HOME, DOOR, RIDES = Point(lon=104.001, lat=30.001), Point(lon=104.021, lat=30.001), 1
NOMINAL = travel_seconds(HOME, DOOR, TravelMode.E_BIKE)


def believed(lessons: Lessons, now: float) -> float:
    """How many times longer than in fair weather a way is believed to take."""
    starts, ends = (Places(np.array([one.lon]), np.array([one.lat])) for one in (HOME, DOOR))
    modes, one = np.array([RIDES], dtype=np.int8), np.zeros(1, dtype=np.intp)
    return float(lessons.travel(now).trips(starts, modes, ends, one, one, 10).median[0]) / NOMINAL


def arrives(lessons: Lessons, now: float, longer: float) -> None:
    lessons.arrived(SetOut(HOME, DOOR, RIDES, now - longer * NOMINAL), 10, now)


def test_a_day_begins_as_a_fair_one_and_learns_the_weather_within_twenty_ways() -> None:
    lessons = Lessons(StraightLine())
    assert believed(lessons, 0.0) == pytest.approx(1.0, abs=0.01)
    for minute in range(40, 61):
        arrives(lessons, 60.0 * minute, 2.0)
    assert believed(lessons, 3600.0) == pytest.approx(2.0, rel=0.15)
    assert believed(lessons, 3600.0 + LASTS_SECONDS) == pytest.approx(1.0, abs=0.01)


def test_it_looks_as_often_as_the_real_one() -> None:
    lessons = Lessons(StraightLine())
    arrives(lessons, 10.0, 2.0)
    assert believed(lessons, 10.0) == pytest.approx(1.0, abs=0.01)
    for second in range(11, 40):
        arrives(lessons, float(second), 2.0)
    assert believed(lessons, 10.0 + LOOKS_EVERY_SECONDS - 1) == pytest.approx(1.0, abs=0.01)
    assert believed(lessons, 10.0 + LOOKS_EVERY_SECONDS) > 1.5


def test_what_was_told_before_stays_as_it_was() -> None:
    """A situation keeps its travel times, whatever is learned after it."""
    lessons = Lessons(StraightLine())
    for second in range(20):
        arrives(lessons, float(second), 2.0)
    held = lessons.travel(20.0)
    for second in range(30, 90):
        arrives(lessons, float(second), 1.0)
    assert lessons.travel(90.0) is not held
    assert held.conditions.factors[RIDES] > 1.5  # type: ignore[attr-defined]
