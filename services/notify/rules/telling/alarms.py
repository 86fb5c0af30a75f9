"""SOS: the grid's leader, the desk and the supervisors at once."""

from __future__ import annotations

from typing import Any

from services.notify.rules import who
from services.notify.rules.facts import AlarmFacts, Notice, Roster
from shared.event import AlarmEvent
from shared.events.dispatch import AlarmAnswered, AlarmEnded, AlarmRaised
from shared.vocabulary import NoticeKind, Role


def alarm_tells(alarm: AlarmFacts, event: AlarmEvent, roster: Roster) -> list[Notice]:
    """Every notice an alarm's event owes, once per person. `alarm` is the alarm after the event."""
    says: dict[str, Any] = {"alarm_id": alarm.alarm_id, "worker_id": alarm.person_id}
    if alarm.unit_path:
        says["unit_id"] = alarm.unit_path[-1]
    circle = called(alarm, event, roster)
    match event:
        case AlarmRaised():
            kind, told = NoticeKind.ALARM_RAISED, circle
        case AlarmAnswered():
            kind, told = NoticeKind.ALARM_ANSWERED, [alarm.person_id, *circle]
            says["answerer_id"] = event.answered_by
        case AlarmEnded():
            kind, told = NoticeKind.ALARM_ENDED, circle
            says["by_mistake"] = event.by_mistake
        case _:
            return []
    acting = event.actor.person_id if not isinstance(event, AlarmRaised) else alarm.person_id
    return [Notice(kind, person_id, says) for person_id in dict.fromkeys(told) if person_id != acting]


def called(alarm: AlarmFacts, event: AlarmEvent, roster: Roster) -> list[str]:
    """Who is called to help: the leader of the worker's grid, the operators on duty, every supervisor above, and
    whoever took care of it already."""
    path = alarm.unit_path
    answered = [alarm.answered_by] if alarm.answered_by else []
    return [
        *who.leaders(path, roster),
        *who.desk(path, event.at, roster),
        *who.with_role(Role.SUPERVISOR, path, roster),
        *answered,
    ]
