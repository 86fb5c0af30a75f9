"""What other services told, and what time brings."""

from __future__ import annotations

from datetime import datetime

from services.escalation.handlers.ground import stations, stations_of
from services.escalation.handlers.saving import follow_through
from services.escalation.queries import cases, sealed
from services.escalation.rules.case import NOTHING, Case
from services.escalation.rules.ladder import decide, time_passed
from shared.database import Transaction
from shared.event import CaseEvent
from shared.events.intake import CaseAmended, CaseRegistered, CaseReopened, RequesterErased
from shared.timers import Due
from shared.vocabulary import DeadlineKind


async def take_up_case(tx: Transaction, event: CaseRegistered, now: datetime) -> None:
    """Start the clocks of the case's first level."""
    known = stations(tx.directory, event.ladder, event.urgency, event.category_code, now)
    await follow_through(tx, None, decide(None, event, known, now), known)


async def follow(tx: Transaction, event: CaseEvent, now: datetime) -> None:
    """Something happened to the case: it may stop clocks, void raises, or begin a new round."""
    case = await cases.load(tx, event.case_id)
    if case is not None:
        known = stations_of(tx.directory, case, now)
        await follow_through(tx, case, decide(case, event, known, now), known)


async def follow_amendment(tx: Transaction, event: CaseAmended, now: datetime) -> None:
    """The case is another now: what was due before is said on the old ladder, what runs is counted on the new."""
    case = await cases.load(tx, event.case_id)
    if case is not None:
        after = stations(tx.directory, event.ladder, event.urgency, event.category_code, now)
        decision = decide(case, event, stations_of(tx.directory, case, now), now, after)
        await follow_through(tx, case, decision, after)


async def follow_reopening(tx: Transaction, event: CaseReopened, now: datetime) -> None:
    """Nobody is late any more with asking those who were merged into it. Each case is changed under its own lock, so
    their clocks are only made to ring now."""
    await follow(tx, event, now)
    for part_id in await cases.parts_asked_after(tx, event.case_id):
        tx.arm(part_id, DeadlineKind.FOLLOW_UP, now, NOTHING)


async def ring_deadline(tx: Transaction, due: Due, now: datetime) -> None:
    """A clock turned amber or ran out, or a day's list is due; whatever else came due by now is said with it."""
    case = await cases.load(tx, due.subject_id)
    if case is not None:
        known = stations_of(tx.directory, case, now)
        decision = time_passed(case, known, now, asked_no_more=await _asked_no_more(tx, case))
        await follow_through(tx, case, decision, known, rung_by=due)


async def _asked_no_more(tx: Transaction, case: Case) -> bool:
    """Whether the case is asked after for an earlier one that was reopened since: intake ended that follow-up with the
    reopening, of which this case itself hears nothing."""
    if case.merged_into is None or case.follow_up_from is None or not case.open(DeadlineKind.FOLLOW_UP):
        return False
    return await cases.was_reopened(tx, case.merged_into, case.follow_up_from)


async def destroy_texts(tx: Transaction, event: RequesterErased, now: datetime) -> None:
    """The person was erased: what people wrote about the case goes with its key; figures stay."""
    await sealed.destroy(tx, event.case_id)
