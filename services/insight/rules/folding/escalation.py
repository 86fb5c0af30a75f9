"""What escalation told: clocks, levels, and who answers for what beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from services.insight.rules.facts import CaseRow, Clock, Extension, Park, Raise, Supervision
from services.insight.rules.folding.small import changed, stopped, with_clock
from shared.event import CaseEvent
from shared.events.escalation import (
    CaseEscalated,
    CaseListed,
    CaseParked,
    CaseUnparked,
    DeadlineAmber,
    DeadlineExtended,
    DeadlineMissed,
    DeadlinesCleared,
    DeadlinesSet,
    EscalationVoided,
    ExtensionAsked,
    ExtensionRefused,
    ReplyGiven,
    ReturnRuled,
    SupervisionAnswered,
    SupervisionOrdered,
)
from shared.vocabulary import DeadlineKind, Level, SetBecause

RANKS = {level: rank for rank, level in enumerate(Level)}
OF_A_LEVEL = frozenset({DeadlineKind.ACKNOWLEDGE, DeadlineKind.HANDLE})
"""A level is entered with these; the other clocks may belong to somebody beside or above it."""

# ── clocks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def deadlines_set(row: CaseRow, event: DeadlinesSet) -> CaseRow:
    """One of a kind and matter is open at a time: a new one stops the old, which was missed or no longer applies.
    One that a raise replaced runs again should the raise be void; one that was only computed anew does not. One set
    again for the time it had is the same clock: it goes on as it was, and was missed once if it was."""
    new = {
        (d.kind, d.about): Clock(d.kind, event.level, event.round, d.due_at, d.amber_at, about=d.about)
        for d in event.deadlines
    }
    here = event.level, event.round
    last = {(one.kind, one.about): one for one in row.clocks if (one.level, one.round) == here}
    again = {
        what: last[what] for what, one in new.items() if what in last and last[what].due_at == one.due_at
    }
    entered = event.because is SetBecause.LEVEL
    kept = [
        _taken_over(clock, event, entered=entered and (clock.level, clock.round) != here)
        if (clock.kind, clock.about) in new
        else clock
        for clock in row.clocks
        if clock is not again.get((clock.kind, clock.about))
    ]
    added = [_goes_on(again[what], one.amber_at) if what in again else one for what, one in new.items()]
    row = changed(row, clocks=(*kept, *added))
    of_the_level = any(d.kind in OF_A_LEVEL and d.about is None for d in event.deadlines)
    return changed(row, entered_level=event.level) if of_the_level else row


def _taken_over(clock: Clock, event: DeadlinesSet, *, entered: bool) -> Clock:
    """One of the same level was never more than this one is now, so it runs again no more."""
    if clock.stopped_at is None:
        return changed(stopped(clock, event.at, None), replaced=entered)
    same = (clock.level, clock.round) == (event.level, event.round)
    return changed(clock, replaced=False) if same else clock


def _goes_on(clock: Clock, amber_at: datetime) -> Clock:
    met = False if clock.missed_at else None
    return changed(clock, amber_at=amber_at, stopped_at=None, replaced=False, met=met)


def deadline_amber(row: CaseRow, event: DeadlineAmber) -> CaseRow:
    return with_clock(row, event.kind, event.due_at, event.about, lambda clock: changed(clock, amber=True))


def deadline_missed(row: CaseRow, event: DeadlineMissed) -> CaseRow:
    return with_clock(
        row,
        event.kind,
        event.due_at,
        event.about,
        lambda clock: changed(clock, missed_at=event.at, late_ms=event.late_ms, met=False),
    )


def deadlines_cleared(row: CaseRow, event: DeadlinesCleared) -> CaseRow:
    """What was missed stays missed, also where the clock is later taken away."""
    for cleared in event.cleared:
        change = partial(stopped, at=event.at, met=cleared.met)
        row = with_clock(row, cleared.kind, cleared.due_at, cleared.about, change)
    return row


def extension_asked(row: CaseRow, event: ExtensionAsked) -> CaseRow:
    asked = Extension(
        extension_id=event.extension_id,
        at=event.at,
        person_id=event.person_id,
        until=event.until,
        reason=event.reason,
        approving_unit_id=event.approving_unit_id,
    )
    return changed(row, extensions=(*row.extensions, asked))


def deadline_extended(row: CaseRow, event: DeadlineExtended) -> CaseRow:
    """The same clock goes on with a later time."""

    def later(clock: Clock) -> Clock:
        return changed(
            clock,
            due_at=event.due_at,
            amber_at=event.amber_at,
            amber=False,
            extended_from=clock.extended_from or event.due_before,
        )

    row = with_clock(row, event.kind, event.due_before, None, later)
    return _extension_answered(row, event, approved=True)


def extension_refused(row: CaseRow, event: ExtensionRefused) -> CaseRow:
    return _extension_answered(row, event, approved=False)


def _extension_answered(
    row: CaseRow, event: DeadlineExtended | ExtensionRefused, *, approved: bool
) -> CaseRow:
    return changed(
        row,
        extensions=tuple(
            changed(asked, answered_at=event.at, approved=approved)
            if asked.extension_id == event.extension_id
            else asked
            for asked in row.extensions
        ),
    )


# ── levels ────────────────────────────────────────────────────────────────────────────────────────────────────────


def case_escalated(row: CaseRow, event: CaseEscalated) -> CaseRow:
    raised = Raise(
        event_id=event.id,
        at=event.at,
        cause=event.cause,
        from_level=event.from_level,
        to_level=event.to_level,
        to_unit_id=event.to_unit_id,
        skipped=tuple(skipped.level for skipped in event.skipped),
        round=event.round,
        reason=event.reason,
    )
    return changed(row, raises=(*row.raises, raised), entered_level=event.to_level)


def escalation_voided(row: CaseRow, event: EscalationVoided) -> CaseRow:
    """The clocks of the raises never counted; those they had replaced run again, until the `handled` stops them."""
    raises = tuple(changed(r, voided=True) if r.event_id in event.voids else r for r in row.raises)
    clocks = tuple(_after_void(clock, event) if clock.round == event.round else clock for clock in row.clocks)
    return changed(row, raises=raises, clocks=clocks, entered_level=event.level)


def _after_void(clock: Clock, event: EscalationVoided) -> Clock:
    if clock.about is not None or clock.kind not in OF_A_LEVEL:
        return clock
    if RANKS[clock.level] > RANKS[event.level]:
        return changed(clock, stopped_at=clock.stopped_at or event.at, met=None)
    if clock.level is event.level and clock.replaced:
        return changed(clock, stopped_at=None, replaced=False, met=False if clock.missed_at else None)
    return clock


def reply_given(row: CaseRow, event: ReplyGiven) -> CaseRow:
    raises = tuple(
        changed(r, replied_at=r.replied_at or event.at) if r.event_id == event.raise_id else r
        for r in row.raises
    )
    return changed(row, raises=raises)


def case_listed(row: CaseRow, event: CaseListed) -> CaseRow:
    return changed(row, listed_on=event.day, listed_days=event.days)


# ── beside them ───────────────────────────────────────────────────────────────────────────────────────────────────


def supervision_ordered(row: CaseRow, event: SupervisionOrdered) -> CaseRow:
    order = Supervision(event.order_id, event.at, event.kind, event.supervising_unit_id, event.round)
    return changed(row, supervisions=(*row.supervisions, order))


def supervision_answered(row: CaseRow, event: SupervisionAnswered) -> CaseRow:
    orders = tuple(
        changed(order, answered_at=order.answered_at or event.at)
        if order.order_id == event.order_id
        else order
        for order in row.supervisions
    )
    return changed(row, supervisions=orders)


def return_ruled(row: CaseRow, event: ReturnRuled) -> CaseRow:
    returns = tuple(
        changed(
            returned,
            ruled_at=event.at,
            ruling=event.ruling,
            to_unit_id=event.to_unit_id,
            unanswered=event.unanswered,
        )
        if returned.return_id == event.return_id
        else returned
        for returned in row.returns
    )
    return changed(row, returns=returns)


def case_parked(row: CaseRow, event: CaseParked) -> CaseRow:
    park = Park(
        park_id=event.park_id,
        at=event.at,
        owner_id=event.owner_id,
        unit_id=event.unit_id,
        reason=event.reason,
        review_at=event.review_at,
        round=event.round,
    )
    return changed(row, parks=(*row.parks, park))


def case_unparked(row: CaseRow, event: CaseUnparked) -> CaseRow:
    parks = tuple(
        changed(park, ended_at=event.at, ended_because=event.because)
        if park.park_id == event.park_id
        else park
        for park in row.parks
    )
    return changed(row, parks=parks)


FOLDS: dict[type[CaseEvent], Callable[[CaseRow, Any], CaseRow]] = {
    DeadlinesSet: deadlines_set,
    DeadlineAmber: deadline_amber,
    DeadlineMissed: deadline_missed,
    DeadlinesCleared: deadlines_cleared,
    ExtensionAsked: extension_asked,
    DeadlineExtended: deadline_extended,
    ExtensionRefused: extension_refused,
    CaseEscalated: case_escalated,
    EscalationVoided: escalation_voided,
    ReplyGiven: reply_given,
    CaseListed: case_listed,
    SupervisionOrdered: supervision_ordered,
    SupervisionAnswered: supervision_answered,
    ReturnRuled: return_ruled,
    CaseParked: case_parked,
    CaseUnparked: case_unparked,
}
