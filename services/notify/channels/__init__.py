"""The channels: each takes a message and says what became of it. The feed, which never leaves our database, is the
exception: it is written with the event itself, and its module wakes the open streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.vocabulary import Language, NoticeKind


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that may be pushed to, as the Push API gave it: where, its public key, and its secret."""

    id: str
    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one receiver. `key` is the idempotency key: the same message sent again carries the same key.
    `to` is a mail address, a URL or a number; `data` goes along for machines and is kept by nobody here. `notice_id`
    names it where `key`, which names the person, must not go; `devices` are those of a push, `urgent` rings."""

    key: str
    kind: NoticeKind
    language: Language
    to: str
    title: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    notice_id: str = ""
    devices: tuple[Device, ...] = ()
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """Handed over: from here on it is the receiver's. `gone` are devices that are no longer subscribed."""

    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The receiver will not take it, now or later."""

    because: str
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Not taken this time; worth trying again, not before `after_seconds` where the receiver said so."""

    because: str
    after_seconds: float | None = None
    gone: tuple[str, ...] = ()


Result = Sent | Refused | Unreachable


class Channel(Protocol):
    """A way out of the house."""

    async def send(self, message: Message) -> Result: ...

    async def close(self) -> None: ...
