"""What may be asked of a case that stands: by staff under its id, by the requester with number and code."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from services.intake.commands.given import DESCRIPTION_CHARACTERS_MAX, Command, Line
from services.intake.commands.places import PlaceGiven
from services.intake.commands.transfer import Transfer
from shared.vocabulary import CaseState, Outcome, Urgency

EXCLUDED_MAX = 10
QUESTION_CHARACTERS_MAX = 1000

Code = Annotated[str, Field(min_length=1, max_length=20)]
"""The pickup code that only the requester knows."""


class ConsentPurpose(StrEnum):
    """What a requester may agree to, and take back: being contacted about the case, and that whoever handles it sees
    name and phone."""

    CONTACT = "contact"
    SHARE_WITH_HANDLER = "share_with_handler"


class WindowGiven(Command):
    """When the requester is there; the limits are rules/appointments.py."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime


class AmendCase(Command):
    """What differs from now on; what is not given stays. Urgency is lowered by a supervisor only."""

    category_code: str | None = Field(default=None, min_length=1, max_length=60)
    urgency: Urgency | None = None
    description: Line | None = Field(default=None, max_length=DESCRIPTION_CHARACTERS_MAX)
    place: PlaceGiven | None = None
    grid_id: str | None = Field(default=None, max_length=60)
    excluded: tuple[str, ...] | None = Field(default=None, max_length=EXCLUDED_MAX)
    care: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("没有要修改的内容 / there is nothing to change")
        return self


class MergeCase(Command):
    """The other case that is the same thing; the earlier of the two becomes the parent."""

    with_case_id: UUID


class AskInformation(Command):
    text: Line = Field(min_length=1, max_length=QUESTION_CHARACTERS_MAX)


class GiveInformation(Command):
    """By staff for a requester who answered on the phone; without a text the question is taken back."""

    text: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)


class RecordConsent(Command):
    purpose: ConsentPurpose
    given: bool


class WithCode(Command):
    """By the requester; `code` as on the receipt."""

    code: Code


class AnswerQuestion(WithCode):
    question_id: UUID
    text: Line = Field(min_length=1, max_length=DESCRIPTION_CHARACTERS_MAX)


class AgreeWindow(WithCode):
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class RecordOwnConsent(WithCode):
    purpose: ConsentPurpose
    given: bool


class Changed(BaseModel):
    """Where the case stands after a change; `changed` names what differs. `transfer` stands first: what the new words
    demand at once."""

    transfer: Transfer | None = None
    case_id: UUID
    number: str
    state: CaseState
    urgency: Urgency
    unit_id: str
    outcome: Outcome | None
    urged_count: int
    parent_id: UUID | None
    appointment_starts_at: datetime | None
    appointment_ends_at: datetime | None
    changed: tuple[str, ...] = ()


class Family(BaseModel):
    """The parent and the cases merged into it, by their ids; `next_cursor` asks for those after, None at the end."""

    parent_id: UUID
    parent_number: str
    children: tuple[UUID, ...]
    next_cursor: UUID | None


class QuestionAsked(BaseModel):
    case_id: UUID
    question_id: UUID


class OwnCase(BaseModel):
    """What the requester is answered: no ids but the number. `transfer` stands first: whom to call now."""

    transfer: Transfer | None = None
    number: str
    state: CaseState
    urged_count: int
    outcome: Outcome | None
    appointment_starts_at: datetime | None
    appointment_ends_at: datetime | None


class Attached(BaseModel):
    attachment_id: UUID
    media_type: str
    sha256: str
    size_bytes: int
