"""Every kind of notice speaks both languages, and uses only what it is given."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

import pytest
from jinja2 import meta

from services.notify.channels.wording import VARIABLES, environment_of, render, source_of
from shared.vocabulary import (
    DeadlineKind,
    EscalationCause,
    Language,
    Level,
    NoticeKind,
    Outcome,
    SupervisionKind,
    WithdrawReason,
)

ZONE = "Asia/Shanghai"
AT = datetime(2026, 3, 1, 18, 25, tzinfo=UTC)
KNOWN = {
    "number": "2603-0017-4",
    "headline": "井盖缺失",
    "place": "建设路 12 号",
    "emergency": True,
    "goes": True,
    "expires_at": AT,
    "due_at": "2026-03-01T18:25:00Z",
    "eta_seconds": 250,
    "reason": "lapsed",
    "holder": "王甲",
    "cause": EscalationCause.BY_HAND,
    "level": Level.GRID,
    "from_level": Level.GRID,
    "to_level": Level.COMMUNITY,
    "unit": "建设社区",
    "supervising_unit": "街道",
    "deadline": DeadlineKind.ARRIVE,
    "why": "fastest",
    "order": SupervisionKind.LISTED,
    "outcome": Outcome.SOLVED,
    "pickup_code": "4711",
    "tracking_url": "https://example.org/t/1",
    "answer_url": "https://example.org/a/1",
}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_is_written_in_both_languages(kind: NoticeKind, language: Language) -> None:
    full = render(kind, language, KNOWN, ZONE)
    assert "2603-0017-4" in full.title + full.text
    assert "\n" not in full.title
    for words in (full.title, full.text):
        assert words.strip()
        assert "None" not in words


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", NoticeKind)
def test_templates_use_what_is_declared_and_both_languages_the_same(
    kind: NoticeKind, language: Language
) -> None:
    environment = environment_of(language, ZONE)
    words = source_of(language)["notices"][kind]
    used = meta.find_undeclared_variables(environment.parse(words["title"] + words["text"]))
    assert used <= VARIABLES[kind]
    assert VARIABLES[kind] - used <= {"headline", "place", "number"}, "declared and never used"


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("level", Level),
        ("deadline", DeadlineKind),
        ("cause", EscalationCause),
        ("ended", WithdrawReason),
        ("order", SupervisionKind),
        ("outcome", Outcome),
    ],
)
@pytest.mark.parametrize("language", Language)
def test_every_word_of_the_field_has_a_term(language: Language, group: str, words: type[StrEnum]) -> None:
    assert set(words) <= set(source_of(language)["terms"][group])


def test_what_is_not_known_is_left_out() -> None:
    bare = {name: KNOWN[name] for name in ("number", "headline", "expires_at", "emergency")}
    assert render(NoticeKind.OFFER, Language.ENGLISH, bare, ZONE).text == (
        "Case 2603-0017-4, 井盖缺失. Accept or decline by 03-02 02:25."
    )


def test_times_are_those_of_the_community() -> None:
    assert "03-02 02:25" in render(NoticeKind.DEADLINE_AMBER, Language.CHINESE, KNOWN, ZONE).text
