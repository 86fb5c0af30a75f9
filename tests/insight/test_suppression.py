"""No number below five can be read from a public table, nor worked out from what is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.insight.rules.suppression import SMALL, Cell, Published, Shown, Table, publish


def table(**cells: tuple[int, int]) -> Table:
    return publish({"figure": {key: Cell(n, d) for key, (n, d) in cells.items()}})["figure"]


@pytest.mark.parametrize(
    ("cells", "hidden"),
    [
        ({"a": (20, 40), "b": (10, 30), "c": (50, 90)}, set()),
        ({"a": (3, 40), "b": (10, 30), "c": (50, 90)}, {"a", "b"}),  # b would give a away
        ({"a": (38, 40), "b": (10, 30), "c": (50, 90)}, {"a", "b"}),  # two not in time are two as well
        ({"a": (0, 40), "b": (0, 30), "c": (50, 90)}, {"a", "b", "c"}),  # nought and nought: together nought
        ({"a": (3, 40), "b": (2, 30), "c": (50, 90)}, {"a", "b"}),  # together five
        ({"a": (1, 40), "b": (2, 30), "c": (50, 90), "d": (60, 90)}, {"a", "b", "c"}),
    ],
)
def test_small_cells_take_others_with_them(cells: dict[str, tuple[int, int]], hidden: set[str]) -> None:
    shown = table(**cells)
    assert {key for key, cell in shown.groups.items() if cell.n is None} == hidden


def test_a_small_total_hides_the_whole_table() -> None:
    shown = table(a=(20, 20), b=(29, 31))
    assert shown.total == Shown(None, 51)
    assert {cell.n for cell in shown.groups.values()} == {None}
    assert table(a=(1, 2), b=(1, 2)).total == Shown(None, None)


def test_a_denominator_left_out_of_one_table_is_left_out_of_its_neighbour() -> None:
    on_time = {"a": Cell(10, 20), "b": Cell(2, 4), "c": Cell(10, 21)}
    success = {"a": Cell(9, 20), "b": Cell(2, 4), "c": Cell(8, 26)}
    shown = publish({"on_time": on_time, "success": success})
    for name in shown:
        assert {key for key, cell in shown[name].groups.items() if cell.d is None} == {"a", "b"}


def test_a_plain_count_has_no_rest() -> None:
    shown = publish({"registered": {"a": Cell(20, 20), "b": Cell(30, 30)}}, counts={"registered"})[
        "registered"
    ]
    assert shown.total == Shown(50, 50)
    assert shown.groups["a"] == Shown(20, 20)


CELLS = st.integers(0, 14).flatmap(lambda d: st.tuples(st.integers(0, d), st.just(d)))
TABLES = st.dictionaries(st.sampled_from("abcde"), CELLS, min_size=1, max_size=5)


@settings(max_examples=400, deadline=None)
@given(cells=TABLES)
def test_no_small_number_is_published(cells: dict[str, tuple[int, int]]) -> None:
    shown = table(**cells)
    for cell in (shown.total, *shown.groups.values()):
        assert cell.d is None or cell.d >= SMALL
        assert cell.n is None or (cell.d is not None and min(cell.n, cell.d - cell.n) >= SMALL)


@settings(max_examples=120, deadline=None)
@given(cells=st.dictionaries(st.sampled_from("abc"), CELLS, min_size=1, max_size=3))
def test_no_number_left_out_can_be_worked_out(cells: dict[str, tuple[int, int]]) -> None:
    """Whoever knows the table and the rule that hides (but not why a cell is hidden) finds at least two tables that
    look the same and differ in each number left out."""
    shown = table(**cells)
    possible = list(explanations(shown))
    assert {key: cells[key] for key in cells} in possible
    for key, cell in shown.groups.items():
        if cell.d is None:
            assert len({found[key][1] for found in possible}) > 1, key
        if cell.n is None and cells[key][1] > 0:
            assert len({found[key][0] for found in possible}) > 1, key


def explanations(shown: Table, d_max: int = 14) -> Iterator[dict[str, tuple[int, int]]]:
    """Every table of cells up to `d_max` that adds up to what is published."""
    choices = [list(fitting(cell, d_max)) for cell in shown.groups.values()]
    for chosen in product(*choices):
        n, d = sum(cell[0] for cell in chosen), sum(cell[1] for cell in chosen)
        if shown.total.d not in (None, d) or shown.total.n not in (None, n):
            continue
        yield dict(zip(shown.groups, chosen, strict=True))


def fitting(cell: Shown, d_max: int) -> Iterator[tuple[int, int]]:
    for d in range(d_max + 1) if cell.d is None else (cell.d,):
        for n in range(d + 1) if cell.n is None else (cell.n,):
            yield n, d


@settings(max_examples=200, deadline=None)
@given(first=TABLES, second=TABLES)
def test_no_denominator_is_given_away_by_the_neighbour(
    first: Mapping[str, tuple[int, int]], second: Mapping[str, tuple[int, int]]
) -> None:
    """Two figures of one population: where the d of a group is small in one, it is hidden in both; so many and so large
    are hidden together in each that the total does not tell; and what the one has more than the other, of a group, of
    all or of what is hidden together, is nothing or not small."""
    tables = {
        "one": {key: Cell(*cell) for key, cell in first.items()},
        "two": {key: Cell(*second.get(key, cell)) for key, cell in first.items()},
    }
    shown = publish(tables)
    for name, groups in tables.items():
        total_is_told = shown[name].total.d is not None
        hidden = [key for key, cell in shown[name].groups.items() if cell.d is None]
        if total_is_told and hidden:
            assert len(hidden) == len(groups) or len(hidden) > 1
            assert len(hidden) == len(groups) or sum(groups[key].d for key in hidden) >= SMALL
        for key, cell in groups.items():
            if cell.d < SMALL:
                assert {shown[both].groups[key].d for both in tables} == {None}
    one, two = shown["one"], shown["two"]
    if one.total.d is None or two.total.d is None:
        return
    gaps = {key: tables["one"][key].d - tables["two"][key].d for key in first}
    told = {key for key in first if one.groups[key].d is not None and two.groups[key].d is not None}
    for gap in (
        sum(gaps.values()),
        *(gaps[key] for key in told),
        sum(gaps[key] for key in gaps.keys() - told),
    ):
        assert gap == 0 or abs(gap) >= SMALL


# ── several figures, several groupings ────────────────────────────────────────────────────────────────────────────

WITHIN = st.integers(0, 30).flatmap(lambda d: st.integers(0, d).map(lambda outer: (outer, d)))
NESTED = st.dictionaries(
    st.sampled_from("abcde"),
    WITHIN.flatmap(lambda cell: st.integers(0, cell[0]).map(lambda inner: (inner, *cell))),
    min_size=1,
    max_size=5,
)


@settings(max_examples=400, deadline=None)
@given(cells=NESTED)
def test_what_lies_between_two_figures_is_not_small_either(cells: dict[str, tuple[int, int, int]]) -> None:
    """In time since the call is in time since told: whoever subtracts the one from the other has a number of cases,
    of a group, of all, or of the groups that were left out together."""
    tables = {
        "inner": {key: Cell(inner, d) for key, (inner, _, d) in cells.items()},
        "outer": {key: Cell(outer, d) for key, (_, outer, d) in cells.items()},
    }
    shown = publish(tables, nested={"outer": ("inner",)})
    inner, outer = shown["inner"], shown["outer"]
    told = {key for key in cells if inner.groups[key].n is not None and outer.groups[key].n is not None}
    for key in told:
        assert between(inner.groups[key], outer.groups[key]) >= SMALL
    if inner.total.n is None or outer.total.n is None:
        return
    assert between(inner.total, outer.total) >= SMALL
    hidden = [key for key in cells if outer.groups[key].n is None]
    if hidden and told == cells.keys() - set(hidden):
        rest = between(inner.total, outer.total) - sum(
            between(inner.groups[key], outer.groups[key]) for key in told
        )
        assert rest >= SMALL


def between(inner: Shown, outer: Shown) -> int:
    assert inner.n is not None
    assert outer.n is not None
    return outer.n - inner.n


CHAIN = st.lists(st.integers(0, 20), min_size=3, max_size=3).map(lambda some: sorted(some, reverse=True))
WITH_SOME_OF_THEM = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(CHAIN, st.booleans()), min_size=1, max_size=4
)
"""Groups with all that were registered, how many of them a figure counts and how many of those another, and whether
those two have such a group at all."""


@settings(max_examples=200, deadline=None)
@given(cells=WITH_SOME_OF_THEM)
def test_no_small_number_can_be_had_by_subtracting_one_figure_from_another(
    cells: dict[str, tuple[list[int], bool]],
) -> None:
    """All that were registered less the emergencies that had to be reached: whatever the published numbers give by
    adding and subtracting, of any set of groups, is nothing or not small."""
    tables = {
        name: {key: Cell(ds[place], ds[place]) for key, (ds, has) in cells.items() if has or place == 0}
        for place, name in enumerate(("all", "one", "two"))
    }
    shown = publish({name: tables[name] for name in ("one", "two")})
    inside = [Published(tables[name], table) for name, table in shown.items()]
    shown |= publish({"all": tables["all"]}, counts={"all"}, inside=inside)
    known = {name: told_by(table, list(cells)) for name, table in shown.items()}
    for keys in (set(some) for many in range(1, len(cells) + 1) for some in combinations(cells, many)):
        sums = {
            name: sum(groups[key].d for key in keys & groups.keys())
            for name, groups in tables.items()
            if follows([float(key in keys) for key in cells], known[name])
        }
        for number in (*sums.values(), *(a - b for a, b in combinations(sums.values(), 2))):
            assert number == 0 or abs(number) >= SMALL


def told_by(table: Table, keys: list[str]) -> list[list[float]]:
    """What a table tells of its denominators, as sums over groups: each that is shown, the total, and that a group it
    does not have is nought."""
    told = [[float(key == other) for other in keys] for key in keys if is_told(table, key)]
    return told + ([[1.0] * len(keys)] if table.total.d is not None else [])


def is_told(table: Table, key: str) -> bool:
    return key not in table.groups or table.groups[key].d is not None


def follows(wanted: list[float], known: list[list[float]]) -> bool:
    """Whether the sum is made of those known."""
    return rank([*known, wanted]) == rank(known)


def rank(rows: list[list[float]]) -> int:
    rows = [list(row) for row in rows]
    found = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in rows[found:] if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(found, pivot)
        for other in rows[found + 1 :]:
            times = other[column] / pivot[column]
            other[:] = [a - times * b for a, b in zip(other, pivot, strict=True)]
        found += 1
    return found


def test_the_merged_emergencies_cannot_be_had_from_all_that_were_registered() -> None:
    """Three of forty emergencies were merged: how many of them were registered is left out, how many cases is not."""
    on_time = {"emergency": Cell(30, 37)}
    registered = {"emergency": Cell(40, 40), "routine": Cell(60, 60), "appointment": Cell(9, 9)}
    first = publish({"on_time": on_time})["on_time"]
    inside = [Published(on_time, first)]
    shown = publish({"registered": registered}, counts={"registered"}, inside=inside)["registered"]
    assert first.total == Shown(30, 37)
    assert shown.total == Shown(109, 109)
    assert shown.groups == {
        "emergency": Shown(None, None),
        "appointment": Shown(None, None),
        "routine": Shown(60, 60),
    }
    none_merged = {"emergency": Cell(30, 40)}
    inside = [Published(none_merged, publish({"on_time": none_merged})["on_time"])]
    shown = publish({"registered": registered}, counts={"registered"}, inside=inside)["registered"]
    assert shown.groups["emergency"] == Shown(40, 40)


GROUPINGS = ("community", "channel", "urgency")
SMALL_CELL = st.integers(0, 4).flatmap(lambda d: st.tuples(st.integers(0, d), st.just(d)))
MONTH = st.lists(SMALL_CELL, min_size=8, max_size=8)
"""The cases of a month by two communities, two channels and two urgencies."""


@settings(max_examples=40, deadline=None)
@given(months=st.lists(MONTH, min_size=2, max_size=3))
def test_no_grouping_tells_what_another_one_leaves_out(months: list[list[tuple[int, int]]]) -> None:
    """Every month is published by three groupings of the same cases. Whoever holds all of them beside each other still
    finds at least two months that would look the same, for each number left out. No case is of two months, so nothing
    can be taken from a neighbouring one (test_public)."""
    for month in months:
        tables = [publish({"figure": grouped(month, place)})["figure"] for place, _ in enumerate(GROUPINGS)]
        assert len({table.total for table in tables}) == 1
        worlds = [by_total(table) for table in tables]
        totals = set.intersection(*(set(world) for world in worlds))
        for table, world in zip(tables, worlds, strict=True):
            for key, cell in table.groups.items():
                possible = {found[key] for total in totals for found in world[total]}
                if cell.d is None:
                    assert len({d for _, d in possible}) > 1
                if cell.n is None and cell.d != 0:
                    assert len({n for n, _ in possible}) > 1


def grouped(month: list[tuple[int, int]], place: int) -> dict[str, Cell]:
    """The month's cases split in two by the place-th grouping."""
    groups = {}
    for side in (0, 1):
        cells = [cell for number, cell in enumerate(month) if number >> place & 1 == side]
        groups[str(side)] = Cell(sum(n for n, _ in cells), sum(d for _, d in cells))
    return groups


def by_total(shown: Table) -> dict[tuple[int, int], list[dict[str, tuple[int, int]]]]:
    """Every table that looks like this one, by its total."""
    found: dict[tuple[int, int], list[dict[str, tuple[int, int]]]] = {}
    for chosen in explanations(shown, d_max=16):
        total = (sum(n for n, _ in chosen.values()), sum(d for _, d in chosen.values()))
        found.setdefault(total, []).append(chosen)
    return found
