"""Suggestions from the catalogue, the word lists and the knowledge; nothing is written."""

from __future__ import annotations

from services.intake.commands.triage import CategorySuggested, SnippetSuggested, Triage
from services.intake.rules.triage import read_words, suggest_categories, suggest_snippets
from shared.directory import Directory


def suggest(directory: Directory, text: str, category_code: str | None) -> Triage:
    reading = read_words(text, directory.word_lists.values())
    return Triage(
        transfer=reading.transfer,
        urgency=reading.urgency,
        words=reading.words,
        categories=tuple(
            _category(directory, one.code, one.words)
            for one in suggest_categories(text, directory.categories.values())
        ),
        snippets=tuple(
            _snippet(directory, one.code, one.words)
            for one in suggest_snippets(text, category_code, directory.snippets.values())
        ),
    )


def _category(directory: Directory, code: str, words: tuple[str, ...]) -> CategorySuggested:
    category = directory.categories[code]
    return CategorySuggested(
        code=code,
        name=category.name,
        urgency=category.urgency,
        words=words,
        script=category.script,
        rightful_unit_id=category.rightful_unit_id,
    )


def _snippet(directory: Directory, snippet_id: str, words: tuple[str, ...]) -> SnippetSuggested:
    snippet = directory.snippets[snippet_id]
    return SnippetSuggested(id=snippet_id, title=snippet.title, text=snippet.text, words=words)
