"""What the caller's words say before anybody reads them twice: whom to put them through to, how urgent it is, which
category and which answer come to mind. Words may only raise the urgency, never lower it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from unicodedata import normalize

from services.intake.commands.transfer import Transfer
from shared.things import Category, Name, Snippet, WordList
from shared.vocabulary import EmergencyService, Urgency

NUMBERS = {
    EmergencyService.POLICE: "110",
    EmergencyService.FIRE: "119",
    EmergencyService.MEDICAL: "120",
    EmergencyService.TRAFFIC: "122",
}
SAY = {
    EmergencyService.POLICE: Name(
        zh="请先转接或拨打 110 报警，再登记工单",
        en="First put the caller through to the police (110), then write the case",
    ),
    EmergencyService.FIRE: Name(
        zh="请先转接或拨打 119 消防，让现场人员撤离，再登记工单",
        en="First put the caller through to the fire service (119) and tell people to leave, then write the case",
    ),
    EmergencyService.MEDICAL: Name(
        zh="请先转接或拨打 120 急救，再登记工单",
        en="First put the caller through to the ambulance (120), then write the case",
    ),
    EmergencyService.TRAFFIC: Name(
        zh="请先转接或拨打 122 交通事故报警，再登记工单",
        en="First put the caller through to the traffic police (122), then write the case",
    ),
}
RISING = (Urgency.APPOINTMENT, Urgency.ROUTINE, Urgency.EMERGENCY)
SUGGESTIONS_MAX = 5


@dataclass(frozen=True)
class Reading:
    """What the words demand. `words` are those that were found."""

    urgency: Urgency | None = None
    service: EmergencyService | None = None
    words: tuple[str, ...] = ()

    @property
    def transfer(self) -> Transfer | None:
        if self.service is None:
            return None
        return Transfer(service=self.service, number=NUMBERS[self.service], say=SAY[self.service])


@dataclass(frozen=True)
class Suggested:
    """A category or snippet and the keywords that brought it up, the likeliest first."""

    code: str
    words: tuple[str, ...]


def read_words(text: str, lists: Iterable[WordList]) -> Reading:
    """A word of a crisis list opens the crisis path, and is an emergency by that alone."""
    said = _plain(text)
    found: list[str] = []
    urgencies: list[Urgency] = []
    services: Counter[EmergencyService] = Counter()
    for one in sorted((one for one in lists if one.retired_at is None), key=lambda one: one.id):
        words = [word for word in one.words if _stands_in(word, said)]
        found += words
        if words and one.urgency is not None:
            urgencies.append(one.urgency)
        if words and one.service is not None:
            urgencies.append(Urgency.EMERGENCY)
            services[one.service] += len(words)
    return Reading(
        urgency=highest(*urgencies) if urgencies else None,
        service=_likeliest(services),
        words=tuple(dict.fromkeys(found)),
    )


def _likeliest(services: Counter[EmergencyService]) -> EmergencyService | None:
    """The most words; of equals the first in the order of 110, 119, 120, 122."""
    order = list(EmergencyService)
    return max(services, key=lambda one: (services[one], -order.index(one))) if services else None


def highest(*urgencies: Urgency | None) -> Urgency:
    """The most urgent of these; at least one must be given."""
    return max((urgency for urgency in urgencies if urgency is not None), key=RISING.index)


def lowers(before: Urgency, after: Urgency) -> bool:
    return RISING.index(after) < RISING.index(before)


def suggest_categories(text: str, categories: Iterable[Category]) -> tuple[Suggested, ...]:
    """By name and keywords: more words first, longer words before shorter, then the more urgent."""
    said = _plain(text)
    ranked: list[tuple[tuple[int, int, int], str, Suggested]] = []
    for category in categories:
        if category.retired_at is not None:
            continue
        asked = dict.fromkeys((category.name.zh, category.name.en, *category.keywords))
        words = tuple(word for word in asked if _stands_in(word, said))
        if words:
            rank = (-len(words), -sum(map(len, words)), -RISING.index(category.urgency))
            ranked.append((rank, category.code, Suggested(category.code, words)))
    return tuple(suggested for _, _, suggested in sorted(ranked, key=lambda one: one[:2])[:SUGGESTIONS_MAX])


def suggest_snippets(
    text: str, category_code: str | None, snippets: Iterable[Snippet]
) -> tuple[Suggested, ...]:
    """By title and keywords; those of the category come first, and need no word."""
    said = _plain(text)
    ranked: list[tuple[tuple[bool, int], str, Suggested]] = []
    for snippet in snippets:
        if snippet.retired_at is not None:
            continue
        asked = dict.fromkeys((snippet.title.zh, snippet.title.en, *snippet.keywords))
        words = tuple(word for word in asked if _stands_in(word, said))
        belongs = category_code is not None and snippet.category_code == category_code
        if words or belongs:
            ranked.append(((not belongs, -len(words)), snippet.id, Suggested(snippet.id, words)))
    return tuple(suggested for _, _, suggested in sorted(ranked, key=lambda one: one[:2])[:SUGGESTIONS_MAX])


def _plain(text: str) -> str:
    return normalize("NFKC", text).casefold()


def _stands_in(word: str, said: str) -> bool:
    """Chinese has no word borders; a Latin word stands alone: `gas` does not stand in `gasp`."""
    plain = _plain(word).strip()
    if not plain:
        return False
    if not plain.isascii():
        return plain in said
    return re.search(rf"(?<![a-z0-9]){re.escape(plain)}(?![a-z0-9])", said) is not None
