"""A case as escalation knows it: where it stands on its ladder, its clocks, its raises, and its side matters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from shared.events.escalation import SkippedLevel
from shared.events.intake import Rung, Window
from shared.things import Policy
from shared.vocabulary import (
    DeadlineKind,
    EscalationCause,
    EscalationReason,
    ExtensionReason,
    Level,
    ParkReason,
    PartRole,
    ReturnBasis,
    Ruling,
    SupervisionKind,
    UnparkReason,
    Urgency,
)

NOTHING = UUID(int=0)
"""Sorts first; stands for the `about` of a clock that belongs to the case itself."""


OF_A_LEVEL = (DeadlineKind.ACKNOWLEDGE, DeadlineKind.HANDLE)
"""Set anew at each level. `arrive` and `contact` belong to the resident's own clock and are set once."""


class Colour(StrEnum):
    """黄灯 / 红灯; a red one stays red until what was asked for happens."""

    RUNNING = "running"
    AMBER = "amber"
    RED = "red"


class Ending(StrEnum):
    """The one way a clock stopped: by what it asked for or because it no longer applies, by the next level's clock
    of its kind, or with the raise that had set it."""

    CLEARED = "cleared"
    REPLACED = "replaced"
    VOIDED = "voided"


@dataclass(frozen=True)
class CaseDeadline:
    """时限 of one kind at one level in one round. `about` is the return, order, part, raise or parking that a side
    matter's clock belongs to: one of a kind may run for each. Computed anew, it stays the same clock."""

    kind: DeadlineKind
    level: Level
    round: int
    set_at: datetime
    due_at: datetime
    amber_at: datetime
    assumed: bool = False
    about: UUID | None = None
    counts_from: datetime | None = None
    colour: Colour = Colour.RUNNING
    ending: Ending | None = None
    ended_at: datetime | None = None
    met: bool | None = None

    @property
    def rings_at(self) -> datetime | None:
        """When its next bell is: amber, then due; `None` when it stopped or is red."""
        if self.ending is not None or self.colour is Colour.RED:
            return None
        return min(self.amber_at, self.due_at) if self.colour is Colour.RUNNING else self.due_at

    @property
    def clock(self) -> tuple[DeadlineKind, UUID | None]:
        """Which clock of the case it is; one of them is open at a time."""
        return self.kind, self.about

    @property
    def in_order(self) -> tuple[int, Level, DeadlineKind, UUID]:
        return self.round, self.level, self.kind, self.about or NOTHING


@dataclass(frozen=True)
class Raise:
    """One step up, `id` being that of its CaseEscalated. Whoever raised it by hand is owed a reply."""

    id: UUID
    at: datetime
    cause: EscalationCause
    from_level: Level
    to_level: Level
    to_unit_id: str
    skipped: tuple[SkippedLevel, ...]
    counts_from: datetime
    round: int
    by_person_id: str | None = None
    reason: EscalationReason | None = None
    voided: bool = False
    replied_at: datetime | None = None
    replied_by: str | None = None
    reply_id: UUID | None = None

    @property
    def owes_a_reply(self) -> bool:
        return self.cause is EscalationCause.BY_HAND and not self.voided and self.replied_at is None


@dataclass(frozen=True)
class Order:
    """督办. `ordered_by` is `None` where a reopening ordered it."""

    id: UUID
    at: datetime
    kind: SupervisionKind
    level: Level
    unit_id: str
    supervising_unit_id: str
    round: int
    ordered_by: str | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    answer_id: UUID | None = None


@dataclass(frozen=True)
class Return:
    """退单, ruled by `supervising_unit_id`. `over`: its part ended, or the case did, before anybody ruled."""

    id: UUID
    at: datetime
    part_id: UUID
    part_role: PartRole
    person_id: str
    basis: ReturnBasis
    rightful_unit_id: str
    level: Level
    supervising_unit_id: str
    round: int
    ruling: Ruling | None = None
    unanswered: bool = False
    to_unit_id: str | None = None
    ruled_at: datetime | None = None
    ruled_by: str | None = None
    over: bool = False

    @property
    def is_open(self) -> bool:
        return self.ruling is None and not self.over


class ExtensionState(StrEnum):
    """`lapsed`: the clock it asked about stopped before anybody decided."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    LAPSED = "lapsed"


@dataclass(frozen=True)
class Extension:
    """延期 of `handle` from `due_at` to `until`."""

    id: UUID
    at: datetime
    person_id: str
    due_at: datetime
    until: datetime
    reason: ExtensionReason
    level: Level
    approving_unit_id: str
    round: int
    state: ExtensionState = ExtensionState.ASKED
    unanswered: bool = False
    decided_at: datetime | None = None
    decided_by: str | None = None


@dataclass(frozen=True)
class Parking:
    """挂账. `handle_due_at` is what `handle` stood at when it gave way to the review; `None` where it did not."""

    id: UUID
    at: datetime
    owner_id: str
    unit_id: str
    reason: ParkReason
    review_at: datetime
    level: Level
    round: int
    handle_due_at: datetime | None = None
    ended_at: datetime | None = None
    ended_because: UnparkReason | None = None


@dataclass(frozen=True)
class Listing:
    """An entry on the named persons' daily list, `id` being that of its CaseListed; `missed` is what stood red.
    `unit_id` has the case, `supervising_unit_id` is whose list it is."""

    id: UUID
    at: datetime
    day: date
    days: int
    round: int
    unit_id: str
    supervising_unit_id: str
    person_ids: tuple[str, ...]
    missed: tuple[DeadlineKind, ...]


@dataclass(frozen=True)
class Holder:
    """Who holds which part, as heard from dispatch: they may raise the case by hand."""

    part_id: UUID
    person_id: str
    part_role: PartRole
    level: Level
    round: int


@dataclass(frozen=True)
class Case:
    """`rung` is the place on `ladder` (lowest rung first) where the case stands; `sent_to` the unit a ruling gave it
    to there. `handle_until` is what an extension or a parking has moved `handle` of this level to at least."""

    case_id: UUID
    number: str
    category_code: str
    urgency: Urgency
    policy: Policy
    ladder: tuple[Rung, ...]
    registered_at: datetime
    care: bool = False
    ends_at_once: bool = False
    appointment: Window | None = None
    round: int = 1
    rung: int = 0
    sent_to: str | None = None
    merged_into: UUID | None = None
    arrived_at: datetime | None = None
    contacted_at: datetime | None = None
    handled_at: datetime | None = None
    follow_up_from: datetime | None = None
    closed_at: datetime | None = None
    handle_until: datetime | None = None
    listed_on: date | None = None
    deadlines: tuple[CaseDeadline, ...] = ()
    raises: tuple[Raise, ...] = ()
    orders: tuple[Order, ...] = ()
    returns: tuple[Return, ...] = ()
    extensions: tuple[Extension, ...] = ()
    parkings: tuple[Parking, ...] = ()
    listings: tuple[Listing, ...] = ()
    holders: tuple[Holder, ...] = ()

    @property
    def level(self) -> Level:
        return self.ladder[self.rung].level

    @property
    def unit_id(self) -> str:
        return self.sent_to or self.ladder[self.rung].unit_id

    @property
    def is_worked_on(self) -> bool:
        """Neither handled nor closed nor merged: only such a case is raised."""
        return self.handled_at is None and self.closed_at is None and self.merged_into is None

    @property
    def parking(self) -> Parking | None:
        return next((one for one in self.parkings if one.ended_at is None), None)

    @property
    def asked_extension(self) -> Extension | None:
        return next((one for one in self.extensions if one.state is ExtensionState.ASKED), None)

    @property
    def owner(self) -> Holder | None:
        """Who holds the owner's part at the level the case stands at."""
        here = (PartRole.OWNER, self.level, self.round)
        return next((one for one in self.holders if (one.part_role, one.level, one.round) == here), None)

    def is_the_owners(self, returned: Return) -> bool:
        """Whether the case goes where this return is ruled to go: it was made by whoever had the case at the level
        where it stands, and nobody else has taken it there since."""
        was = returned.part_role is PartRole.OWNER and returned.level is self.level
        return was and (self.owner is None or self.owner.part_id == returned.part_id)

    def open(self, *kinds: DeadlineKind) -> tuple[CaseDeadline, ...]:
        """Deadlines that still run or stand red, of these kinds or of all; at most one of a kind and `about`."""
        return tuple(one for one in self.deadlines if one.ending is None and (not kinds or one.kind in kinds))

    @property
    def overdue(self) -> tuple[CaseDeadline, ...]:
        """What persons are named for until it is dealt with: at the last level whatever stands red, below it a
        review."""
        if self.closed_at is not None or self.merged_into is not None:
            return ()
        kinds = () if self.rung == len(self.ladder) - 1 else (DeadlineKind.REVIEW,)
        return tuple(one for one in self.open(*kinds) if one.colour is Colour.RED)

    def rung_of(self, level: Level) -> int | None:
        return next((place for place, rung in enumerate(self.ladder) if rung.level == level), None)

    def above(self, level: Level) -> Rung:
        """The rung one above `level`; the last one is above itself."""
        place = self.rung_of(level)
        return self.ladder[min((self.rung if place is None else place) + 1, len(self.ladder) - 1)]
