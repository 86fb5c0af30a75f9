"""What notify knows of a case, of an alarm and of the people around them.

The facts of a case are notify's own small replica, folded from the events it hears; people are read from the registry's
directory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from shared.events.intake import Place, Rung
from shared.things import Person, Shift, Unit
from shared.vocabulary import DeadlineKind, Level, NoticeKind, PartRole, Post, Role, Urgency


class Hold(StrEnum):
    """How a person stands to a part of a case."""

    OFFERED = "offered"
    HELD = "held"
    HANDLED = "handled"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PartFacts:
    """A part as notify knows it: who was offered it last, and how that stands. `told_by` is the event of that offer.
    Whoever is asked to take it over has one of their own, behind that of whoever is on the way."""

    part_id: UUID
    offer_id: UUID
    person_id: str
    round: int
    goes: bool
    hold: Hold
    eta_seconds: int | None = None
    role: PartRole = PartRole.OWNER
    told_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What a notice has to say about a case. `due` holds the running deadlines of the case itself, `side_due` those of
    side matters by `kind:about`; `raises` the unit each raise went to; `orders` the unit that gave each supervision
    order; `asked` who waits for the answer to an extension, a call for help, a co-handler's part or a parking.
    `unit_id` is the unit the case is with."""

    case_id: UUID
    number: str
    headline: str
    urgency: Urgency
    place: Place
    unit_path: tuple[str, ...]
    ladder: tuple[Rung, ...]
    level: Level
    unit_id: str
    round: int
    requester_can_be_asked: bool
    due: Mapping[DeadlineKind, datetime] = field(default_factory=dict)
    parts: tuple[PartFacts, ...] = ()
    raises: Mapping[UUID, str] = field(default_factory=dict)
    closed: bool = False
    side_due: Mapping[str, datetime] = field(default_factory=dict)
    asked: Mapping[UUID, str] = field(default_factory=dict)
    orders: Mapping[UUID, str] = field(default_factory=dict)
    merged_into: UUID | None = None
    parent_number: str | None = None
    unread_after_seconds: int = 15
    care: bool = False

    @property
    def urgent(self) -> bool:
        """Somebody has to be there within minutes, as dispatch sees it: an emergency, or somebody on a care register
        in urgent need. Nobody's night is quiet enough to wait with it."""
        return self.urgency is Urgency.EMERGENCY or self.care

    @property
    def running(self) -> dict[DeadlineKind, datetime]:
        """Every running clock by its kind, those of side matters as well."""
        side = {DeadlineKind(key.partition(":")[0]): at for key, at in self.side_due.items()}
        return {**side, **self.due}

    def part(self, part_id: UUID) -> PartFacts | None:
        """Of whoever has it, else of whoever is or was asked."""
        return next((part for part in self.parts if part.part_id == part_id), None)

    def unanswered(self, part_id: UUID) -> PartFacts | None:
        """Of whoever is asked now."""
        asked = (part for part in self.parts if part.hold is Hold.OFFERED)
        return next((part for part in asked if part.part_id == part_id), None)


@dataclass(frozen=True, slots=True)
class AlarmFacts:
    """A worker's call for help. There may be no case. `told` is everybody it rang, in that order."""

    alarm_id: UUID
    person_id: str
    unit_path: tuple[str, ...]
    raised_at: datetime
    case_id: UUID | None = None
    answered_by: str | None = None
    ended: bool = False
    told: tuple[str, ...] = ()

    @property
    def is_unanswered(self) -> bool:
        """Nobody takes care of it yet."""
        return self.answered_by is None and not self.ended


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one person; the requester where `person_id` is `None`. `says` goes into the body."""

    kind: NoticeKind
    person_id: str | None
    says: Mapping[str, Any] = field(default_factory=dict)


class Roster(Protocol):
    """What is asked about people and units; the registry's directory answers it."""

    @property
    def people(self) -> Mapping[str, Person]: ...

    @property
    def units(self) -> Mapping[str, Unit]: ...

    def covers(self, ancestor_id: str, unit_id: str) -> bool: ...

    def path(self, unit_id: str) -> tuple[Unit, ...]: ...

    def with_role(self, role: Role, unit_id: str) -> Sequence[Person]: ...

    def holders(self, unit_id: str, post: Post) -> Sequence[Person]: ...

    def on_duty(self, unit_id: str | None, now: datetime) -> Sequence[tuple[Person, Shift]]: ...

    def shifts_of(self, person_id: str) -> Sequence[Shift]: ...


ALARMS = frozenset({NoticeKind.ALARM_RAISED, NoticeKind.ALARM_ANSWERED, NoticeKind.ALARM_ENDED})
"""Told at once over every way there is. They belong to the alarm's story, which is no case's."""
MASS_TASKS = frozenset({NoticeKind.MASS_TASK_GIVEN, NoticeKind.MASS_TASK_TAKEN, NoticeKind.MASS_TASK_CLOSED})
OF_NO_STORY = MASS_TASKS | {
    NoticeKind.CALLED_IN,
    NoticeKind.ACTING_FOR,
    NoticeKind.ADVICE,
    NoticeKind.MATCHING_CHANGED,
    NoticeKind.DIGEST,
}
"""No one case's and no alarm's, so nothing is published of it: a mass task, whose story is of the list and not of who
was told; what the registry did to somebody's own work; where somebody might wait; a digest, whose messages each have
a story of their own."""
