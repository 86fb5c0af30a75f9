"""What stops which clock, which clocks a level starts, and how running ones are computed anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.escalation.rules.case import OF_A_LEVEL, Case, CaseDeadline, Colour
from services.escalation.rules.fold import apply
from services.escalation.rules.limits import OF_THE_RESIDENT, Clock, Station, deadline_of
from shared.event import SYSTEM, Actor, CaseEvent
from shared.events.dispatch import CaseAccepted, CaseHandled, ResidentContacted, WorkerArrived
from shared.events.escalation import ClearedDeadline, Deadline, DeadlinesCleared, DeadlinesSet
from shared.events.intake import CaseClosed, CaseMerged, CaseReopened, CaseWithdrawn, FollowUpRecorded
from shared.vocabulary import Channel, DeadlineKind, FollowUpKind, Level, PartRole, SetBecause

STOPS: dict[type[CaseEvent], tuple[DeadlineKind, ...]] = {
    CaseAccepted: (DeadlineKind.ACKNOWLEDGE,),
    WorkerArrived: (DeadlineKind.ARRIVE, DeadlineKind.CONTACT),
    ResidentContacted: (DeadlineKind.CONTACT,),
    CaseHandled: (DeadlineKind.HANDLE,),
    FollowUpRecorded: (DeadlineKind.FOLLOW_UP,),
}
"""What stops which clock, met if it happened by `due_at` (see `_answers` for the conditions)."""

ENDS: dict[type[CaseEvent], tuple[DeadlineKind, ...]] = {
    CaseHandled: (
        DeadlineKind.ACKNOWLEDGE,
        DeadlineKind.ARRIVE,
        DeadlineKind.CONTACT,
        DeadlineKind.RULING,
        DeadlineKind.CO_HANDLE,
        DeadlineKind.REVIEW,
    ),
    CaseReopened: tuple(set(DeadlineKind) - {DeadlineKind.SUPERVISION, DeadlineKind.REPLY}),
    CaseMerged: tuple(DeadlineKind),
    CaseWithdrawn: tuple(DeadlineKind),
    CaseClosed: tuple(DeadlineKind),
}
"""What makes which clocks pointless, neither met nor late. An order and a reply stay owed in the next round."""

AT_REGISTRATION = (
    DeadlineKind.ACKNOWLEDGE,
    DeadlineKind.ARRIVE,
    DeadlineKind.CONTACT,
    DeadlineKind.HANDLE,
)


@dataclass(frozen=True)
class By:
    """Who does something by hand, and by which way it came."""

    actor: Actor = SYSTEM
    channel: Channel = Channel.SYSTEM

    @property
    def person_id(self) -> str:
        assert self.actor.person_id is not None, "what is done by hand names somebody"
        return self.actor.person_id


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

    def hear(self, event: CaseEvent) -> None:
        """What another service told changes the case and is not told again."""
        after = apply(self.case, event)
        assert after is not None
        self.case = after

    def tell(self, event: CaseEvent) -> None:
        self.hear(event)
        self.events.append(event)

    def said(self, by: By | None = None) -> dict[str, Any]:
        """What every event of this telling has in common."""
        by = by or By()
        return {"case_id": self.case.case_id, "at": self.now, "actor": by.actor, "channel": by.channel}

    def here(self) -> dict[str, Any]:
        """The level and round the case stands at."""
        return {"level": self.case.level, "round": self.case.round}

    @property
    def decision(self) -> Decision:
        return Decision(self.case, tuple(self.events))


# ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────────────


def stop_clocks(telling: Telling, heard: CaseEvent, *, turned: bool) -> None:
    """Stop what STOPS and ENDS say. `turned`: by what was heard the case was handled, reopened or closed, once.
    A late event stops a clock as well, as not met: that it was missed has been said before."""
    stops = STOPS.get(type(heard), ()) if turned or _answers(telling.case, heard) else ()
    ends = ENDS.get(type(heard), ()) if turned else ()
    cleared = [
        _cleared(one, heard.at <= one.due_at if one.kind in stops else None)
        for one in telling.case.open()
        if one.kind in stops or one.kind in ends
    ]
    tell_cleared(telling, cleared)


def _answers(case: Case, heard: CaseEvent) -> bool:
    """Whether what was heard is what a clock asks for, and not an echo of an older round or a lower level."""
    match heard:
        case CaseAccepted():
            return (heard.round, heard.level, heard.part_role) == (case.round, case.level, PartRole.OWNER)
        case WorkerArrived() | ResidentContacted():
            return heard.round == case.round
        case FollowUpRecorded():
            # A merged case is asked as often as its parent was handled; its own round stays what it was.
            of_now = heard.round == case.round or case.merged_into is not None
            return of_now and heard.reached and heard.kind is FollowUpKind.AFTER_HANDLED
        case _:
            return False


def stop(
    telling: Telling, *kinds: DeadlineKind, about: UUID | None = None, at: datetime | None = None
) -> None:
    """Stop the clocks of these kinds, about one thing or about all: met or late by `at`, or pointless without."""
    tell_cleared(
        telling,
        [
            _cleared(one, None if at is None else at <= one.due_at)
            for one in telling.case.open(*kinds)
            if about is None or one.about == about
        ],
    )


def tell_cleared(telling: Telling, cleared: Sequence[ClearedDeadline]) -> None:
    if cleared:
        telling.tell(DeadlinesCleared(**telling.said(), **telling.here(), cleared=tuple(cleared)))


def _cleared(one: CaseDeadline, met: bool | None) -> ClearedDeadline:
    return ClearedDeadline(kind=one.kind, due_at=one.due_at, met=met, about=one.about)


# ── starting ──────────────────────────────────────────────────────────────────────────────────────────────────────


def enter_level(telling: Telling, kinds: Iterable[DeadlineKind], side: Sequence[Clock] = ()) -> None:
    """Every limit of the case's level among `kinds`, and the clocks of side matters that begin with it."""
    found = deadlines_of(telling, _of_level(telling.case, kinds))
    _without_successor(telling, found)
    start(telling, [*found, *deadlines_of(telling, side)])


def move_to_level(telling: Telling) -> None:
    """An amended ladder has the case at another level: its limits there, as they stood if it was there before. A parked
    case has its review in place of a `handle` that was not missed."""
    found = as_they_stood(telling, _of_level(telling.case, OF_A_LEVEL))
    if telling.case.parking is not None and DeadlineKind.HANDLE not in _missed_here(telling.case):
        found = [one for one in found if one.kind is not DeadlineKind.HANDLE]
    _without_successor(telling, found)
    start(telling, found, SetBecause.AMENDED)


def _missed_here(case: Case) -> set[DeadlineKind]:
    here = (case.level, case.round)
    return {one.kind for one in case.deadlines if one.colour is Colour.RED and (one.level, one.round) == here}


def _of_level(case: Case, kinds: Iterable[DeadlineKind]) -> list[Clock]:
    return [Clock(kind, case.level, case.round) for kind in kinds]


def _without_successor(telling: Telling, found: Sequence[Deadline]) -> None:
    """A clock of the level before that the new one has not no longer applies."""
    kinds = {one.kind for one in found}
    running = telling.case.open(*OF_A_LEVEL)
    tell_cleared(telling, [_cleared(one, None) for one in running if one.kind not in kinds])


def deadlines_of(telling: Telling, clocks: Iterable[Clock]) -> list[Deadline]:
    found = (deadline_of(telling.case, clock, telling.stations) for clock in clocks)
    return [one for one in found if one is not None]


def start(
    telling: Telling, deadlines: Sequence[Deadline], because: SetBecause = SetBecause.LEVEL, **where: Any
) -> None:
    """Fix these deadlines, at the case's level or `where` their clocks stood."""
    if deadlines:
        place = where or telling.here()
        telling.tell(DeadlinesSet(**telling.said(), **place, deadlines=tuple(deadlines), because=because))


# ── computing anew ────────────────────────────────────────────────────────────────────────────────────────────────


def recount(telling: Telling, because: SetBecause) -> None:
    """The clocks that run, by their own beginning and what is known now. One that stands red stays as it was missed;
    one without a limit any more no longer applies; one that comes out the same is not told again."""
    moved: defaultdict[tuple[Any, ...], list[Deadline]] = defaultdict(list)
    pointless = []
    for one in telling.case.open():
        if one.colour is Colour.RED or _ends_as_said(one):
            continue
        found = deadline_of(telling.case, Clock(one.kind, one.level, one.round, one.about), telling.stations)
        if found is None:
            pointless.append(_cleared(one, None))
        elif (found.due_at, found.assumed) != (one.due_at, one.assumed):
            moved[one.level, one.round].append(found)
    tell_cleared(telling, pointless)
    for (level, round_), deadlines in moved.items():
        start(telling, deadlines, because, level=level, round=round_)


def _ends_as_said(one: CaseDeadline) -> bool:
    """Somebody named its end; every other clock is counted from a limit."""
    return one.kind is DeadlineKind.REVIEW or (one.kind is DeadlineKind.CO_HANDLE and one.counts_from is None)


def begin_missing(telling: Telling, because: SetBecause, *, again: bool) -> None:
    """Clocks that the case owes by now and has not, from their own beginning, so they may be due already: those that
    it never had, or `again` those that stopped with a merge. Nobody is owed an arrival twice."""
    case = telling.case
    if not case.is_worked_on:
        return
    came = {DeadlineKind.ARRIVE: case.arrived_at, DeadlineKind.CONTACT: case.contacted_at}
    clocks = []
    for kind in OF_A_LEVEL if case.round > 1 else AT_REGISTRATION:
        before = _last(case, kind)
        owed = came.get(kind) is None and (before is None or again)
        running = before is not None and before.ending is None
        if owed and not running and not (kind is DeadlineKind.HANDLE and case.parking):
            level = before.level if before is not None else case.level
            clocks.append(Clock(kind, level, case.round))
    start_again(telling, clocks, because)


def start_again(telling: Telling, clocks: Iterable[Clock], because: SetBecause) -> None:
    """Clocks that the case had before, each at the level and in the round where it stood."""
    places: defaultdict[tuple[Level, int], list[Clock]] = defaultdict(list)
    for clock in clocks:
        places[clock.level, clock.round].append(clock)
    for (level, round_), those in places.items():
        start(telling, as_they_stood(telling, those), because, level=level, round=round_)


def as_they_stood(telling: Telling, clocks: Iterable[Clock]) -> list[Deadline]:
    """Each by its own beginning; but what was missed once is red as it was missed, whatever is known now, and is not
    said again (product rule 3)."""
    missed = {
        Clock(one.kind, one.level, one.round, one.about): one
        for one in telling.case.deadlines
        if one.colour is Colour.RED
    }
    found: list[Deadline] = []
    for clock in clocks:
        was = missed.get(clock)
        found += deadlines_of(telling, [clock]) if was is None else [_as_it_was(was)]
    return found


def _as_it_was(one: CaseDeadline) -> Deadline:
    return Deadline(
        kind=one.kind,
        due_at=one.due_at,
        amber_at=one.amber_at,
        assumed=one.assumed,
        about=one.about,
        counts_from=one.counts_from,
    )


def _last(case: Case, kind: DeadlineKind) -> CaseDeadline | None:
    """The case's own clock of this kind: of its level, or for the resident's of whatever level had it."""
    had = (
        one
        for one in reversed(case.deadlines)
        if one.kind is kind and one.round == case.round
        if kind in OF_THE_RESIDENT or one.level == case.level
    )
    return next(had, None)
