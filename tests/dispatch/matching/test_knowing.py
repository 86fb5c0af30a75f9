"""What dispatch makes of what it knows: where people probably are, whom the calls to come need, when to match."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from services.dispatch.matching.costs import chance_late, price
from services.dispatch.matching.when import WINDOW, match_at
from services.dispatch.matching.whereabouts import (
    FOLLOWED,
    STAYS_SECONDS,
    Told,
    told_whereabouts,
    whereabouts,
)
from tests.dispatch.matching.situations import (
    E_BIKE,
    WALK,
    WEIGHTS,
    a_case_list,
    a_situation,
    people_at,
    places,
    rows,
)

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("waiting", "free", "last_seconds_ago", "expected_seconds"),
    [
        (1, 2, 0.1, 0.0),
        (1, 1, 1.0, 4.0),
        (3, 1, 4.0, 1.0),
        (3, 1, 60.0, 0.0),
        (3, 0, None, 0.0),
    ],
)
def test_at_once_while_there_are_more_people_than_cases_else_in_windows(
    waiting: int, free: int, last_seconds_ago: float | None, expected_seconds: float
) -> None:
    last = None if last_seconds_ago is None else NOW - timedelta(seconds=last_seconds_ago)
    assert match_at(NOW, waiting, free, last) == NOW + timedelta(seconds=expected_seconds)
    assert timedelta(seconds=5) >= WINDOW


def found(idle_seconds: float, mode: int = WALK) -> tuple[float, float, float]:
    """How far east the likelier place is, and the other, and the chance of it; the base is two kilometres east."""
    one = whereabouts(
        places([(0, 0)]), places([(2000, 0)]), np.array([idle_seconds]), np.array([mode], dtype=np.int8)
    )
    east = places([(1000, 0)]).lon[0] - places([(0, 0)]).lon[0]
    here, there = (1000 * (p.lon[0] - places([(0, 0)]).lon[0]) / east for p in (one.places, one.elsewhere))
    return float(here), float(there), float(one.chance[0])


@pytest.mark.parametrize(
    ("told_ago", "likelier", "other", "chance"),
    [
        (np.inf, 2000, 0, 0.0),
        (0.0, 2000, 2000, 1 - FOLLOWED),
        (500.0, 2500, 2000, 1 - FOLLOWED),
        (1e6, 4000, 2000, 1 - FOLLOWED),
    ],
    ids=["told nothing", "just told", "half a kilometre on", "long there"],
)
def test_whoever_was_told_where_to_wait_is_there_or_where_they_would_be_anyway(
    told_ago: float, likelier: float, other: float, chance: float
) -> None:
    """At their base since long, two kilometres east; the spot is two kilometres further."""
    one = told_whereabouts(
        Told(places([(4000, 0)]), np.array([told_ago])),
        places([(0, 0)]),
        places([(2000, 0)]),
        np.array([np.inf]),
        np.array([WALK], dtype=np.int8),
    )
    east = (places([(1000, 0)]).lon[0] - places([(0, 0)]).lon[0]) / 1000
    here, there = ((p.lon[0] - places([(0, 0)]).lon[0]) / east for p in (one.places, one.elsewhere))
    assert here == pytest.approx(likelier, abs=1)
    assert there == pytest.approx(other, abs=1)
    assert one.chance[0] == pytest.approx(chance)


def test_whoever_is_busy_is_where_they_said() -> None:
    assert found(0.0)[::2] == (0.0, 0.0)
    assert found(-30.0)[::2] == (0.0, 0.0)


def test_whoever_was_not_heard_of_is_at_their_base() -> None:
    here, _, chance = found(np.inf)
    assert here == pytest.approx(2000)
    assert chance == 0.0


def test_the_longer_ago_the_likelier_on_the_way_home() -> None:
    here, there, chance = found(STAYS_SECONDS * 0.9)
    assert here == 0.0
    assert 0 < there < 500
    assert 0.3 < chance < 0.5
    later, before, chance = found(STAYS_SECONDS * 2)
    assert 0 < later < 2000
    assert before == 0.0
    assert 0.02 < chance < 0.2
    assert found(STAYS_SECONDS * 2, E_BIKE)[0] > later
    assert found(7200.0)[0] == pytest.approx(2000)


def test_both_places_are_weighed() -> None:
    """Half at the door and half a kilometre away: half as late, half as far."""
    case = a_case_list([(0, 0)], due=600)
    near, far = people_at([(0, 0)]), people_at([(1000, 0)])
    both = replace(near, elsewhere=far.places, elsewhere_chance=np.array([0.5]))
    one, other, mixed = (
        price(a_situation(case, people), (rows(0), rows(0)), WEIGHTS) for people in (near, far, both)
    )
    assert mixed.p_late == pytest.approx((one.p_late + other.p_late) / 2)
    assert mixed.eta == pytest.approx((one.eta + other.eta) / 2)


@pytest.mark.parametrize(
    ("median", "slack", "expected"),
    [(600.0, 600.0, 0.5), (600.0, 0.0, 1.0), (600.0, -5.0, 1.0), (np.inf, 600.0, 1.0), (0.0, 60.0, 0.0)],
)
def test_the_chance_of_being_late(median: float, slack: float, expected: float) -> None:
    found = chance_late(np.array([median]), np.array([0.25]), np.array([slack]))
    assert found == pytest.approx([expected])
