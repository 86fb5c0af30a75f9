"""What people send to have a case taken in, and what they are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, model_validator

from services.intake.commands.given import DESCRIPTION_CHARACTERS_MAX, Command, Line, Phone
from shared.vocabulary import (
    REGISTRATION_CHANNELS,
    Channel,
    Language,
    Urgency,
)


def _where_cases_come_from(channel: Channel) -> Channel:
    if channel not in REGISTRATION_CHANNELS:
        raise ValueError("不是登记渠道 / cases do not come in by this channel")
    return channel


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
