"""docs/glossary.md has every word there is, with the Chinese that people read on the screens."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest

from services.insight.figures.shipped import DEFINITIONS
from services.insight.rules.words import WORDS
from shared import event, events, fieldwork, going, things, vocabulary
from shared.event import EVENT_TYPES

GLOSSARY = (Path(__file__).parents[2] / "docs/glossary.md").read_text()


def sections() -> dict[str, dict[str, tuple[str, str]]]:
    """Heading → identifier → (中文, meaning)."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for part in GLOSSARY.split("\n## ")[1:]:
        rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|", part, re.MULTILINE)
        found[part.split()[0]] = {name: (chinese.strip(), meaning.strip()) for name, chinese, meaning in rows}
    return found


SECTIONS = sections()
ENUMS = [
    value
    for value in (*vars(vocabulary).values(), *vars(fieldwork).values(), *vars(going).values())
    if isinstance(value, type) and issubclass(value, StrEnum) and value is not StrEnum
]


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_every_value_of_the_vocabulary_is_listed(enum: type[StrEnum]) -> None:
    assert list(SECTIONS[enum.__name__]) == [value.value for value in enum]


def test_every_event_is_listed_with_its_type_and_owner() -> None:
    assert set(SECTIONS["Events"]) == {kind.__name__ for kind in EVENT_TYPES.values()}
    for kind in EVENT_TYPES.values():
        assert re.search(
            rf"^\| `{kind.__name__}` .* `{kind.type}` \| {kind.source} \|$", GLOSSARY, re.MULTILINE
        )


def test_every_thing_is_listed() -> None:
    declared = {
        name
        for module in (things, event, events)
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, things.Value) and value is not things.Value
    }
    assert declared <= set(SECTIONS["Things"])


def test_every_figure_is_listed_under_its_title() -> None:
    assert {name: chinese for name, (chinese, _) in SECTIONS["Figures"].items()} == {
        name: definition.title.zh for name, definition in DEFINITIONS.items()
    }


def test_screens_say_the_glossary_s_chinese() -> None:
    for enum, words in WORDS.items():
        assert set(words) == {value.value for value in enum}
        for value, name in words.items():
            assert SECTIONS[enum.__name__][value][0] == name.zh


def test_every_term_has_a_meaning() -> None:
    for terms in SECTIONS.values():
        for chinese, meaning in terms.values():
            assert chinese
            assert len(meaning) > 3
