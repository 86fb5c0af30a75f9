"""What people may ask of dispatch. Sync sends the same commands, each with the phone's own id and time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from shared.vocabulary import (
    ArrivalMethod,
    DeclineReason,
    LateCause,
    NoteKind,
    Outcome,
    ReassignReason,
    ReturnBasis,
)

TEXT_CHARACTERS_MAX = 4000
UNITS_ASKED_MAX = 5
SYNC_COMMANDS_MAX = 100

YEARS = range(2000, 2100)


def _in_utc(moment: datetime) -> datetime:
    """A phone's clock may be wrong by years; what no calendar or column can hold is no time at all."""
    try:
        at = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        raise ValueError("time out of range") from None
    if at.year not in YEARS:
        raise ValueError("time out of range")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""With a time zone, between the years 2000 and 2099."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_CHARACTERS_MAX)]


class Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Position(Command):
    """Where the phone was, WGS-84 degrees; sealed, and deleted after thirty days."""

    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    accuracy_m: float | None = Field(default=None, ge=0)


class AcceptOffer(Command):
    device_at: Moment | None = None
    position: Position | None = None


class DeclineOffer(Command):
    reason: DeclineReason
    device_at: Moment | None = None


class Arrive(Command):
    """`position` needs a position, `self_declared` a reason."""

    method: ArrivalMethod
    position: Position | None = None
    reason: Text | None = None
    device_at: Moment | None = None


class MakeContact(Command):
    device_at: Moment | None = None


class WriteNote(Command):
    """`measure` is what was done, as a code of the phone's list, beside the words."""

    note: NoteKind
    text: Text
    measure: str | None = Field(default=None, max_length=64)
    device_at: Moment | None = None


class HandlePart(Command):
    outcome: Outcome
    text: Text | None = None
    late_cause: LateCause | None = None
    device_at: Moment | None = None


UnitId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
PersonId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class ReturnPart(Command):
    """退单: on which basis it is not theirs, whose it is, and why."""

    basis: ReturnBasis
    rightful_unit_id: UnitId
    text: Text
    device_at: Moment | None = None


class HandDown(Command):
    """下派, with instructions."""

    to_unit_id: UnitId
    instructions: Text
    device_at: Moment | None = None


class AskCoHandler(Command):
    """协办: what the unit is to do, and by when."""

    unit_id: UnitId
    task: Text
    due_at: Moment | None = None
    device_at: Moment | None = None


class AskForHelp(Command):
    """吹哨. Without units: the grid's own people and the unit above."""

    text: Text
    unit_ids: list[UnitId] = Field(default_factory=list, max_length=UNITS_ASKED_MAX)
    device_at: Moment | None = None


class FinishTask(Command):
    """A co-handler's share is done."""

    text: Text | None = None
    device_at: Moment | None = None


class CorrectEntry(Command):
    """What was wrong with an arrival, photo or note of one's own."""

    entry_id: UUID
    text: Text
    device_at: Moment | None = None


class AcceptDeviceTime(Command):
    """Why the phone's own time of the arrival is believed."""

    reason: Text


class HandOver(Command):
    """交接 of all that somebody holds, or of `part_ids` only; without `to_person_id` each part is searched anew."""

    reason: ReassignReason
    to_person_id: PersonId | None = None
    part_ids: list[UUID] | None = Field(default=None, max_length=200)


class RaiseAlarm(Command):
    """SOS. Everything may be missing: it is pressed in need."""

    case_id: UUID | None = None
    position: Position | None = None


class EndAlarm(Command):
    by_mistake: bool = False


CommandType = Literal[
    "accept", "decline", "arrive", "contact", "note", "handle", "return", "help", "done", "correct"
]


class QueuedCommand(BaseModel):
    """One command of an offline phone: its own UUIDv7 and time, what it is about, and the command's fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    type: CommandType
    at: Moment
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
    "return": ReturnPart,
    "help": AskForHelp,
    "done": FinishTask,
    "correct": CorrectEntry,
}
"""The shape of each queued command's `body`; `device_at` is taken from the queue's `at`."""


def device_time(command: Command) -> datetime | None:
    moment: datetime | None = getattr(command, "device_at", None)
    return moment
