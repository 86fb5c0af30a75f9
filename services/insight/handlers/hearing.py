"""Hear events: load the rows they concern, fold, save."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.insight import metrics
from services.insight.queries import fieldwork as stored_fieldwork
from services.insight.queries import rows as stored
from services.insight.rules import alarms, fieldwork
from services.insight.rules.fold import apply
from shared.database import Transaction
from shared.event import AlarmEvent, CaseEvent, Event, RoundDayEvent, TaskEvent


@dataclass(frozen=True)
class Story:
    """What has a row: its events, how they are folded into it, and where it is."""

    of: tuple[type[Event], ...]
    load: Callable[..., Awaitable[dict[Any, Any]]]
    apply: Callable[[Any, Any], Any]
    save: Callable[[Transaction, Any, Sequence[Any], datetime], Awaitable[None]]


STORIES = (
    Story((CaseEvent,), stored.load, apply, stored.save),
    Story(
        (AlarmEvent,),
        stored.load_alarms,
        alarms.apply,
        lambda tx, rows, events, now: stored.save_alarms(tx, rows, events),
    ),
    Story(
        (TaskEvent, RoundDayEvent),
        stored_fieldwork.load,
        fieldwork.apply,
        lambda tx, rows, events, now: stored_fieldwork.save(tx, rows),
    ),
)


async def fold(tx: Transaction, events: Sequence[Event], now: datetime) -> None:
    """Fold a batch, each story's events in the order they were published. One bad event fails the whole batch;
    the inbox then comes again with each alone and sets the bad one aside."""
    for story in STORIES:
        if told := [event for event in events if isinstance(event, story.of)]:
            rows = await story.load(tx, {event.subject for event in told})
            for event in told:
                rows[event.subject] = story.apply(rows.get(event.subject), event)
            await story.save(tx, rows, told, now)
    metrics.EVENTS_FOLDED.inc(len(events))
    metrics.BATCH_EVENTS.observe(len(events))
    metrics.BEHIND_SECONDS.set(max(0.0, (now - max(event.at for event in events)).total_seconds()))
