"""Hear events: load the rows they concern, fold, save."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.insight import metrics
from services.insight.queries import rows as stored
from services.insight.rules import alarms
from services.insight.rules.fold import apply
from shared.database import Transaction
from shared.event import AlarmEvent, CaseEvent


async def fold(tx: Transaction, events: Sequence[CaseEvent | AlarmEvent], now: datetime) -> None:
    """Fold a batch, each case's events in the order they were published. One bad event fails the whole batch;
    the inbox then comes again with each alone and sets the bad one aside."""
    of_cases = [event for event in events if isinstance(event, CaseEvent)]
    of_alarms = [event for event in events if isinstance(event, AlarmEvent)]
    if of_cases:
        await _fold_cases(tx, of_cases, now)
    if of_alarms:
        await _fold_alarms(tx, of_alarms)
    metrics.EVENTS_FOLDED.inc(len(events))
    metrics.BATCH_EVENTS.observe(len(events))
    metrics.BEHIND_SECONDS.set(max(0.0, (now - max(event.at for event in events)).total_seconds()))


async def _fold_cases(tx: Transaction, events: Sequence[CaseEvent], now: datetime) -> None:
    rows = await stored.load(tx, {event.case_id for event in events})
    for event in events:
        rows[event.case_id] = apply(rows.get(event.case_id), event)
    await stored.save(tx, rows, events, now)


async def _fold_alarms(tx: Transaction, events: Sequence[AlarmEvent]) -> None:
    rows = await stored.load_alarms(tx, {event.alarm_id for event in events})
    for event in events:
        rows[event.alarm_id] = alarms.apply(rows.get(event.alarm_id), event)
    await stored.save_alarms(tx, rows, events)
