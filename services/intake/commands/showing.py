"""What is shown of a case, and to whom its requester."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from services.intake.commands.given import Command
from shared.vocabulary import (
    CaseState,
    Channel,
    ClosedBy,
    Language,
    Level,
    Outcome,
    Urgency,
)


class Tracked(BaseModel):
    """What the page with number and code shows: no personal data, no place."""

    number: str
    state: CaseState
    urgency: Urgency
    category_code: str
    level: Level
    round: int
    registered_at: datetime
    accepted_at: datetime | None
    arrived_at: datetime | None
    handled_at: datetime | None
    reopened_at: datetime | None
    closed_at: datetime | None
    outcome: Outcome | None


class PlaceShown(BaseModel):
    lon: float | None
    lat: float | None
    label: str


class RequesterShown(BaseModel):
    """Masked: 王*, 138****5678. Whoever handles the case is not told whether they will be asked."""

    name: str | None
    phone: str | None
    language: Language
    can_be_asked: bool | None


class CaseShown(Tracked):
    case_id: UUID
    channel: Channel
    headline: str
    place: PlaceShown
    grid_id: str | None
    unit_id: str
    unit_path: tuple[str, ...]
    requester: RequesterShown
    handled_outcome: Outcome | None
    closed_by: ClosedBy | None
    resolved_level: Level | None
    follow_up_id: UUID | None


class RevealPurpose(StrEnum):
    """Why somebody needs to see who asked. A word and no free text: it is kept in the journal."""

    CALL_RESIDENT = "call_resident"
    VISIT = "visit"
    HANDLING = "handling"
    FOLLOW_UP = "follow_up"
    SUPERVISION = "supervision"
    DATA_SUBJECT_REQUEST = "data_subject_request"


class ContactPurpose(StrEnum):
    """The messages notify sends to a resident."""

    REGISTERED = "registered"
    WORKER_COMING = "worker_coming"
    PLEASE_ANSWER = "please_answer"
    CASE_AMENDED = "case_amended"
    CASE_MERGED = "case_merged"
    CASE_UNMERGED = "case_unmerged"
    CASE_ANSWERED = "case_answered"
    NOT_ACCEPTED = "not_accepted"
    CASE_WITHDRAWN = "case_withdrawn"
    INFORMATION_ASKED = "information_asked"
    EXTENSION_ANSWERED = "extension_answered"
    CASE_PARKED = "case_parked"
    CASE_UNPARKED = "case_unparked"
    APPOINTMENT_AGREED = "appointment_agreed"


class RevealRequester(Command):
    purpose: RevealPurpose


class RemarkRevealed(BaseModel):
    """What was said beside the answers of a follow-up."""

    round: int
    at: datetime
    channel: Channel
    text: str


class Revealed(BaseModel):
    name: str | None
    phone: str | None
    language: Language
    description: str
    remarks: tuple[RemarkRevealed, ...] = ()


class Contact(BaseModel):
    """For notify, for one message: kept nowhere else."""

    name: str | None
    phone: str
    language: Language
    number: str
    pickup_code: str
    tracking_url: str
    follow_up_url: str | None
