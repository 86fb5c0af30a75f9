"""SOS: an alarm has a story of its own, with or without a case: dispatch tells what became of it, notify who was
reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from shared.event import AlarmEvent
from shared.events.dispatch import AlarmAnswered, AlarmEnded, AlarmRaised
from shared.events.notify import (
    AlarmNoticeDelivered,
    AlarmNoticeFailed,
    AlarmNoticeRead,
    AlarmNoticeReceived,
)


@dataclass(frozen=True)
class AlarmRow:
    alarm_id: UUID
    person_id: str
    unit_path: tuple[str, ...]
    case_id: UUID | None
    raised_at: datetime
    answered_at: datetime | None = None
    answered_by: str | None = None
    ended_at: datetime | None = None
    by_mistake: bool = False
    events: int = 0


ALARM_EVENTS: tuple[type[AlarmEvent], ...] = (
    AlarmRaised,
    AlarmAnswered,
    AlarmEnded,
    AlarmNoticeDelivered,
    AlarmNoticeRead,
    AlarmNoticeFailed,
    AlarmNoticeReceived,
)


class NotRaisedError(ValueError):
    """An event of an alarm that was never raised: the story has a hole before it."""


def apply(row: AlarmRow | None, event: AlarmEvent) -> AlarmRow:
    """The alarm after `event`; whoever answered first is the one who takes care of it. What was told to whom stands in
    its timeline only."""
    if isinstance(event, AlarmRaised):
        row = AlarmRow(event.alarm_id, event.person_id, event.unit_path, event.case_id, event.at)
    elif row is None:
        raise NotRaisedError(f"{event.type} of alarm {event.alarm_id} was heard before it was raised")
    elif isinstance(event, AlarmAnswered) and row.answered_at is None:
        row = replace(row, answered_at=event.at, answered_by=event.answered_by)
    elif isinstance(event, AlarmEnded):
        row = replace(row, ended_at=event.at, by_mistake=event.by_mistake)
    return replace(row, events=row.events + 1)
