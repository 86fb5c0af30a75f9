"""What stops which clock, and which clocks a level starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.escalation.rules.case import Case, apply
from services.escalation.rules.working_time import WorkingTime, amber_at, count
from shared.event import CaseEvent
from shared.events.dispatch import CaseAccepted, CaseHandled, ResidentContacted, WorkerArrived
from shared.events.escalation import ClearedDeadline, Deadline, DeadlinesCleared, DeadlinesSet
from shared.events.intake import CaseClosed, CaseReopened, FollowUpRecorded
from shared.things import Limit
from shared.vocabulary import DeadlineKind, PartRole

STOPS: dict[type[CaseEvent], tuple[DeadlineKind, ...]] = {
    CaseAccepted: (DeadlineKind.ACKNOWLEDGE,),
    WorkerArrived: (DeadlineKind.ARRIVE, DeadlineKind.CONTACT),
    ResidentContacted: (DeadlineKind.CONTACT,),
    CaseHandled: (DeadlineKind.HANDLE,),
    FollowUpRecorded: (DeadlineKind.FOLLOW_UP,),
}
"""What stops which clock, met if it happened by `due_at` (see `_answers` for the conditions)."""

ENDS: dict[type[CaseEvent], tuple[DeadlineKind, ...]] = {
    CaseHandled: (DeadlineKind.ACKNOWLEDGE, DeadlineKind.ARRIVE, DeadlineKind.CONTACT),
    CaseReopened: tuple(DeadlineKind),
    CaseClosed: tuple(DeadlineKind),
}
"""What makes which clocks pointless, neither met nor late."""

AT_REGISTRATION = (
    DeadlineKind.ACKNOWLEDGE,
    DeadlineKind.ARRIVE,
    DeadlineKind.CONTACT,
    DeadlineKind.HANDLE,
)
OF_A_LEVEL = (DeadlineKind.ACKNOWLEDGE, DeadlineKind.HANDLE)
"""Set anew at each level. `arrive` and `contact` belong to the resident's own clock and are set once."""


@dataclass(frozen=True)
class Station:
    """A rung of the ladder as the registry knows it now: its working time, and why nobody is there, if so
    (`nobody_rostered` for an emergency, else `post_not_filled`)."""

    working: WorkingTime
    empty_because: str | None = None


@dataclass(frozen=True)
class Decision:
    """The case afterwards, and what is to be announced, in order."""

    case: Case
    events: tuple[CaseEvent, ...]


@dataclass
class Telling:
    """A decision in the making: what is told changes the case at once, so the next step sees it."""

    case: Case
    stations: Sequence[Station]
    now: datetime
    events: list[CaseEvent] = field(default_factory=list)

    def tell(self, event: CaseEvent) -> None:
        after = apply(self.case, event)
        assert after is not None
        self.case = after
        self.events.append(event)

    @property
    def decision(self) -> Decision:
        return Decision(self.case, tuple(self.events))


def stop_clocks(telling: Telling, heard: CaseEvent, *, turned: bool) -> None:
    """Stop what STOPS and ENDS say. `turned`: by what was heard the case was handled, reopened or closed, once.
    A late event stops a clock as well, as not met: that it was missed has been said before."""
    stops = STOPS.get(type(heard), ()) if turned or _answers(telling.case, heard) else ()
    ends = ENDS.get(type(heard), ()) if turned else ()
    cleared = tuple(
        ClearedDeadline(
            kind=one.kind, due_at=one.due_at, met=heard.at <= one.due_at if one.kind in stops else None
        )
        for one in telling.case.open()
        if one.kind in stops or one.kind in ends
    )
    tell_cleared(telling, cleared)


def _answers(case: Case, heard: CaseEvent) -> bool:
    """Whether what was heard is what a clock asks for, and not an echo of an older round or a lower level."""
    match heard:
        case CaseAccepted():
            return (heard.round, heard.level, heard.part_role) == (case.round, case.level, PartRole.OWNER)
        case WorkerArrived() | ResidentContacted():
            return heard.round == case.round
        case FollowUpRecorded():
            return heard.round == case.round and heard.reached
        case _:
            return False


def set_deadlines(telling: Telling, kinds: Iterable[DeadlineKind], start: datetime) -> None:
    """Every limit of the case's level among `kinds`, absolute from `start`; a clock of the level before that has no
    successor no longer applies."""
    limits = telling.case.policy.limits(telling.case.level)
    wanted: dict[DeadlineKind, Limit] = {
        kind: limit for kind in kinds if (limit := getattr(limits, kind.value)) is not None
    }
    pointless = [one for one in telling.case.open(*OF_A_LEVEL) if one.kind not in wanted]
    tell_cleared(
        telling, tuple(ClearedDeadline(kind=one.kind, due_at=one.due_at, met=None) for one in pointless)
    )
    start_clocks(telling, wanted, start)


def start_clocks(telling: Telling, limits: dict[DeadlineKind, Limit], start: datetime) -> None:
    """Absolute from `start`, in the working time of the unit that has the case."""
    case, deadlines = telling.case, []
    for kind, limit in limits.items():
        counted = count(limit, start, telling.stations[case.rung].working)
        amber = amber_at(start, counted.due_at, case.policy.amber_percent)
        deadlines.append(Deadline(kind=kind, due_at=counted.due_at, amber_at=amber, assumed=counted.assumed))
    if deadlines:
        telling.tell(
            DeadlinesSet(
                case_id=case.case_id,
                at=telling.now,
                level=case.level,
                round=case.round,
                deadlines=tuple(deadlines),
            )
        )


def tell_cleared(telling: Telling, cleared: tuple[ClearedDeadline, ...]) -> None:
    if cleared:
        case = telling.case
        telling.tell(
            DeadlinesCleared(
                case_id=case.case_id, at=telling.now, level=case.level, round=case.round, cleared=cleared
            )
        )
