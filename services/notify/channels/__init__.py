"""The channels: each takes a message and says what became of it. The feed, which never leaves our database, is the
exception: it is written with the event itself, and its module wakes the open streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.vocabulary import Language, NoticeKind


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one receiver. `key` is the idempotency key: the same message sent again carries the same key.
    `to` is a mail address or a URL; `data` goes along for machines and is kept by nobody here."""

    key: str
    kind: NoticeKind
    language: Language
    to: str
    title: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """Handed over: from here on it is the receiver's."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The receiver will not take it, now or later."""

    because: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Not taken this time; worth trying again."""

    because: str


Result = Sent | Refused | Unreachable


class Channel(Protocol):
    """A way out of the house."""

    async def send(self, message: Message) -> Result: ...

    async def close(self) -> None: ...
