"""A small community: civil affairs › street › two communities › grids, A and B in each grid, officers above."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.directory import Directory
from shared.things import Name, Person, PostHeld, Shift, Unit
from shared.vocabulary import Level, Post

LONG_AGO, FAR_AHEAD = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
GRIDS = {"community-a": 7, "community-b": 2}


def directory() -> Directory:
    grids = {
        f"grid-{community[-1]}{n}": community
        for community, count in GRIDS.items()
        for n in range(1, count + 1)
    }
    units = [
        _unit("civil-affairs", None, Level.CIVIL_AFFAIRS),
        _unit("street", "civil-affairs", Level.STREET),
        *(_unit(community, "street", Level.COMMUNITY) for community in GRIDS),
        *(_unit(grid, community, Level.GRID) for grid, community in grids.items()),
    ]
    people = [
        *(_person(f"p-{grid}-{post}", Post(post), grid) for grid in grids for post in ("a", "b")),
        _person("p-community-a-o1", Post.DUTY_OFFICER, "community-a"),
        _person("p-grid-a2-v", Post.VOLUNTEER, "grid-a2"),
    ]
    # B sleeps: on duty are the A holders, the officer, and a volunteer who holds no post that must be manned.
    shifts = [
        Shift(
            id=f"s-{person.id}",
            person_id=person.id,
            unit_id=person.posts[0].unit_id,
            starts_at=LONG_AGO,
            ends_at=FAR_AHEAD,
        )
        for person in people
        if person.posts[0].post is not Post.B
    ]
    return Directory.of(units, people, shifts)


def _unit(id_: str, parent: str | None, level: Level) -> Unit:
    return Unit(
        id=id_, kind=level.value, name=Name(zh=f"单位{id_}", en=f"Unit {id_}"), parent_id=parent, level=level
    )


def _person(id_: str, post: Post, unit: str) -> Person:
    return Person(
        id=id_, name=Name(zh=f"人{id_}", en=f"Person {id_}"), posts=(PostHeld(post=post, unit_id=unit),)
    )
