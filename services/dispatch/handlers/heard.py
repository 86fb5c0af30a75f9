"""What other services tell of a case: its existence and end, its time and level."""

from __future__ import annotations

from datetime import datetime

from services.dispatch.handlers.records import record
from services.dispatch.queries.cases import load, save
from services.dispatch.queries.sealed import destroy_key
from services.dispatch.rules import endings, heard, story, takeovers
from services.dispatch.rules.facts import CaseState, State
from shared.database import Transaction
from shared.event import CaseEvent
from shared.events.escalation import CaseEscalated, EscalationVoided, ReturnRuled
from shared.events.intake import (
    CaseAmended,
    CaseClosed,
    CaseMerged,
    CaseRegistered,
    CaseReopened,
    CaseUnmerged,
    CaseWithdrawn,
    RequesterErased,
)
from shared.journal import story as story_of


async def take_up_case(tx: Transaction, event: CaseRegistered, now: datetime) -> None:
    """Open the owner's part; the search finds it as soon as this commits."""
    if await load(tx, event.case_id) is None:
        await save(tx, None, heard.registered(event))


async def keep_informed(tx: Transaction, event: CaseEvent, now: datetime) -> None:
    """What changes the case's facts, and asks nothing of anybody here: whoever holds it sees it."""
    before, after = await _heard(tx, event)
    await save(tx, before, after)


async def amend_case(tx: Transaction, event: CaseAmended, now: datetime) -> None:
    """What nobody took yet is offered by the new facts; who is on it keeps it."""
    before, after = await _heard(tx, event)
    await record(tx, before, endings.offer_again(after, event, now), known=after)


async def merge_case(tx: Transaction, event: CaseMerged, now: datetime) -> None:
    """Its people are free: the earlier case has its own."""
    before, after = await _heard(tx, event)
    tx.disarm(event.case_id)
    await record(tx, before, endings.merge(after, now), known=after)


async def take_case_out(tx: Transaction, event: CaseUnmerged, now: datetime) -> None:
    """Its part opens again, and the search finds it; or it is handled, and everybody is told so once more."""
    before, after = await _heard(tx, event)
    told = await story_of(tx, event.case_id) if after.case.state is CaseState.HANDLED else []
    await record(tx, before, endings.come_out(after, told, now), known=after)


async def call_off_case(tx: Transaction, event: CaseWithdrawn, now: datetime) -> None:
    """Whoever asked no longer asks."""
    before, after = await _heard(tx, event)
    tx.disarm(event.case_id)
    await record(tx, before, endings.call_off(after, now), known=after)


async def pass_up_case(tx: Transaction, event: CaseEscalated, now: datetime) -> None:
    """Open the officer's part; who was going, or is being searched for, goes on beside it, and is not relieved on the
    way: there are more people on the case now."""
    before, after = await _heard(tx, event)
    await record(tx, before, takeovers.taken_back(after, now), known=after)


async def take_back_raise(tx: Transaction, event: EscalationVoided, now: datetime) -> None:
    """The case is where it was before: what nobody took up there is offered there."""
    before, after = await _heard(tx, event)
    await record(tx, before, endings.step_back(before, after, now), known=after)


async def obey_ruling(tx: Transaction, event: ReturnRuled, now: datetime) -> None:
    """Ruled to be another unit's: its people are asked, and whoever held it is free."""
    before, after = await _heard(tx, event)
    await record(tx, before, endings.obey(after, event, now), known=after)


async def reopen_case(tx: Transaction, event: CaseReopened, now: datetime) -> None:
    """Free whoever held it; the raise that answers the reopening says who is next."""
    before, after = await _heard(tx, event)
    tx.disarm(event.case_id)
    await record(tx, before, endings.relieve(after, now), known=after)


async def end_case(tx: Transaction, event: CaseClosed, now: datetime) -> None:
    """Nothing is asked of anybody any more."""
    before, after = await _heard(tx, event)
    tx.disarm(event.case_id)
    await record(tx, before, endings.wind_up(after, now), known=after)


async def erase_requester(tx: Transaction, event: RequesterErased, now: datetime) -> None:
    """The key of the case goes, and with it every text and position that was sealed under it."""
    before, after = await _heard(tx, event)
    await save(tx, before, after)
    await destroy_key(tx, event.case_id)


async def _heard(tx: Transaction, event: CaseEvent) -> tuple[State, State]:
    """The case before and after what was heard; nobody hears of a case before its registration."""
    before = await load(tx, event.case_id)
    if before is None:
        raise LookupError(f"{event.type} of a case that was never registered here: {event.case_id}")
    return before, story.follow(before, [event])
