"""What the caller's words mean before anybody reads them twice: tables of the words as the shipped lists have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules.triage import (
    RISING,
    SUGGESTIONS_MAX,
    highest,
    read_words,
    suggest_categories,
    suggest_snippets,
)
from services.registry import defaults
from services.registry.defaults.words import WORD_LISTS
from shared.things import Category, Snippet, WordList
from shared.vocabulary import EmergencyService, Urgency

E = Urgency.EMERGENCY
CATEGORIES = [thing for thing in defaults.things() if isinstance(thing, Category)]
SNIPPETS = [thing for thing in defaults.things() if isinstance(thing, Snippet)]


@pytest.mark.parametrize(
    ("said", "urgency", "call"),
    [
        # nothing dangerous
        ("楼下垃圾没人收", None, None),
        ("路灯不亮", None, None),
        ("", None, None),
        # danger to life: urgent, but no crisis
        ("门口井盖没了，有人差点掉进去", E, None),
        ("电线漏电了", E, None),
        ("老人走失了", E, None),
        ("电梯里有人被困", E, None),
        ("somebody is TRAPPED in the lift", E, None),
        ("ｔｒａｐｐｅｄ", E, None),
        # a crisis: whom to call first
        ("楼下有人持刀", E, "110"),
        ("家里着火了", E, "119"),
        ("闻到煤气泄漏", E, "119"),
        ("老人昏迷，没有呼吸", E, "120"),
        ("她说不想活了", E, "120"),
        ("路口车祸", E, "122"),
        ("my neighbour has a knife", E, "110"),
        # several: the one most words speak for; of equals 110, 119, 120, 122
        ("着火了，有人昏迷", E, "119"),
        ("着火了，有人昏迷，没有呼吸", E, "120"),
        ("车祸，有人拿刀", E, "110"),
        # a Latin word stands alone, a Chinese one anywhere
        ("a knifemaker moved in", None, None),
        ("三车祸首", E, "122"),
    ],
)
def test_words_say_how_urgent_it_is_and_whom_to_call(
    said: str, urgency: Urgency | None, call: str | None
) -> None:
    reading = read_words(said, WORD_LISTS)
    assert (reading.urgency, reading.transfer.number if reading.transfer else None) == (urgency, call)
    if reading.transfer is not None:
        assert reading.transfer.say.zh.startswith("请先转接或拨打"), "the transfer first, then the case"
        assert f"({call})" in reading.transfer.say.en


@pytest.mark.parametrize(
    ("category", "asked", "words", "becomes"),
    [
        (Urgency.ROUTINE, None, None, Urgency.ROUTINE),
        (Urgency.ROUTINE, None, E, E),
        (Urgency.APPOINTMENT, None, Urgency.ROUTINE, Urgency.ROUTINE),
        (E, None, Urgency.ROUTINE, E),
        (E, Urgency.APPOINTMENT, None, E),
        (Urgency.ROUTINE, Urgency.APPOINTMENT, None, Urgency.ROUTINE),
        (Urgency.ROUTINE, E, None, E),
    ],
)
def test_words_and_people_only_raise(
    category: Urgency, asked: Urgency | None, words: Urgency | None, becomes: Urgency
) -> None:
    assert highest(category, asked, words) is becomes


@given(said=st.text(), category=st.sampled_from(Urgency), more=st.sampled_from(Urgency))
def test_nothing_anybody_says_lowers_it(said: str, category: Urgency, more: Urgency) -> None:
    after = highest(category, more, read_words(said, WORD_LISTS).urgency)
    assert RISING.index(after) >= RISING.index(category)


def test_a_crisis_list_is_an_emergency_whatever_its_urgency_says() -> None:
    mild = WordList(id="x", words=("冷",), urgency=Urgency.ROUTINE, service=EmergencyService.MEDICAL)
    assert read_words("好冷", [mild]).urgency is E
    retired = mild.model_copy(update={"retired_at": "2026-01-01T00:00:00Z"})
    assert read_words("好冷", [retired]).urgency is None


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("门口的井盖不见了", "manhole-cover"),
        ("路灯不亮", "street-lamp"),
        ("MANHOLE cover is gone", "manhole-cover"),
        ("楼下垃圾堆成山", "rubbish-heap"),
    ],
)
def test_the_likeliest_category_comes_first(said: str, first: str) -> None:
    suggested = suggest_categories(said, CATEGORIES)
    assert suggested[0].code == first, suggested
    assert len(suggested) <= SUGGESTIONS_MAX


def test_what_names_nothing_suggests_nothing() -> None:
    assert suggest_categories("你好", CATEGORIES) == ()


def test_snippets_of_the_category_need_no_word() -> None:
    snippet = SNIPPETS[0]
    assert suggest_snippets("你好", None, SNIPPETS) == ()
    of_it = snippet.model_copy(update={"category_code": "lamp"})
    assert [one.code for one in suggest_snippets("你好", "lamp", [*SNIPPETS, of_it])] == [snippet.id]
