"""Which words find which text: Chinese by two characters, Latin words and numbers whole, however they were typed."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.commands.registration import RequesterGiven
from services.intake.rules.search import pieces, pieces_asked, says
from services.intake.upkeep import Indexing
from shared.service import Service
from tests.intake.world import OPERATOR, a_call, headers, inside, search

TEXT = "「春和路」１２号 3栋2单元，井盖（ＭＡＮＨＯＬＥ）不见了；车牌云A·88Q61，WiFi坏"

TABLE = [
    # Chinese, by two characters that stand together
    ("井盖", True),
    ("盖不见", False),
    ("不见了", True),
    ("春和路", True),
    ("和春", False),
    ("井盖 春和路", True),
    ("井盖 垃圾", False),
    # blanks and marks do not count, on either side
    ("春和路12号", True),
    ("春和路 12 号", True),
    ("『春和路』", True),
    ("《井盖》，不见了。", True),
    ("春和路、井盖", True),
    ("井盖？！", True),
    ("春和路——12号……", True),
    ("“井盖”", True),
    ("春和路　12号", True),
    # digits, full-width or not, whole
    ("１２号", True),
    ("12", True),
    ("1", False),
    ("123", False),
    ("3栋2单元", True),
    ("３栋", True),
    ("2栋", False),
    # Latin words, whole, in any case and width
    ("manhole", True),
    ("ＭＡＮｈｏｌｅ", True),
    ("man", False),
    ("井盖manhole", True),
    ("wifi坏", True),
    ("wifi好", False),
    ("wifi", True),
    ("88q61", True),
    ("云A88Q61", False),  # the sign in it was written with a point between: two words
    ("云A·88Q61", True),
]


def found_by(text: str, asked: str) -> bool:
    """As the search does it: the pieces name the candidate, then the words are compared."""
    return bool(pieces_asked(asked)) and pieces_asked(asked) <= pieces(text) and says(text, asked)


@pytest.mark.parametrize(("asked", "found"), TABLE)
def test_what_finds_this_text(asked: str, found: bool) -> None:
    assert found_by(TEXT, asked) == found


RUNS = st.one_of(
    st.text("春和路井盖楼道灯号栋龍門", min_size=1, max_size=4),
    st.sampled_from(["gate", "ＧＡＴＥ", "wifi", "A栋", "Ｂ座", "12", "１２", "7", "2026"]),
)
GAPS = st.sampled_from(
    ["", " ", "　", "，", "、", "「", "」", "《", "》", "……", "——", "（", "）", "·", "-", "“", "！\n"]
)
TEXTS = st.lists(st.tuples(RUNS, GAPS), min_size=1, max_size=8)


@given(
    text=TEXTS, begins=st.integers(0, 7), ends=st.integers(1, 8), gaps=st.lists(GAPS, min_size=8, max_size=8)
)
def test_every_part_of_a_text_finds_it_whatever_stands_between(
    text: list[tuple[str, str]], begins: int, ends: int, gaps: list[str]
) -> None:
    """Runs next to each other may melt into one; so both sides are written with a blank where they would."""
    apart = [(run, gap if gap else " ") for run, gap in text]
    whole = "".join(run + gap for run, gap in apart)
    asked = "".join(run + (gap or " ") for (run, _), gap in zip(apart[begins:ends], gaps, strict=False))
    assert says(whole, asked)
    assert pieces_asked(asked) <= pieces(whole)


@given(text=st.text(max_size=60), asked=st.text(max_size=20))
def test_any_text_may_be_asked_for(text: str, asked: str) -> None:
    assert says(text, asked) or not found_by(text, asked)
    assert says(text, text)
    assert all(piece == piece.casefold() for piece in pieces(text))


@pytest.mark.parametrize(
    "typed", ["138 1234-5678", "１３８１２３４５６７８", "（138）1234—5678", "138-1234-5678"]
)
def test_a_phone_is_one_however_it_is_typed(typed: str) -> None:
    assert RequesterGiven(phone=typed).phone == "13812345678"


async def test_the_search_finds_as_the_table_says(client: httpx.AsyncClient, service: Service) -> None:
    """The same table over the API: what was said is sealed, its pieces are in the index."""
    place = {**inside("grid-a1"), "label": "无"}
    made = await client.post("/cases", json=a_call(description=TEXT, place=place), headers=headers(*OPERATOR))
    await Indexing(service.sealer).turn(service.database)
    number = made.json()["number"]
    for asked, found in TABLE:
        answer = await search(client, text=asked)
        numbers = [item["number"] for item in answer.json().get("items", ())]
        assert numbers == ([number] if found else []), (asked, answer.text)


async def test_an_address_is_found_however_it_is_written(client: httpx.AsyncClient, service: Service) -> None:
    place = {**inside("grid-a1"), "label": "春和路 12 号（3 栋）2 单元"}
    made = await client.post("/cases", json=a_call(place=place), headers=headers(*OPERATOR))
    await Indexing(service.sealer).turn(service.database)
    for asked, found in (
        ("春和路12号3栋", True),
        ("春和路１２号", True),
        ("春和路 12 号", True),
        ("春和路，12", True),
        ("春和路1号", False),
        ("春和路 2栋", False),
        ("和平路12号", False),
    ):
        answer = await search(client, address=asked)
        numbers = [item["number"] for item in answer.json()["items"]]
        assert numbers == ([made.json()["number"]] if found else []), asked
