"""The people of the demo: names put together from syllables and marked 演示, so that nobody takes them for real."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from shapely.geometry import Polygon

from services.registry.defaults.skills import SKILLS
from services.registry.demo.ground import point_within
from services.registry.demo.seats import Seat, further_seats, seats
from shared.things import Name, Person, Unit
from shared.vocabulary import Level, Post, Role

SURNAMES = (
    ("李", "Li"), ("王", "Wang"), ("张", "Zhang"), ("杨", "Yang"), ("陈", "Chen"), ("刘", "Liu"), ("赵", "Zhao"),
    ("黄", "Huang"), ("周", "Zhou"), ("吴", "Wu"), ("徐", "Xu"), ("孙", "Sun"), ("马", "Ma"), ("普", "Pu"),
)  # fmt: skip
SYLLABLES = (
    ("云", "yun"), ("安", "an"), ("宁", "ning"), ("明", "ming"), ("春", "chun"), ("和", "he"), ("晓", "xiao"),
    ("文", "wen"), ("建", "jian"), ("丽", "li"), ("志", "zhi"), ("远", "yuan"), ("佳", "jia"), ("兴", "xing"),
    ("思", "si"), ("海", "hai"), ("秀", "xiu"), ("平", "ping"), ("瑞", "rui"), ("清", "qing"),
)  # fmt: skip
GOING = frozenset({Post.A, Post.B, Post.WORKER, Post.VOLUNTEER})


def people(units: Sequence[Unit], seed: int) -> tuple[Person, ...]:
    """Everybody, in the order of their units; each person's name and base hang on nobody else's."""
    rows = (seats, further_seats)
    return tuple(_person(id, seat, unit, seed) for row in rows for unit in units for id, seat in row(unit))


def _person(id: str, seat: Seat, unit: Unit, seed: int) -> Person:
    random = Random(f"{id} {seed}")
    base = unit.centre
    if unit.level is Level.GRID:
        base = point_within(Polygon([(corner.lon, corner.lat) for corner in unit.polygon]), random)
    return Person(
        id=id,
        name=_name(random),
        grants=seat.grants(unit.id),
        posts=seat.posts(unit.id),
        mode=random.choice(seat.modes),
        base=base,
        badge=_badge(id) if unit.level is Level.GRID else None,
        skills=_skills(seat, random),
    )


def _badge(id: str) -> str:
    """What stands on the card somebody shows at the door: `A1-W`."""
    return id.removeprefix("p-grid-").upper()


def _skills(seat: Seat, random: Random) -> tuple[str, ...]:
    """One or none for people of a grid; drawn last, so that names and bases stay what they were."""
    if seat.role is Role.SOCIAL_WORKER:
        return ("mediation",)
    drawn = random.choice((None, *(skill.id for skill in SKILLS)))
    return (drawn,) if seat.post in GOING and drawn is not None else ()


def _name(random: Random) -> Name:
    surname = random.choice(SURNAMES)
    given = random.sample(SYLLABLES, 2)
    zh = surname[0] + "".join(syllable[0] for syllable in given)
    en = "".join(syllable[1] for syllable in given).capitalize()
    return Name(zh=f"{zh}（演示）", en=f"{surname[1]} {en} (demo)")
