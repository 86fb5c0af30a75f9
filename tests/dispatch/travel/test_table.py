"""A table fetched beforehand: what is in it counts, everything else goes by the straight line."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.travel.model import Places
from services.dispatch.travel.straight import StraightLine
from services.dispatch.travel.table import Block, table_of


def town(rows: int, seed: int) -> Places:
    draw = np.random.default_rng(seed)
    return Places(draw.uniform(104.0, 104.06, rows), draw.uniform(30.0, 30.06, rows))


def some(places: Places, rows: list[int]) -> Places:
    return Places(places.lon[rows], places.lat[rows])


@given(st.data())
def test_fetched_pairs_count_and_the_rest_goes_by_the_straight_line(data: st.DataObject) -> None:
    people, cases = town(6, 1), town(4, 2)
    modes = np.array([0, 1, 2, 0, 1, 2], dtype=np.int8)
    fetched_people = data.draw(st.lists(st.integers(0, 5), unique=True))
    fetched_cases = data.draw(st.lists(st.integers(0, 3), unique=True))
    mode = data.draw(st.integers(0, 2))
    shape = (len(fetched_people), len(fetched_cases))
    seconds = 1000 + np.arange(shape[0] * shape[1], dtype=np.float64).reshape(shape)
    block = Block(mode, some(people, fetched_people), some(cases, fetched_cases), seconds)
    who, to = (grid.ravel() for grid in np.meshgrid(np.arange(6), np.arange(4)))

    straight = StraightLine()
    trips = table_of([block], straight).trips(people, modes, cases, who, to, 9)
    otherwise = straight.trips(people, modes, cases, who, to, 9)
    for e, (person, case) in enumerate(zip(who.tolist(), to.tolist(), strict=True)):
        if modes[person] == mode and person in fetched_people and case in fetched_cases:
            row, column = fetched_people.index(person), fetched_cases.index(case)
            assert trips.median[e] == seconds[row, column]
        else:
            assert trips.median[e] == otherwise.median[e]


def test_places_are_known_by_where_they_are_not_by_their_row() -> None:
    people, cases = town(3, 1), town(2, 2)
    seconds = np.array([[11.0, 12.0], [21.0, 22.0], [31.0, 32.0]])
    table = table_of([Block(0, people, cases, seconds)], StraightLine())
    walk = np.zeros(1, dtype=np.int8)
    one = np.zeros(1, dtype=np.intp)
    trips = table.trips(some(people, [2]), walk, some(cases, [1]), one, one, 9)
    assert trips.median.tolist() == [32.0]


def test_what_a_router_does_not_know_and_unknown_places_go_by_the_other_model() -> None:
    people, cases = town(2, 1), town(1, 2)
    people.lon[1] = np.nan
    table = table_of([Block(0, people, cases, np.array([[np.nan], [5.0]]))], StraightLine())
    who, to, walk = np.array([0, 1]), np.array([0, 0]), np.zeros(2, dtype=np.int8)
    trips = table.trips(people, walk, cases, who, to, 9)
    assert trips.median[0] == StraightLine().trips(people, walk, cases, who, to, 9).median[0]
    assert trips.median[1] == np.inf


def test_the_first_answer_stands_and_no_answer_is_no_table() -> None:
    people, cases = town(1, 1), town(1, 2)
    one, walk = np.zeros(1, dtype=np.intp), np.zeros(1, dtype=np.int8)
    twice = [Block(0, people, cases, np.array([[5.0]])), Block(0, people, cases, np.array([[7.0]]))]
    assert table_of(twice, StraightLine()).trips(people, walk, cases, one, one, 9).median[0] == 5.0
    nothing = table_of([], StraightLine()).trips(people, walk, cases, one, one, 9)
    assert nothing.median[0] == StraightLine().trips(people, walk, cases, one, one, 9).median[0]
