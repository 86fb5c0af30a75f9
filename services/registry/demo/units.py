"""The ground and the ladder of the demo: civil affairs, one street, five communities and their grids.

What the articles count stands in PLANS. Of households they count those of 新亚洲体育城社区 and of a grid of 武江北社区;
those of 建设社区 are a size of the demo's own, and 124团社区 and 惠民社区 have none. What has no ground of its own
(areas, households' centres, departments, posts, teams) is added by organisation.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from random import Random
from zoneinfo import ZoneInfo

import shapely
from shapely.geometry import Polygon

from services.registry.defaults.calendar import TIME_ZONE
from services.registry.defaults.catalogue import codes_for_a_community
from services.registry.defaults.policies import SLOW
from services.registry.demo.ground import Block, Ground, divide, in_pairs, points
from services.registry.demo.organisation import area_of, departments, within
from shared.things import DutyList, Name, OpeningHours, Point, PolicyUse, Unit
from shared.vocabulary import Level

OFFICE_HOURS = tuple(
    OpeningHours(weekday=weekday, opens=opens, closes=closes)
    for weekday in range(1, 6)
    for opens, closes in ((time(8, 30), time(12)), (time(13, 30), time(17, 30)))
)


@dataclass(frozen=True)
class Plan:
    """A community to be laid out; `households` is None where nobody counted them. `in_pairs`: its grids are small, two
    blocks each."""

    letter: str
    name: Name
    grids: int
    households: int | None
    columns: range
    rows: range
    in_pairs: bool = False
    shows_posted_names: bool = False

    @property
    def blocks(self) -> list[Block]:
        return [(column, row) for column in self.columns for row in self.rows]


HOUSEHOLDS_OF_A_SMALL_GRID = 60

SOUTH = (
    Plan("a", Name(zh="建设社区", en="Jianshe community"), 7, 5_180, range(8), range(1, 8)),
    Plan(
        "b",
        Name(zh="新亚洲体育城社区", en="New Asia Sports City community"),
        9,
        13_350,
        range(8, 17),
        range(8),
        shows_posted_names=True,
    ),
)
NORTH = (
    Plan(
        "c",
        Name(zh="武江北社区", en="Wujiangbei community"),
        45,
        45 * HOUSEHOLDS_OF_A_SMALL_GRID,
        range(10),
        range(8, 17),
        in_pairs=True,
    ),
    Plan("d", Name(zh="124团社区", en="124th Regiment community"), 8, None, range(10, 17), range(8, 13)),
    Plan("e", Name(zh="惠民社区", en="Huimin community"), 6, None, range(10, 17), range(13, 17)),
)
PLANS = (*SOUTH, *NORTH)


def units(seed: int) -> tuple[Unit, ...]:
    """Every unit, parents first."""
    random = Random(f"ground {seed}")
    ground = Ground(range(17), range(8), random)
    below = [unit for plan in SOUTH for unit in _laid_out(plan, ground, random)]
    random = Random(f"ground in the north {seed}")
    ground = Ground(range(17), range(8, 17), random, ground.crossings)
    below += [unit for plan in NORTH for unit in _laid_out(plan, ground, random)]
    whole = ground.area([block for plan in PLANS for block in plan.blocks])
    civil_affairs = _unit(
        "civil-affairs", Level.CIVIL_AFFAIRS, None, Name(zh="民政局", en="Civil affairs bureau"), whole
    )
    street = _unit(
        "street", Level.STREET, civil_affairs.id, Name(zh="一刻街道", en="Yike street office"), whole
    )
    # The bureau answers for more than this street, so it has a seat but no border here.
    return (civil_affairs.model_copy(update={"polygon": ()}), street, *below, *departments(street))


def duty_lists(units: Sequence[Unit]) -> tuple[DutyList, ...]:
    """社区职责清单: what may be sent to a community is the same for all of them at the start."""
    codes = codes_for_a_community()
    of_level = [unit.id for unit in units if unit.level is Level.COMMUNITY]
    return tuple(DutyList(id=f"duty-{id}", unit_id=id, category_codes=codes) for id in of_level)


def policy_uses() -> tuple[PolicyUse, ...]:
    """In 124团社区 the ground is frozen for one winter: what has to be dug has longer there, and nowhere else."""
    return (
        PolicyUse(
            id="frozen-ground-d",
            policy_id=SLOW.id,
            category_code="road-damage",
            unit_id="community-d",
            valid_from=datetime(2026, 11, 15, tzinfo=ZoneInfo(TIME_ZONE)).astimezone(UTC),
            valid_until=datetime(2027, 4, 1, tzinfo=ZoneInfo(TIME_ZONE)).astimezone(UTC),
        ),
    )


def _laid_out(plan: Plan, ground: Ground, random: Random) -> list[Unit]:
    community = _community(plan, ground)
    grids = _grids(plan, ground, random)
    return [community, *within(community, grids)]


def _community(plan: Plan, ground: Ground) -> Unit:
    unit = _unit(
        f"community-{plan.letter}",
        Level.COMMUNITY,
        "street",
        plan.name,
        ground.area(plan.blocks),
        plan.households,
    )
    return unit.model_copy(update={"shows_posted_names": plan.shows_posted_names})


def _grids(plan: Plan, ground: Ground, random: Random) -> list[Unit]:
    areas = (
        in_pairs(ground, plan.blocks) if plan.in_pairs else divide(ground, plan.blocks, plan.grids, random)
    )
    return [
        _unit(
            f"grid-{plan.letter}{number}",
            Level.GRID,
            area_of(plan.letter, number),
            Name(zh=f"{plan.name.zh}第{number}网格", en=f"{plan.name.en}, grid {number}"),
            area,
            share,
        )
        for number, (area, share) in enumerate(zip(areas, _households(plan, areas), strict=True), start=1)
    ]


def _households(plan: Plan, areas: Sequence[Polygon]) -> Sequence[int | None]:
    if plan.households is None:
        return [None] * plan.grids
    if plan.in_pairs:
        return [HOUSEHOLDS_OF_A_SMALL_GRID] * plan.grids
    return shares(plan.households, [area.area for area in areas])


def shares(total: int, weights: Sequence[float]) -> list[int]:
    """`total` in whole numbers after `weights`; the last takes the rounding, so that the sum is exact."""
    whole = [int(total * weight / sum(weights)) for weight in weights[:-1]]
    return [*whole, total - sum(whole)]


def _unit(
    id: str, level: Level, parent_id: str | None, name: Name, area: Polygon, households: int | None = None
) -> Unit:
    seat: shapely.Point = area.representative_point()
    return Unit(
        id=id,
        kind=level.value,
        name=name,
        parent_id=parent_id,
        level=level,
        polygon=points(area),
        centre=Point(lon=round(seat.x, 6), lat=round(seat.y, 6)),
        opening_hours=OFFICE_HOURS,
        households=households,
    )
