"""The words of a notice, in the reader's language: templates/zh.toml and templates/en.toml, or what administrators put
in their place."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.notify.channels.variables import VARIABLES, Audience
from shared.vocabulary import Language, NoticeKind

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = {Audience.STAFF: "notices", Audience.REQUESTER: "requester"}


@dataclass(frozen=True, slots=True)
class Words:
    """`title` is one line on a locked phone; `text` says everything."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """Which words: to whom, of what, in which language."""

    audience: Audience
    kind: NoticeKind
    language: Language


@cache
def source_of(language: Language) -> Mapping[str, Any]:
    """The shipped file as it is written: `notices` and `requester` by kind, `terms` by group."""
    return tomllib.loads((TEMPLATES / f"{language}.toml").read_text(encoding="utf-8"))


def shipped(source: Source) -> Words:
    """The words we ship."""
    words = source_of(source.language)[SECTIONS[source.audience]][source.kind]
    return Words(words["title"], words["text"])


def shipped_sources() -> list[Source]:
    """Everything there are words for, in a lasting order."""
    return [
        Source(audience, kind, language)
        for audience, kind in sorted(VARIABLES)
        for language in sorted(Language)
    ]


class Wording:
    """Words in the community's time zone. What administrators wrote stands before what is shipped; words of theirs
    that break fall back to it, because a notice must go out."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._edited: dict[Source, Words] = {}
        self._compiled: dict[tuple[Source, bool], tuple[Template, Template]] = {}

    def take(self, edited: Iterable[tuple[Source, Words]]) -> None:
        """All that is edited, in place of what was known before."""
        self._edited = dict(edited)
        self._compiled = {key: made for key, made in self._compiled.items() if not key[1]}

    def render(self, source: Source, known: Mapping[str, Any]) -> Words:
        """The notice in words. Times in `known` are aware; they are written in the community's zone."""
        said = {name: known.get(name) for name in VARIABLES[source.audience, source.kind]}
        if source in self._edited:
            try:
                return self._said(source, said, edited=True)
            except (TemplateError, ValueError, TypeError, ArithmeticError, LookupError):
                log.exception("the edited words of %s in %s broke; the shipped ones are used", *_name(source))
        return self._said(source, said, edited=False)

    def term(self, value: str, group: str, language: Language) -> str:
        """A word of the field in the reader's language; as it is where it has no term."""
        return str(source_of(language)["terms"].get(group, {}).get(value, value))

    def _said(self, source: Source, said: Mapping[str, Any], *, edited: bool) -> Words:
        title, text = self._templates(source, edited)
        return Words(title.render(said), text.render(said))

    def _templates(self, source: Source, edited: bool) -> tuple[Template, Template]:
        found = self._compiled.get((source, edited))
        if found is None:
            words = self._edited[source] if edited else shipped(source)
            environment = environment_of(source.language, self.zone)
            found = environment.from_string(words.title), environment.from_string(words.text)
            self._compiled[source, edited] = found
        return found


def _name(source: Source) -> tuple[str, str]:
    return f"{source.audience} {source.kind}", source.language


@cache
def environment_of(language: Language, zone: str) -> Environment:
    """Sandboxed, because administrators write templates too."""
    terms, local = source_of(language)["terms"], ZoneInfo(zone)

    def clock(at: datetime | str) -> str:
        at = at if isinstance(at, datetime) else datetime.fromisoformat(at)
        return at.astimezone(local).strftime("%m-%d %H:%M")

    def minutes(seconds: float) -> int:
        return max(1, round(seconds / 60))

    def term(value: str, group: str) -> str:
        # A word added elsewhere is shown as it is until it has a term here; a test asks for terms of all known words.
        return str(terms[group].get(value, value))

    def listed(values: Iterable[str], group: str) -> str:
        return ("、" if language is Language.CHINESE else ", ").join(term(value, group) for value in values)

    # Plain text, not HTML: escaping would put `&amp;` into a text message.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.filters.update(clock=clock, minutes=minutes, term=term, terms=listed)
    return environment
