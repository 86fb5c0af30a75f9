"""The rules of a mass task: who gets whom, which house an address is in, what is wrong with a line, what a try says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.rules import flow, splitting
from services.dispatch.rules.addresses import building_of, walk_key
from services.dispatch.rules.house_walk import length, walk_of
from services.dispatch.rules.listed_people import (
    FINAL,
    TRIED_AGAIN,
    ListedPerson,
    ListedState,
    Try,
    correct,
    try_,
)
from services.dispatch.rules.listing import CHARACTERS_MAX, check
from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.splitting import Building, Ground, Share, share_out, split
from shared.fieldwork import COUNTED_ONLY, NotDoneReason
from shared.ids import uuid7
from shared.reading import Line
from tests.dispatch.world import START, A, B

# ── the split ─────────────────────────────────────────────────────────────────────────────────────────────────────


def loads(buildings: list[Building], given: dict[tuple[str, str], str | None]) -> Counter[str | None]:
    found: Counter[str | None] = Counter()
    for one in buildings:
        found[given[one.grid_id, one.key]] += one.people
    return found


def houses(grid: str, *sizes: int) -> list[Building]:
    return [Building(grid, str(n), size) for n, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "workers", "expected"),
    [
        ((10, 10, 10, 10), "ab", {"a": 20, "b": 20}),
        ((40, 10, 10, 10), "ab", {"a": 40, "b": 30}),
        ((5,), "ab", {"a": 5}),
        ((30, 20, 20, 20, 10, 10, 10), "abc", {"a": 40, "b": 40, "c": 40}),
        ((7, 7), "", {None: 14}),
    ],
)
def test_a_grid_is_split_by_count_and_by_house(
    sizes: tuple[int, ...], workers: str, expected: dict[str | None, int]
) -> None:
    buildings = houses("g", *sizes)
    assert loads(buildings, split(buildings, {"g": tuple(workers)})) == expected


def test_a_grid_without_workers_goes_to_those_with_least() -> None:
    buildings = [*houses("full", 30, 30), *houses("light", 10, 10), *houses("empty", 8, 8, 4)]
    pools = {"full": "ab", "light": "cd", "empty": "abcd"}
    found = loads(buildings, split(buildings, pools))
    assert (found["a"], found["b"], sorted((found["c"], found["d"]))) == (30, 30, [18, 22])


SIZES = st.lists(st.integers(1, 60), max_size=40)
WORKERS = st.frozensets(st.sampled_from("abcdefgh"), max_size=6)


def assert_fair(buildings: list[Building], given: dict[tuple[str, str], str | None], pool: Any) -> None:
    """Everybody is on exactly one list; the fullest and the emptiest differ by no more than one building."""
    assert set(given) == {(one.grid_id, one.key) for one in buildings}
    found = loads(buildings, given)
    assert sum(found.values()) == sum(one.people for one in buildings)
    if not pool:
        assert set(found) <= {None}
        return
    assert set(found) <= set(pool)
    most = max(found[one] for one in pool)
    theirs = [one.people for one in buildings if found[given[one.grid_id, one.key]] == most]
    assert most - min(found[one] for one in pool) <= min(theirs, default=0)


@settings(deadline=None)
@given(SIZES, WORKERS, WORKERS)
def test_split_and_split_again(sizes: list[int], first: frozenset[str], then: frozenset[str]) -> None:
    """Whoever comes or leaves: everybody is on one list, lists are even, and who stays keeps what balance allows."""
    buildings = houses("g", *sizes)
    once = split(buildings, {"g": tuple(first)})
    assert_fair(buildings, once, first)
    left = [replace(one, worker_id=once[one.grid_id, one.key]) for one in buildings]
    again = split(left, {"g": tuple(then)})
    assert_fair(left, again, then)
    if first == then:
        assert again == once


def test_of_two_lists_equally_long_the_one_that_can_give_gives() -> None:
    left = [
        replace(one, worker_id=who) for one, who in zip(houses("g", 1, 52, 53), ("a", "a", "b"), strict=True)
    ]
    assert_fair(left, split(left, {"g": ("a", "b", "c")}), frozenset("abc"))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(1, 60)), max_size=40), WORKERS, WORKERS)
def test_nobody_is_lost_over_several_grids(
    people: list[tuple[str, int]], own: frozenset[str], helping: frozenset[str]
) -> None:
    buildings = [Building(grid, str(n), size) for n, (grid, size) in enumerate(people)]
    pools = {"x": tuple(own), "y": tuple(helping), "z": tuple(own | helping)}
    given_to = split(buildings, pools)
    assert set(given_to) == {(one.grid_id, one.key) for one in buildings}
    for (grid, _), worker_id in given_to.items():
        assert worker_id in pools[grid] if pools[grid] else worker_id is None
    assert split(buildings[::-1], pools) == given_to


def test_twenty_thousand_houses_are_shared_with_somebody_who_comes() -> None:
    """Ten thousand moves. Looking through the whole list for each took minutes."""
    begun = process_time()
    buildings = [Building("g", str(n), 1, "a") for n in range(20_000)]
    given_to = split(buildings, {"g": ("a", "b")})
    assert loads(buildings, given_to) == {"a": 10_000, "b": 10_000}
    assert process_time() - begun < 10


# ── near by, with long houses in parts, and walked in order ─────────────────────────────────────────────────────────


def a_town(
    seed: int, grids: int, houses_each: int, workers_each: int, *, one_pool: bool = False
) -> tuple[list[Building], dict[str, tuple[str, ...]], Ground]:
    """Grids 800 m apart, houses of 5 to 34 people, workers who start from anywhere in their grid."""
    random, place = Random(seed), 0
    buildings, pools, middles, bases = list[Building](), dict[str, tuple[str, ...]](), {}, {}
    for n in range(grids):
        grid = f"g{n:02}"
        middles[grid] = (n % 5 * 800.0, n // 5 * 800.0)
        for house in range(houses_each):
            people = random.randint(5, 34)
            buildings.append(a_house(grid, f"h{house:03}", people, place))
            place += people
        pools[grid] = tuple(f"{grid}-{worker}" for worker in range(workers_each))
        for worker_id in pools[grid]:
            east, north = middles[grid]
            bases[worker_id] = (east + random.uniform(-400, 400), north + random.uniform(-400, 400))
    if one_pool:
        pools = dict.fromkeys(pools, tuple(sorted(bases)))
    return buildings, pools, Ground(middles, bases)


def a_house(grid: str, key: str, people: int, first: int, *holders: str) -> Building:
    return Building(grid, key, people, None, tuple(range(first, first + people)), holders or (None,) * people)


def metres(shares: list[Share], ground: Ground, buildings: list[Building]) -> float:
    """What everybody walks, house by house."""
    spots = splitting._spots(buildings, ground)
    walks: dict[str, list[Share]] = {}
    for share in shares:
        walks.setdefault(share.worker_id or "", []).append(share)
    return sum(
        length(
            [spots[one.grid_id, one.key] for one in sorted(walk, key=lambda one: one.leg or 0)],
            ground.bases[worker_id],
            range(len(walk)),
        )
        for worker_id, walk in walks.items()
    )


def on_lists(shares: list[Share]) -> Counter[str | None]:
    found: Counter[str | None] = Counter()
    for share in shares:
        found[share.worker_id] += share.last - share.first + 1
    return found


def as_held(buildings: list[Building], shares: list[Share]) -> list[Building]:
    """The buildings as the rows have them after that."""
    held = {place: share.worker_id for share in shares for place in range(share.first, share.last + 1)}
    return [replace(one, holders=tuple(held[place] for place in one.places)) for one in buildings]


@pytest.mark.parametrize("one_pool", [False, True])
def test_a_hundred_workers_get_what_is_near_and_about_as_much(
    one_pool: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven grids, about 7,815 people: in seconds, no list more than a house above another, and at most half the
    way of lists that are made by count alone."""
    town = buildings, pools, ground = a_town(1, 7, 57, 14, one_pool=one_pool)
    begun = process_time()
    shares = share_out(*town)
    assert process_time() - begun < 4
    assert sorted((one.grid_id, one.key) for one in shares) == sorted((b.grid_id, b.key) for b in buildings)
    assert share_out(*town) == shares, "the same again"
    for pool in set(pools.values()):
        people = [on_lists(shares)[who] for who in pool]
        assert max(people) - min(people) <= 34
    monkeypatch.setattr(splitting, "_by_flow", lambda *_: None)
    assert metres(shares, ground, buildings) < 0.5 * metres(share_out(*town), ground, buildings)


def test_where_the_flow_takes_too_long_lists_are_made_by_count_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a task waits for it, and its list is locked meanwhile."""
    buildings, pools, ground = a_town(1, 7, 57, 14, one_pool=True)
    by_flow = share_out(buildings, pools, ground)
    monkeypatch.setattr(flow, "FLOW_SECONDS_MAX", 0.0)
    shares = share_out(buildings, pools, ground)
    assert shares != by_flow
    lists = on_lists(shares)
    assert set(lists) == set(ground.bases)
    assert max(lists.values()) - min(lists.values()) <= 34


def test_who_leaves_costs_little_more_than_their_own_houses() -> None:
    buildings, pools, ground = a_town(2, 7, 57, 14)
    held = as_held(buildings, share_out(buildings, pools, ground))
    assert {one.leg for one in share_out(held, pools, ground)} == {None}, "nothing to change"
    fewer = {grid: pool[1:] if grid == "g00" else pool for grid, pool in pools.items()}
    again = share_out(held, fewer, ground)
    now = {(one.grid_id, one.key): one for one in again}
    moved = sum(one.people for one in held if now[one.grid_id, one.key].worker_id != one.holders[0])
    had = sum(one.people for one in held if one.holders[0] == "g00-0")
    assert had <= moved <= 2 * had
    kept = {one.worker_id for one in again if one.leg is None}
    assert kept >= {who for grid, pool in pools.items() if grid != "g00" for who in pool}, "their walks stay"


def test_a_house_longer_than_any_list_is_shared_stairs_by_stairs() -> None:
    """250 people in one house among four workers: in runs of neighbours, each a list's length at most; small houses
    stay whole, and done once more nobody changes hands."""
    tower, small = a_house("g", "tower", 250, 0), [a_house("g", f"s{n}", 10, 250 + 10 * n) for n in range(6)]
    pools = {"g": ("a", "b", "c", "d")}
    shares = share_out([tower, *small], pools)
    parts = sorted((one.first, one.last) for one in shares if one.key == "tower")
    assert [one for part in parts for one in range(part[0], part[1] + 1)] == list(tower.places)
    assert all(last - first < max(60, 1.25 * 310 / 4) for first, last in parts)
    assert Counter(one.key for one in shares if one.key != "tower") == {one.key: 1 for one in small}
    assert max(on_lists(shares).values()) - min(on_lists(shares).values()) <= 63
    again = share_out(as_held([tower, *small], shares), pools)
    assert [(one.first, one.worker_id) for one in again] == [(one.first, one.worker_id) for one in shares]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.integers(1, 200)), max_size=25), WORKERS, WORKERS, WORKERS
)
def test_everybody_is_on_one_list_whoever_comes(
    people: list[tuple[str, int]], own: frozenset[str], helping: frozenset[str], then: frozenset[str]
) -> None:
    buildings, place = list[Building](), 0
    for n, (grid, size) in enumerate(people):
        buildings.append(a_house(grid, str(n), size, place))
        place += size
    for pools in (
        {"x": tuple(own), "y": tuple(helping), "z": tuple(own | helping)},
        {"x": tuple(then), "y": tuple(helping), "z": tuple(own | then)},
    ):
        shares = share_out(buildings, pools)
        assert sorted(at for one in shares for at in range(one.first, one.last + 1)) == list(range(place))
        for one in shares:
            assert one.worker_id in pools[one.grid_id] if pools[one.grid_id] else one.worker_id is None
        buildings = as_held(buildings, shares)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 2000), st.floats(0, 2000)), max_size=12), st.booleans())
def test_a_walk_passes_each_house_once_and_no_longer_than_along_the_street(
    houses_at: list[tuple[float, float]], from_home: bool
) -> None:
    start = (500.0, 500.0) if from_home else None
    order = walk_of(houses_at, start)
    assert sorted(order) == list(range(len(houses_at)))
    assert length(houses_at, start, order) <= length(houses_at, start, range(len(houses_at))) + 1e-6


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("address", "building"),
    [
        ("建设社区 3 栋 2 单元 201", "建设社区3栋"),
        ("建设社区３栋２０１室", "建设社区3栋"),
        ("新亚洲体育城 12幢 1-3-402", "新亚洲体育城12幢"),
        ("春和路12号3号楼501", "春和路12号3号楼"),
        ("春和路 12 号 501 室", "春和路12号"),
        ("向阳新村 5-2-301", "向阳新村5"),
        ("12 Main Street, Flat 3", "12mainstreet"),
        ("河边小屋", "河边小屋"),
    ],
)
def test_neighbours_are_of_one_building(address: str, building: str) -> None:
    assert building_of(address) == building


def test_the_walk_counts_houses_as_people_do() -> None:
    walk = sorted(["春和路12号", "春和路3号502", "春和路 3 号 61", "A座", "春和路3号"], key=walk_key)
    assert walk == ["A座", "春和路3号", "春和路 3 号 61", "春和路3号502", "春和路12号"]


# ── lines ─────────────────────────────────────────────────────────────────────────────────────────────────────────

GOOD = {
    "ref": "1",
    "name": "王小明（演示）",
    "address": "3 栋 201",
    "phone": "138 0000-1234",
    "grid_id": "g1",
}


@pytest.mark.parametrize(
    ("given_", "column", "code"),
    [
        ({"ref": ""}, "ref", "missing"),
        ({"name": None}, "name", "missing"),
        ({"address": "  "}, "address", "missing"),
        ({"ref": "9" * (CHARACTERS_MAX["ref"] + 1)}, "ref", "too-long"),
        ({"address": "路" * 201}, "address", "too-long"),
        ({"phone": "call me"}, "phone", "not-a-phone"),
        ({"grid_id": "g2"}, "grid_id", "unknown-grid"),
        ({"name": "a\x00b"}, "name", "unreadable"),
    ],
)
def test_what_is_wrong_with_a_line(given_: dict[str, Any], column: str, code: str) -> None:
    taken, known, wrong = check([Line(2, GOOD | given_)], {"g1"}, "u", set())
    assert (taken, known) == ([], 0)
    assert [(one.line, one.column, one.code) for one in wrong] == [(2, column, code)]
    assert " / " in wrong[0].text


def test_every_line_is_taken_known_or_refused() -> None:
    lines = [Line(n, GOOD | {"ref": ref}) for n, ref in enumerate([1, "2", 1.0, "3", "3"], start=2)]
    taken, known, wrong = check(lines, {"g1"}, "u", {"2"})
    assert ([one.ref for one in taken], known) == (["1", "3"], 1)
    assert [(one.line, one.code) for one in wrong] == [(4, "twice"), (6, "twice")]
    [alone], _, _ = check([Line(2, {**GOOD, "grid_id": None})], {"g1"}, "u", set())
    assert alone.grid_id == "u"


# ── tries ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def somebody(**more: Any) -> ListedPerson:
    given_: dict[str, Any] = {"id": uuid7(), "task_id": uuid7(), "grid_id": "g1", "state": ListedState.OPEN}
    return ListedPerson(**given_ | more)


def a_try(person_id: str = A, reason: NotDoneReason | None = None, hours: float = 0) -> Try:
    return Try(uuid7(), person_id, START + timedelta(hours=hours), reason is None, reason)


def test_every_reason_is_final_or_worth_another_try() -> None:
    assert set(TRIED_AGAIN) | FINAL | COUNTED_ONLY == set(NotDoneReason)
    assert not set(TRIED_AGAIN) & (FINAL | COUNTED_ONLY)


def test_not_at_home_then_done() -> None:
    once = try_(somebody(worker_id=A), a_try(reason=NotDoneReason.NOT_HOME), helps=False)
    assert isinstance(once, tuple)
    assert (once[0].state, once[0].reason, once[0].tries) == (ListedState.NOT_DONE, NotDoneReason.NOT_HOME, 1)
    then = try_(once[0], a_try(), helps=False)
    assert isinstance(then, tuple)
    done = then[0]
    assert (done.state, done.reason, done.tries, done.tried_by) == (ListedState.DONE, None, 2, A)
    assert try_(done, a_try(), helps=False) is None
    for late in (a_try(B), a_try(reason=NotDoneReason.ILL)):
        refused = try_(done, late, helps=True)
        assert isinstance(refused, Refused)
        assert refused.extra == {"done_by": A}
    back = correct(done, then[1], once[1], A, START, within_hours=24)
    assert isinstance(back, ListedPerson)
    assert back == once[0]
    first = correct(back, once[1], None, A, START, within_hours=24)
    assert isinstance(first, ListedPerson)
    assert (first.state, first.tries, first.try_id) == (ListedState.OPEN, 0, None)


def test_whose_list_it_is_or_a_colleague() -> None:
    refused = try_(somebody(worker_id=A), a_try(B), helps=False)
    assert isinstance(refused, Refused)
    assert refused.extra == {"worker_id": A}
    assert isinstance(try_(somebody(worker_id=A), a_try(B), helps=True), tuple)


def test_a_correction_has_its_author_and_its_hours() -> None:
    made = a_try()
    done = somebody(state=ListedState.DONE, tries=1, try_id=made.id, tried_by=A)
    soon, late = START + timedelta(hours=23), START + timedelta(hours=25)
    assert isinstance(correct(done, made, None, B, soon, within_hours=24), Refused)
    assert isinstance(correct(done, made, None, A, late, within_hours=24), Refused)
    older = a_try(hours=-1)
    kept = correct(replace(done, tries=2), older, made, A, soon, within_hours=24)
    assert isinstance(kept, ListedPerson)
    assert (kept.state, kept.tries, kept.try_id) == (ListedState.DONE, 1, made.id)
