"""Whose eyes a timeline is read with, and what several sources' sentences are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.insight.rules.words import word
from shared.things import Name

Data = Mapping[str, Any]
Words = dict[str, str]


@dataclass(frozen=True)
class Reader:
    """Whose eyes: the language, and the names this reader may see (masked readers see posts and units only). Only who
    `supervises` reads that a resident was told what to answer."""

    language: str
    person: Callable[[str | None], str]
    unit: Callable[[str | None], str]
    time: Callable[[datetime], str]
    supervises: bool = False

    def says(self, zh: str, en: str) -> str:
        return en if self.language == "en" else zh

    def word(self, kind: type[StrEnum], value: str) -> str:
        return word(kind, value, self.language)

    def moment(self, value: str) -> str:
        return self.time(datetime.fromisoformat(value))

    def joined(self, parts: list[str]) -> str:
        return self.says("、", ", ").join(parts)


Templates = dict[str, tuple[Name, Callable[[Data, Reader], Words]]]
"""By event type: the sentence, and what fills it."""


def nothing(data: Data, reader: Reader) -> Words:
    return {}


def person(data: Data, reader: Reader) -> Words:
    return {"person": reader.person(data.get("person_id"))}
