"""What other services tell: a case is registered, raised, reopened, closed."""

from __future__ import annotations

from datetime import datetime

from services.dispatch.handlers.records import record
from services.dispatch.queries.cases import load, save
from services.dispatch.rules import endings, story
from services.dispatch.rules.facts import State
from shared.database import Transaction
from shared.event import CaseEvent
from shared.events.escalation import CaseEscalated
from shared.events.intake import CaseClosed, CaseRegistered, CaseReopened


async def take_up_case(tx: Transaction, event: CaseRegistered, now: datetime) -> None:
    """Open the owner's part; the search finds it as soon as this commits."""
    if await load(tx, event.case_id) is None:
        await save(tx, None, story.registered(event))


async def pass_up_case(tx: Transaction, event: CaseEscalated, now: datetime) -> None:
    """Open the officer's part; who was going, or is being searched for, goes on beside it."""
    before, after = await _heard(tx, event)
    if story.counts(before, event):
        await record(tx, before, [], known=after)


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


async def _heard(tx: Transaction, event: CaseEvent) -> tuple[State, State]:
    """The case before and after what was heard; nobody hears of a case before its registration."""
    before = await load(tx, event.case_id)
    if before is None:
        raise LookupError(f"{event.type} of a case that was never registered here: {event.case_id}")
    return before, story.follow(before, [event])
