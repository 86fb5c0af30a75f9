"""What one event does to the row of its case: `apply(row, event) -> row`, pure.

Order holds per source and along causes, not between sources: whether dispatch's or intake's word about the same
moment comes first is chance. So every field is written by the events of one source only, and whatever joins two
sources (its state, who holds it, which musts are met) is worked out from the finished row in `standing`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from services.insight.rules.facts import CaseRow, Clock, FollowUp, Part, PartState, Raise, Supervision
from shared.event import CaseEvent
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandled,
    CaseOffered,
    EvidenceAdded,
    NobodyAvailable,
    OfferDeclined,
    OfferLapsed,
    OfferWithdrawn,
    PartEnded,
    PartEvent,
    ProgressNoted,
    ResidentContacted,
    WorkerArrived,
)
from shared.events.escalation import (
    CaseEscalated,
    DeadlineAmber,
    DeadlineMissed,
    DeadlinesCleared,
    DeadlinesSet,
    EscalationVoided,
    SupervisionOrdered,
)
from shared.events.intake import CaseClosed, CaseRegistered, CaseReopened, FollowUpOpened, FollowUpRecorded
from shared.events.notify import NoticeDelivered, NoticeFailed, NoticeRead
from shared.vocabulary import ClosedBy, DeadlineKind, Level, NoteKind


class NotRegisteredError(ValueError):
    """An event of a case whose registration was never heard: the story has a hole before it."""


def apply(row: CaseRow | None, event: CaseEvent) -> CaseRow:
    """The row after `event`. Raises NotRegisteredError if the story does not begin with its registration."""
    if isinstance(event, CaseRegistered):
        changed = registered(event)
    elif row is None:
        raise NotRegisteredError(f"{event.type} of case {event.case_id} was heard before its registration")
    else:
        changed = FOLDS[type(event)](row, event)
    latest = max(event.at, changed.last_event_at or event.at)
    return replace(changed, events=changed.events + 1, last_event_at=latest)


def registered(event: CaseRegistered) -> CaseRow:
    first = event.ladder[0]
    return CaseRow(
        case_id=event.case_id,
        number=event.number,
        category_code=event.category_code,
        urgency=event.urgency,
        channel=event.channel,
        headline=event.headline,
        place_label=event.place.label,
        grid_id=event.grid_id,
        unit_path=event.unit_path,
        ladder=tuple(rung.level for rung in event.ladder),
        ladder_unit_ids=tuple(rung.unit_id for rung in event.ladder),
        policy_id=event.policy.id,
        requester_can_be_asked=event.requester_can_be_asked,
        registry_revision=event.registry_revision,
        registered_at=event.at,
        round=event.round,
        level=first.level,
        level_unit_id=first.unit_id,
    )


# ── intake ────────────────────────────────────────────────────────────────────────────────────────────────────────


def follow_up_opened(row: CaseRow, event: FollowUpOpened) -> CaseRow:
    return _follow_up(row, event.follow_up_id, event.round, lambda f: replace(f, opened_at=event.at))


def follow_up_recorded(row: CaseRow, event: FollowUpRecorded) -> CaseRow:
    def record(follow_up: FollowUp) -> FollowUp:
        if event.reached and follow_up.opened_at is None:
            return replace(follow_up, early_answers=follow_up.early_answers + 1)
        if not event.reached:
            return replace(follow_up, attempts=follow_up.attempts + 1)
        return replace(
            follow_up,
            attempts=follow_up.attempts + 1,
            reached_at=event.at,
            via=event.channel,
            contacted=event.contacted,
            solved=event.solved,
            satisfaction=event.satisfaction,
            coached=event.coached,
        )

    return _follow_up(row, event.follow_up_id, event.round, record)


def case_reopened(row: CaseRow, event: CaseReopened) -> CaseRow:
    """A reopened case is open again whatever it had closed with; its first clock is untouched."""
    row = replace(
        row,
        round=event.round,
        reopened_count=row.reopened_count + 1,
        reopened_at=event.at,
        closed_at=None,
        closed_round=None,
        closed_by=None,
        outcome=None,
        resolved_level=None,
    )
    if event.follow_up_id is None:
        return row
    return _follow_up(row, event.follow_up_id, event.round - 1, lambda f: replace(f, reopened_at=event.at))


def case_closed(row: CaseRow, event: CaseClosed) -> CaseRow:
    follow_ups = row.follow_ups
    if event.closed_by is ClosedBy.THREE_ATTEMPTS:
        follow_ups = tuple(
            replace(f, given_up_at=event.at) if f.round == event.round and f.reached_at is None else f
            for f in row.follow_ups
        )
    return replace(
        row,
        closed_at=event.at,
        closed_round=event.round,
        closed_by=event.closed_by,
        outcome=event.outcome,
        resolved_level=event.resolved_level,
        follow_ups=follow_ups,
    )


# ── dispatch ──────────────────────────────────────────────────────────────────────────────────────────────────────


def case_offered(row: CaseRow, event: CaseOffered) -> CaseRow:
    row = replace(row, offers=row.offers + 1, offered_at=row.offered_at or event.at)
    return _part(
        row,
        event,
        state=PartState.OFFERED,
        person_id=event.person_id,
        unit_id=event.unit_id,
        goes=event.goes,
        accepted_at=None,
    )


def offer_declined(row: CaseRow, event: OfferDeclined) -> CaseRow:
    return _put_back(replace(row, declines=row.declines + 1), event)


def offer_lapsed(row: CaseRow, event: OfferLapsed) -> CaseRow:
    return _put_back(replace(row, lapses=row.lapses + 1), event)


def offer_withdrawn(row: CaseRow, event: OfferWithdrawn) -> CaseRow:
    return _put_back(replace(row, withdrawals=row.withdrawals + 1), event)


def case_accepted(row: CaseRow, event: CaseAccepted) -> CaseRow:
    row = replace(row, accepted_at=row.accepted_at or event.at)
    return _part(
        row,
        event,
        state=PartState.ACCEPTED,
        person_id=event.person_id,
        unit_id=event.unit_id,
        goes=event.goes,
        accepted_at=event.at,
    )


def worker_arrived(row: CaseRow, event: WorkerArrived) -> CaseRow:
    """The first arrival counts; somebody standing there has also made contact."""
    if row.arrived_at is None:
        row = replace(
            row,
            arrived_at=event.at,
            arrived_told_at=event.told_at,
            arrived_device_at=event.device_at,
            contacted_at=row.contacted_at or event.at,
        )
    return _part(row, event, state=PartState.ARRIVED, person_id=event.person_id)


def resident_contacted(row: CaseRow, event: ResidentContacted) -> CaseRow:
    return replace(row, contacted_at=row.contacted_at or event.at, worked_round=event.round)


def evidence_added(row: CaseRow, event: EvidenceAdded) -> CaseRow:
    photographed_at = row.photographed_at
    if event.media_type.startswith("image/"):
        photographed_at = photographed_at or event.at
    return replace(
        row,
        evidence_count=row.evidence_count + 1,
        photographed_at=photographed_at,
        worked_round=event.round,
    )


def progress_noted(row: CaseRow, event: ProgressNoted) -> CaseRow:
    row = replace(row, worked_round=event.round)
    if event.note is NoteKind.ACCOUNT:
        return replace(row, account_at=row.account_at or event.at)
    if event.note is NoteKind.MEASURE:
        return replace(row, measure_at=row.measure_at or event.at)
    return row


def case_handled(row: CaseRow, event: CaseHandled) -> CaseRow:
    row = replace(
        row,
        first_handled_at=row.first_handled_at or event.at,
        handled_at=event.at,
        handled_round=event.round,
        handled_level=event.level,
        handled_outcome=event.outcome,
        handled_musts=event.musts_met,
        late_cause=event.late_cause or row.late_cause,
    )
    return _part(row, event, state=PartState.HANDLED, person_id=event.person_id)


def part_ended(row: CaseRow, event: PartEnded) -> CaseRow:
    """Who handled stays the one who handled, also when the part is ended with the case."""
    handled = any(p.part_id == event.part_id and p.state is PartState.HANDLED for p in row.parts)
    return row if handled else _part(row, event, state=PartState.ENDED, person_id=event.person_id)


def nobody_available(row: CaseRow, event: NobodyAvailable) -> CaseRow:
    row = replace(row, nobody_available_count=row.nobody_available_count + 1)
    return _part(row, event, unit_id=event.unit_id)


# ── escalation ────────────────────────────────────────────────────────────────────────────────────────────────────


def deadlines_set(row: CaseRow, event: DeadlinesSet) -> CaseRow:
    """One of a kind is open at a time: a new one stops the old, which was missed or no longer applies."""
    new = {deadline.kind for deadline in event.deadlines}
    kept = tuple(
        replace(_stopped(clock, event.at, None), replaced=True)
        if clock.kind in new and clock.stopped_at is None
        else clock
        for clock in row.clocks
    )
    added = tuple(Clock(d.kind, event.level, event.round, d.due_at, d.amber_at) for d in event.deadlines)
    return replace(row, clocks=kept + added)


def deadline_amber(row: CaseRow, event: DeadlineAmber) -> CaseRow:
    return _clock(row, event.kind, event.due_at, lambda clock: replace(clock, amber=True))


def deadline_missed(row: CaseRow, event: DeadlineMissed) -> CaseRow:
    return _clock(
        row,
        event.kind,
        event.due_at,
        lambda clock: replace(clock, missed_at=event.at, late_ms=event.late_ms, met=False),
    )


def deadlines_cleared(row: CaseRow, event: DeadlinesCleared) -> CaseRow:
    """What was missed stays missed, also where the clock is later taken away."""
    for cleared in event.cleared:
        row = _clock(row, cleared.kind, cleared.due_at, partial(_stopped, at=event.at, met=cleared.met))
    return row


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
    )
    return replace(row, raises=(*row.raises, raised), level=event.to_level, level_unit_id=event.to_unit_id)


def escalation_voided(row: CaseRow, event: EscalationVoided) -> CaseRow:
    """The clocks of the raises never counted; those they had replaced run again, until the `handled` stops them."""
    raises = tuple(replace(r, voided=True) if r.event_id in event.voids else r for r in row.raises)
    above = row.ladder[row.ladder.index(event.level) + 1 :]
    clocks = tuple(
        _after_void(clock, event, above) if clock.round == event.round else clock for clock in row.clocks
    )
    return replace(row, raises=raises, level=event.level, level_unit_id=event.unit_id, clocks=clocks)


def _after_void(clock: Clock, event: EscalationVoided, above: Sequence[Level]) -> Clock:
    if clock.level in above:
        return replace(clock, stopped_at=clock.stopped_at or event.at, met=None)
    if clock.level is event.level and clock.replaced:
        return replace(clock, stopped_at=None, replaced=False, met=False if clock.missed_at else None)
    return clock


def supervision_ordered(row: CaseRow, event: SupervisionOrdered) -> CaseRow:
    order = Supervision(event.order_id, event.at, event.kind, event.supervising_unit_id, event.round)
    return replace(row, supervisions=(*row.supervisions, order))


# ── notify ────────────────────────────────────────────────────────────────────────────────────────────────────────


def notice_delivered(row: CaseRow, event: NoticeDelivered) -> CaseRow:
    return replace(row, notices_delivered=row.notices_delivered + 1)


def notice_read(row: CaseRow, event: NoticeRead) -> CaseRow:
    return replace(row, notices_read=row.notices_read + 1)


def notice_failed(row: CaseRow, event: NoticeFailed) -> CaseRow:
    return replace(row, notices_failed=row.notices_failed + 1)


FOLDS: dict[type[CaseEvent], Callable[[CaseRow, Any], CaseRow]] = {
    FollowUpOpened: follow_up_opened,
    FollowUpRecorded: follow_up_recorded,
    CaseReopened: case_reopened,
    CaseClosed: case_closed,
    CaseOffered: case_offered,
    OfferDeclined: offer_declined,
    OfferLapsed: offer_lapsed,
    OfferWithdrawn: offer_withdrawn,
    CaseAccepted: case_accepted,
    WorkerArrived: worker_arrived,
    ResidentContacted: resident_contacted,
    EvidenceAdded: evidence_added,
    ProgressNoted: progress_noted,
    CaseHandled: case_handled,
    PartEnded: part_ended,
    NobodyAvailable: nobody_available,
    DeadlinesSet: deadlines_set,
    DeadlineAmber: deadline_amber,
    DeadlineMissed: deadline_missed,
    DeadlinesCleared: deadlines_cleared,
    CaseEscalated: case_escalated,
    EscalationVoided: escalation_voided,
    SupervisionOrdered: supervision_ordered,
    NoticeDelivered: notice_delivered,
    NoticeRead: notice_read,
    NoticeFailed: notice_failed,
}


# ── small changes ─────────────────────────────────────────────────────────────────────────────────────────────────


def _part(row: CaseRow, event: PartEvent, **changes: Any) -> CaseRow:
    """The part the event is about with `changes`; opened if this is its first event."""
    known = next((part for part in row.parts if part.part_id == event.part_id), None)
    old = known or Part(event.part_id, event.part_role, event.level, event.round)
    new = replace(old, role=event.part_role, level=event.level, round=event.round, **changes)
    if known is None:
        return replace(row, parts=(*row.parts, new))
    return replace(row, parts=tuple(new if part is known else part for part in row.parts))


def _put_back(row: CaseRow, event: PartEvent) -> CaseRow:
    return _part(row, event, state=PartState.WAITING, person_id=None, accepted_at=None)


def _clock(row: CaseRow, kind: DeadlineKind, due_at: datetime, change: Callable[[Clock], Clock]) -> CaseRow:
    """The open clock of that kind and due time, changed; one already stopped keeps what it ended with."""
    return replace(
        row,
        clocks=tuple(
            change(clock)
            if clock.kind is kind and clock.due_at == due_at and clock.stopped_at is None
            else clock
            for clock in row.clocks
        ),
    )


def _stopped(clock: Clock, at: datetime, met: bool | None) -> Clock:
    return replace(clock, stopped_at=at, met=False if clock.missed_at and met is None else met)


def _follow_up(
    row: CaseRow, follow_up_id: UUID, round_: int, change: Callable[[FollowUp], FollowUp]
) -> CaseRow:
    known = next((f for f in row.follow_ups if f.follow_up_id == follow_up_id), None)
    new = change(known or FollowUp(follow_up_id, round_))
    if known is None:
        return replace(row, follow_ups=(*row.follow_ups, new))
    return replace(row, follow_ups=tuple(new if f is known else f for f in row.follow_ups))
