"""The city as registry has to know it: units, people with their posts and shifts, and nothing else of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.registry.demo.organisation import departments
from services.registry.demo.units import OFFICE_HOURS
from services.registry.rules.things import Thing
from shared.going import TravelMode
from shared.things import Grant, Name, Person, Point, PostHeld, Shift, Unit
from shared.vocabulary import Level, Post, Role

CIVIL_AFFAIRS, STREET = "civil-affairs", "street"
OPERATOR = "p-operator-1"
COMMUNITY_SIDE = 3
"""A community is 3 × 3 grids."""

ROLES = {Post.VOLUNTEER: Role.VOLUNTEER, Post.LEADER: Role.GRID_LEADER}
EARLIER = timedelta(hours=1)
"""Rosters begin before the first call: registry's news has to be heard by then."""

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


@dataclass(frozen=True)
class Dweller:
    """Somebody who goes: `posts` are held in grids by number, `turns` are on duty, from and until. `room` is a unit
    without ground that is theirs alone: a routine case put there is offered to nobody else."""

    id: str
    mode: TravelMode
    base: Point
    posts: tuple[tuple[Post, int], ...]
    room: str
    skills: tuple[str, ...]
    turns: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True)
class Ground:
    """`side` × `side` grids of the same size fill `box`; grid 0 lies in the south-west, the next one east of it."""

    box: Box
    side: int

    def grid_box(self, number: int) -> Box:
        return self._cells(number % self.side, number // self.side, 1)

    def _cells(self, column: int, row: int, cells: int) -> Box:
        west, south, east, north = self.box
        wide, high = (east - west) / self.side, (north - south) / self.side
        return (
            west + column * wide,
            south + row * high,
            west + (column + cells) * wide,
            south + (row + cells) * high,
        )

    def community_of(self, number: int) -> str:
        across = -(-self.side // COMMUNITY_SIDE)
        return f"community-{number // self.side // COMMUNITY_SIDE * across + number % self.side // COMMUNITY_SIDE + 1}"

    def units(self) -> tuple[Unit, ...]:
        """Parents first."""
        numbers = range(self.side * self.side)
        communities = dict.fromkeys(self.community_of(number) for number in numbers)
        return (
            _unit(CIVIL_AFFAIRS, Level.CIVIL_AFFAIRS, None),
            _unit(STREET, Level.STREET, CIVIL_AFFAIRS, self.box),
            *(_unit(id, Level.COMMUNITY, STREET, self._community_box(id)) for id in communities),
            *(
                _unit(grid_id(number), Level.GRID, self.community_of(number), self.grid_box(number))
                for number in numbers
            ),
        )

    def _community_box(self, id: str) -> Box:
        mine = [n for n in range(self.side * self.side) if self.community_of(n) == id]
        boxes = [self.grid_box(number) for number in mine]
        wests, souths, easts, norths = zip(*boxes, strict=True)
        return min(wests), min(souths), max(easts), max(norths)


def grid_id(number: int) -> str:
    return f"grid-{number + 1}"


def things(
    ground: Ground, dwellers: Sequence[Dweller], begins_at: datetime, ends_at: datetime
) -> list[Thing]:
    """Units, people and shifts; officers hold every rung for the whole time, so that no level is skipped."""
    units = ground.units()
    staff = [*_officers(units), _operator()]
    whole = ((begins_at - EARLIER, ends_at),)
    street = next(unit for unit in units if unit.id == STREET)
    return [
        *units,
        *departments(street),  # the catalogue names them as those whose matter something is
        *(_unit(dweller.room, Level.GRID, ground.community_of(dweller.posts[0][1])) for dweller in dwellers),
        *(_person(dweller) for dweller in dwellers),
        *staff,
        *(
            shift
            for dweller in dwellers
            for shift in _shifts(dweller.id, grid_id(dweller.posts[0][1]), dweller.turns)
        ),
        *(shift for person in staff for shift in _shifts(person.id, person.posts[0].unit_id, whole)),
    ]


def _person(dweller: Dweller) -> Person:
    held = (
        *(PostHeld(post=post, unit_id=grid_id(number)) for post, number in dweller.posts),
        PostHeld(post=Post.A, unit_id=dweller.room),
    )
    grants = {(ROLES.get(one.post, Role.GRID_WORKER), one.unit_id): None for one in held}
    return Person(
        id=dweller.id,
        name=_name(dweller.id),
        grants=tuple(Grant(role=role, unit_id=unit_id) for role, unit_id in grants),
        posts=held,
        mode=dweller.mode,
        base=dweller.base,
        skills=dweller.skills,
    )


def _officers(units: Sequence[Unit]) -> Iterator[Person]:
    for unit in units:
        if unit.level is not Level.GRID:
            yield _staff(f"p-{unit.id}-o1", Role.UNIT_OFFICER, Post.DUTY_OFFICER, unit.id)


def _operator() -> Person:
    return _staff(OPERATOR, Role.OPERATOR, Post.STAFF, STREET)


def _staff(id: str, role: Role, post: Post, unit_id: str) -> Person:
    return Person(
        id=id,
        name=_name(id),
        grants=(Grant(role=role, unit_id=unit_id),),
        posts=(PostHeld(post=post, unit_id=unit_id),),
    )


def _shifts(person_id: str, unit_id: str, turns: Sequence[tuple[datetime, datetime]]) -> Iterator[Shift]:
    for number, (starts_at, ends_at) in enumerate(turns):
        yield Shift(
            id=f"{person_id}:{number}",
            person_id=person_id,
            unit_id=unit_id,
            starts_at=starts_at,
            ends_at=ends_at,
        )


def _unit(id: str, level: Level, parent_id: str | None, box: Box | None = None) -> Unit:
    corners: tuple[Point, ...] = ()
    centre = None
    if box is not None:
        west, south, east, north = box
        ring = ((west, south), (east, south), (east, north), (west, north))
        corners = tuple(Point(lon=lon, lat=lat) for lon, lat in ring)
        centre = Point(lon=(west + east) / 2, lat=(south + north) / 2)
    return Unit(
        id=id,
        kind=level.value,
        name=_name(id),
        parent_id=parent_id,
        level=level,
        polygon=corners,
        centre=centre,
        opening_hours=OFFICE_HOURS,
    )


def _name(id: str) -> Name:
    return Name(zh=f"{id}（模拟）", en=f"{id} (simulated)")
