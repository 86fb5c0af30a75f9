"""The words of a notice, in the reader's language: templates/zh.toml and templates/en.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, StrictUndefined, Template

from shared.vocabulary import Language, NoticeKind

TEMPLATES = Path(__file__).parent / "templates"

_CASE = frozenset({"number", "headline", "place"})
VARIABLES: Mapping[NoticeKind, frozenset[str]] = {
    NoticeKind.OFFER: _CASE | {"emergency", "expires_at", "due_at", "goes", "eta_seconds", "why"},
    NoticeKind.OFFER_ENDED: _CASE | {"reason"},
    NoticeKind.CASE_HELD: _CASE | {"holder", "due_at", "goes"},
    NoticeKind.CASE_RAISED: _CASE | {"cause", "from_level", "to_level", "unit"},
    NoticeKind.RAISE_VOIDED: _CASE | {"level"},
    NoticeKind.DEADLINE_AMBER: _CASE | {"deadline", "due_at"},
    NoticeKind.DEADLINE_MISSED: _CASE | {"deadline", "due_at", "level"},
    NoticeKind.NOBODY_AVAILABLE: _CASE | {"unit"},
    NoticeKind.SUPERVISION_ORDERED: _CASE | {"order", "unit", "supervising_unit"},
    NoticeKind.CASE_REOPENED: _CASE,
    NoticeKind.CASE_ENDED: _CASE | {"outcome"},
    NoticeKind.FOLLOW_UP_DUE: _CASE | {"due_at"},
    NoticeKind.REGISTERED: _CASE | {"pickup_code", "tracking_url"},
    NoticeKind.WORKER_COMING: _CASE | {"eta_seconds"},
    NoticeKind.PLEASE_ANSWER: _CASE | {"answer_url"},
}
"""What a template of each kind may use; what is not known is `None` there."""


@dataclass(frozen=True, slots=True)
class Words:
    """`title` is one line on a locked phone; `text` says everything."""

    title: str
    text: str


def render(kind: NoticeKind, language: Language, known: Mapping[str, Any], zone: str) -> Words:
    """The notice in words. Times in `known` are aware; they are written in the community's `zone`."""
    title, text = _templates(language, zone)[kind]
    said = {name: known.get(name) for name in VARIABLES[kind]}
    return Words(title.render(said), text.render(said))


@cache
def source_of(language: Language) -> Mapping[str, Any]:
    """The template file as it is written: `notices` by kind, `terms` by group."""
    return tomllib.loads((TEMPLATES / f"{language}.toml").read_text(encoding="utf-8"))


@cache
def _templates(language: Language, zone: str) -> Mapping[NoticeKind, tuple[Template, Template]]:
    source, environment = source_of(language), environment_of(language, zone)
    return {
        NoticeKind(kind): (environment.from_string(words["title"]), environment.from_string(words["text"]))
        for kind, words in source["notices"].items()
    }


def environment_of(language: Language, zone: str) -> Environment:
    terms, local = source_of(language)["terms"], ZoneInfo(zone)

    def clock(at: datetime | str) -> str:
        at = at if isinstance(at, datetime) else datetime.fromisoformat(at)
        return at.astimezone(local).strftime("%m-%d %H:%M")

    def minutes(seconds: float) -> int:
        return max(1, round(seconds / 60))

    def term(value: str, group: str) -> str:
        # A word added elsewhere is shown as it is until it has a term here; a test asks for terms of all known words.
        return str(terms[group].get(value, value))

    # Plain text, not HTML: escaping would put `&amp;` into a text message.
    environment = Environment(undefined=StrictUndefined, autoescape=False)
    environment.filters.update(clock=clock, minutes=minutes, term=term)
    return environment
