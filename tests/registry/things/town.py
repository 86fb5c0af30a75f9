"""A small town for tests: two communities with their grids, a desk, and people with posts and roles in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.registry.defaults.policies import POLICIES
from services.registry.rules.things import Known, Thing
from shared.things import (
    Calendar,
    Category,
    Grant,
    JobRole,
    Name,
    Person,
    Point,
    PostHeld,
    Shift,
    Skill,
    Unit,
)
from shared.vocabulary import Level, Post, Role, ShiftKind, Urgency

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
"""Friday, noon in Shanghai."""


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def named(text: str) -> Name:
    return Name(zh=f"{text}（演示）", en=f"{text} (demo)")


def square(x: float, y: float = 0, size: float = 0.01) -> tuple[Point, ...]:
    corners = ((x, y), (x + size, y), (x + size, y + size), (x, y + size))
    return tuple(Point(lon=lon, lat=lat) for lon, lat in corners)


def a_unit(id: str, parent: str | None, level: Level | None = None, x: float | None = None) -> Unit:
    kind = level or id.split("-")[0]
    ground = () if x is None else square(x)
    return Unit(id=id, kind=kind, name=named(id), parent_id=parent, level=level, polygon=ground)


def a_person(id: str, *held: tuple[Post | Role, str]) -> Person:
    posts = tuple(PostHeld(post=what, unit_id=unit_id) for what, unit_id in held if isinstance(what, Post))
    grants = tuple(Grant(role=what, unit_id=unit_id) for what, unit_id in held if isinstance(what, Role))
    return Person(id=id, name=named(id), posts=posts, grants=grants)


def a_shift(
    id: str,
    person_id: str,
    unit_id: str,
    begins: float = 0,
    ends: float = 8,
    kind: ShiftKind = ShiftKind.ON_DUTY,
) -> Shift:
    """From and to in hours from NOON."""
    starts_at, ends_at = NOON + hours(begins), NOON + hours(ends)
    return Shift(id=id, person_id=person_id, unit_id=unit_id, starts_at=starts_at, ends_at=ends_at, kind=kind)


CALENDAR = Calendar(
    id="cn", time_zone="Asia/Shanghai", holidays=(), workdays=(), known_until=NOON.date() + timedelta(days=40)
)
LAMP = Category(
    code="lamp",
    name=named("路灯"),
    class_name=named("市政"),
    urgency=Urgency.ROUTINE,
    policy_id="routine",
    levels=(Level.GRID,),
)
ELECTRICS = Skill(id="electrics", name=named("电路"))
KEEPER = JobRole(
    id="keeper",
    name=Name(zh="楼道管家", en="Corridor keeper"),
    powers=(Role.BUILDING_HEAD, Role.VOLUNTEER),
)
"""A role of the town's own, for tests that want one; nobody has it."""
UNITS = (
    a_unit("top", None, Level.CIVIL_AFFAIRS),
    a_unit("desk", "top"),
    a_unit("street", "top", Level.STREET),
    a_unit("community-x", "street", Level.COMMUNITY),
    a_unit("grid-x1", "community-x", Level.GRID, 113.0),
    a_unit("grid-x2", "community-x", Level.GRID, 113.1),
    a_unit("community-y", "street", Level.COMMUNITY),
    a_unit("grid-y1", "community-y", Level.GRID, 113.2),
)
PEOPLE = (
    a_person("p-admin", (Role.ADMINISTRATOR, "top")),
    a_person("p-admin-x", (Role.ADMINISTRATOR, "community-x")),
    a_person("p-operator", (Role.OPERATOR, "top"), (Post.STAFF, "desk")),
    a_person("p-reader", (Role.READER, "top")),
    a_person("p-officer-x", (Role.UNIT_OFFICER, "community-x"), (Post.DUTY_OFFICER, "community-x")),
    a_person("p-officer-y", (Role.UNIT_OFFICER, "community-y"), (Post.DUTY_OFFICER, "community-y")),
    a_person("p-a", (Role.GRID_WORKER, "grid-x1"), (Post.A, "grid-x1")),
    a_person("p-b", (Role.GRID_WORKER, "grid-x1"), (Post.B, "grid-x1")),
    a_person("p-w", (Role.GRID_WORKER, "grid-x1"), (Post.WORKER, "grid-x1")),
    a_person("p-y", (Role.GRID_WORKER, "grid-y1"), (Post.A, "grid-y1")),
)
TOWN: tuple[Thing, ...] = (CALENDAR, *POLICIES, *UNITS, ELECTRICS, *PEOPLE, LAMP)
KNOWN = Known.of(TOWN)
