"""Where the ladder of a case begins: at the lowest level its category may be handled at, for the whole catalogue."""

from __future__ import annotations

import pytest

from services.intake.rules.places import LADDER, Route, route_for
from services.registry.defaults.catalogue import categories, rows_of
from shared.directory import Directory
from shared.things import Category, DutyList
from shared.vocabulary import Level
from tests.intake.world import UNITS

LETTERS = {row["code"]: row["levels"] for row in rows_of("catalogue.csv")}
BEGINS = {
    "gcsa": "grid-a1", "gcs": "grid-a1", "gc": "grid-a1", "csa": "community-a", "sa": "street",
}  # fmt: skip
WHOLE = ("grid-a1", "community-a", "street", "civil-affairs")


def routed(directory: Directory, category: Category, unit_id: str = "grid-a1") -> Route:
    route = route_for(directory, UNITS[unit_id], category)
    assert isinstance(route, Route)
    return route


def units_of(route: Route) -> tuple[str, ...]:
    return tuple(rung.unit_id for rung in route.ladder)


def test_the_table_is_the_whole_catalogue() -> None:
    assert len(LETTERS) == 93
    assert set(LETTERS.values()) == set(BEGINS)


@pytest.mark.parametrize("category", categories(UNITS), ids=lambda one: one.code)
def test_it_begins_where_the_category_may_be_handled_and_ends_at_the_top(
    directory: Directory, category: Category
) -> None:
    """Above its own levels it goes on to the top: what is not solved is raised, and somebody above decides returns and
    extensions."""
    route = routed(directory, category)
    begins = WHOLE.index(BEGINS[LETTERS[category.code]])
    if category.rightful_unit_id is None:
        assert units_of(route) == WHOLE[begins:]
    else:  # its own unit stands in for the rung of its level
        assert units_of(route) in {(category.rightful_unit_id, "civil-affairs"), (category.rightful_unit_id,)}
    assert {rung.level for rung in route.ladder} <= set(LADDER[min(map(LADDER.index, category.levels)) :])
    assert units_of(routed(directory, category, "street")) == WHOLE[2:]


@pytest.mark.parametrize(
    ("levels", "unit_id", "begins"),
    [
        ((Level.GRID,), "grid-a1", 0),
        ((Level.GRID,), "community-a", 1),
        ((Level.COMMUNITY,), "grid-a1", 1),
        ((Level.COMMUNITY,), "street", 2),
        ((Level.STREET, Level.GRID), "grid-a1", 0),
        ((Level.STREET,), "grid-a1", 2),
        ((Level.CIVIL_AFFAIRS,), "grid-a1", 3),
    ],
)
def test_where_no_level_of_the_place_is_allowed_the_next_above_is_asked(
    directory: Directory, levels: tuple[Level, ...], unit_id: str, begins: int
) -> None:
    category = directory.categories["manhole-cover"].model_copy(update={"levels": levels})
    assert units_of(routed(directory, category, unit_id)) == WHOLE[begins:]


def test_a_city_that_ends_below_the_level_asks_its_top() -> None:
    street = UNITS["street"].model_copy(update={"parent_id": None})
    city = Directory.of(units=[street, UNITS["community-a"], UNITS["grid-a1"]])
    category = categories()[0].model_copy(update={"levels": (Level.CIVIL_AFFAIRS,)})
    assert units_of(routed(city, category)) == ("street",)


@pytest.mark.parametrize("code", ["manhole-cover", "dust", "food-safety"])
def test_a_duty_list_counts_as_before(directory: Directory, code: str) -> None:
    """Whose it is, is said where a community is passed over, and only there."""
    category = directory.categories[code].model_copy(update={"rightful_unit_id": "civil-affairs"})
    listed = Directory.of(
        units=UNITS.values(),
        duty_lists=[DutyList(id="d", unit_id="community-a", category_codes=("road-damage",))],
    )
    assert (units_of(routed(listed, category)), routed(listed, category).rightful_unit_id) == (
        ("civil-affairs",),
        "civil-affairs",
    )
    open_to_all = routed(directory, category)
    passed_over = Level.COMMUNITY not in {rung.level for rung in open_to_all.ladder}
    assert (open_to_all.rightful_unit_id is not None) == passed_over
