"""What the data protection officer does for a person who asks: a copy of their data, or its end."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from services.intake.commands.asking import FollowUpTold
from services.intake.commands.given import Command, Phone
from services.intake.commands.registration import Beneficiary
from services.intake.commands.showing import PlaceShown, QuestionShown, RemarkRevealed
from shared.vocabulary import (
    ActorKind,
    CaseState,
    Channel,
    EmergencyService,
    Language,
    Outcome,
    RequesterKind,
    Role,
    Urgency,
)


class PersonAsked(Command):
    """Whose data it is. Each request handles so many cases at most; `cursor` goes on."""

    phone: Phone = Field(description="digits, however grouped")
    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: int = Field(default=50, ge=1, le=100)

    @model_validator(mode="after")
    def _a_phone(self) -> Self:
        if self.phone is None:
            raise ValueError("请填写电话号码 / give a phone number")
        return self


class AttachmentTold(BaseModel):
    attachment_id: UUID
    added_at: datetime
    media_type: str
    size_bytes: int


class EntryTold(BaseModel):
    """One line of the case's journal; of staff only the role. `purpose` where somebody saw or looked for the person."""

    at: datetime
    type: str
    actor: ActorKind
    role: Role | None
    purpose: str | None = None


class PersonsCase(BaseModel):
    """Everything about the person in one case."""

    case_id: UUID
    number: str
    channel: Channel
    category_code: str
    urgency: Urgency
    headline: str
    place: PlaceShown
    unit_id: str
    state: CaseState
    registered_at: datetime
    reported_at: datetime | None
    taken_at: str | None
    appointment_starts_at: datetime | None
    appointment_ends_at: datetime | None
    requester_kind: RequesterKind
    care: bool
    crisis: EmergencyService | None
    urged_count: int
    urged_at: datetime | None
    contested_at: datetime | None
    closed_at: datetime | None
    outcome: Outcome | None
    name: str | None
    phone: str | None
    language: Language
    on_behalf_of: Beneficiary | None
    author: str | None
    description: str | None
    answer_given: str | None
    refused_consents: tuple[str, ...]
    follow_ups: tuple[FollowUpTold, ...]
    remarks: tuple[RemarkRevealed, ...]
    questions: tuple[QuestionShown, ...]
    attachments: tuple[AttachmentTold, ...]
    history: tuple[EntryTold, ...]


class PersonsData(BaseModel):
    """Newest case first."""

    cases: tuple[PersonsCase, ...]
    next_cursor: str | None


class Erased(BaseModel):
    """By their numbers. Open cases stay: whoever asked must be found until they are closed."""

    erased: tuple[str, ...]
    still_open: tuple[str, ...]
    next_cursor: str | None
