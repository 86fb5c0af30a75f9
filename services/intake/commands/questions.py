"""The list of what requesters were asked and have not answered yet."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from shared.vocabulary import CaseState, Urgency


class OpenQuestion(BaseModel):
    """One line; the words are read with the case, by who may see them."""

    question_id: UUID
    asked_at: datetime
    asked_by: str
    case_id: UUID
    number: str
    category_code: str
    urgency: Urgency
    headline: str
    unit_id: str
    state: CaseState


class OpenQuestions(BaseModel):
    """Oldest first."""

    items: tuple[OpenQuestion, ...]
    next_cursor: str | None
