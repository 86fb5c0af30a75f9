"""What people and gateways may ask of notify."""

from __future__ import annotations

from datetime import time
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.vocabulary import Language

CHANNELS_MAX = 5
ENDPOINT_CHARACTERS_MAX = 1000
RECEIPTS_MAX = 500

ChosenChannel = Literal["feed", "webpush", "sms", "webhook", "smtp"]
DigestChoice = Literal["off", "after_quiet", "daily"]
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{5,20}$")]


class Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReadFeed(Command):
    """I have seen my feed up to this number; numbers beyond its end mean its end."""

    up_to: int = Field(ge=0)


class QuietTimes(Command):
    """When nothing rings that is not urgent, in the community's time; over midnight where `starts` is later."""

    starts: time
    ends: time


class ChoosePreferences(Command):
    """How I want to be told. `channels` is the order in which an unread emergency offer goes on; what is left out is
    never used. `quiet` null: I may always be rung. `sms_number` is left as it is where it is not named."""

    channels: tuple[ChosenChannel, ...] = Field(min_length=1, max_length=CHANNELS_MAX)
    quiet: QuietTimes | None = None
    digest: DigestChoice = "after_quiet"
    digest_at: time | None = None
    language: Language | None = None
    sms_number: Number | None = None


class SubscriptionKeys(Command):
    p256dh: str = Field(min_length=80, max_length=120)
    auth: str = Field(min_length=16, max_length=40)


class Subscribe(Command):
    """A browser's push subscription, as `PushSubscription.toJSON()` gives it, and what I call the device."""

    endpoint: str = Field(min_length=10, max_length=ENDPOINT_CHARACTERS_MAX)
    keys: SubscriptionKeys
    name: str = Field(default="", max_length=60)


class ReceiptStatus(StrEnum):
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


class Receipt(Command):
    """What became of one message at its receiver. `id` is the `webhook-id` it came under."""

    id: str = Field(min_length=1, max_length=200)
    status: ReceiptStatus
    because: str | None = Field(default=None, max_length=60, pattern=r"^[A-Za-z0-9_ -]*$")


class GiveReceipts(Command):
    """A gateway's receipts; they may come twice and in any order."""

    receipts: tuple[Receipt, ...] = Field(min_length=1, max_length=RECEIPTS_MAX)


class EditTemplate(Command):
    """New words. `version` is the one they replace: 0 for the shipped ones."""

    title: str = Field(max_length=2000)
    text: str = Field(max_length=4000)
    version: int = Field(ge=0)


class RestoreTemplate(Command):
    """Back to the shipped words."""

    version: int = Field(ge=1)


class PreviewTemplate(Command):
    """Words to be looked at with example data before they are saved."""

    audience: Literal["staff", "requester"]
    kind: str
    language: Language
    title: str = Field(max_length=2000)
    text: str = Field(max_length=4000)
