"""What people may ask of dispatch. Sync sends the same commands, each with the phone's own id and time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, get_args
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from shared.fieldwork import COUNTED_ONLY, NotDoneReason, PeriodUnit, StopKind
from shared.going import ArrivalMethod, DeclineReason, LateCause, ReassignReason
from shared.vocabulary import NoteKind, Outcome, ReturnBasis

TEXT_CHARACTERS_MAX = 4000
UNITS_ASKED_MAX = 5
SYNC_COMMANDS_MAX = 100
CODE_CHARACTERS_MAX = 128

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


Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=CODE_CHARACTERS_MAX)]


class Presence(Command):
    """到场凭证: `position` needs a position, `qr_code` the text of the code that hangs there, `self_declared` a
    reason."""

    method: ArrivalMethod
    position: Position | None = None
    code: Code | None = None
    reason: Text | None = None
    device_at: Moment | None = None


class Arrive(Presence):
    """`photo_time` needs a photo taken there within the last ten minutes and uploaded: its `evidence_id`."""

    evidence_id: UUID | None = None


class SendPosition(Command):
    """Where somebody is on the way to an emergency."""

    position: Position
    device_at: Moment | None = None


class ChooseAdvice(Command):
    """Whether one wants to be told where one might wait while free."""

    wanted: bool


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
    """交接 of all that somebody holds, or of `part_ids` only; without `to_person_id` each part is searched anew. A
    conflict of interest is about a case: it names the parts, and they are never asked for that case again."""

    reason: ReassignReason
    to_person_id: PersonId | None = None
    part_ids: list[UUID] | None = Field(default=None, max_length=200)

    @model_validator(mode="after")
    def _conflict_of_one_case(self) -> Self:
        if self.reason is ReassignReason.CONFLICT_OF_INTEREST and not self.part_ids:
            raise ValueError("a conflict of interest names its parts")
        return self

    @field_validator("reason")
    @classmethod
    def _by_hand(cls, reason: ReassignReason) -> ReassignReason:
        if reason in (ReassignReason.SWAPPED, ReassignReason.TAKEN_OVER):
            raise ValueError("a swap or a takeover happens by accepting one; by hand it is by_supervisor")
        return reason


class RaiseAlarm(Command):
    """SOS. Everything may be missing: it is pressed in need."""

    case_id: UUID | None = None
    position: Position | None = None


class EndAlarm(Command):
    by_mistake: bool = False


# ── the round ─────────────────────────────────────────────────────────────────────────────────────────────────────

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
STAY_MINUTES_MAX = 240


class RevealPurpose(StrEnum):
    """Why somebody at a desk has to see whom a visit is for. A word and no free text: it is kept in the journal."""

    PLANNING = "planning"
    STANDING_IN = "standing_in"
    COMPLAINT = "complaint"
    EMERGENCY = "emergency"


def _in_our_years(day: date) -> date:
    if day.year not in YEARS:
        raise ValueError("date out of range")
    return day


Day = Annotated[date, AfterValidator(_in_our_years)]


class Spot(Command):
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)


class Visited(Command):
    """Whom a visit is for; all of it is sealed, the place too: somebody lives there."""

    name: Line
    address: Line
    phone: Line | None = None
    about: Text | None = None
    place: Spot | None = None


class PlanStop(Command):
    """A patrol point has a label, and a place if known; a visit has a `person`. `period` and `amount`: every so many
    days, or so many times a week or a month. `person_id` is whose stop it is, if not the grid's."""

    period: PeriodUnit
    amount: int = Field(ge=1, le=365)
    since: Day | None = None
    preferred_at: time | None = None
    stay_minutes: int | None = Field(default=None, ge=1, le=STAY_MINUTES_MAX)
    person_id: PersonId | None = None
    label: Line | None = None
    place: Spot | None = None
    person: Visited | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.label is None) == (self.person is None) or (
            self.person is not None and self.place is not None
        ):
            raise ValueError("a patrol point has a label and a place, a visit has a person")
        if self.preferred_at is not None and self.preferred_at.tzinfo is not None:
            raise ValueError("preferred_at is local time, without a zone")
        return self


class AddStop(PlanStop):
    grid_id: UnitId

    @property
    def kind(self) -> StopKind:
        return StopKind.VISIT if self.person is not None else StopKind.PATROL_POINT


class ChangeStop(PlanStop):
    """The whole plan as it is from today on, and why."""

    why: Text


class EndStop(Command):
    why: Text


class RevealStop(Command):
    purpose: RevealPurpose


class DoStop(Presence):
    """Proven as an arrival is."""

    note: Text | None = None


def _entered(reason: NotDoneReason) -> NotDoneReason:
    if reason in COUNTED_ONLY:
        raise ValueError("that is counted, not entered")
    return reason


EnteredReason = Annotated[NotDoneReason, AfterValidator(_entered)]


class LeaveUndone(Command):
    """Not done, and why; `other` needs a note."""

    reason: EnteredReason
    note: Text | None = None
    device_at: Moment | None = None

    @model_validator(mode="after")
    def _other_in_words(self) -> Self:
        if self.reason is NotDoneReason.OTHER and self.note is None:
            raise ValueError("another reason needs a note")
        return self


class CorrectStop(Command):
    """What was wrong with an entry of one's own."""

    entry_id: UUID
    text: Text
    device_at: Moment | None = None


# ── mass tasks ────────────────────────────────────────────────────────────────────────────────────────────────────

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class PrepareTask(Command):
    """全员任务: `title` is a headline for whoever goes and names nobody; what is to be done is sealed."""

    unit_id: UnitId
    title: Title
    instructions: Text
    due_at: Moment


class DoListed(Command):
    note: Text | None = None
    device_at: Moment | None = None


class CorrectTry(Command):
    """What was wrong with a try of one's own."""

    try_id: UUID
    text: Text
    device_at: Moment | None = None


CommandType = Literal[
    "accept",
    "decline",
    "position",
    "arrive",
    "contact",
    "note",
    "handle",
    "return",
    "help",
    "done",
    "correct",
    "round_done",
    "round_not_done",
    "round_correct",
    "task_done",
    "task_not_done",
    "task_correct",
]


class QueuedCommand(BaseModel):
    """One command of an offline phone: its own UUIDv7 and time, what it is about, and the command's fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    type: CommandType
    at: Moment
    offer_id: UUID | None = None
    part_id: UUID | None = None
    stop_id: UUID | None = None
    listed_id: UUID | None = None
    body: dict[str, Any] = Field(default_factory=dict)


class QueuedLine(BaseModel):
    """A command as the phone sent it. Only its id has to be in order here: whatever else is wrong with it (an unset
    clock, an app newer than the system) is refused by itself, and the others are done."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    type: Any = Field(default=None, description=f"one of: {', '.join(get_args(CommandType))}")
    at: Any = Field(
        default=None, description="when it was done by the phone's clock, RFC 3339 with a time zone"
    )
    offer_id: Any = Field(default=None, description="what an answer to an offer is about: a UUID")
    part_id: Any = Field(default=None, description="what the work is about: a UUID")
    stop_id: Any = Field(default=None, description="what an entry of the round is about: a UUID")
    listed_id: Any = Field(default=None, description="who an entry of a mass task is about: a UUID")
    body: Any = Field(default_factory=dict, description="the fields of the command's own route")


class SyncQueue(Command):
    """In the order in which they were done."""

    commands: list[QueuedLine] = Field(max_length=SYNC_COMMANDS_MAX)


COMMANDS: dict[CommandType, type[Command]] = {
    "accept": AcceptOffer,
    "decline": DeclineOffer,
    "position": SendPosition,
    "arrive": Arrive,
    "contact": MakeContact,
    "note": WriteNote,
    "handle": HandlePart,
    "return": ReturnPart,
    "help": AskForHelp,
    "done": FinishTask,
    "correct": CorrectEntry,
    "round_done": DoStop,
    "round_not_done": LeaveUndone,
    "round_correct": CorrectStop,
    "task_done": DoListed,
    "task_not_done": LeaveUndone,
    "task_correct": CorrectTry,
}
"""The shape of each queued command's `body`; `device_at` is taken from the queue's `at`."""


def device_time(command: Command) -> datetime | None:
    moment: datetime | None = getattr(command, "device_at", None)
    return moment
