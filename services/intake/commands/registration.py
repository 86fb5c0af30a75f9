"""What people send to have a case taken in, and what they are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, model_validator

from services.intake.commands.changes import EXCLUDED_MAX, ConsentPurpose, WindowGiven
from services.intake.commands.given import DESCRIPTION_CHARACTERS_MAX, Command, Line, Phone
from services.intake.commands.places import PlaceGiven
from services.intake.commands.transfer import Transfer
from shared.things import Name
from shared.vocabulary import (
    REGISTRATION_CHANNELS,
    Channel,
    EmergencyService,
    Language,
    NotAcceptedReason,
    Outcome,
    RequesterKind,
    Urgency,
)

EVERY_CONSENT = frozenset(ConsentPurpose)
TAKEN_IN_AT_A_PLACE = frozenset({Channel.WALK_IN_POST, Channel.WINDOW})


def _where_cases_come_from(channel: Channel) -> Channel:
    if channel not in REGISTRATION_CHANNELS:
        raise ValueError("不是登记渠道 / cases do not come in by this channel")
    return channel


class Beneficiary(Command):
    """For whom a proxy or a guardian asks."""

    name: Line = Field(min_length=1, max_length=100)
    phone: Phone = None
    relation: Line = Field(default="", max_length=40)


def _as_a_set(given: Any) -> Any:
    """A list of JSON is a list of Python behind a validator that looks at the whole: strictly taken no set."""
    if isinstance(given, list) and all(isinstance(one, str) for one in given):
        return frozenset(given)
    return given


class RequesterGiven(Command):
    """Who asks. Anonymous means that nothing about them is kept; a proxy or a guardian says for whom.
    `consent` is what they agree to: all of it, unless they say otherwise."""

    name: Line | None = Field(default=None, max_length=100)
    phone: Phone = None
    anonymous: bool = False
    kind: RequesterKind = RequesterKind.SELF
    on_behalf_of: Beneficiary | None = None
    language: Language = Language.CHINESE
    consent: Annotated[frozenset[ConsentPurpose], BeforeValidator(_as_a_set)] = EVERY_CONSENT

    @model_validator(mode="before")
    @classmethod
    def _anonymous_said_either_way(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("anonymous") is True and "kind" not in given:
            return given | {"kind": RequesterKind.ANONYMOUS}
        if isinstance(given, dict) and given.get("kind") == RequesterKind.ANONYMOUS:
            return {"anonymous": True} | given
        return given

    @model_validator(mode="after")
    def _each_kind_says_what_it_needs(self) -> Self:
        if self.anonymous != (self.kind is RequesterKind.ANONYMOUS):
            raise ValueError("匿名与诉求人类型不一致 / anonymous and kind contradict each other")
        if self.anonymous and (self.name or self.phone or self.on_behalf_of):
            raise ValueError("匿名诉求不得填写姓名或电话 / an anonymous requester gives no name or phone")
        for_another = self.kind in {RequesterKind.PROXY, RequesterKind.GUARDIAN}
        if for_another != (self.on_behalf_of is not None):
            raise ValueError("代办和监护须写明为谁 / a proxy or guardian, and nobody else, says for whom")
        if self.kind is RequesterKind.GUARDIAN and not self.phone:
            raise ValueError("监护人须留电话 / a guardian leaves a phone number")
        return self


class Forwarded(Command):
    """A text from a chat group: who wrote it there (sealed), and when."""

    author: Line = Field(default="", max_length=100)
    said_at: AwareDatetime | None = None


class AnswerGiven(Command):
    """The question is answered, or the business done, on the spot: from a snippet, in own words, or both."""

    snippet_id: str | None = Field(default=None, max_length=60)
    text: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)

    @model_validator(mode="after")
    def _something_was_said(self) -> Self:
        if not self.snippet_id and not self.text:
            raise ValueError("请选择知识条目或填写答复 / choose a snippet or write the answer")
        return self


class Refusal(Command):
    """不予受理: one of six reasons, and who is rightly asked where somebody is."""

    reason: NotAcceptedReason
    service: EmergencyService | None = None
    rightful_unit_id: str | None = Field(default=None, max_length=60)

    @model_validator(mode="after")
    def _says_whom_to_call(self) -> Self:
        if (self.reason is NotAcceptedReason.EMERGENCY_SERVICE) != (self.service is not None):
            raise ValueError("请说明转接 110、119、120 或 122 / say which emergency service, and only then")
        return self


class RegisterCase(Command):
    """`urgency` may only raise what the category and the words say. `reported_at` is when it was said or seen, where
    that was earlier; `taken_at` the unit at whose post or window. `answer` and `not_accepted` end the case at once."""

    channel: Annotated[Channel, AfterValidator(_where_cases_come_from)]
    category_code: str = Field(min_length=1, max_length=60)
    description: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)
    place: PlaceGiven = PlaceGiven()
    grid_id: str | None = Field(default=None, max_length=60)
    requester: RequesterGiven = RequesterGiven()
    urgency: Urgency | None = None
    appointment: WindowGiven | None = None
    reported_at: AwareDatetime | None = None
    taken_at: str | None = Field(default=None, max_length=60)
    forwarded: Forwarded | None = None
    excluded: tuple[Annotated[str, Field(max_length=60)], ...] = Field(default=(), max_length=EXCLUDED_MAX)
    care: bool = False
    answer: AnswerGiven | None = None
    not_accepted: Refusal | None = None

    @model_validator(mode="after")
    def _ends_in_one_way(self) -> Self:
        if self.answer and self.not_accepted:
            raise ValueError("答复与不予受理只能选一 / it is either answered or not accepted")
        if self.forwarded and self.channel is not Channel.CHAT_FORWARD:
            raise ValueError("转发信息只用于群聊渠道 / only a chat forward has an author and a time")
        if self.taken_at and self.channel not in TAKEN_IN_AT_A_PLACE:
            raise ValueError(
                "只有民生驿站和窗口登记写明受理点 / only a post or a window says where it was taken in"
            )
        if self.appointment and (self.answer or self.not_accepted):
            raise ValueError("当场办结的不再预约 / what ends at once has no appointment")
        return self

    @property
    def ends_at_once(self) -> Outcome | None:
        if self.answer:
            return Outcome.ANSWERED
        return Outcome.NOT_ACCEPTED if self.not_accepted else None


class ReportCase(Command):
    """What a resident sends from the web page or WeChat."""

    channel: Literal[Channel.WEB, Channel.WECHAT]
    category_code: str = Field(min_length=1, max_length=60)
    description: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)
    place: PlaceGiven = PlaceGiven()
    grid_id: str | None = Field(default=None, max_length=60)
    requester: RequesterGiven = RequesterGiven()
    appointment: WindowGiven | None = None

    def as_registration(self) -> RegisterCase:
        return RegisterCase(**{field: getattr(self, field) for field in type(self).model_fields})


class Registered(BaseModel):
    """`transfer` stands first: in danger the caller is put through before anything is read. `told` is what the caller
    is told where the case ended at once; `rightful_unit_id` is set where the community may not be sent it.
    `pickup_code` is null to staff away from the desk where a message carries it to the requester's phone."""

    transfer: Transfer | None = None
    case_id: UUID
    number: str
    pickup_code: str | None
    urgency: Urgency
    grid_id: str | None
    unit_id: str
    registered_at: datetime
    tracking_url: str
    outcome: Outcome | None = None
    told: Name | None = None
    rightful_unit_id: str | None = None
