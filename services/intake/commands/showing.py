"""What is shown of a case, and to whom its requester."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from services.intake.commands.changes import ConsentPurpose
from services.intake.commands.given import Command
from services.intake.commands.registration import Beneficiary
from shared.things import Name
from shared.vocabulary import (
    CaseState,
    Channel,
    ClosedBy,
    EmergencyService,
    Language,
    Level,
    NotAcceptedReason,
    Outcome,
    RequesterKind,
    Urgency,
)
from shared.who_comes import WhoComes


class QuestionShown(BaseModel):
    """待补充: what the requester was asked, and what they answered."""

    question_id: UUID
    asked_at: datetime
    ended_at: datetime | None
    text: str
    answer: str | None


class AttachmentShown(BaseModel):
    id: UUID
    added_at: datetime
    media_type: str
    size_bytes: int


class AppointmentShown(BaseModel):
    starts_at: datetime
    ends_at: datetime


class Tracked(BaseModel):
    """What the page with number and code shows: no name, no phone, no place. `told` is what the caller was told where
    the case ended at once; of a case that is part of another the page shows how far that one has come."""

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
    requester_kind: RequesterKind
    not_accepted: NotAcceptedReason | None
    urged_count: int
    urged_at: datetime | None
    parked_until: datetime | None
    extended_until: datetime | None
    refused_consents: frozenset[ConsentPurpose]
    appointment: AppointmentShown | None = None
    merged_into: str | None = None
    merged_state: CaseState | None = None
    told: Name | None = None
    questions: tuple[QuestionShown, ...] = ()
    attachments: tuple[AttachmentShown, ...] = ()


class TrackingPage(Tracked):
    """`who_comes` is null while nobody can be coming and where dispatch cannot be asked: that somebody accepted is
    known all the same. Of a case that is part of another it is who comes to that one. While `asked_at` is there the
    three questions can be answered on the page."""

    who_comes: WhoComes | None = None
    asked_at: datetime | None = None


class PlaceShown(BaseModel):
    lon: float | None
    lat: float | None
    label: str


class RequesterShown(BaseModel):
    """Masked: 王*, 138****5678, and for whom they ask. Whoever handles the case is not told whether they will be
    asked."""

    name: str | None
    phone: str | None
    language: Language
    can_be_asked: bool | None
    on_behalf_of: str | None = None


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
    reported_at: datetime | None
    taken_at: str | None
    excluded: tuple[str, ...]
    care: bool
    crisis: EmergencyService | None
    snippet_id: str | None
    service: EmergencyService | None
    rightful_unit_id: str | None
    amended_at: datetime | None
    parent_id: UUID | None
    return_pending: bool
    awaiting_since: datetime | None = None


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
    """`author` is who wrote it in a chat; `answer` what the operator answered in their own words."""

    name: str | None
    phone: str | None
    language: Language
    description: str
    on_behalf_of: Beneficiary | None = None
    author: str | None = None
    answer: str | None = None
    questions: tuple[QuestionShown, ...] = ()
    remarks: tuple[RemarkRevealed, ...] = ()


class Contact(BaseModel):
    """For notify, for one message: kept nowhere else. `text` is what the message is about, in the reader's language:
    the question asked, the answer given, the refusal and whom to turn to."""

    name: str | None
    phone: str
    language: Language
    number: str
    pickup_code: str
    tracking_url: str
    follow_up_url: str | None
    text: str | None = None
