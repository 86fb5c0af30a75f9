"""What one event does to a case: `apply(case, event) -> case`, pure. State = fold(journal)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from services.escalation.rules.case import (
    OF_A_LEVEL,
    Case,
    CaseDeadline,
    Colour,
    Ending,
    Extension,
    ExtensionState,
    Holder,
    Listing,
    Order,
    Parking,
    Raise,
    Return,
)
from shared.event import CaseEvent
from shared.events import dispatch, escalation, intake
from shared.vocabulary import DeadlineKind, FollowUpKind, PartRole, Ruling, SetBecause

Fact = TypeVar("Fact", Raise, Order, Return, Extension, Parking, CaseDeadline, Holder)


def apply(case: Case | None, event: CaseEvent) -> Case | None:
    """The case after `event`. What does not concern it, is of an older round or came twice changes nothing."""
    if isinstance(event, intake.CaseRegistered):
        return case or _registered(event)
    change = CHANGES.get(type(event))
    return case if case is None or change is None else change(case, event)


def _registered(event: intake.CaseRegistered) -> Case:
    return Case(
        case_id=event.case_id,
        number=event.number,
        category_code=event.category_code,
        urgency=event.urgency,
        policy=event.policy,
        ladder=event.ladder,
        registered_at=event.at,
        care=event.care,
        ends_at_once=event.ends_at_once is not None,
        appointment=event.appointment,
        round=event.round,
    )


# ── heard from intake ─────────────────────────────────────────────────────────────────────────────────────────────


def _amended(case: Case, event: intake.CaseAmended) -> Case:
    """The level stays where the new ladder has it, else the case begins at its lowest rung. What was extended under
    another urgency is not extended under the new one; where a ruling sent it stands while the level does."""
    if case.closed_at is not None:
        return case
    rung = next((place for place, rung in enumerate(event.ladder) if rung.level is case.level), None)
    return replace(
        case,
        category_code=event.category_code,
        urgency=event.urgency,
        policy=event.policy,
        ladder=event.ladder,
        care=event.care,
        rung=rung or 0,
        sent_to=case.sent_to if rung is not None else None,
        handle_until=case.handle_until if event.urgency is case.urgency else None,
    )


def _appointment_agreed(case: Case, event: intake.AppointmentAgreed) -> Case:
    return replace(case, appointment=event.appointment)


def _merged(case: Case, event: intake.CaseMerged) -> Case:
    """A `handled` that crossed it counts no more: the earlier case is asked about. Also said of a part that was closed,
    and whose end is contested."""
    case = replace(_side_matters_over(case), merged_into=event.parent_id, holders=(), sent_to=None)
    return replace(case, handled_at=None, closed_at=None, follow_up_from=None)


def _withdrawn(case: Case, event: intake.CaseWithdrawn) -> Case:
    """Closing follows at once."""
    return case if case.closed_at else replace(_side_matters_over(case), closed_at=event.at, holders=())


def _unmerged(case: Case, event: intake.CaseUnmerged) -> Case:
    return replace(case, merged_into=None)


def _follow_up_opened(case: Case, event: intake.FollowUpOpened) -> Case:
    """A merged case is asked after when its parent was handled, since it never was itself."""
    if case.merged_into is None or event.kind is not FollowUpKind.AFTER_HANDLED:
        return case
    return replace(case, follow_up_from=event.at)


def _reopened(case: Case, event: intake.CaseReopened) -> Case:
    if event.round <= case.round:
        return case
    return replace(
        _side_matters_over(case),
        round=event.round,
        handled_at=None,
        closed_at=None,
        merged_into=None,
        sent_to=None,
        handle_until=None,
    )


def _closed(case: Case, event: intake.CaseClosed) -> Case:
    if event.round < case.round or case.closed_at is not None:
        return case
    return replace(_side_matters_over(case), closed_at=event.at, holders=())


# ── heard from dispatch ───────────────────────────────────────────────────────────────────────────────────────────


def _accepted(case: Case, event: dispatch.CaseAccepted) -> Case:
    if event.round != case.round or case.closed_at is not None:
        return case
    return _held(case, Holder(event.part_id, event.person_id, event.part_role, event.level, event.round))


def _arrived(case: Case, event: dispatch.WorkerArrived) -> Case:
    """Somebody standing there has also made contact."""
    contacted_at = case.contacted_at or event.at
    return replace(case, arrived_at=case.arrived_at or event.at, contacted_at=contacted_at)


def _contacted(case: Case, event: dispatch.ResidentContacted) -> Case:
    return replace(case, contacted_at=case.contacted_at or event.at)


def _reassigned(case: Case, event: dispatch.CaseReassigned) -> Case:
    without = _without(case, event.part_id)
    if event.to_person_id is None or event.round != case.round or case.closed_at is not None:
        return without
    holder = Holder(event.part_id, event.to_person_id, event.part_role, event.level, event.round)
    return _held(without, holder)


def _part_left(
    case: Case, event: dispatch.PartEnded | dispatch.PartHandled | dispatch.CaseHandedDown
) -> Case:
    """Whoever held it holds it no longer; a return of it is over."""
    case = _without(case, event.part_id)
    returns = _each(case.returns, lambda one: one.part_id == event.part_id and one.is_open, over=True)
    return replace(case, returns=returns)


def _handled(case: Case, event: dispatch.CaseHandled) -> Case:
    if event.round != case.round or not case.is_worked_on:
        return case
    return replace(
        _side_matters_over(_without(case, event.part_id)), handled_at=event.at, follow_up_from=event.at
    )


def _returned(case: Case, event: dispatch.CaseReturned) -> Case:
    known = any(one.id == event.return_id for one in case.returns)
    if known or event.round != case.round or not case.is_worked_on:
        return case
    returned = Return(
        id=event.return_id,
        at=event.at,
        part_id=event.part_id,
        part_role=event.part_role,
        person_id=event.person_id,
        basis=event.basis,
        rightful_unit_id=event.rightful_unit_id,
        level=event.level,
        supervising_unit_id=case.above(event.level).unit_id,
        round=event.round,
    )
    return replace(case, returns=(*case.returns, returned))


def _held(case: Case, holder: Holder) -> Case:
    """One owner's part at a level: where a volunteer took it first, the grid's holder has it from then on."""
    others = _without(case, holder.part_id).holders
    if holder.part_role is PartRole.OWNER:
        here = (holder.part_role, holder.level, holder.round)
        others = _each(
            others,
            lambda one: (one.part_role, one.level, one.round) == here,
            part_role=PartRole.CO_HANDLER,
        )
    return replace(case, holders=tuple(sorted((*others, holder), key=lambda one: one.part_id)))


def _without(case: Case, part_id: UUID) -> Case:
    return replace(case, holders=tuple(one for one in case.holders if one.part_id != part_id))


def _side_matters_over(case: Case) -> Case:
    """Nobody rules on a return or an extension of a case that nobody works on any more."""
    returns = _each(case.returns, lambda one: one.is_open, over=True)
    return _extensions_over(replace(case, returns=returns))


def _extensions_over(case: Case) -> Case:
    extensions = _each(
        case.extensions,
        lambda one: one.state is ExtensionState.ASKED,
        state=ExtensionState.LAPSED,
    )
    return replace(case, extensions=extensions)


# ── our own: clocks ───────────────────────────────────────────────────────────────────────────────────────────────


def _set(case: Case, event: escalation.DeadlinesSet) -> Case:
    """A clock set again at its level in its round is the same clock, and set for the same time keeps its colour; it
    takes the place of one of another level."""
    clocks = {(one.kind, one.about) for one in event.deadlines}
    here = event.level, event.round
    had = {(*one.clock, one.due_at): one.colour for one in case.deadlines if (one.level, one.round) == here}
    kept = [
        replace(one, ending=Ending.REPLACED, ended_at=event.at)
        if one.ending is None and one.clock in clocks
        else one
        for one in case.deadlines
        if one.clock not in clocks or (one.level, one.round) != here
    ]
    new = [
        CaseDeadline(
            kind=one.kind,
            level=event.level,
            round=event.round,
            set_at=event.at,
            due_at=one.due_at,
            amber_at=one.amber_at,
            assumed=one.assumed,
            about=one.about,
            counts_from=one.counts_from,
            colour=had.get((one.kind, one.about, one.due_at), Colour.RUNNING),
        )
        for one in event.deadlines
    ]
    case = replace(case, deadlines=tuple(sorted((*kept, *new), key=lambda one: one.in_order)))
    if event.because is SetBecause.UNPARKED:
        return replace(case, handle_until=max(one.due_at for one in event.deadlines))
    return case


def _amber(case: Case, event: escalation.DeadlineAmber) -> Case:
    return _of_clock(case, event.kind, event.about, {"colour": Colour.AMBER})


def _missed(case: Case, event: escalation.DeadlineMissed) -> Case:
    return _of_clock(case, event.kind, event.about, {"colour": Colour.RED})


def _cleared(case: Case, event: escalation.DeadlinesCleared) -> Case:
    for one in event.cleared:
        stopped = {"ending": Ending.CLEARED, "ended_at": event.at, "met": one.met}
        case = _of_clock(case, one.kind, one.about, stopped)
    return case


def _of_clock(case: Case, kind: DeadlineKind, about: UUID | None, change: dict[str, Any]) -> Case:
    deadlines = _each(case.deadlines, lambda one: one.ending is None and one.clock == (kind, about), **change)
    return replace(case, deadlines=deadlines)


# ── our own: the ladder ───────────────────────────────────────────────────────────────────────────────────────────


def _escalated(case: Case, event: escalation.CaseEscalated) -> Case:
    raised = Raise(
        id=event.id,
        at=event.at,
        cause=event.cause,
        from_level=event.from_level,
        to_level=event.to_level,
        to_unit_id=event.to_unit_id,
        skipped=event.skipped,
        counts_from=event.counts_from,
        round=event.round,
        by_person_id=event.actor.person_id,
        reason=event.reason,
    )
    rung = case.rung_of(event.to_level)
    return replace(
        case,
        rung=case.rung if rung is None else rung,
        raises=(*case.raises, raised),
        sent_to=None,
        handle_until=None,
    )


def _voided(case: Case, event: escalation.EscalationVoided) -> Case:
    """Back at the level that handled it, with the clocks that ran there: those of the raises never counted. Side
    matters stay what they are."""
    rung = case.rung_of(event.level)
    assert rung is not None, "a void names a level of the ladder"
    above = {step.level for step in case.ladder[rung + 1 :]}

    def after(one: CaseDeadline) -> CaseDeadline:
        if one.about is not None or one.round != event.round or one.kind not in OF_A_LEVEL:
            return one
        if one.level in above and one.ending is None:
            return replace(one, ending=Ending.VOIDED, ended_at=event.at)
        if one.level == event.level and one.ending is Ending.REPLACED:
            return replace(one, ending=None, ended_at=None)
        return one

    return replace(
        case,
        rung=rung,
        raises=_each(case.raises, lambda one: one.id in event.voids, voided=True),
        deadlines=tuple(after(one) for one in case.deadlines),
    )


def _replied(case: Case, event: escalation.ReplyGiven) -> Case:
    reply = {"replied_at": event.at, "replied_by": event.person_id, "reply_id": event.id}
    raises = _each(case.raises, lambda one: one.id == event.raise_id, **reply)
    return replace(case, raises=raises)


def _listed(case: Case, event: escalation.CaseListed) -> Case:
    listing = Listing(
        id=event.id,
        at=event.at,
        day=event.day,
        days=event.days,
        round=event.round,
        unit_id=event.of_unit_id or event.unit_id,
        supervising_unit_id=event.unit_id,
        person_ids=event.person_ids,
        missed=event.missed,
    )
    return replace(case, listed_on=event.day, listings=(*case.listings, listing))


# ── our own: side matters ─────────────────────────────────────────────────────────────────────────────────────────


def _ordered(case: Case, event: escalation.SupervisionOrdered) -> Case:
    order = Order(
        event.order_id,
        event.at,
        event.kind,
        event.level,
        event.unit_id,
        event.supervising_unit_id,
        event.round,
        ordered_by=event.actor.person_id,
    )
    return replace(case, orders=(*case.orders, order))


def _answered(case: Case, event: escalation.SupervisionAnswered) -> Case:
    answer = {"answered_at": event.at, "answered_by": event.person_id, "answer_id": event.id}
    return replace(case, orders=_each(case.orders, lambda one: one.id == event.order_id, **answer))


def _ruled(case: Case, event: escalation.ReturnRuled) -> Case:
    """A return that is upheld frees its part; if it is the owner's, the unit it goes to has the case. One that time
    ruled before its part ended was not over, though the journal has what was heard first."""
    ruled = next(one for one in case.returns if one.id == event.return_id)
    ruling = {
        "ruling": event.ruling,
        "unanswered": event.unanswered,
        "to_unit_id": event.to_unit_id,
        "ruled_at": event.at,
        "ruled_by": event.actor.person_id,
        "over": False,
    }
    case = replace(case, returns=_each(case.returns, lambda one: one.id == ruled.id, **ruling))
    if event.ruling is not Ruling.REDISPATCH:
        return case
    sent_to = event.to_unit_id if case.is_the_owners(ruled) else case.sent_to
    return replace(_without(case, event.part_id), sent_to=sent_to)


def _extension_asked(case: Case, event: escalation.ExtensionAsked) -> Case:
    asked = Extension(
        id=event.extension_id,
        at=event.at,
        person_id=event.person_id,
        due_at=event.due_at,
        until=event.until,
        reason=event.reason,
        level=event.level,
        approving_unit_id=event.approving_unit_id,
        round=event.round,
    )
    return replace(case, extensions=(*case.extensions, asked))


def _extended(case: Case, event: escalation.DeadlineExtended) -> Case:
    change = {"due_at": event.due_at, "amber_at": event.amber_at, "colour": Colour.RUNNING}
    case = _decided(case, event, {"state": ExtensionState.GRANTED})
    return replace(_of_clock(case, event.kind, None, change), handle_until=event.due_at)


def _extension_refused(case: Case, event: escalation.ExtensionRefused) -> Case:
    return _decided(case, event, {"state": ExtensionState.REFUSED, "unanswered": event.unanswered})


def _decided(
    case: Case, event: escalation.DeadlineExtended | escalation.ExtensionRefused, change: dict[str, Any]
) -> Case:
    decided = {**change, "decided_at": event.at, "decided_by": event.actor.person_id}
    extensions = _each(case.extensions, lambda one: one.id == event.extension_id, **decided)
    return replace(case, extensions=extensions)


def _parked(case: Case, event: escalation.CaseParked) -> Case:
    """`handle` gives way to the review, unless it was missed; what it stood at is kept for when the case goes on."""
    running = (one.due_at for one in case.open(DeadlineKind.HANDLE) if one.colour is not Colour.RED)
    parking = Parking(
        id=event.park_id,
        at=event.at,
        owner_id=event.owner_id,
        unit_id=event.unit_id,
        reason=event.reason,
        review_at=event.review_at,
        level=event.level,
        round=event.round,
        handle_due_at=next(running, None),
    )
    return _extensions_over(replace(case, parkings=(*case.parkings, parking)))


def _unparked(case: Case, event: escalation.CaseUnparked) -> Case:
    end = {"ended_at": event.at, "ended_because": event.because}
    return replace(case, parkings=_each(case.parkings, lambda one: one.id == event.park_id, **end))


def _each(facts: tuple[Fact, ...], concerned: Callable[[Fact], bool], **change: Any) -> tuple[Fact, ...]:
    return tuple(replace(one, **change) if concerned(one) else one for one in facts)


CHANGES: dict[type[CaseEvent], Callable[..., Case]] = {
    intake.CaseAmended: _amended,
    intake.AppointmentAgreed: _appointment_agreed,
    intake.CaseMerged: _merged,
    intake.CaseUnmerged: _unmerged,
    intake.CaseWithdrawn: _withdrawn,
    intake.FollowUpOpened: _follow_up_opened,
    intake.CaseReopened: _reopened,
    intake.CaseClosed: _closed,
    dispatch.CaseAccepted: _accepted,
    dispatch.WorkerArrived: _arrived,
    dispatch.ResidentContacted: _contacted,
    dispatch.CaseReassigned: _reassigned,
    dispatch.CaseHandedDown: _part_left,
    dispatch.PartHandled: _part_left,
    dispatch.PartEnded: _part_left,
    dispatch.CaseHandled: _handled,
    dispatch.CaseReturned: _returned,
    escalation.DeadlinesSet: _set,
    escalation.DeadlineAmber: _amber,
    escalation.DeadlineMissed: _missed,
    escalation.DeadlinesCleared: _cleared,
    escalation.CaseEscalated: _escalated,
    escalation.EscalationVoided: _voided,
    escalation.SupervisionOrdered: _ordered,
    escalation.SupervisionAnswered: _answered,
    escalation.ReturnRuled: _ruled,
    escalation.ExtensionAsked: _extension_asked,
    escalation.DeadlineExtended: _extended,
    escalation.ExtensionRefused: _extension_refused,
    escalation.CaseParked: _parked,
    escalation.CaseUnparked: _unparked,
    escalation.ReplyGiven: _replied,
    escalation.CaseListed: _listed,
}
"""What each event does to the case; the others do nothing to it."""
