"""What people may ask of dispatch. Sync sends the same commands, each with the phone's own id and time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from shared.vocabulary import ArrivalMethod, DeclineReason, LateCause, NoteKind, Outcome

TEXT_CHARACTERS_MAX = 4000
SYNC_COMMANDS_MAX = 100

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_CHARACTERS_MAX)]


class Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Position(Command):
    """Where the phone was, WGS-84 degrees; sealed, and deleted after thirty days."""

    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    accuracy_m: float | None = Field(default=None, ge=0)


class AcceptOffer(Command):
    device_at: AwareDatetime | None = None
    position: Position | None = None


class DeclineOffer(Command):
    reason: DeclineReason
    device_at: AwareDatetime | None = None


class Arrive(Command):
    """`position` needs a position, `self_declared` a reason."""

    method: ArrivalMethod
    position: Position | None = None
    reason: Text | None = None
    device_at: AwareDatetime | None = None


class MakeContact(Command):
    device_at: AwareDatetime | None = None


class WriteNote(Command):
    """`measure` is what was done, as a code of the phone's list, beside the words."""

    note: NoteKind
    text: Text
    measure: str | None = Field(default=None, max_length=64)
    device_at: AwareDatetime | None = None


class HandlePart(Command):
    outcome: Outcome
    text: Text | None = None
    late_cause: LateCause | None = None
    device_at: AwareDatetime | None = None


CommandType = Literal["accept", "decline", "arrive", "contact", "note", "handle"]


class QueuedCommand(BaseModel):
    """One command of an offline phone: its own UUIDv7 and time, what it is about, and the command's fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    type: CommandType
    at: AwareDatetime
    offer_id: UUID | None = None
    part_id: UUID | None = None
    body: dict[str, Any] = Field(default_factory=dict)


class SyncQueue(Command):
    """In the order in which they were done."""

    commands: list[QueuedCommand] = Field(max_length=SYNC_COMMANDS_MAX)


COMMANDS: dict[CommandType, type[Command]] = {
    "accept": AcceptOffer,
    "decline": DeclineOffer,
    "arrive": Arrive,
    "contact": MakeContact,
    "note": WriteNote,
    "handle": HandlePart,
}
"""The shape of each queued command's `body`; `device_at` is taken from the queue's `at`."""


def device_time(command: Command) -> datetime | None:
    moment: datetime | None = getattr(command, "device_at", None)
    return moment
