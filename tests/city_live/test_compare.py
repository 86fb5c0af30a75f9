"""Two accounts of one day: what counts as the same, and how a difference is told."""

from __future__ import annotations

from math import inf

import pytest

from bench.city_live.cast import the_cast
from bench.city_live.compare import Ask, Fate, Played, compare
from bench.city_live.ground import things
from services.registry import defaults
from services.registry.rules.flaws import flaws
from services.registry.rules.things import Known
from shared.things import Unit
from shared.vocabulary import Level

BASE = Fate(100.0, 700.0, (Ask(100.0, 3),))

DIFFERENT = [
    (Fate(100.0, 700.0, (Ask(100.0, 4),)), "offer 1: L1 asks 3 at 100.0, L2 asks 4 at 100.0"),
    (Fate(100.0, 700.0, (Ask(104.0, 3),)), "offer 1: L1 asks 3 at 100.0, L2 asks at 104.0"),
    (Fate(100.0, 700.0, (Ask(100.0, 3), Ask(160.0, 5))), "only L2 asks 5 at 160.0"),
    (Fate(100.0, 705.0, (Ask(100.0, 3),)), "arrival: L1 700.0, L2 705.0"),
    (Fate(100.0, inf, (Ask(100.0, 3),)), "arrival: L1 700.0, L2 inf"),
]


def test_rounding_to_microseconds_is_no_difference() -> None:
    found = compare(Played((BASE,)), Played((Fate(100.0, 700.0000004, (Ask(100.0000001, 3),)),)))

    assert (found.same, found.differences, found.points_apart) == (1, (), 0.0)


@pytest.mark.parametrize(("other", "why"), DIFFERENT, ids=[why for _, why in DIFFERENT])
def test_a_difference_is_told_by_what_came_apart_first(other: Fate, why: str) -> None:
    found = compare(Played((BASE,)), Played((other,)))

    assert (found.same, [one.why for one in found.differences]) == (0, [why])


def test_the_first_difference_in_time_is_told_first_and_points_are_of_all_cases() -> None:
    late, early = Fate(50.0, 2_000.0, (Ask(50.0, 1),)), Fate(50.0, 60.0, (Ask(50.0, 2),))

    found = compare(Played((BASE, late), 1, 2), Played((DIFFERENT[0][0], early), 1, 3))

    assert [one.case for one in found.differences] == [1, 0]
    assert (found.l1_on_time_pct, found.l2_on_time_pct, found.points_apart) == (50.0, 100.0, 50.0)
    assert found.both_on_time_or_both_late == 1
    assert (found.swaps, found.takeovers) == ((1, 1), (2, 3))


@pytest.mark.parametrize("scenario", ["shortage", "night", "heating", "day"])
def test_the_registry_takes_the_city_as_it_is(scenario: str) -> None:
    cast = the_cast(scenario, 100, 1.0)
    every = [*defaults.things(), *things(cast.ground, cast.dwellers(), cast.begins_at, cast.rostered_until)]

    assert flaws(every, Known()) == []


def test_every_call_lies_in_the_grid_that_the_city_says() -> None:
    cast = the_cast("day", 1, 2.0)
    for call, grid in zip(cast.calls(), cast.demand.grid.tolist(), strict=True):
        west, south, east, north = cast.ground.grid_box(grid)
        assert west <= call.lon <= east
        assert south <= call.lat <= north


def test_grids_lie_in_communities_in_one_street() -> None:
    units = {unit.id: unit for unit in the_cast("day", 1, 1.0).ground.units()}
    grids = [unit for unit in units.values() if unit.level is Level.GRID]

    def above(unit: Unit) -> Unit:
        return units[unit.parent_id or ""]

    assert len(grids) == 36
    assert {above(above(grid)).id for grid in grids} == {"street"}
    assert (
        sorted(
            len([g for g in grids if above(g) is u]) for u in {above(g).id: above(g) for g in grids}.values()
        )
        == [9] * 4
    )
