"""Through the streets: who may go where, which way round, how fast, and what happens where the map ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import dijkstra

from services.dispatch.travel.model import MODES, Floats, Places
from services.dispatch.travel.straight import StraightLine, distances_m
from services.dispatch.travel.street_map import Line, StreetMap, street_map
from services.dispatch.travel.streets import LIMIT_SECONDS, NO_WAY_TAKES, Reach, Streets
from services.dispatch.travel.way_rules import Passage, passage
from shared.going import TravelMode
from tests.dispatch.travel.towns import Town, at, build

WALK, E_BIKE, CAR = range(3)


def lines_of(town: Town) -> list[Line]:
    lines = []
    for way in town.ways:
        rules = passage(way.tags)
        assert rules is not None
        lon, lat = zip(*(town.nodes[id_] for id_ in way.nodes), strict=True)
        lines.append(Line(way.nodes, lon, lat, rules))
    return lines


def drawn(*ways: tuple[list[int], dict[str, str]], nodes: dict[int, tuple[float, float]]) -> StreetMap:
    lines = []
    for ids, tags in ways:
        rules = passage(tags)
        assert rules is not None
        lon, lat = zip(*(at(*nodes[id_]) for id_ in ids), strict=True)
        lines.append(Line(tuple(ids), lon, lat, rules))
    return street_map(lines)


def places(*points: tuple[float, float]) -> Places:
    lon, lat = zip(*(at(*point) for point in points), strict=True)
    return Places(np.array(lon), np.array(lat))


def seconds(streets: Streets, start: tuple[float, float], end: tuple[float, float], mode: int) -> float:
    one, modes = np.zeros(1, dtype=np.intp), np.array([mode], dtype=np.int8)
    return float(streets.trips(places(start), modes, places(end), one, one, 12).median[0])


@pytest.mark.parametrize(
    ("tags", "along", "against"),
    [
        ({"highway": "residential"}, (1.35, 4.2, 5.0), (1.35, 4.2, 5.0)),
        ({"highway": "residential", "oneway": "yes"}, (1.35, 4.2, 5.0), (1.35, 0, 0)),
        ({"highway": "residential", "oneway": "-1"}, (1.35, 0, 0), (1.35, 4.2, 5.0)),
        ({"highway": "tertiary", "oneway": "F"}, (1.35, 4.4, 7.0), (1.35, 0, 0)),
        ({"highway": "tertiary", "oneway": "T"}, (1.35, 0, 0), (1.35, 4.4, 7.0)),
        ({"highway": "tertiary", "oneway": "B"}, (1.35, 4.4, 7.0), (1.35, 4.4, 7.0)),
        ({"highway": "primary", "oneway": "yes", "oneway:bicycle": "no"}, (1.35, 4.6, 9.0), (1.35, 4.6, 0)),
        (
            {"highway": "primary", "oneway": "yes", "cycleway": "opposite_lane"},
            (1.35, 4.6, 9),
            (1.35, 4.6, 0),
        ),
        ({"highway": "primary", "junction": "roundabout"}, (1.35, 4.6, 9.0), (1.35, 0, 0)),
        ({"highway": "primary", "junction": "roundabout", "oneway": "no"}, (1.35, 4.6, 9), (1.35, 4.6, 9)),
        ({"highway": "motorway"}, (0, 0, 18.0), (0, 0, 0)),
        ({"highway": "steps"}, (0.6, 0, 0), (0.6, 0, 0)),
        ({"highway": "footway"}, (1.35, 1.35, 0), (1.35, 1.35, 0)),
        ({"highway": "footway", "bicycle": "yes"}, (1.35, 1.35, 0), (1.35, 1.35, 0)),
        ({"highway": "pedestrian", "motor_vehicle": "yes"}, (1.35, 2.5, 3.0), (1.35, 2.5, 3.0)),
        ({"highway": "service", "access": "private"}, (1.35, 3.6, 3.0), (1.35, 3.6, 3.0)),
        ({"highway": "service", "access": "no", "foot": "yes"}, (1.35, 0, 0), (1.35, 0, 0)),
        ({"highway": "residential", "bicycle": "dismount"}, (1.35, 1.35, 5.0), (1.35, 1.35, 5.0)),
        ({"highway": "residential", "motorcar": "no"}, (1.35, 4.2, 0), (1.35, 4.2, 0)),
        ({"highway": "track_grade2"}, (1.35, 3.0, 3.0), (1.35, 3.0, 3.0)),
    ],
)
def test_who_may_use_a_street(
    tags: dict[str, str], along: tuple[float, float, float], against: tuple[float, float, float]
) -> None:
    rules = passage(tags)
    assert rules is not None
    assert (rules.along, rules.against) == (along, against)


@pytest.mark.parametrize(
    "tags", [{}, {"building": "yes"}, {"highway": "construction"}, {"highway": "service", "access": "no"}]
)
def test_what_is_no_street_to_anybody_is_left_out(tags: dict[str, str]) -> None:
    assert passage(tags) is None


BLOCK = {1: (0.0, 0.0), 2: (400.0, 0.0), 3: (400.0, 400.0), 4: (0.0, 400.0)}


def test_a_car_drives_round_a_one_way_street_and_a_walker_does_not() -> None:
    round_trip = {"highway": "residential", "oneway": "yes"}
    map_ = drawn(([1, 2, 3, 4, 1], round_trip), nodes=BLOCK)
    streets = Streets(map_)
    assert seconds(streets, (0, 0), (400, 0), CAR) == pytest.approx(400 / 5, rel=0.01)
    assert seconds(streets, (400, 0), (0, 0), CAR) == pytest.approx(1200 / 5, rel=0.01)
    assert seconds(streets, (400, 0), (0, 0), WALK) == pytest.approx(400 / 1.35, rel=0.01)
    assert seconds(streets, (400, 0), (0, 0), E_BIKE) == pytest.approx(1200 / 4.2, rel=0.01)


def test_the_quicker_of_two_streets_between_the_same_crossings_counts() -> None:
    map_ = drawn(([1, 2], {"highway": "service"}), ([1, 2], {"highway": "primary"}), nodes=BLOCK)
    assert seconds(Streets(map_), (0, 0), (400, 0), CAR) == pytest.approx(400 / 9, rel=0.01)


def test_a_long_street_can_be_entered_anywhere() -> None:
    map_ = drawn(([1, 2], {"highway": "residential"}), nodes=BLOCK)
    streets = Streets(map_)
    assert seconds(streets, (210, 0), (400, 0), WALK) == pytest.approx(190 / 1.35, abs=35)
    assert seconds(streets, (210, 100), (400, 0), WALK) == pytest.approx(190 / 1.35 + 100, abs=35)


def test_the_weather_slows_the_way_through_the_streets() -> None:
    map_ = drawn(([1, 2, 3, 4, 1], {"highway": "residential"}), nodes=BLOCK)
    dry, wet = Streets(map_), Streets(map_, StraightLine(speed_factor=0.5))
    assert seconds(wet, (0, 0), (400, 400), E_BIKE) == pytest.approx(
        2 * seconds(dry, (0, 0), (400, 400), E_BIKE)
    )


def test_far_from_any_street_it_goes_by_the_straight_line_and_nobody_reaches_an_unknown_place() -> None:
    streets = Streets(drawn(([1, 2, 3, 4, 1], {"highway": "residential"}), nodes=BLOCK))
    assert seconds(streets, (3000, 0), (0, 0), WALK) == seconds_straight((3000, 0), (0, 0))
    nowhere = Places(np.array([np.nan]), np.array([np.nan]))
    one, walk = np.zeros(1, dtype=np.intp), np.zeros(1, dtype=np.int8)
    assert streets.trips(places((0, 0)), walk, nowhere, one, one, 12).median[0] == np.inf


def seconds_straight(start: tuple[float, float], end: tuple[float, float]) -> float:
    one, walk = np.zeros(1, dtype=np.intp), np.zeros(1, dtype=np.int8)
    return float(StraightLine().trips(places(start), walk, places(end), one, one, 12).median[0])


def test_where_the_map_has_no_way_nobody_is_left_out_but_a_known_way_goes_before() -> None:
    two_banks = {**BLOCK, 11: (0.0, 900.0), 12: (400.0, 900.0), 13: (400.0, 1300.0)}
    map_ = drawn(
        ([1, 2, 3], {"highway": "residential"}), ([11, 12, 13], {"highway": "residential"}), nodes=two_banks
    )
    across = seconds(Streets(map_), (400, 0), (400, 900), WALK)
    assert across == max(LIMIT_SECONDS, NO_WAY_TAKES * seconds_straight((400, 0), (400, 900)))


def test_nobody_is_put_on_a_street_that_leads_nowhere() -> None:
    """A stub behind a barrier is nearer than the street, but from it the map knows no way."""
    town = build(across=12, side_m=1500)
    (west, south), (east, north) = at(50, 20), at(60, 20)
    footpath = Passage((1.35, 1.35, 0.0), (1.35, 1.35, 0.0))
    lost = Line((901, 902), (west, east), (south, north), footpath)
    streets = Streets(street_map([*lines_of(town), lost]))
    assert seconds(streets, (55, 20), (700, 700), WALK) < LIMIT_SECONDS


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_search_from_the_case_finds_everybodys_way_to_it(seed: int) -> None:
    """As if each had searched for themselves, and never faster than the fastest street as the crow flies."""
    streets, draw = Streets(TOWN), np.random.default_rng(seed)
    starts, ends = _anywhere(draw, 12), _anywhere(draw, 4)
    modes = draw.integers(0, 3, 12).astype(np.int8)
    who, to = draw.integers(0, 12, 30), draw.integers(0, 4, 30)
    found = streets.trips(starts, modes, ends, who, to, 12).median
    for e in range(30):
        graph = TOWN.graphs[modes[who[e]]]
        start, start_off = graph.nearest(Places(starts.lon[[who[e]]], starts.lat[[who[e]]]), 250)
        end, end_off = graph.nearest(Places(ends.lon[[to[e]]], ends.lat[[to[e]]]), 250)
        if min(start[0], end[0]) < 0:
            continue
        forward = dijkstra(graph.back.T.tocsr(), indices=[start[0]])[0][end[0]]
        assert found[e] == pytest.approx(forward + start_off[0] + end_off[0], rel=1e-4)
    assert (found * 9.0 + 1 >= distances_m(starts, ends, who, to)).all()


def _anywhere(draw: np.random.Generator, rows: int) -> Places:
    (west, south), (east, north) = at(0, 0), at(1500, 1500)
    return Places(draw.uniform(west, east, rows), draw.uniform(south, north, rows))


TOWN = street_map(lines_of(build(across=12, side_m=1500)))


def test_nobody_waits_for_a_search_that_was_not_made() -> None:
    starts, modes = places((10, 10), (1000, 900)), np.array([WALK, E_BIKE], dtype=np.int8)
    ends = places((600, 700), (100, 1200))
    who, to = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    patient = Streets(TOWN).trips(starts, modes, ends, who, to, 12).median
    straight = StraightLine().trips(starts, modes, ends, who, to, 12).median
    hurried = Streets(TOWN, known_only=True)
    turns = iter([True, True, False])
    assert hurried.prepare(ends, [WALK, E_BIKE], lambda: next(turns)) == 1
    first = hurried.trips(starts, modes, ends, who, to, 12).median
    assert first.tolist() == [*patient[:2], *straight[2:]]
    assert hurried.prepare(ends, [WALK, E_BIKE], lambda: True) == 0
    assert hurried.trips(starts, modes, ends, who, to, 12).median.tolist() == patient.tolist()


def test_what_is_kept_of_searches_has_a_bound() -> None:
    reach = Reach(bytes_max=1000)
    searched: Floats = np.zeros(50)
    for node in range(10):
        reach.keep(WALK, node, searched.astype(np.float32))
    assert list(reach.kept) == [(WALK, node) for node in range(5, 10)]
    reach.find(WALK, 5)
    reach.keep(WALK, 10, searched.astype(np.float32))
    assert (WALK, 5) in reach.kept
    assert (WALK, 6) not in reach.kept


def test_more_cases_than_there_is_room_for_do_not_push_out_the_first() -> None:
    """With the least used forgotten first, a round over too many forgets each just before its turn."""
    ends = places((600, 700), (100, 1200), (900, 300))
    streets = Streets(TOWN, reach=Reach(bytes_max=len(TOWN.nodes.lon) * 4 * 2), known_only=True)
    for _ in range(2):
        assert streets.prepare(ends, [WALK], lambda: True) == 1
        first = list(streets.reach.kept)
    assert len(first) == 2
    starts, walk, one = places((10, 10)), np.zeros(1, dtype=np.int8), np.zeros(1, dtype=np.intp)
    patient = Streets(TOWN).trips(starts, walk, ends, one, one, 12).median
    assert streets.trips(starts, walk, ends, one, one, 12).median.tolist() == patient.tolist()


def test_modes_are_in_the_order_of_the_speeds() -> None:
    assert MODES == (TravelMode.WALK, TravelMode.E_BIKE, TravelMode.CAR)
