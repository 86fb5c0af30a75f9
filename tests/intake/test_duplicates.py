"""How likely two reports are the same thing: a table of examples, and what is kept to tell."""

from __future__ import annotations

import hmac
import math
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.duplicates import (
    PERMUTATIONS,
    SCORE_SHOWN_MIN,
    WITHIN_M,
    Marks,
    Sighting,
    bigrams,
    building_of,
    cell_of,
    cells_around,
    compare,
    metres_between,
    shared_words,
    signature_of,
)
from tests.intake.world import START

LON, LAT = 102.75, 25.05
NORTH = 1 / 111_320
"""A metre to the north, in degrees."""


def digest(piece: str) -> bytes:
    return hmac.new(b"key", piece.encode(), sha256).digest()[:16]


def seen(
    *,
    north_m: float = 0,
    minutes: float = 0,
    category: str = "flooding",
    group: str = "water",
    building: str | None = None,
    words: str = "水管爆了，路面全是水",
    located: bool = True,
) -> Sighting:
    lon, lat = (LON, LAT + north_m * NORTH) if located else (None, None)
    marks = Marks(group, cell_of(LON, LAT), building, signature_of(words, digest))
    return Sighting(category, marks, lon, lat, START + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("other", "score", "because"),
    [
        (seen(), 100, ("near", "same_category", "recent", "alike_words")),
        (seen(building="x"), 100, ("near", "same_category", "recent", "alike_words")),
        (seen(words=""), 80, ("near", "same_category", "recent")),
        (seen(words="完全无关的另一件"), 80, ("near", "same_category", "recent")),
        (seen(north_m=150, words=""), 70, ("near", "same_category", "recent")),
        (seen(north_m=299.9, words=""), 60, ("near", "same_category", "recent")),
        (seen(north_m=301), None, ()),
        (seen(category="pipe", words=""), 68, ("near", "same_group", "recent")),
        (seen(category="pipe", group="pipe"), None, ()),
        (seen(minutes=60 * 36, words=""), 72, ("near", "same_category")),
        (seen(minutes=60 * 72, words=""), 65, ("near", "same_category")),
        (seen(minutes=60 * 72 + 1), None, ()),
        (seen(minutes=60 * 72, north_m=299.9, category="pipe", words=""), 33, ("near", "same_group")),
        (seen(located=False), None, ()),
    ],
)
def test_how_alike_two_reports_are(other: Sighting, score: int | None, because: tuple[str, ...]) -> None:
    for likeness in (*compare(seen(), [other]), *compare(other, [seen()])):
        assert (likeness.score if likeness else None, likeness.because if likeness else ()) == (
            score,
            because,
        )


def test_one_building_is_one_place_without_any_position() -> None:
    one, other = (seen(building="春和路12号", located=False, minutes=minutes) for minutes in (0, 30))
    [likeness] = compare(one, [other])
    assert likeness is not None
    assert likeness.because[0] == "same_building"
    assert likeness.distance_m is None
    assert likeness.score >= SCORE_SHOWN_MIN


def test_where_nothing_is_near_there_is_nothing_to_compare() -> None:
    assert compare(seen(), []) == []


@pytest.mark.parametrize(
    ("label", "building"),
    [
        ("春和路 12 号 3 栋 2 单元 501", "春和路12号3栋"),
        ("春和路12号3栋", "春和路12号3栋"),
        ("春和路１２号", "春和路12号"),
        ("春和路 12 号附近", "春和路12号"),
        ("幸福小区 5 号楼 301", "幸福小区5号楼"),
        ("3 栋 201", "grid-a1:3栋"),
        ("New Asia community, House 5", "newasiacommunityhouse5"),
        ("菜市场门口", None),
        ("", None),
    ],
)
def test_the_building_in_an_address(label: str, building: str | None) -> None:
    assert building_of(label, "grid-a1") == building


@given(
    lon=st.floats(-179.9, 179.9),
    lat=st.floats(-70, 70),
    bearing=st.floats(0, 2 * math.pi),
    metres=st.floats(0, WITHIN_M - 1),
)
def test_whatever_lies_near_is_in_a_cell_that_is_looked_at(
    lon: float, lat: float, bearing: float, metres: float
) -> None:
    north = metres * math.cos(bearing) / 111_320
    east = metres * math.sin(bearing) / 111_320 / math.cos(math.radians(lat))
    there = (lon + east, lat + north)
    one = Sighting("x", Marks("x"), lon, lat, START)
    assert (metres_between(one, Sighting("x", Marks("x"), *there, START)) or 0) <= WITHIN_M
    around = cells_around(lon, lat)
    assert cell_of(*there) in around
    assert len(around) <= 16


WORDS = st.text(st.sampled_from("水管爆裂路面积井盖楼道灯坏 ,abc123"), max_size=60)


@given(one=WORDS, other=WORDS)
def test_signatures_estimate_the_words_two_texts_share(one: str, other: str) -> None:
    mine, theirs = bigrams(one), bigrams(other)
    [estimate] = shared_words(signature_of(one, digest), [signature_of(other, digest)])
    if not mine or not theirs:
        assert estimate is None
        return
    truth = len(mine & theirs) / len(mine | theirs)
    assert estimate is not None
    assert PERMUTATIONS * surprise(estimate, truth) < 22


def surprise(share: float, chance: float) -> float:
    """Relative entropy: in n tries of this chance a share so far off comes up less often than exp(-n * surprise)
    (Chernoff): at 22, one example in 3,000,000,000."""
    expected = (min(max(chance, 0.01), 0.99), 1 - min(max(chance, 0.01), 0.99))
    pairs = zip((share, 1 - share), expected, strict=True)
    return sum(found * math.log(found / known) for found, known in pairs if found > 0)


def test_a_signature_needs_the_key() -> None:
    words = "水管爆了，路面全是水"
    elsewhere = signature_of(words, lambda piece: hmac.new(b"other", piece.encode(), sha256).digest())
    [share] = shared_words(signature_of(words, digest), [elsewhere])
    assert share is not None
    assert share < 0.1
