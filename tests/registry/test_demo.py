"""The demo: one ground without gaps, nobody real, always somebody on duty, the same from the same seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon

from services.registry.defaults.catalogue import categories
from services.registry.defaults.policies import POLICIES
from services.registry.demo.people import people
from services.registry.demo.rosters import shifts
from services.registry.demo.seats import CORRIDOR_KEEPER
from services.registry.demo.units import policy_uses, units
from services.registry.demo.world import world, write
from services.registry.queries import things as stored
from shared.database import Database
from shared.directory import Directory
from shared.things import Unit
from shared.vocabulary import Level, Post, Role
from tests.registry.conftest import everything

FIRST = date(2026, 11, 20)
UNITS = units(1)


def area(unit: Unit) -> Polygon:
    return Polygon([(corner.lon, corner.lat) for corner in unit.polygon])


GRIDS = {unit.id: area(unit) for unit in UNITS if unit.level is Level.GRID}
COMMUNITIES = {unit.id: area(unit) for unit in UNITS if unit.level is Level.COMMUNITY}
STREET = next(area(unit) for unit in UNITS if unit.level is Level.STREET)
DIRECTORY = Directory.of(units=UNITS)
EVERYBODY = people(UNITS, 1)

west, south, east, north = STREET.bounds
places = st.tuples(st.floats(west, east), st.floats(south, north))


@given(places)
def test_every_place_of_the_street_belongs_to_exactly_one_grid(place: tuple[float, float]) -> None:
    point = shapely.Point(place)
    inside = [id for id, ground in GRIDS.items() if ground.contains(point)]
    touching = [id for id, ground in GRIDS.items() if ground.covers(point)]

    assert len(inside) <= 1
    assert bool(touching) == STREET.covers(point)
    found = DIRECTORY.grid_at(*place)
    assert (found.id if found else None) == (min(touching) if touching else None)


@pytest.mark.parametrize("seed", [1, 2, 3, 721])
def test_the_grids_tile_their_community(seed: int) -> None:
    made = units(seed)
    above = Directory.of(units=made)
    for community in (unit for unit in made if unit.level is Level.COMMUNITY):
        of_it = [unit for unit in made if unit.level is Level.GRID and above.covers(community.id, unit.id)]
        grids = [area(unit) for unit in of_it]
        whole = area(community)
        assert shapely.union_all(grids).symmetric_difference(whole).area < 1e-14
        assert sum(grid.area for grid in grids) == pytest.approx(whole.area, rel=1e-9)


def test_the_ground_is_a_real_test_for_point_in_polygon() -> None:
    assert sum(not ground.equals(ground.convex_hull) for ground in GRIDS.values()) > len(GRIDS) / 2


def below(id: str, kind: str) -> list[Unit]:
    return [unit for unit in UNITS if unit.kind == kind and DIRECTORY.covers(id, unit.id)]


def test_the_world_is_that_of_the_articles() -> None:
    grids = {id: below(id, "grid") for id in COMMUNITIES}

    assert {id: len(of) for id, of in grids.items()} == {
        "community-a": 7,
        "community-b": 9,
        "community-c": 45,
        "community-d": 8,
        "community-e": 6,
    }
    assert sum(unit.households or 0 for unit in grids["community-b"]) == 13_350
    assert {unit.households for unit in grids["community-c"]} == {60}
    assert abs(STREET.centroid.x - 102.83) < 0.005
    assert abs(STREET.centroid.y - 24.876) < 0.005
    assert [rung.level for rung in DIRECTORY.ladder("grid-b9")] == list(Level)


def test_new_asia_has_one_community_four_areas_nine_grids_and_five_hundred_centres() -> None:
    areas, centres = below("community-b", "area"), below("community-b", "household")

    assert (len(areas), len(centres)) == (4, 500)
    assert sum(unit.households or 0 for unit in areas) == 13_350
    assert sum(unit.households or 0 for unit in centres) == 13_350
    for grid in below("community-b", "grid"):
        assert sum(unit.households or 0 for unit in below(grid.id, "household")) == grid.households


def test_the_other_counts_of_the_articles() -> None:
    assert len(below("community-d", "team")) == 8
    assert len([p for p in EVERYBODY if p.id.startswith("p-community-d-w")]) == 76
    assert len(below("community-e", "party_branch")) == 2
    assert len(below("community-e", "party_group")) == 6
    assert len([p for p in EVERYBODY if p.id.startswith("p-grid-e") and "-v" in p.id]) == 60


def test_every_community_has_its_walk_in_post_and_somebody_who_keeps_it() -> None:
    directory = Directory.of(units=UNITS, people=EVERYBODY)
    for id in COMMUNITIES:
        [post] = below(id, "post")
        assert post.name.zh.endswith("民生驿站")
        [keeper] = directory.holders(post.id, Post.STAFF)
        assert {grant.role for grant in keeper.grants} == {Role.SOCIAL_WORKER}


def test_whoever_leads_a_grid_of_huimin_leads_the_building_group_beside_it() -> None:
    directory = Directory.of(units=UNITS, people=EVERYBODY)
    groups = below("community-e", "party_group")
    for group in groups:
        [grid_leader] = directory.holders(group.id.replace("group", "grid"), Post.LEADER)
        assert directory.holders(group.id, Post.LEADER) == [grid_leader]
        assert Role.GRID_LEADER in {grant.role for grant in grid_leader.grants if grant.unit_id == group.id}
    for branch in below("community-e", "party_branch"):
        [leader] = directory.holders(branch.id, Post.LEADER)
        [group_of_it, *_] = [group for group in groups if group.parent_id == branch.id]
        assert directory.holders(group_of_it.id, Post.LEADER) == [leader]


def test_a_policy_holds_in_one_community_for_one_winter() -> None:
    directory = Directory.of(
        units=UNITS, categories=categories(), policies=POLICIES, policy_uses=policy_uses()
    )
    digging = directory.categories["road-damage"]

    def policy_in(unit_id: str, at: datetime) -> str:
        return directory.policy_for(digging, [unit.id for unit in directory.path(unit_id)], at).id

    winter, summer = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
    assert policy_in("grid-d1", winter) == "slow" != digging.policy_id
    assert policy_in("grid-d1", summer) == digging.policy_id
    assert {policy_in(f"grid-{letter}1", winter) for letter in "abce"} == {digging.policy_id}


def test_each_grid_has_its_posts_and_nobody_is_real() -> None:
    directory = Directory.of(units=UNITS, people=EVERYBODY)

    for grid in GRIDS:
        for post in (Post.A, Post.B, Post.LEADER):
            [holder] = directory.holders(grid, post)
            assert holder.base is not None
            assert grid.startswith("grid-c") or GRIDS[grid].contains(
                shapely.Point(holder.base.lon, holder.base.lat)
            )
        [a], [b] = directory.holders(grid, Post.A), directory.holders(grid, Post.B)
        assert a != b
    with_workers = [unit for id in "abd" for unit in below(f"community-{id}", "grid")]
    for unit in with_workers:
        for post in (Post.WORKER, Post.VOLUNTEER):
            assert len(directory.holders(unit.id, post)) == 1
    for id in (*COMMUNITIES, "street", "civil-affairs"):
        assert len(directory.holders(id, Post.DUTY_OFFICER)) == 3
    assert all("演示" in person.name.zh and "demo" in person.name.en for person in EVERYBODY)
    assert len({person.id for person in EVERYBODY}) == len(EVERYBODY)


def test_every_role_is_somebodys() -> None:
    assert {grant.role for person in EVERYBODY for grant in person.grants} == set(Role)


def test_each_grid_of_jianshe_has_a_keeper_of_its_corridors() -> None:
    """A role of the demo's own: one name for two powers."""
    directory = Directory.of(units=UNITS, people=EVERYBODY)
    for grid in below("community-a", "grid"):
        [keeper] = [person for person in EVERYBODY if person.id == f"p-{grid.id}-k"]
        assert {grant.held_as for grant in keeper.grants} == {CORRIDOR_KEEPER.id}
        assert [grant.role for grant in keeper.grants] == list(CORRIDOR_KEEPER.powers)
        assert keeper in directory.with_role(Role.BUILDING_HEAD, grid.id)
    made = world(FIRST, 1)
    assert CORRIDOR_KEEPER in made.things
    [account] = [one for one in made.accounts if one.account == "grid-a1-k"]
    assert (account.role_zh, account.unit_zh) == ("楼道管家", "建设社区第1网格")


def test_every_department_has_two_who_share_its_weeks() -> None:
    directory = Directory.of(units=UNITS, people=EVERYBODY)

    departments = below("civil-affairs", "department")
    assert {"market-regulation", "city-management", "water-works", "justice", "police-station"} <= {
        unit.id for unit in departments
    }
    for unit in departments:
        assert len(directory.holders(unit.id, Post.DUTY_OFFICER)) == 2
        assert unit.level is None


@given(st.integers(0, 40 * 24 * 60))
def test_somebody_is_on_duty_everywhere_at_every_minute(minute: int) -> None:
    at = ROSTER_BEGINS + timedelta(minutes=minute)
    there = {person.id for person, _ in ROSTERED.on_duty(None, at)}

    def manned(unit: str, post: Post) -> int:
        return len({person.id for person in ROSTERED.holders(unit, post)} & there)

    assert all(manned(grid, post) == 1 for grid in GRIDS for post in (Post.A, Post.B, Post.LEADER))
    officed = (
        *COMMUNITIES,
        "street",
        "civil-affairs",
        *(unit.id for unit in below("civil-affairs", "department")),
    )
    assert {manned(unit, Post.DUTY_OFFICER) for unit in officed} == {1}
    assert len(ROSTERED.on_duty("desk", at)) == 1
    for unit in below("civil-affairs", "department"):
        officers = {person.id for person in ROSTERED.holders(unit.id, Post.DUTY_OFFICER)}
        assert {person.id for person, _ in ROSTERED.on_call(unit.id, at)} == officers - there


ROSTERED = Directory.of(units=UNITS, people=EVERYBODY, shifts=shifts(EVERYBODY, FIRST, 45))
ROSTER_BEGINS = datetime(2026, 11, 20, tzinfo=UTC)


def test_overlapping_periods_give_the_same_shifts() -> None:
    early = {shift.id: shift for shift in shifts(EVERYBODY, FIRST, 20)}
    late = {shift.id: shift for shift in shifts(EVERYBODY, FIRST + timedelta(days=7), 20)}

    assert all(early[id] == late[id] for id in early.keys() & late.keys())
    assert len(early.keys() & late.keys()) > 100


def test_the_same_seed_gives_the_same_world() -> None:
    assert world(FIRST, 10, seed=7) == world(FIRST, 10, seed=7)
    assert world(FIRST, 10, seed=7) != world(FIRST, 10, seed=8)


async def test_writing_the_demo_again_changes_nothing(database: Database) -> None:
    await write(database, FIRST, days=3)
    first = await revision(database)
    await write(database, FIRST, days=3)

    assert await revision(database) == first > 0


async def test_a_later_period_is_added(database: Database) -> None:
    await write(database, FIRST, days=3)
    first = await revision(database)
    await write(database, FIRST + timedelta(days=365), days=1)

    assert await revision(database) > first


async def test_what_somebody_changed_in_the_demo_stays_until_it_is_made_anew(database: Database) -> None:
    await write(database, FIRST, days=1)
    async with database.transaction() as tx:
        await tx.rows(
            "UPDATE policies SET body = jsonb_set(body, '{amber_percent}', '70') WHERE id = 'routine'"
        )

    await write(database, FIRST, days=1)
    assert await amber_percent(database) == 70
    await write(database, FIRST, days=1, anew=True)
    assert await amber_percent(database) == 80


async def revision(database: Database) -> int:
    async with database.transaction() as tx:
        return await stored.revision(tx)


async def amber_percent(database: Database) -> int:
    return (await everything(database)).policies["routine"].amber_percent


def demo_command(database: Database, *arguments: str, env: str = "demo") -> subprocess.CompletedProcess[str]:
    url = database.url
    return subprocess.run(
        [sys.executable, "-m", "services.registry.demo", *arguments],
        env={**os.environ, "DATABASE_URL": url, "YIKE_ENV": env},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_command_prints_typical_accounts(database: Database) -> None:
    done = demo_command(database, "--from", "2020-04-01", "--days", "2")

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert lines[0].keys() == {"account", "password", "role_zh", "role_en", "unit_zh"}
    assert len({line["role_en"] for line in lines}) >= 8


async def test_the_command_refuses_production(database: Database) -> None:
    done = demo_command(database, env="production")

    assert done.returncode == 1
    assert "YIKE_ENV=demo" in done.stderr
    assert await revision(database) == 0
