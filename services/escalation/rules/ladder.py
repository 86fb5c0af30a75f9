"""The ladder: when a case is raised, to whom, and what takes a raise back.

A case is raised in `raise_case`; `ring` calls it for a missed deadline, `raise_by_hand` for a person, `decide` for a
dissatisfied resident. Pure: a state, what was heard and the facts about the ladder in; the events that follow out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.escalation.rules import extensions, hearing, listing, parkings, returns, supervision
from services.escalation.rules.case import NOTHING, OF_A_LEVEL, Case, CaseDeadline, Colour, Raise
from services.escalation.rules.clocks import (
    AT_REGISTRATION,
    By,
    Decision,
    Telling,
    deadlines_of,
    enter_level,
    recount,
    start,
    stop,
    stop_clocks,
)
from services.escalation.rules.fold import apply
from services.escalation.rules.limits import Clock, Station
from services.escalation.rules.voids import void
from shared.event import CaseEvent
from shared.events.dispatch import CaseHandled
from shared.events.escalation import (
    CaseEscalated,
    DeadlineAmber,
    DeadlineMissed,
    SkippedLevel,
)
from shared.events.intake import CaseClosed, CaseMerged, CaseReopened, CaseWithdrawn
from shared.vocabulary import (
    DeadlineKind,
    EscalationCause,
    EscalationReason,
    Level,
    ReopenReason,
    SetBecause,
    SupervisionKind,
    UnparkReason,
)

RAISED_BY_MISSING = {
    DeadlineKind.ACKNOWLEDGE: EscalationCause.ACKNOWLEDGE_MISSED,
    DeadlineKind.HANDLE: EscalationCause.HANDLE_MISSED,
}
"""Only these raise a case; a missed arrive, contact or follow_up turns red and goes to the supervisor."""

UNPARKED_BY: dict[type[CaseEvent], UnparkReason] = {
    CaseHandled: UnparkReason.HANDLED,
    CaseMerged: UnparkReason.CLOSED,
    CaseWithdrawn: UnparkReason.CLOSED,
    CaseClosed: UnparkReason.CLOSED,
}

MOMENT = timedelta.resolution


@dataclass(frozen=True)
class ByHand:
    """Somebody raises the case: who, and why. `text_digest` stands for the sealed text; `to_level` is named where
    the next level is not the one that can help."""

    by: By
    reason: EscalationReason
    text_digest: str | None = None
    to_level: Level | None = None


# ── the ways in: something was heard, time passed, somebody does something by hand ────────────────────────────────


def decide(
    case: Case | None,
    heard: CaseEvent,
    stations: Sequence[Station],
    now: datetime,
    stations_after: Sequence[Station] | None = None,
) -> Decision | None:
    """What follows from an event of another service; `None` for a case never registered here.

    Time first catches up with the event: what was due before it is missed, whoever was first to notice. So no
    deadline depends on when anybody looked. What happens in the very moment a deadline is due is in time.
    `stations_after` are those of the ladder that the event brings, where it brings one.
    """
    if case is None:
        return _begin(heard, stations, now)
    telling = Telling(case, stations, max(now, heard.at))
    if type(heard) in hearing.FOLLOWS:
        ring(telling, until=heard.at - MOMENT)
        before = telling.case
        telling.hear(heard)
        telling.stations = stations_after or stations
        hearing.FOLLOWS[type(heard)](telling, before, heard)
        climb(telling)
        ring(telling, until=heard.at - MOMENT)
    else:
        _turn(telling, case, heard)
    return telling.decision


def _begin(heard: CaseEvent, stations: Sequence[Station], now: datetime) -> Decision | None:
    """The clocks of the first level; a case that ends with its registration has none."""
    registered = apply(None, heard)
    if registered is None:
        return None
    telling = Telling(registered, stations, max(now, heard.at))
    if not registered.ends_at_once:
        enter_level(telling, AT_REGISTRATION)
    return telling.decision


def _turn(telling: Telling, before: Case, heard: CaseEvent) -> None:
    """What was heard stops clocks, and may turn the case: handled, closed, merged, or in a new round. What such a turn
    finds overdue is said to be missed, and raises nothing any more."""
    telling.hear(heard)
    turned = _stage(telling.case) != _stage(before)
    if turned and isinstance(heard, CaseHandled):
        void_what_crossed(telling, heard)
    ring(telling, until=heard.at - MOMENT)
    if turned and (because := UNPARKED_BY.get(type(heard))):
        parkings.end_parking(telling, because)
    stop_clocks(telling, heard, turned=turned)
    if turned and isinstance(heard, CaseHandled):
        clock = Clock(DeadlineKind.FOLLOW_UP, telling.case.level, telling.case.round)
        start(telling, deadlines_of(telling, [clock]))
    if turned and isinstance(heard, CaseReopened):
        first = _first_rung_above_grid(telling.case) if _was_only_answered(telling.case, heard) else None
        raise_case(telling, EscalationCause.REOPENED, heard.at, first=first)


def _stage(case: Case) -> tuple[object, ...]:
    return case.round, case.handled_at, case.closed_at, case.merged_into


def _was_only_answered(case: Case, heard: CaseReopened) -> bool:
    """Nobody ever worked on it: its answer is contested, and the lowest level with officers takes it up."""
    return heard.because is ReopenReason.CONTESTED and case.ends_at_once and not case.raises


def _first_rung_above_grid(case: Case) -> int:
    above = (place for place, rung in enumerate(case.ladder) if rung.level is not Level.GRID)
    return next(above, 0)


def time_passed(
    case: Case, stations: Sequence[Station], now: datetime, *, asked_no_more: bool = False
) -> Decision:
    """What is due by `now` and has not been said. After a long outage the whole chain follows at once, each step
    counted from the one before it and not from now. `asked_no_more`: the earlier case that a merged one is asked after
    for was reopened, so nobody is late with asking."""
    telling = Telling(case, stations, now)
    if asked_no_more:
        stop(telling, DeadlineKind.FOLLOW_UP)
    ring(telling, until=now)
    return telling.decision


def caught_up(case: Case, stations: Sequence[Station], now: datetime) -> Telling:
    """The case once everything due by `now` was said: what somebody does by hand comes after that."""
    telling = Telling(case, stations, now)
    ring(telling, until=now)
    return telling


def counted_anew(case: Case, stations: Sequence[Station], now: datetime) -> Decision:
    """By a calendar that changed: running clocks from their own beginning; what is due by that fires now. What ran out
    under the calendar as it was is missed and stays so, whether or not its timer was quick enough to say it."""
    telling = caught_up(case, stations, now)
    recount(telling, SetBecause.CALENDAR)
    ring(telling, until=now)
    return telling.decision


def raise_by_hand(telling: Telling, before: Case, by_hand: ByHand) -> Raise | None:
    """Up from now, unless a deadline raised it this very moment, since it was as `before`; there `may_be_raised` was
    asked."""
    case = telling.case
    wanted = case.rung_of(by_hand.to_level) if by_hand.to_level else None
    if case.rung != before.rung and (wanted is None or wanted <= case.rung):
        return None
    raise_case(telling, EscalationCause.BY_HAND, telling.now, by_hand)
    return telling.case.raises[-1]


def may_be_raised(case: Case, to_level: Level | None = None) -> str | None:
    """Why the case cannot be raised by hand: `closed`, `merged`, `handled`, `last-level` or `level-not-above`; `None`
    if it can."""
    if case.closed_at is not None:
        return "closed"
    if case.merged_into is not None:
        return "merged"
    if case.handled_at is not None:
        return "handled"
    if case.rung == len(case.ladder) - 1:
        return "last-level"
    place = case.rung_of(to_level) if to_level else case.rung + 1
    return None if place is not None and place > case.rung else "level-not-above"


# ── the ladder ────────────────────────────────────────────────────────────────────────────────────────────────────


def ring(telling: Telling, until: datetime) -> None:
    """Say what came due by `until`, oldest first; a missed acknowledge or handle raises the case."""
    while missed := _first(telling.case, until):
        if missed.kind is DeadlineKind.HANDLE:
            extensions.refuse_undecided(telling)
        telling.tell(
            DeadlineMissed(
                **telling.said(),
                kind=missed.kind,
                level=missed.level,
                round=missed.round,
                due_at=missed.due_at,
                late_ms=milliseconds(telling.now - missed.due_at),
                about=missed.about,
            )
        )
        if missed.kind is DeadlineKind.RULING and missed.about is not None:
            returns.refuse_unruled(telling, missed.about)
        climb(telling)
    for one in telling.case.open():
        if one.colour is Colour.RUNNING and one.amber_at <= until:
            telling.tell(
                DeadlineAmber(
                    **telling.said(),
                    kind=one.kind,
                    level=one.level,
                    round=one.round,
                    due_at=one.due_at,
                    about=one.about,
                )
            )
    listing.list_case(telling, until)


def climb(telling: Telling) -> None:
    """A case that somebody should be working on does not stay where its acknowledge or handle stands red, if there is a
    level above: not when it was just missed, nor when an amended ladder goes on above, nor when the case came back out
    of another after it was missed."""
    while overdue := _overdue_here(telling.case):
        first = min(overdue, key=lambda one: (one.due_at, one.kind))
        raise_case(telling, RAISED_BY_MISSING[first.kind], first.due_at)


def _overdue_here(case: Case) -> list[CaseDeadline]:
    if not case.is_worked_on or case.rung == len(case.ladder) - 1:
        return []
    here = case.level, case.round
    red = (one for one in case.open(*RAISED_BY_MISSING) if one.colour is Colour.RED)
    return [one for one in red if (one.level, one.round) == here]


def raise_case(
    telling: Telling,
    cause: EscalationCause,
    counts_from: datetime,
    by_hand: ByHand | None = None,
    first: int | None = None,
) -> None:
    """THE line that raises a case is the `tell` below. At the last level only a reopening says it again."""
    case = telling.case
    rung, skipped = next_rung(case, telling.stations, by_hand.to_level if by_hand else None, first)
    if rung == case.rung and cause is not EscalationCause.REOPENED:
        return
    extensions.refuse_undecided(telling)
    parkings.end_parking(telling, UnparkReason.RESUMED)
    to = case.ladder[rung]
    telling.tell(
        CaseEscalated(
            **telling.said(by_hand.by if by_hand else None),
            cause=cause,
            from_level=case.level,
            from_unit_id=case.unit_id,
            to_level=to.level,
            to_unit_id=to.unit_id,
            skipped=skipped,
            counts_from=counts_from,
            round=case.round,
            reason=by_hand.reason if by_hand else None,
            text_digest=by_hand.text_digest if by_hand else None,
        )
    )
    side = []
    if by_hand is not None:
        side.append(Clock(DeadlineKind.REPLY, to.level, case.round, telling.case.raises[-1].id))
    if cause is EscalationCause.REOPENED:
        side.append(_order_supervision(telling))
    enter_level(telling, OF_A_LEVEL, side)


def next_rung(
    case: Case, stations: Sequence[Station], named: Level | None = None, first: int | None = None
) -> tuple[int, tuple[SkippedLevel, ...]]:
    """The next rung with somebody there, or from the `named` level on, and those passed over. The last one is never
    skipped (product rule 4)."""
    skipped: list[SkippedLevel] = []
    last = len(case.ladder) - 1
    lowest = (case.rung_of(named) if named else None) or 0
    for place in range(case.rung + 1 if first is None else first, last):
        because = stations[place].empty_because or ("named_further_up" if place < lowest else None)
        if because is None:
            return place, tuple(skipped)
        rung = case.ladder[place]
        skipped.append(SkippedLevel(level=rung.level, unit_id=rung.unit_id, reason=because))
    return last, tuple(skipped)


def _order_supervision(telling: Telling) -> Clock:
    """督办 by the unit above the one that has the case now; at the last level by that unit's own supervisors."""
    above = telling.case.above(telling.case.level)
    return supervision.order(telling, SupervisionKind.ORDINARY, above.unit_id)


def void_what_crossed(telling: Telling, handled: CaseHandled) -> None:
    """Raises made before we read that a lower level had handled the case do not count, and nobody is owed a reply."""
    case = telling.case
    rung = case.rung_of(handled.level)
    crossed = [
        one
        for one in case.raises
        if one.round == case.round and not one.voided and one.cause is not EscalationCause.REOPENED
        if rung is not None and (case.rung_of(one.to_level) or 0) > rung
    ]
    if not crossed or rung is None:
        return
    back = case.rung_of(crossed[0].from_level)
    void(telling, crossed, max(rung, back if back is not None else rung))


def _first(case: Case, until: datetime) -> CaseDeadline | None:
    """The oldest clock that ran out by `until` and has not been called missed."""
    late = [one for one in case.open() if one.colour is not Colour.RED and one.due_at <= until]
    return min(late, key=lambda one: (one.due_at, one.kind, one.about or NOTHING), default=None)


def milliseconds(span: timedelta) -> int:
    return max(0, span // timedelta(milliseconds=1))
