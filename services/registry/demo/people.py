"""The people of the demo: names put together from syllables and marked 演示, so that nobody takes them for real."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from shapely.geometry import Polygon

from services.registry.demo.ground import point_within
from shared.things import Grant, Name, Person, PostHeld, Unit
from shared.vocabulary import Level, Post, Role, TravelMode

SURNAMES = (
    ("李", "Li"), ("王", "Wang"), ("张", "Zhang"), ("杨", "Yang"), ("陈", "Chen"), ("刘", "Liu"), ("赵", "Zhao"),
    ("黄", "Huang"), ("周", "Zhou"), ("吴", "Wu"), ("徐", "Xu"), ("孙", "Sun"), ("马", "Ma"), ("普", "Pu"),
)  # fmt: skip
SYLLABLES = (
    ("云", "yun"), ("安", "an"), ("宁", "ning"), ("明", "ming"), ("春", "chun"), ("和", "he"), ("晓", "xiao"),
    ("文", "wen"), ("建", "jian"), ("丽", "li"), ("志", "zhi"), ("远", "yuan"), ("佳", "jia"), ("兴", "xing"),
    ("思", "si"), ("海", "hai"), ("秀", "xiu"), ("平", "ping"), ("瑞", "rui"), ("清", "qing"),
)  # fmt: skip

WALK, BIKE, CAR = TravelMode.WALK, TravelMode.E_BIKE, TravelMode.CAR


@dataclass(frozen=True)
class Seat:
    """A place to be filled: `suffix` ends the person's id, `modes` is how its holders get about."""

    suffix: str
    role: Role
    post: Post
    modes: tuple[TravelMode, ...]


GRID_SEATS = (
    Seat("a", Role.GRID_WORKER, Post.A, (BIKE,)),
    Seat("b", Role.GRID_WORKER, Post.B, (BIKE, WALK)),
    Seat("w", Role.GRID_WORKER, Post.WORKER, (BIKE, WALK)),
    Seat("v", Role.VOLUNTEER, Post.VOLUNTEER, (WALK,)),
    Seat("l", Role.GRID_LEADER, Post.LEADER, (BIKE,)),
)
OFFICER_SEATS = tuple(Seat(f"o{n}", Role.UNIT_OFFICER, Post.DUTY_OFFICER, (CAR,)) for n in (1, 2, 3))
SUPERVISOR_SEATS = tuple(Seat(f"s{n}", Role.SUPERVISOR, Post.STAFF, (WALK,)) for n in (1, 2, 3))
DESK_SEATS = (
    *(Seat(f"operator-{n}", Role.OPERATOR, Post.STAFF, (WALK,)) for n in (1, 2, 3)),
    *(Seat(f"caller-{n}", Role.FOLLOW_UP_CALLER, Post.STAFF, (WALK,)) for n in (1, 2)),
    Seat("administrator-1", Role.ADMINISTRATOR, Post.STAFF, (WALK,)),
    Seat("protection-1", Role.DATA_PROTECTION_OFFICER, Post.STAFF, (WALK,)),
    Seat("reader-1", Role.READER, Post.STAFF, (WALK,)),
)


def seats(unit: Unit) -> Iterator[tuple[str, Seat]]:
    """Who there is in `unit`, as (person id, seat)."""
    if unit.level is Level.GRID:
        chosen: Sequence[Seat] = GRID_SEATS
    elif unit.level is Level.CIVIL_AFFAIRS:
        chosen = (*OFFICER_SEATS, *SUPERVISOR_SEATS)
        yield from ((f"p-{seat.suffix}", seat) for seat in DESK_SEATS)
    else:
        chosen = (*OFFICER_SEATS, SUPERVISOR_SEATS[0])
    yield from ((f"p-{unit.id}-{seat.suffix}", seat) for seat in chosen)


def people(units: Sequence[Unit], seed: int) -> tuple[Person, ...]:
    """Everybody, in the order of their units; each person's name and base hang on nobody else's."""
    return tuple(_person(id, seat, unit, seed) for unit in units for id, seat in seats(unit))


def _person(id: str, seat: Seat, unit: Unit, seed: int) -> Person:
    random = Random(f"{id} {seed}")
    base = unit.centre
    if unit.level is Level.GRID:
        base = point_within(Polygon([(corner.lon, corner.lat) for corner in unit.polygon]), random)
    return Person(
        id=id,
        name=_name(random),
        grants=(Grant(role=seat.role, unit_id=unit.id),),
        posts=(PostHeld(post=seat.post, unit_id=unit.id),),
        mode=random.choice(seat.modes),
        base=base,
    )


def _name(random: Random) -> Name:
    surname = random.choice(SURNAMES)
    given = random.sample(SYLLABLES, 2)
    zh = surname[0] + "".join(syllable[0] for syllable in given)
    en = "".join(syllable[1] for syllable in given).capitalize()
    return Name(zh=f"{zh}（演示）", en=f"{surname[1]} {en} (demo)")
