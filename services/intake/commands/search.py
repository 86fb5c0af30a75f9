"""Finding cases again."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, model_validator

from services.intake.commands.given import Command, Line, Moment, Phone
from services.intake.commands.showing import RequesterShown
from shared.vocabulary import CaseState, Channel, Level, Outcome, Urgency


def _or_nothing(text: str) -> str | None:
    """An empty field of a form asks for nothing."""
    return text or None


Words = Annotated[Line, Field(max_length=100), AfterValidator(_or_nothing)]


class ListCases(Command):
    """Everything given must hold. `since` is inclusive, `until` exclusive, both the time of registration. `person` is
    who holds or held the case."""

    number: Annotated[Line, Field(max_length=40), AfterValidator(_or_nothing)] | None = None
    person: Words | None = None
    unit: Annotated[Line, Field(max_length=60), AfterValidator(_or_nothing)] | None = None
    state: tuple[CaseState, ...] = ()
    category: tuple[Annotated[Line, Field(max_length=60)], ...] = Field(default=(), max_length=50)
    urgency: tuple[Urgency, ...] = ()
    since: Moment | None = None
    until: Moment | None = None
    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: int = Field(default=50, ge=1, le=100)


class SearchCases(ListCases):
    """`address` looks at the place, `text` also at what the caller said; the words of either must all stand there."""

    address: Words | None = None
    text: Words | None = None


class SearchPurpose(StrEnum):
    """Why somebody looks for a person's cases. A word and no free text: it is kept in the journal."""

    CALL_COMES_IN = "call_comes_in"
    HANDLING = "handling"
    FOLLOW_UP = "follow_up"
    SUPERVISION = "supervision"
    DATA_SUBJECT_REQUEST = "data_subject_request"


class SearchByPhone(Command):
    phone: Phone = Field(description="digits, however grouped")
    purpose: SearchPurpose
    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: int = Field(default=50, ge=1, le=100)

    @model_validator(mode="after")
    def _a_phone(self) -> Self:
        if self.phone is None:
            raise ValueError("请填写电话号码 / give a phone number")
        return self


class CaseFound(BaseModel):
    """One line of the result, masked."""

    case_id: UUID
    number: str
    channel: Channel
    category_code: str
    urgency: Urgency
    headline: str
    place_label: str
    unit_id: str
    state: CaseState
    level: Level
    round: int
    registered_at: datetime
    handled_by: str | None
    closed_at: datetime | None
    outcome: Outcome | None
    requester: RequesterShown


class CasesFound(BaseModel):
    """Newest first. A page may be shorter than asked although there are more: go on until there is no cursor."""

    items: tuple[CaseFound, ...]
    next_cursor: str | None
