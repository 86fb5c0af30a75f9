"""What an operator may answer at once (snippets.csv): examples for a city to replace, rules differ by place."""

from __future__ import annotations

from services.registry.defaults.catalogue import rows_of
from shared.things import Name, Snippet


def snippets() -> tuple[Snippet, ...]:
    return tuple(
        Snippet(
            id=row["id"],
            title=Name(zh=row["title_zh"], en=row["title_en"]),
            text=Name(zh=row["zh"], en=row["en"]),
            category_code=row["category"],
            keywords=tuple(row["keywords"].split()),
        )
        for row in rows_of("snippets.csv")
    )
