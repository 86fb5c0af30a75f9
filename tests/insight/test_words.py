"""A timeline has words for everything that can happen, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from services.insight.rules.sentences import TEMPLATES, sentence
from services.insight.rules.telling.notify import VIA
from services.insight.rules.telling.reader import Reader
from services.insight.rules.words import WORDS
from services.notify.commands import ChosenChannel
from shared.event import EVENT_TYPES, AlarmEvent, CaseEvent
from shared.vocabulary import NoticeKind

TOLD = {kind.type: kind for kind in EVENT_TYPES.values() if issubclass(kind, (CaseEvent, AlarmEvent))}
CHINESE = re.compile("[\u4e00-\u9fff]")


def vocabulary_of(annotation: Any) -> Iterator[type[StrEnum]]:
    """Every word list that a field of this type can hold a value of, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        yield annotation
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for field in annotation.model_fields.values():
            yield from vocabulary_of(field.annotation)
    elif get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from vocabulary_of(inner)


def reader(language: str) -> Reader:
    def anybody(_: str | None) -> str:
        return "某人" if language == "zh" else "somebody"

    return Reader(language, anybody, anybody, lambda moment: moment.strftime("%H:%M"), supervises=True)


IN_TIMELINES = sorted({kind for event in TOLD.values() for kind in vocabulary_of(event)}, key=str)


@pytest.mark.parametrize("type_", TOLD)
def test_every_event_has_a_sentence(type_: str) -> None:
    template, _ = TEMPLATES[type_]
    assert template.zh
    assert not re.search("[A-Za-z]", template.zh.format_map(Anything()))
    assert template.en
    assert not CHINESE.search(template.en)


class Anything(dict[str, str]):
    """Fills any place of a sentence with nothing."""

    def __missing__(self, name: str) -> str:
        return ""


@pytest.mark.parametrize("kind", IN_TIMELINES, ids=lambda kind: kind.__name__)
def test_every_word_of_a_timeline_is_said_in_both_languages(kind: type[StrEnum]) -> None:
    assert set(WORDS[kind]) == {value.value for value in kind}
    for name in WORDS[kind].values():
        assert CHINESE.search(name.zh)
        assert not CHINESE.search(name.en)
        assert "_" not in name.zh + name.en


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("via", get_args(ChosenChannel))
def test_every_notice_is_told_with_its_channel(kind: NoticeKind, via: str) -> None:
    data = {"kind": kind.value, "person_id": None, "via": via, "at": datetime.now(UTC)}
    for happened in ("delivered", "read", "failed", "received"):
        zh = sentence(f"yike.notice.{happened}", data, reader("zh"))
        en = sentence(f"yike.notice.{happened}", data, reader("en"))
        assert WORDS[NoticeKind][kind].zh in zh
        assert WORDS[NoticeKind][kind].en in en
        assert not CHINESE.search(en)
        assert via not in VIA or VIA[via].zh in zh or happened == "read"
    assert via in VIA
