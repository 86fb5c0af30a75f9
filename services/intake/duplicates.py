"""What one and the same thing is recognised by when it is reported again: where, when, what, and in which words.

The caller's words are sealed, so SQL cannot compare them, and the headline says the category and the address, which
are compared anyhow. What is kept instead is a signature: the least of each of 64 permutations over the keyed digests
of the words' bigrams (MinHash). Equal places of two signatures estimate how many bigrams two texts share; without
the master key it tells nothing about a text, and it goes when the requester is erased.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from unicodedata import normalize

import numpy as np

from services.intake.rules.merging import Likeness
from shared.events.intake import Place
from shared.things import Category

WITHIN_M = 300
WITHIN = timedelta(hours=72)
SCORE_SHOWN_MIN = 40
RECENT = timedelta(hours=2)
ALIKE_FROM = 0.3

WEIGHT_PLACE, WEIGHT_CATEGORY, WEIGHT_TIME, WEIGHT_WORDS = 40, 25, 15, 20
"""They add up to 100. Without words on both sides 80 is the most there can be: an operator then decides by ear."""

PERMUTATIONS = 64
WORDS_CHARACTERS_MAX = 300
METRES_PER_DEGREE = 111_320.0
CELL_DEGREES = 0.0027
"""300 m from south to north; from west to east as many degrees as are 300 m there."""
CELLS_PER_ROW = 1_000_000

_DRAW = np.random.default_rng(20260302)
_FACTORS = _DRAW.integers(1, 2**63, PERMUTATIONS, dtype=np.uint64) | np.uint64(1)
_SUMMANDS = _DRAW.integers(0, 2**63, PERMUTATIONS, dtype=np.uint64)


@dataclass(frozen=True)
class Marks:
    """What is kept of a case to recognise it by. `category_group` is the code itself where the catalogue has no
    group; `cell` is the square of 300 m it lies in."""

    category_group: str
    cell: int | None = None
    building: str | None = None
    signature: bytes | None = None


@dataclass(frozen=True)
class Sighting:
    """One report, to be compared with another."""

    category_code: str
    marks: Marks
    lon: float | None
    lat: float | None
    at: datetime


def marks_of(
    category: Category, place: Place, unit_id: str, words: str, digest: Callable[[str], bytes]
) -> Marks:
    return Marks(
        category_group=category.group or category.code,
        cell=cell_of(place.lon, place.lat) if place.lon is not None and place.lat is not None else None,
        building=building_of(place.label, unit_id),
        signature=signature_of(words, digest),
    )


# ── where ─────────────────────────────────────────────────────────────────────────────────────────────────────────

BUILDING = re.compile(r"^(?P<before>.*?)(?P<number>[0-9a-z]+(?:号楼|栋|幢|座))")
HOUSE = re.compile(r"^(?P<before>.*?)(?P<number>\d+(?:号|弄))")
ENGLISH = re.compile(r"^(?P<before>.*?)(?P<number>(?:house|building|block|no)\.?\d+)")


def building_of(label: str, unit_id: str) -> str | None:
    """`春和路 12 号 3 栋 2 单元 501` and `春和路12号3栋` are one building. A bare `3 栋` is one within its unit."""
    plain = re.sub(r"[\s,，。、·#-]", "", normalize("NFKC", label).casefold())
    for pattern in (BUILDING, HOUSE, ENGLISH):
        if found := pattern.match(plain):
            where = found["before"] + found["number"]
            return where if len(found["before"]) >= 2 else f"{unit_id}:{where}"
    return None


def cell_of(lon: float, lat: float) -> int:
    row = math.floor(lat / CELL_DEGREES)
    return _numbered(row, math.floor(lon / _cell_width(row)))


def cells_around(lon: float, lat: float) -> list[int]:
    """Every cell that something within 300 m may lie in."""
    reach = WITHIN_M / METRES_PER_DEGREE
    cells = []
    for row in range(math.floor((lat - reach) / CELL_DEGREES), math.floor((lat + reach) / CELL_DEGREES) + 1):
        width, east = _cell_width(row), reach / _narrowing(lat)
        first, last = math.floor((lon - east) / width), math.floor((lon + east) / width)
        cells += [_numbered(row, column) for column in range(first, last + 1)]
    return cells


def _numbered(row: int, column: int) -> int:
    return row * CELLS_PER_ROW + column + CELLS_PER_ROW // 2


def _cell_width(row: int) -> float:
    return CELL_DEGREES / _narrowing(row * CELL_DEGREES)


def _narrowing(lat: float) -> float:
    return max(0.01, math.cos(math.radians(lat)))


def metres_between(one: Sighting, other: Sighting) -> float | None:
    if one.lon is None or one.lat is None or other.lon is None or other.lat is None:
        return None
    north = (one.lat - other.lat) * METRES_PER_DEGREE
    east = (one.lon - other.lon) * METRES_PER_DEGREE * _narrowing((one.lat + other.lat) / 2)
    return math.hypot(north, east)


# ── in which words ────────────────────────────────────────────────────────────────────────────────────────────────


def bigrams(words: str) -> set[str]:
    """Two neighbouring Chinese characters each; Latin words and numbers whole."""
    plain = normalize("NFKC", words[:WORDS_CHARACTERS_MAX]).casefold()
    pieces: set[str] = set()
    for run in re.findall(r"[a-z0-9]+|[^\W\d_a-z]+", plain):
        pieces |= {run} if run.isascii() or len(run) == 1 else {run[i : i + 2] for i in range(len(run) - 1)}
    return pieces


def signature_of(words: str, digest: Callable[[str], bytes]) -> bytes | None:
    """Nothing for a text without words."""
    pieces = bigrams(words)
    if not pieces:
        return None
    hashed = np.array([int.from_bytes(digest(f"words:{piece}")[:8]) for piece in pieces], dtype=np.uint64)
    permuted = hashed[:, None] * _FACTORS + _SUMMANDS  # modulo 2**64, on purpose
    least: bytes = (permuted.min(axis=0) >> np.uint64(48)).astype(np.uint16).tobytes()
    return least


def shared_words(one: bytes | None, others: Sequence[bytes | None]) -> list[float | None]:
    """The estimated share of bigrams that a text has in common with each of others; None where one has no words."""
    if one is None or not others:
        return [None] * len(others)
    nothing = bytes(len(one))
    table = np.frombuffer(b"".join(other or nothing for other in others), np.uint16).reshape(len(others), -1)
    shares = (table == np.frombuffer(one, np.uint16)).mean(axis=1)
    return [None if other is None else float(share) for other, share in zip(others, shares, strict=True)]


# ── altogether ────────────────────────────────────────────────────────────────────────────────────────────────────


def compare(one: Sighting, others: Sequence[Sighting]) -> list[Likeness | None]:
    """How likely each of the others is the same thing; None where place, time or category rule it out."""
    words = shared_words(one.marks.signature, [other.marks.signature for other in others])
    return [_likeness(one, other, share) for other, share in zip(others, words, strict=True)]


def _likeness(one: Sighting, other: Sighting, words: float | None) -> Likeness | None:
    apart = abs(one.at - other.at)
    distance = metres_between(one, other)
    same_building = one.marks.building is not None and one.marks.building == other.marks.building
    near = distance is not None and distance <= WITHIN_M
    if (
        apart > WITHIN
        or not (same_building or near)
        or one.marks.category_group != other.marks.category_group
    ):
        return None
    place = 1.0 if same_building or distance is None else 1 - distance / WITHIN_M / 2
    same_category = one.category_code == other.category_code
    score = (
        WEIGHT_PLACE * place
        + WEIGHT_CATEGORY * (1 if same_category else 0.5)
        + WEIGHT_TIME * (1 - apart / WITHIN)
        + WEIGHT_WORDS * (words or 0)
    )
    because = [
        "same_building" if same_building else "near",
        "same_category" if same_category else "same_group",
        *(["recent"] if apart <= RECENT else []),
        *(["alike_words"] if words is not None and words >= ALIKE_FROM else []),
    ]
    return Likeness(round(score), tuple(because), None if distance is None else round(distance))
