"""What dispatch told: who was asked, who holds which part, and what was done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.insight.rules.facts import CaseRow, Flag, Help, PartState, Return, Work
from services.insight.rules.folding.small import (
    HELD,
    changed,
    commanded,
    part_of,
    put_back,
    relieved,
    round_of,
    with_part,
    with_round,
    with_work,
)
from shared.event import CaseEvent
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandedDown,
    CaseHandled,
    CaseOffered,
    CaseReassigned,
    CaseReturned,
    CoHandlerAsked,
    DeviceTimeAccepted,
    EntryCorrected,
    EntryFlagged,
    EvidenceAdded,
    HelpAnswered,
    HelpRequested,
    NobodyAvailable,
    OfferDeclined,
    OfferLapsed,
    OfferWithdrawn,
    PartEnded,
    PartHandled,
    ProgressNoted,
    ResidentContacted,
    WorkerArrived,
)
from shared.vocabulary import NoteKind

# ── offers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def case_offered(row: CaseRow, event: CaseOffered) -> CaseRow:
    row = changed(row, offers=row.offers + 1, offered_at=row.offered_at or event.at)
    row = with_work(
        row, event.person_id, event.at, lambda work: changed(work, offers=work.offers + 1), event.unit_id
    )
    if event.takes_over is not None:  # somebody is on the way, and goes on until it is accepted
        return row
    return with_part(
        row,
        event,
        state=PartState.OFFERED,
        person_id=event.person_id,
        unit_id=event.unit_id,
        goes=event.goes,
        accepted_at=None,
    )


def offer_declined(row: CaseRow, event: OfferDeclined) -> CaseRow:
    row = commanded(row, event.person_id, event.at, fields=1)
    row = with_work(row, event.person_id, event.at, lambda work: changed(work, declines=work.declines + 1))
    return _not_taken(changed(row, declines=row.declines + 1), event)


def offer_lapsed(row: CaseRow, event: OfferLapsed) -> CaseRow:
    row = with_work(row, event.person_id, event.at, lambda work: changed(work, lapses=work.lapses + 1))
    return _not_taken(changed(row, lapses=row.lapses + 1), event)


def offer_withdrawn(row: CaseRow, event: OfferWithdrawn) -> CaseRow:
    return _not_taken(changed(row, withdrawals=row.withdrawals + 1), event)


def _not_taken(row: CaseRow, event: OfferDeclined | OfferLapsed | OfferWithdrawn) -> CaseRow:
    """Searched again; but a part that somebody else has stays with them: they were only not relieved on their way."""
    part = part_of(row, event)
    if part is not None and part.person_id not in (None, event.person_id):
        return row
    return put_back(relieved(row, event), event)


def case_accepted(row: CaseRow, event: CaseAccepted) -> CaseRow:
    row = commanded(changed(row, accepted_at=row.accepted_at or event.at), event.person_id, event.at)

    def took(work: Work) -> Work:
        return changed(work, accepts=work.accepts + 1)

    row = with_work(row, event.person_id, event.at, took, event.unit_id)
    return with_part(
        row,
        event,
        state=PartState.ACCEPTED,
        person_id=event.person_id,
        unit_id=event.unit_id,
        goes=event.goes,
        accepted_at=event.at,
    )


def nobody_available(row: CaseRow, event: NobodyAvailable) -> CaseRow:
    row = changed(row, nobody_available_count=row.nobody_available_count + 1)
    return with_part(row, event, unit_id=event.unit_id)


# ── the work ──────────────────────────────────────────────────────────────────────────────────────────────────────


def worker_arrived(row: CaseRow, event: WorkerArrived) -> CaseRow:
    """The first arrival counts; somebody standing there has also made contact."""
    if row.arrived_at is None:
        row = changed(
            row,
            arrived_at=event.at,
            arrived_told_at=event.told_at,
            arrived_device_at=event.device_at,
            contacted_at=row.contacted_at or event.at,
        )

    def arrived(work: Work) -> Work:
        if work.arrived_at is not None:
            return work
        return changed(work, arrived_at=event.at, arrived_told_at=event.told_at)

    row = with_work(commanded(row, event.person_id, event.at, fields=1), event.person_id, event.at, arrived)
    return with_part(row, event, state=PartState.ARRIVED, person_id=event.person_id)


def device_time_accepted(row: CaseRow, event: DeviceTimeAccepted) -> CaseRow:
    """The arrival counts from the phone's own time; of several, from the earliest."""
    earliest = min(event.device_at, row.device_time_accepted or event.device_at)
    return changed(row, device_time_accepted=earliest)


def resident_contacted(row: CaseRow, event: ResidentContacted) -> CaseRow:
    row = commanded(row, event.person_id, event.at)
    return changed(row, contacted_at=row.contacted_at or event.at, worked_round=event.round)


def evidence_added(row: CaseRow, event: EvidenceAdded) -> CaseRow:
    photographed_at = row.photographed_at
    photo = event.media_type.startswith("image/")
    if photo:
        photographed_at = photographed_at or event.at
    row = commanded(row, event.person_id, event.at, photos=photo)
    return changed(
        row,
        evidence_count=row.evidence_count + 1,
        photographed_at=photographed_at,
        worked_round=event.round,
    )


def progress_noted(row: CaseRow, event: ProgressNoted) -> CaseRow:
    """A second account or measure in one round is an entry made twice."""
    last = {NoteKind.ACCOUNT: row.account_round, NoteKind.MEASURE: row.measure_round}.get(event.note)
    row = commanded(row, event.person_id, event.at, fields=1, twice=last == event.round)
    row = changed(row, worked_round=event.round)
    if event.note is NoteKind.ACCOUNT:
        return changed(row, account_at=row.account_at or event.at, account_round=event.round)
    if event.note is NoteKind.MEASURE:
        return changed(row, measure_at=row.measure_at or event.at, measure_round=event.round)
    return row


def entry_flagged(row: CaseRow, event: EntryFlagged) -> CaseRow:
    flag = Flag(event.entry_id, event.entry, event.person_id, event.flags, event.at)
    return changed(row, flagged=(*row.flagged, flag))


def entry_corrected(row: CaseRow, event: EntryCorrected) -> CaseRow:
    row = commanded(row, event.person_id, event.at, fields=1)
    return changed(row, corrections=row.corrections + 1)


def case_handled(row: CaseRow, event: CaseHandled) -> CaseRow:
    row = relieved(row, event)
    if (
        round_of(row, event.round).handled_at is None
    ):  # said again of a case taken out of another, it is one work
        row = commanded(row, event.person_id, event.at, fields=1 + (event.late_cause is not None))
        row = with_work(row, event.person_id, event.at, lambda work: changed(work, handled=work.handled + 1))
        row = with_round(
            row,
            event.round,
            handled_at=event.at,
            handled_by=event.person_id,
            handled_level=event.level,
        )
    row = changed(
        row,
        first_handled_at=row.first_handled_at or event.at,
        handled_at=event.at,
        handled_round=event.round,
        handled_level=event.level,
        handled_outcome=event.outcome,
        handled_musts=event.musts_met,
        late_cause=event.late_cause or row.late_cause,
    )
    return with_part(row, event, state=PartState.HANDLED, person_id=event.person_id)


def part_ended(row: CaseRow, event: PartEnded) -> CaseRow:
    """Who handled stays the one who handled, also when the part is ended with the case."""
    part = part_of(row, event)
    if part is not None and part.state in (PartState.HANDLED, PartState.DONE):
        return row
    return with_part(relieved(row, event), event, state=PartState.ENDED, person_id=event.person_id)


def part_handled(row: CaseRow, event: PartHandled) -> CaseRow:
    """A co-handler is done; who answers for the case stays who they are."""
    row = commanded(relieved(row, event), event.person_id, event.at)
    return with_part(row, event, state=PartState.DONE, person_id=event.person_id)


# ── others are brought in ─────────────────────────────────────────────────────────────────────────────────────────


def help_requested(row: CaseRow, event: HelpRequested) -> CaseRow:
    asked = Help(event.help_id, event.at, event.person_id, event.unit_ids)
    return changed(commanded(row, event.person_id, event.at, fields=1), helps=(*row.helps, asked))


def help_answered(row: CaseRow, event: HelpAnswered) -> CaseRow:
    helps = tuple(
        changed(asked, came=asked.came + 1) if asked.help_id == event.help_id else asked
        for asked in row.helps
    )
    return changed(row, helps=helps)


def co_handler_asked(row: CaseRow, event: CoHandlerAsked) -> CaseRow:
    """Those asked with a call for help were asked by that one command."""
    if event.help_id is None:
        row = commanded(row, event.asked_by, event.at, fields=2 + (event.due_at is not None))
    return with_part(row, event, unit_id=event.unit_id)


def case_returned(row: CaseRow, event: CaseReturned) -> CaseRow:
    """The holder holds the part until the ruling."""
    returned = Return(
        return_id=event.return_id,
        at=event.at,
        person_id=event.person_id,
        basis=event.basis,
        rightful_unit_id=event.rightful_unit_id,
        round=event.round,
    )
    return changed(commanded(row, event.person_id, event.at, fields=3), returns=(*row.returns, returned))


def case_handed_down(row: CaseRow, event: CaseHandedDown) -> CaseRow:
    row = commanded(relieved(row, event), event.person_id, event.at, fields=2)
    return put_back(changed(row, hand_overs=row.hand_overs + 1), event, unit_id=event.to_unit_id)


def case_reassigned(row: CaseRow, event: CaseReassigned) -> CaseRow:
    """The part goes on as it is with somebody else, or waits where somebody has to be found."""
    row = changed(relieved(row, event), hand_overs=row.hand_overs + 1)
    if event.to_person_id is None:
        return put_back(row, event)
    row = with_work(row, event.to_person_id, event.at, lambda work: work)
    part = part_of(row, event)
    if part is None or part.state not in HELD:
        return with_part(row, event, person_id=event.to_person_id)
    return with_part(row, event, person_id=event.to_person_id, state=PartState.ACCEPTED, accepted_at=event.at)


FOLDS: dict[type[CaseEvent], Callable[[CaseRow, Any], CaseRow]] = {
    CaseOffered: case_offered,
    OfferDeclined: offer_declined,
    OfferLapsed: offer_lapsed,
    OfferWithdrawn: offer_withdrawn,
    CaseAccepted: case_accepted,
    NobodyAvailable: nobody_available,
    WorkerArrived: worker_arrived,
    DeviceTimeAccepted: device_time_accepted,
    ResidentContacted: resident_contacted,
    EvidenceAdded: evidence_added,
    ProgressNoted: progress_noted,
    EntryFlagged: entry_flagged,
    EntryCorrected: entry_corrected,
    CaseHandled: case_handled,
    PartEnded: part_ended,
    PartHandled: part_handled,
    HelpRequested: help_requested,
    HelpAnswered: help_answered,
    CoHandlerAsked: co_handler_asked,
    CaseReturned: case_returned,
    CaseHandedDown: case_handed_down,
    CaseReassigned: case_reassigned,
}
