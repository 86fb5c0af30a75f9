"""What follows from events that neither stop a clock of the case nor turn it: the case changed, came back out of
another, or a side matter began or ended. Time has caught up with the event before, under what was known then."""

from __future__ import annotations

from collections.abc import Callable

from services.escalation.rules import returns, supervision
from services.escalation.rules.case import OF_A_LEVEL, Case
from services.escalation.rules.clocks import (
    Telling,
    begin_missing,
    deadlines_of,
    move_to_level,
    recount,
    start,
    stop,
)
from services.escalation.rules.limits import Clock, named, of_a_task
from services.escalation.rules.voids import void_what_led_nowhere
from shared.event import CaseEvent
from shared.events.dispatch import (
    CaseHandedDown,
    CaseReassigned,
    CaseReturned,
    CoHandlerAsked,
    PartEnded,
    PartHandled,
)
from shared.events.intake import (
    AppointmentAgreed,
    CaseAmended,
    CaseUnmerged,
    FollowUpOpened,
)
from shared.vocabulary import DeadlineKind, SetBecause


def _amended(telling: Telling, before: Case, heard: CaseAmended) -> None:
    """The same clocks from their own beginning under what the case is now, and those it is owed newly."""
    if telling.case.level is not before.level and telling.case.closed_at is None:
        void_what_led_nowhere(telling)
        if telling.case.is_worked_on:
            move_to_level(telling)
        else:
            stop(telling, *OF_A_LEVEL)
    recount(telling, SetBecause.AMENDED)
    begin_missing(telling, SetBecause.AMENDED, again=False)


def _appointment_agreed(telling: Telling, before: Case, heard: AppointmentAgreed) -> None:
    recount(telling, SetBecause.APPOINTMENT)
    begin_missing(telling, SetBecause.APPOINTMENT, again=False)


def _unmerged(telling: Telling, before: Case, heard: CaseUnmerged) -> None:
    """It goes on by itself with its first clock unchanged: nobody holds it, so what is due already fires now."""
    if before.merged_into is not None:
        stop(telling, DeadlineKind.FOLLOW_UP)
        begin_missing(telling, SetBecause.AMENDED, again=True)
        supervision.begin_again(telling)


def _follow_up_opened(telling: Telling, before: Case, heard: FollowUpOpened) -> None:
    """Of a merged case: due as long after its parent was handled as its own would be."""
    case = telling.case
    if case.closed_at is None and case.follow_up_from != before.follow_up_from:
        clock = Clock(DeadlineKind.FOLLOW_UP, case.level, case.round)
        start(telling, deadlines_of(telling, [clock]))


def _co_handler_asked(telling: Telling, before: Case, heard: CoHandlerAsked) -> None:
    """A task has a clock of its own: until the time that was named, else by the policy's limit, if it has one."""
    case = telling.case
    if heard.round != case.round or not case.is_worked_on:
        return
    clock = Clock(DeadlineKind.CO_HANDLE, case.level, case.round, heard.part_id)
    if heard.due_at is not None:
        start(telling, [named(case, clock, heard.at, heard.due_at)])
    elif (limited := of_a_task(case, clock, heard.at, telling.stations)) is not None:
        start(telling, [limited])


def _part_handled(telling: Telling, before: Case, heard: PartHandled) -> None:
    stop(telling, DeadlineKind.CO_HANDLE, about=heard.part_id, at=heard.at)
    _returns_over(telling)


def _part_left(telling: Telling, before: Case, heard: PartEnded | CaseHandedDown) -> None:
    stop(telling, DeadlineKind.CO_HANDLE, about=heard.part_id)
    _returns_over(telling)


def _returns_over(telling: Telling) -> None:
    """A return whose part ended needs no ruling."""
    for one in telling.case.returns:
        if one.over:
            stop(telling, DeadlineKind.RULING, about=one.id)


def _nothing_more(telling: Telling, before: Case, heard: CaseReassigned) -> None:
    """Who holds it changed, and no clock."""


FOLLOWS: dict[type[CaseEvent], Callable[..., None]] = {
    CaseAmended: _amended,
    AppointmentAgreed: _appointment_agreed,
    CaseUnmerged: _unmerged,
    FollowUpOpened: _follow_up_opened,
    CaseReturned: lambda telling, before, heard: returns.await_ruling(telling, heard),
    CaseHandedDown: _part_left,
    CaseReassigned: _nothing_more,
    CoHandlerAsked: _co_handler_asked,
    PartHandled: _part_handled,
    PartEnded: _part_left,
}
"""What follows from each, given the case before it."""
