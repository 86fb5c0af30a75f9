"""Every kind of notice speaks both languages, and uses only what it is given."""

from __future__ import annotations

from enum import StrEnum

import pytest
from jinja2 import meta

from services.notify.channels.checking import faults_of
from services.notify.channels.variables import MUST_SAY, VARIABLES, Audience, example
from services.notify.channels.wording import (
    Source,
    Wording,
    Words,
    environment_of,
    shipped,
    shipped_sources,
    source_of,
)
from services.notify.rules.telling import TELLS
from shared.going import EntryFlag, EntryKind, ReassignReason, WithdrawReason
from shared.vocabulary import (
    DeadlineKind,
    EmergencyService,
    EscalationCause,
    EscalationReason,
    ExtensionReason,
    Language,
    Level,
    NotAcceptedReason,
    NoticeKind,
    Outcome,
    ParkReason,
    ReturnBasis,
    Role,
    Ruling,
    SupervisionKind,
    UnparkReason,
)

ZONE = "Asia/Shanghai"
STAFF, REQUESTER = Audience.STAFF, Audience.REQUESTER


def of(kind: NoticeKind, language: Language = Language.ENGLISH, audience: Audience = STAFF) -> Source:
    return Source(audience, kind, language)


@pytest.mark.parametrize("source", shipped_sources(), ids=str)
def test_what_we_ship_can_be_said(source: Source) -> None:
    """By the same check that administrators' words pass: known variables only, nothing missing, never `None`."""
    assert faults_of(source, shipped(source), ZONE) == []


def test_every_kind_has_words() -> None:
    assert {kind for _, kind in VARIABLES} == set(NoticeKind)
    assert len(TELLS) > 40


@pytest.mark.parametrize("source", shipped_sources(), ids=str)
def test_templates_use_what_is_declared_and_both_languages_the_same(source: Source) -> None:
    words = shipped(source)
    used = meta.find_undeclared_variables(
        environment_of(source.language, ZONE).parse(words.title + words.text)
    )
    declared = VARIABLES[source.audience, source.kind]
    assert declared - used <= {"headline", "place", "number"}, "declared and never used"
    assert MUST_SAY.get((source.audience, source.kind), frozenset()) <= used


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("notice", NoticeKind),
        ("level", Level),
        ("deadline", DeadlineKind),
        ("cause", EscalationCause),
        ("ended", WithdrawReason),
        ("order", SupervisionKind),
        ("outcome", Outcome),
        ("basis", ReturnBasis),
        ("ruling", Ruling),
        ("extension", ExtensionReason),
        ("park", ParkReason),
        ("unpark", UnparkReason),
        ("raised_because", EscalationReason),
        ("handed_over", ReassignReason),
        ("entry", EntryKind),
        ("flag", EntryFlag),
        ("refusal", NotAcceptedReason),
        ("service", EmergencyService),
        ("role", Role),
    ],
)
@pytest.mark.parametrize("language", Language)
def test_every_word_of_the_field_has_a_term(language: Language, group: str, words: type[StrEnum]) -> None:
    assert set(words) <= set(source_of(language)["terms"][group])


def test_what_is_not_known_is_left_out() -> None:
    known = {"number": "1", "headline": "井盖缺失", "expires_at": "2026-03-01T18:25:00Z", "emergency": True}
    assert Wording(ZONE).render(of(NoticeKind.OFFER), known).text == (
        "Case 1, 井盖缺失. Accept or decline by 03-02 02:25."
    )


def test_times_are_those_of_the_community() -> None:
    known = example(Language.CHINESE) | {"due_at": "2026-03-01T18:25:00Z"}
    said = Wording(ZONE).render(of(NoticeKind.DEADLINE_AMBER, Language.CHINESE), known)
    assert "03-02 02:25" in said.text


def test_edited_words_stand_before_the_shipped_ones_and_give_way_when_they_break() -> None:
    wording, source = Wording(ZONE), of(NoticeKind.CASE_URGED)
    known = example(Language.ENGLISH)
    before = wording.render(source, known)
    wording.take([(source, Words("Again {{ number }}", "{{ count }} times: {{ number }}"))])
    assert wording.render(source, known) == Words("Again 26030017401", "2 times: 26030017401")
    wording.take([(source, Words("{{ count | term('nothing') }}", "{{ number }}"))])
    assert wording.render(source, known) == before
    wording.take([])
    assert wording.render(source, known) == before


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("{{ number }}", "{{ numbr }}", ("text", 1, 4, "unknown-variable")),
        ("{{ number }}", "one\ntwo {{ pickup_code }}", ("text", 2, 8, "unknown-variable")),
        ("{{ headline }}", "no number", ("text", 1, None, "missing-variable")),
        ("{{ number", "x", ("title", 1, None, "syntax")),
        ("{{ number | shout }}", "x", ("title", 1, 13, "unknown-filter")),
        ("{{ number }}", "{% for a in number %}{{ a }}{% endfor %}", ("text", 1, None, "not-allowed")),
        ("{{ number }}", "{{ number.upper() }}", ("text", 1, None, "not-allowed")),
        ("{{ number }}", "{{ ''.__class__ }}", ("text", 1, None, "not-allowed")),
        ("{{ number }}", "{{ outcome | term('outcomes') }}", ("text", 1, 20, "unknown-terms")),
        ("{{ number }}", "{{ place }}", ("text", 1, None, "cannot-be-said")),
        ("{{ number }}\n", "a\nb", None),
        ("{{ number }}\nb", "x", ("title", 1, None, "one-line")),
        ("{{ number }}", " ", ("text", 1, None, "empty")),
        ("{{ number }}", "x" * 501, ("text", 1, None, "too-long")),
    ],
)
def test_words_that_cannot_be_said_are_refused_with_their_place(
    title: str, text: str, expected: tuple[str, int, int | None, str] | None
) -> None:
    source = of(NoticeKind.CASE_ENDED, Language.CHINESE)
    faults = faults_of(source, Words(title, text), ZONE)
    if expected is None:
        assert faults == []
    else:
        assert expected in [(one.field, one.line, one.column, one.code) for one in faults]


def test_a_requester_hears_other_words_than_the_holder() -> None:
    known = example(Language.CHINESE)
    wording = Wording(ZONE)
    staff = wording.render(of(NoticeKind.CASE_MERGED, Language.CHINESE), known).text
    requester = wording.render(of(NoticeKind.CASE_MERGED, Language.CHINESE, REQUESTER), known).text
    assert requester.startswith("【一刻】")
    assert not staff.startswith("【一刻】")
