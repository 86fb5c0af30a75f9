"""The organisation of the demo: civil affairs, one street, 建设社区 with 7 grids, 新亚洲体育城社区 with 9."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from random import Random

import shapely
from shapely.geometry import Polygon

from services.registry.demo.ground import Block, Ground, divide, points
from shared.things import Name, OpeningHours, Point, Unit
from shared.vocabulary import Level

OFFICE_HOURS = tuple(
    OpeningHours(weekday=weekday, opens=opens, closes=closes)
    for weekday in range(1, 6)
    for opens, closes in ((time(8, 30), time(12)), (time(13, 30), time(17, 30)))
)


@dataclass(frozen=True)
class Plan:
    """A community to be laid out; `households` is what the articles say of it."""

    letter: str
    name: Name
    grids: int
    households: int
    columns: range
    rows: range

    @property
    def blocks(self) -> list[Block]:
        return [(column, row) for column in self.columns for row in self.rows]


PLANS = (
    Plan("a", Name(zh="建设社区", en="Jianshe community"), 7, 5_180, range(8), range(1, 8)),
    Plan(
        "b",
        Name(zh="新亚洲体育城社区", en="New Asia Sports City community"),
        9,
        13_350,
        range(8, 17),
        range(8),
    ),
)


def units(seed: int) -> tuple[Unit, ...]:
    """Every unit, parents first."""
    random = Random(f"ground {seed}")
    ground = Ground(columns=17, rows=8, random=random)
    below: list[Unit] = []
    for plan in PLANS:
        below += [_community(plan, ground), *_grids(plan, ground, random)]
    whole = ground.area([block for plan in PLANS for block in plan.blocks])
    civil_affairs = _unit(
        "civil-affairs", Level.CIVIL_AFFAIRS, None, Name(zh="民政局", en="Civil affairs bureau"), whole
    )
    street = _unit(
        "street", Level.STREET, civil_affairs.id, Name(zh="一刻街道", en="Yike street office"), whole
    )
    # The bureau answers for more than this street, so it has a seat but no border here.
    return (civil_affairs.model_copy(update={"polygon": ()}), street, *below)


def _community(plan: Plan, ground: Ground) -> Unit:
    area = ground.area(plan.blocks)
    return _unit(f"community-{plan.letter}", Level.COMMUNITY, "street", plan.name, area, plan.households)


def _grids(plan: Plan, ground: Ground, random: Random) -> list[Unit]:
    areas = divide(ground, plan.blocks, plan.grids, random)
    households = _shares(plan.households, [area.area for area in areas])
    return [
        _unit(
            f"grid-{plan.letter}{number}",
            Level.GRID,
            f"community-{plan.letter}",
            Name(zh=f"{plan.name.zh}第{number}网格", en=f"{plan.name.en}, grid {number}"),
            area,
            share,
        )
        for number, (area, share) in enumerate(zip(areas, households, strict=True), start=1)
    ]


def _shares(total: int, weights: Sequence[float]) -> list[int]:
    """`total` in whole numbers after `weights`; the last takes the rounding, so that the sum is exact."""
    shares = [int(total * weight / sum(weights)) for weight in weights[:-1]]
    return [*shares, total - sum(shares)]


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
