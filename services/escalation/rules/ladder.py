"""The ladder: when a case is raised, to whom, and what takes a raise back.

A case is raised in `raise_case`; `ring` calls it for a missed deadline, `raise_by_hand` for a person, `decide` for a
dissatisfied resident. Pure: a state, what was heard and the facts about the ladder in; the events that follow out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.escalation.rules.case import Case, CaseDeadline, Colour, apply
from services.escalation.rules.clocks import (
    AT_REGISTRATION,
    OF_A_LEVEL,
    Decision,
    Station,
    Telling,
    set_deadlines,
    start_clocks,
    stop_clocks,
)
from shared.event import SYSTEM, Actor, CaseEvent
from shared.events.dispatch import CaseHandled
from shared.events.escalation import (
    CaseEscalated,
    DeadlineAmber,
    DeadlineMissed,
    EscalationVoided,
    SkippedLevel,
    SupervisionOrdered,
)
from shared.events.intake import CaseReopened
from shared.ids import uuid7
from shared.vocabulary import Channel, DeadlineKind, EscalationCause, EscalationReason, SupervisionKind

RAISED_BY_MISSING = {
    DeadlineKind.ACKNOWLEDGE: EscalationCause.ACKNOWLEDGE_MISSED,
    DeadlineKind.HANDLE: EscalationCause.HANDLE_MISSED,
}
"""Only these raise a case; a missed arrive, contact or follow_up turns red and goes to the supervisor."""

MOMENT = timedelta.resolution


@dataclass(frozen=True)
class ByHand:
    """Somebody raises the case: who, and why. `text_digest` stands for the sealed text."""

    actor: Actor
    channel: Channel
    reason: EscalationReason
    text_digest: str | None = None


# ── the three ways in: something was heard, time passed, somebody raises it by hand ───────────────────────────────


def decide(
    case: Case | None, heard: CaseEvent, stations: Sequence[Station], now: datetime
) -> Decision | None:
    """What follows from an event of another service; `None` for a case never registered here.

    Time first catches up with the event: what was due before it is missed, whoever was first to notice. So no
    deadline depends on when anybody looked. What happens in the very moment a deadline is due is in time.
    """
    after = apply(case, heard)
    if after is None:
        return None
    telling = Telling(after, stations, max(now, heard.at))
    if case is None:
        set_deadlines(telling, AT_REGISTRATION, heard.at)
        return telling.decision
    turned = _stage(after) != _stage(case)
    if turned and isinstance(heard, CaseHandled):
        void_what_crossed(telling, heard)
    ring(telling, until=heard.at - MOMENT)
    stop_clocks(telling, heard, turned=turned)
    if turned and isinstance(heard, CaseHandled):
        start_clocks(telling, {DeadlineKind.FOLLOW_UP: after.policy.follow_up}, heard.at)
    if turned and isinstance(heard, CaseReopened):
        raise_case(telling, EscalationCause.REOPENED, heard.at)
    return telling.decision


def _stage(case: Case) -> tuple[int, datetime | None, datetime | None]:
    return case.round, case.handled_at, case.closed_at


def time_passed(case: Case, stations: Sequence[Station], now: datetime) -> Decision:
    """What is due by `now` and has not been said. After a long outage the whole chain follows at once, each step
    counted from the one before it and not from now."""
    telling = Telling(case, stations, now)
    ring(telling, until=now)
    return telling.decision


def raise_by_hand(case: Case, stations: Sequence[Station], now: datetime, by_hand: ByHand) -> Decision:
    """One level up from `now`, unless a deadline raised it this very moment. `may_be_raised` was asked before."""
    telling = Telling(case, stations, now)
    ring(telling, until=now)
    if telling.case.rung == case.rung:
        raise_case(telling, EscalationCause.BY_HAND, now, by_hand)
    return telling.decision


def may_be_raised(case: Case) -> str | None:
    """Why the case cannot be raised by hand: `closed`, `handled` or `last-level`; `None` if it can."""
    if case.closed_at is not None:
        return "closed"
    if case.handled_at is not None:
        return "handled"
    return "last-level" if case.rung == len(case.ladder) - 1 else None


# ── the ladder ────────────────────────────────────────────────────────────────────────────────────────────────────


def ring(telling: Telling, until: datetime) -> None:
    """Say what came due by `until`, oldest first; a missed acknowledge or handle raises the case."""
    while missed := _first(telling.case, until):
        telling.tell(
            DeadlineMissed(
                case_id=telling.case.case_id,
                at=telling.now,
                kind=missed.kind,
                level=missed.level,
                round=missed.round,
                due_at=missed.due_at,
                late_ms=milliseconds(telling.now - missed.due_at),
            )
        )
        cause = RAISED_BY_MISSING.get(missed.kind)
        if cause is not None and telling.case.is_worked_on and missed.round == telling.case.round:
            raise_case(telling, cause, missed.due_at)
    for one in telling.case.open():
        if one.colour is Colour.RUNNING and one.amber_at <= until:
            telling.tell(
                DeadlineAmber(
                    case_id=telling.case.case_id,
                    at=telling.now,
                    kind=one.kind,
                    level=one.level,
                    round=one.round,
                    due_at=one.due_at,
                )
            )


def raise_case(
    telling: Telling, cause: EscalationCause, counts_from: datetime, by_hand: ByHand | None = None
) -> None:
    """THE line that raises a case is the `tell` below. At the last level only a reopening says it again."""
    case = telling.case
    rung, skipped = next_rung(case, telling.stations)
    if rung == case.rung and cause is not EscalationCause.REOPENED:
        return
    to = case.ladder[rung]
    telling.tell(
        CaseEscalated(
            case_id=case.case_id,
            at=telling.now,
            actor=by_hand.actor if by_hand else SYSTEM,
            channel=by_hand.channel if by_hand else Channel.SYSTEM,
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
    if cause is EscalationCause.REOPENED:
        order_supervision(telling)
    set_deadlines(telling, OF_A_LEVEL, counts_from)


def next_rung(case: Case, stations: Sequence[Station]) -> tuple[int, tuple[SkippedLevel, ...]]:
    """The next rung with somebody there, and those passed over. The last one is never skipped (product rule 4)."""
    skipped: list[SkippedLevel] = []
    last = len(case.ladder) - 1
    for place in range(case.rung + 1, last):
        because = stations[place].empty_because
        if because is None:
            return place, tuple(skipped)
        rung = case.ladder[place]
        skipped.append(SkippedLevel(level=rung.level, unit_id=rung.unit_id, reason=because))
    return last, tuple(skipped)


def order_supervision(telling: Telling) -> None:
    """督办 by the unit above the one that has the case now; at the last level by that unit's own supervisors."""
    case = telling.case
    above = case.ladder[min(case.rung + 1, len(case.ladder) - 1)]
    telling.tell(
        SupervisionOrdered(
            case_id=case.case_id,
            at=telling.now,
            order_id=uuid7(),
            kind=SupervisionKind.ORDINARY,
            level=case.level,
            unit_id=case.unit_id,
            supervising_unit_id=above.unit_id,
            round=case.round,
        )
    )


def void_what_crossed(telling: Telling, handled: CaseHandled) -> None:
    """Raises made before we read that a lower level had handled the case do not count."""
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
    to = case.ladder[max(rung, back if back is not None else rung)]
    telling.tell(
        EscalationVoided(
            case_id=case.case_id,
            at=telling.now,
            voids=tuple(one.id for one in crossed),
            level=to.level,
            unit_id=to.unit_id,
            round=case.round,
        )
    )


def _first(case: Case, until: datetime) -> CaseDeadline | None:
    """The oldest clock that ran out by `until` and has not been called missed."""
    late = [one for one in case.open() if one.colour is not Colour.RED and one.due_at <= until]
    return min(late, key=lambda one: (one.due_at, one.kind), default=None)


def milliseconds(span: timedelta) -> int:
    return max(0, span // timedelta(milliseconds=1))
