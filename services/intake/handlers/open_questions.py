"""What is still to be answered: of the units somebody works for, and what they asked themself."""

from __future__ import annotations

from services.intake.commands.questions import OpenQuestion, OpenQuestions
from services.intake.handlers.callers_list import FROM_THE_START, cursor_of, read_cursor
from services.intake.handlers.permissions import MAY_CHANGE, units_of
from services.intake.queries import open_questions
from shared.database import Transaction
from shared.identity import SignedIn


async def page(tx: Transaction, who: SignedIn, *, cursor: str | None, limit: int) -> OpenQuestions:
    rows = await open_questions.oldest_first(
        tx,
        units=units_of(who, MAY_CHANGE),
        person_id=who.person_id,
        after=read_cursor(cursor) if cursor else FROM_THE_START,
        rows_max=limit + 1,
    )
    shown = tuple(
        OpenQuestion(
            **{name: row[name] for name in OpenQuestion.model_fields if name in row},
            unit_id=row["unit_path"][-1],
        )
        for row in rows[:limit]
    )
    more = len(rows) > limit
    return OpenQuestions(
        items=shown, next_cursor=cursor_of(shown[-1].asked_at, shown[-1].question_id) if more else None
    )
