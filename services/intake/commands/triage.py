"""What is suggested to an operator."""

from __future__ import annotations

from pydantic import BaseModel, Field

from services.intake.commands.given import DESCRIPTION_CHARACTERS_MAX, Command, Line
from services.intake.commands.transfer import Transfer
from shared.things import Name
from shared.vocabulary import Urgency


class AskTriage(Command):
    """What the operator has written down so far."""

    text: Line = Field(max_length=DESCRIPTION_CHARACTERS_MAX)
    category_code: str | None = Field(default=None, max_length=60)


class CategorySuggested(BaseModel):
    """`script` is what the operator asks; `rightful_unit_id` whose it is where a community may not be asked."""

    code: str
    name: Name
    urgency: Urgency
    words: tuple[str, ...]
    script: Name | None
    rightful_unit_id: str | None


class SnippetSuggested(BaseModel):
    id: str
    title: Name
    text: Name
    words: tuple[str, ...]


class Triage(BaseModel):
    """`transfer` stands first. `urgency` is what the words alone demand, if they do."""

    transfer: Transfer | None
    urgency: Urgency | None
    words: tuple[str, ...]
    categories: tuple[CategorySuggested, ...]
    snippets: tuple[SnippetSuggested, ...]
