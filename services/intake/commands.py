"""What people may ask of intake, and what they are answered."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.vocabulary import (
    REGISTRATION_CHANNELS,
    CaseState,
    Channel,
    ClosedBy,
    Language,
    Level,
    Outcome,
    Satisfaction,
    Urgency,
)

DESCRIPTION_CHARACTERS_MAX = 4000
PHONE_DIGITS = range(3, 16)


def _clean(text: str) -> str:
    """Without control characters (PostgreSQL refuses NUL) and outer blanks; line breaks stay."""
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable()).strip()


def _one_phone(text: object) -> object:
    """Digits only, a leading + kept: `138 1234-5678` and `13812345678` are one phone."""
    if not isinstance(text, str) or not text.strip():
        return None
    bare = text.strip()
    digits = "".join(letter for letter in bare if letter not in " -()（）")
    number = digits.removeprefix("+")
    if not number.isascii() or not number.isdigit() or len(number) not in PHONE_DIGITS:
        raise ValueError("电话号码有误 / is not a phone number")
    return digits


def _where_cases_come_from(channel: Channel) -> Channel:
    if channel not in REGISTRATION_CHANNELS:
        raise ValueError("不是登记渠道 / cases do not come in by this channel")
    return channel


Line = Annotated[str, AfterValidator(_clean)]
Phone = Annotated[str | None, BeforeValidator(_one_phone)]


class Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlaceGiven(Command):
    """WGS-84 degrees, both or neither; `label` is the address as the caller says it."""

    lon: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    label: Line = Field(default="", max_length=200)

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.lon is None) != (self.lat is None):
            raise ValueError("经度和纬度须同时给出 / lon and lat belong together")
        return self


class RequesterGiven(Command):
    """Who asks. Anonymous means that nothing about them is kept."""

    name: Line | None = Field(default=None, max_length=100)
    phone: Phone = None
    anonymous: bool = False
    language: Language = Language.CHINESE

    @model_validator(mode="after")
    def _anonymous_is_anonymous(self) -> Self:
        if self.anonymous and (self.name or self.phone):
            raise ValueError("匿名诉求不得填写姓名或电话 / an anonymous requester gives no name or phone")
        return self


class RegisterCase(Command):
    channel: Annotated[Channel, AfterValidator(_where_cases_come_from)]
    category_code: str = Field(min_length=1, max_length=60)
    description: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)
    place: PlaceGiven = PlaceGiven()
    grid_id: str | None = Field(default=None, max_length=60)
    requester: RequesterGiven = RequesterGiven()


class ReportCase(RegisterCase):
    """What a resident sends from the web page or WeChat."""

    channel: Literal[Channel.WEB, Channel.WECHAT]


class Registered(BaseModel):
    case_id: UUID
    number: str
    pickup_code: str
    urgency: Urgency
    grid_id: str | None
    unit_id: str
    registered_at: datetime
    tracking_url: str


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
    """Masked: 王*, 138****5678."""

    name: str | None
    phone: str | None
    language: Language
    can_be_asked: bool


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


class Revealed(BaseModel):
    name: str | None
    phone: str | None
    language: Language
    description: str


class Contact(BaseModel):
    """For notify, for one message: kept nowhere else."""

    name: str | None
    phone: str
    language: Language
    number: str
    pickup_code: str
    tracking_url: str
    follow_up_url: str | None


class GiveAnswers(Command):
    """The three questions; `coached` is the button `somebody told me what to answer`."""

    contacted: bool
    solved: bool
    satisfaction: Satisfaction
    coached: bool = False
    remark: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)


class RecordAttempt(Command):
    """A follow-up caller's attempt; answers if, and only if, the resident was reached."""

    channel: Literal[Channel.PHONE, Channel.VISIT, Channel.PAPER_CARD]
    reached: bool
    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: Satisfaction | None = None
    coached: bool = False
    remark: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)

    @model_validator(mode="after")
    def _answers_if_reached(self) -> Self:
        given = [answer is not None for answer in (self.contacted, self.solved, self.satisfaction)]
        if self.reached and not all(given):
            raise ValueError("请填写三项回答 / reached: all three answers are needed")
        if not self.reached and (any(given) or self.coached):
            raise ValueError("未联系上则没有回答 / not reached: there can be no answers")
        return self


class VerifyCase(Command):
    """核验, where nobody can be asked: solved closes the case, not solved sends it back."""

    solved: bool
    remark: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)


class CaseAfter(BaseModel):
    """Where the case stands after a follow-up or a verification."""

    case_id: UUID
    number: str
    state: CaseState
    round: int
    outcome: Outcome | None
    closed_by: ClosedBy | None
    attempts: int
    next_attempt_at: datetime | None


class LinkShown(BaseModel):
    """What the single-use page shows before it is answered; looking does not use it up."""

    number: str
    category_code: str
    registered_at: datetime
    handled_at: datetime
    handled_outcome: Outcome
    expires_at: datetime
    language: Language


class FollowUpShown(BaseModel):
    """One line of the caller's list, masked."""

    follow_up_id: UUID
    case_id: UUID
    number: str
    category_code: str
    urgency: Urgency
    headline: str
    round: int
    unit_id: str
    handled_at: datetime
    handled_outcome: Outcome
    due_at: datetime
    is_due: bool
    attempts: int
    link_expires_at: datetime | None
    requester: RequesterShown


class FollowUpPage(BaseModel):
    items: tuple[FollowUpShown, ...]
    next_cursor: str | None
