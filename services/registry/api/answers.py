"""What registry answers."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.event import Actor
from shared.things import Person, Shift, Unit
from shared.vocabulary import Channel

T = TypeVar("T")


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Page(Answer, Generic[T]):
    """Things by id; `next_cursor` asks for those after, `None` at the end. `revision` is the registry's."""

    items: tuple[T, ...]
    next_cursor: str | None
    revision: int


class Cursored(Answer, Generic[T]):
    """`next_cursor` asks for those after, `None` at the end."""

    items: tuple[T, ...]
    next_cursor: str | None


class HandedOver(Answer):
    """The shift that ended and those that go on from there."""

    shifts: tuple[Shift, ...]


class Version(Answer, Generic[T]):
    """What a thing was from `revision` on, who made it so, when and through what. `changed` names the fields that
    differ from the version before; none for the first."""

    revision: int
    at: datetime
    actor: Actor
    channel: Channel
    changed: tuple[str, ...]
    state: T


class History(Answer, Generic[T]):
    """Versions of one thing, newest first; `next_before` asks for older ones, `None` at the end."""

    items: tuple[Version[T], ...]
    next_before: int | None


class Changed(Answer):
    revision: int


class Tokens(Answer):
    """`expires_in` counts the seconds the access token is good for."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"
    expires_in: int
    person: Person


class Me(Answer):
    """Who is signed in, their units from the top down for each post, and the shift they are on."""

    person: Person
    unit_paths: tuple[tuple[Unit, ...], ...]
    on_duty: bool
    on_duty_until: datetime | None


class OffDuty(Answer):
    ended: tuple[Shift, ...]
